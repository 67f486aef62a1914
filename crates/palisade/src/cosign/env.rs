//! `env`: the environment variables that are read.

use crate::outcome::{OK, Outcome};
use crate::output;
use clap::{ArgAction, Args};

/// Names, what they are for, and whether their values are secret.
const VARIABLES: [(&str, &str, bool); 24] = [
    ("COSIGN_PASSWORD", "password of encrypted private keys", true),
    ("COSIGN_PKCS11_MODULE_PATH", "the PKCS#11 module, where a URI has no module-path", false),
    ("COSIGN_PKCS11_PIN", "the PIN, where a PKCS#11 URI has none", true),
    ("COSIGN_REPOSITORY", "the repository that signatures are kept in, instead of the image's own", false),
    ("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", "the certificate log's key, instead of a trusted root's", false),
    ("SIGSTORE_ROOT_FILE", "the certificate authority's root, instead of a trusted root's", false),
    ("SIGSTORE_REKOR_PUBLIC_KEY", "the transparency log's key, instead of a trusted root's", false),
    ("SIGSTORE_TSA_CERTIFICATE_FILE", "the timestamp authority's certificates, instead of a trusted root's", false),
    ("SIGSTORE_ID_TOKEN", "the identity token to sign with", true),
    ("TUF_ROOT", "the folder of the initialised root, instead of ~/.sigstore/root", false),
    ("TUF_MIRROR", "the TUF repository for `initialize`", false),
    ("TUF_ROOT_JSON", "the first root for `initialize`", false),
    ("ACTIONS_ID_TOKEN_REQUEST_URL", "GitHub's token service", false),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "the token for GitHub's token service", true),
    ("VAULT_ADDR", "the server of hashivault:// keys", false),
    ("VAULT_TOKEN", "the token for hashivault:// keys", true),
    ("VAULT_NAMESPACE", "the namespace of hashivault:// keys", false),
    ("BAO_ADDR", "the server of openbao:// keys", false),
    ("BAO_TOKEN", "the token for openbao:// keys", true),
    ("BAO_NAMESPACE", "the namespace of openbao:// keys", false),
    ("TRANSIT_SECRET_ENGINE_PATH", "where the Transit engine is mounted, instead of transit", false),
    ("KUBECONFIG", "the clusters of k8s:// keys", false),
    ("DOCKER_CONFIG", "the folder with logins for registries", false),
    ("PALISADE_DATA", "the folder of the local authority, instead of ~/.local/share/palisade", false),
];

/// `env`
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// Whether what they are for is shown.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true")]
    show_descriptions: bool,
    /// Show secret values too.
    #[arg(long)]
    show_sensitive_values: bool,
}

/// Runs it.
pub(crate) fn run(command: &Command) -> Outcome {
    output::to_stdout(|out| {
        for (name, description, is_secret) in VARIABLES {
            if command.show_descriptions {
                writeln!(out, "# {name} {description}")?;
            }
            let value = std::env::var(name).unwrap_or_default();
            let shown =
                if is_secret && !command.show_sensitive_values && !value.is_empty() { "******" } else { &value };
            writeln!(out, "{name}=\"{shown}\"")?;
        }
        Ok(())
    })?;
    Ok(OK)
}
