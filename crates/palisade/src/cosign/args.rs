//! Flags that the commands of signing share: Cosign's (3.1.3), with those that it has deprecated.

use clap::{ArgAction, Args};
use std::path::PathBuf;

/// How registries are reached.
#[derive(Debug, Default, Args)]
pub(crate) struct Registry {
    /// Also connect to registries whose TLS certificate can't be verified.
    #[arg(long, help_heading = "Registry")]
    pub(crate) allow_insecure_registry: bool,
    /// Also connect to registries without TLS.
    #[arg(long, help_heading = "Registry")]
    pub(crate) allow_http_registry: bool,
    /// PEM file of the certificates that registries are verified with.
    #[arg(long, value_name = "FILE", help_heading = "Registry")]
    pub(crate) registry_cacert: Option<PathBuf>,
    /// PEM file of the client's certificate.
    #[arg(long, value_name = "FILE", help_heading = "Registry")]
    pub(crate) registry_client_cert: Option<PathBuf>,
    /// PEM file of the client's key.
    #[arg(long, value_name = "FILE", help_heading = "Registry")]
    pub(crate) registry_client_key: Option<PathBuf>,
    /// User name for the registry.
    #[arg(long, value_name = "NAME", help_heading = "Registry")]
    pub(crate) registry_username: Option<String>,
    /// Password for the registry.
    #[arg(long, value_name = "PASSWORD", help_heading = "Registry")]
    pub(crate) registry_password: Option<String>,
    /// Bearer token for the registry.
    #[arg(long, value_name = "TOKEN", help_heading = "Registry")]
    pub(crate) registry_token: Option<String>,
    /// Accepted; credentials of Kubernetes are read where Docker's configuration names a helper.
    #[arg(long, hide = true)]
    pub(crate) k8s_keychain: bool,
    /// Accepted; both ways are always read.
    #[arg(long, value_name = "MODE", hide = true)]
    pub(crate) registry_referrers_mode: Option<String>,
    /// Accepted; the name in the certificate is the registry's.
    #[arg(long, value_name = "NAME", hide = true)]
    pub(crate) registry_server_name: Option<String>,
    /// Accepted; both ways are always read.
    #[arg(long, hide = true)]
    pub(crate) experimental_oci11: bool,
}

/// Which certificates are accepted.
#[derive(Debug, Default, Args)]
pub(crate) struct Identity {
    /// The identity in the certificate: an email address, or the URI of a workload.
    #[arg(long, value_name = "IDENTITY", help_heading = "Identity")]
    pub(crate) certificate_identity: Option<String>,
    /// A regular expression for it.
    #[arg(long, value_name = "REGEXP", help_heading = "Identity")]
    pub(crate) certificate_identity_regexp: Option<String>,
    /// The issuer that vouched for the identity.
    #[arg(long, value_name = "URL", help_heading = "Identity")]
    pub(crate) certificate_oidc_issuer: Option<String>,
    /// A regular expression for it.
    #[arg(long, value_name = "REGEXP", help_heading = "Identity")]
    pub(crate) certificate_oidc_issuer_regexp: Option<String>,
    /// The event that triggered the GitHub workflow.
    #[arg(long, value_name = "NAME", help_heading = "Identity")]
    pub(crate) certificate_github_workflow_trigger: Option<String>,
    /// The commit that the GitHub workflow ran on.
    #[arg(long, value_name = "SHA", help_heading = "Identity")]
    pub(crate) certificate_github_workflow_sha: Option<String>,
    /// The GitHub workflow's name.
    #[arg(long, value_name = "NAME", help_heading = "Identity")]
    pub(crate) certificate_github_workflow_name: Option<String>,
    /// The repository that the GitHub workflow ran in.
    #[arg(long, value_name = "NAME", help_heading = "Identity")]
    pub(crate) certificate_github_workflow_repository: Option<String>,
    /// The Git reference that the GitHub workflow ran on.
    #[arg(long, value_name = "REF", help_heading = "Identity")]
    pub(crate) certificate_github_workflow_ref: Option<String>,
}

/// What else is checked, and with whose keys.
#[derive(Debug, Args)]
pub(crate) struct Verification {
    /// Public key: a file, an address, env://, k8s://, hashivault://, openbao://, pkcs11:. May be given several times.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,
    /// How many of several keys must have signed; by default all of them.
    #[arg(long, value_name = "K", requires = "key")]
    pub(crate) threshold: Option<usize>,
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// Trusted root. May be given several times: each is tried.
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_root: Vec<PathBuf>,
    /// Whether the subject's digest is checked.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true")]
    pub(crate) check_claims: bool,
    /// Do not ask for an entry in a transparency log.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true")]
    pub(crate) insecure_ignore_tlog: bool,
    /// Do not ask for a proof that the certificate was logged.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true")]
    pub(crate) insecure_ignore_sct: bool,
    /// Ask for a timestamp of a trusted authority.
    #[arg(long)]
    pub(crate) use_signed_timestamps: bool,
    /// Open no socket, not even to ask for trusted keys.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = false, default_missing_value = "true")]
    pub(crate) offline: bool,
    /// The certificate of the signer, PEM.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) certificate: Option<PathBuf>,
    /// Certificates up to a root that is then trusted, PEM.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) certificate_chain: Option<PathBuf>,
    /// Roots that are trusted instead of the trusted root's, PEM.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) ca_roots: Option<PathBuf>,
    /// Certificates between these and the signer's, PEM.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) ca_intermediates: Option<PathBuf>,
    /// Certificates of a timestamp authority, PEM.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) timestamp_certificate_chain: Option<PathBuf>,
    /// Deprecated for --insecure-ignore-tlog.
    #[arg(long, hide = true)]
    pub(crate) private_infrastructure: bool,
    /// Accepted: the proof that a signature carries is verified, a log is never asked.
    #[arg(long, value_name = "URL", hide = true)]
    pub(crate) rekor_url: Option<String>,
    /// Accepted: every form is read.
    #[arg(long, value_name = "BOOL", hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) new_bundle_format: Option<bool>,
    /// Accepted: chains are read.
    #[arg(long, hide = true)]
    pub(crate) allow_certificate_chain: bool,
    /// Accepted.
    #[arg(long, value_name = "N", hide = true)]
    pub(crate) max_workers: Option<u32>,
    /// Accepted: embedded proofs are verified.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) sct: Option<PathBuf>,
    /// Hardware keys are reached with pkcs11: URIs.
    #[arg(long, hide = true)]
    pub(crate) sk: bool,
    /// Hardware keys are reached with pkcs11: URIs.
    #[arg(long, value_name = "SLOT", hide = true)]
    pub(crate) slot: Option<String>,
}

/// Who signs, and which services take part.
#[derive(Debug, Clone, Args)]
pub(crate) struct Signing {
    /// Private key: a file, env://, k8s://, hashivault://, openbao://, pkcs11:. Without one, an identity signs.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Certificate of the key, PEM.
    #[arg(long, visible_alias = "cert", value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
    /// Certificates above it, PEM.
    #[arg(long, visible_alias = "cert-chain", value_name = "FILE")]
    pub(crate) certificate_chain: Option<PathBuf>,
    /// Signing configuration, which names the services.
    #[arg(long, value_name = "FILE")]
    pub(crate) signing_config: Option<PathBuf>,
    /// Trusted root, with which the signature is verified after it was made.
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_root: Option<PathBuf>,
    /// Whether the signing configuration of an initialised root is used.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true")]
    pub(crate) use_signing_config: bool,
    /// Whether the signature goes into a transparency log.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true")]
    pub(crate) tlog_upload: bool,
    /// Write the bundle to a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// Identity token, or the file that has it.
    #[arg(long, value_name = "TOKEN", help_heading = "Identity")]
    pub(crate) identity_token: Option<String>,
    /// Where the token comes from: envvar, filesystem, github-actions.
    #[arg(long, value_name = "NAME", help_heading = "Identity")]
    pub(crate) oidc_provider: Option<String>,
    /// Do not look for tokens in the surroundings.
    #[arg(long, help_heading = "Identity")]
    pub(crate) oidc_disable_ambient_providers: bool,
    /// The issuer where a person signs in.
    #[arg(long, value_name = "URL", help_heading = "Identity")]
    pub(crate) oidc_issuer: Option<String>,
    /// This program's name at the issuer.
    #[arg(long, value_name = "ID", default_value = "sigstore", help_heading = "Identity")]
    pub(crate) oidc_client_id: String,
    /// File with this program's secret at the issuer.
    #[arg(long, value_name = "FILE", help_heading = "Identity")]
    pub(crate) oidc_client_secret_file: Option<PathBuf>,
    /// Accepted: the sign-in comes back to a free port of this host.
    #[arg(long, value_name = "URL", hide = true)]
    pub(crate) oidc_redirect_url: Option<String>,
    /// How a person signs in: normal (browser), device, token.
    #[arg(long, value_name = "FLOW", help_heading = "Identity")]
    pub(crate) fulcio_auth_flow: Option<String>,
    /// Certificate authority.
    #[arg(long, value_name = "URL", hide = true)]
    pub(crate) fulcio_url: Option<String>,
    /// Transparency log.
    #[arg(long, value_name = "URL", hide = true)]
    pub(crate) rekor_url: Option<String>,
    /// Timestamp authority.
    #[arg(long, value_name = "URL", hide = true)]
    pub(crate) timestamp_server_url: Option<String>,
    /// Accepted: embedded proofs are verified.
    #[arg(long, hide = true)]
    pub(crate) insecure_skip_verify: bool,
    /// PEM file of the certificates that the timestamp authority is verified with.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) timestamp_client_cacert: Option<PathBuf>,
    /// PEM file of the client's certificate for the timestamp authority.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) timestamp_client_cert: Option<PathBuf>,
    /// PEM file of the client's key for the timestamp authority.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) timestamp_client_key: Option<PathBuf>,
    /// Accepted: the name in the certificate is the authority's.
    #[arg(long, value_name = "NAME", hide = true)]
    pub(crate) timestamp_server_name: Option<String>,
    /// Whether a bundle is written (the default), or what Cosign 2 wrote.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true")]
    pub(crate) new_bundle_format: bool,
    /// Reach services without TLS also on other hosts.
    #[arg(long)]
    pub(crate) allow_http: bool,
    /// Do not ask.
    #[arg(short = 'y', long, visible_alias = "skip-confirmation")]
    pub(crate) yes: bool,
    /// Accepted: a certificate is asked for where no key is given.
    #[arg(long, hide = true)]
    pub(crate) issue_certificate: bool,
    /// Hardware keys are reached with pkcs11: URIs.
    #[arg(long, hide = true)]
    pub(crate) sk: bool,
    /// Hardware keys are reached with pkcs11: URIs.
    #[arg(long, value_name = "SLOT", hide = true)]
    pub(crate) slot: Option<String>,
}

/// Flags of every command under the name `cosign`.
#[derive(Debug, Default, Args)]
pub(crate) struct Cosign {
    /// Write what happens to a file.
    #[arg(long, global = true, value_name = "FILE", hide = true)]
    pub(crate) output_file: Option<PathBuf>,
    /// How long a command may take.
    #[arg(short = 't', long, global = true, value_name = "DURATION", hide = true)]
    pub(crate) timeout: Option<String>,
}
