//! Keys: their passwords, and the commands that make, import and show them.

use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use clap::Args;
use signing::{KeyKind, PrivateKey, Signer, key_file};
use sigstore::keyref::{self, KeyRef};
use sigstore::{Http, HttpOptions, ServiceError};
use std::io::{BufRead, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The longest password.
const MAX_PASSWORD: u64 = 64 << 10;

/// `generate-key-pair`
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// The files' name before .key and .pub.
    #[arg(long, value_name = "PREFIX", default_value = "cosign")]
    output_key_prefix: String,
    /// ecdsa-p256, ecdsa-p384, ecdsa-p521, ed25519, rsa-2048, rsa-3072 or rsa-4096.
    #[arg(long, value_name = "KIND", default_value = "ecdsa-p256")]
    algorithm: String,
    /// Make it in a Transit engine: hashivault://NAME or openbao://NAME. The public key is written to a file.
    #[arg(long, value_name = "URI")]
    kms: Option<String>,
}

/// `import-key-pair`
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The private key, plain PEM.
    #[arg(short, long, value_name = "FILE")]
    key: PathBuf,
    /// The files' name before .key and .pub.
    #[arg(short, long, value_name = "PREFIX", default_value = "import-cosign")]
    output_key_prefix: String,
    /// Do not ask before files are replaced.
    #[arg(short, long, visible_alias = "skip-confirmation")]
    yes: bool,
}

/// `public-key`
#[derive(Debug, Args)]
pub(crate) struct Public {
    /// The private key: a file, env://, k8s://, hashivault://, openbao://, pkcs11:.
    #[arg(long, value_name = "KEY")]
    key: String,
    /// Write it to a file.
    #[arg(long, value_name = "FILE")]
    outfile: Option<PathBuf>,
    /// Hardware keys are reached with pkcs11: URIs.
    #[arg(long, hide = true)]
    sk: bool,
}

/// Makes a key pair.
pub(crate) fn generate(args: &Generate) -> Outcome {
    let kind = match args.algorithm.as_str() {
        "ecdsa-p256" | "ecdsa-sha2-256-nistp256" => KeyKind::P256,
        "ecdsa-p384" | "ecdsa-sha2-384-nistp384" => KeyKind::P384,
        "ecdsa-p521" | "ecdsa-sha2-512-nistp521" => KeyKind::P521,
        "ed25519" => KeyKind::Ed25519,
        "rsa-2048" | "rsa-sign-pkcs1-2048-sha256" => KeyKind::Rsa2048,
        "rsa-3072" | "rsa-sign-pkcs1-3072-sha256" => KeyKind::Rsa3072,
        "rsa-4096" | "rsa-sign-pkcs1-4096-sha256" => KeyKind::Rsa4096,
        other => {
            return Err(advised(format!("{other:?} is no kind of key"), "see --help for those that there are"));
        }
    };
    let (private, public) = files(&args.output_key_prefix);
    if let Some(kms) = &args.kms {
        return generate_there(kms, kind, &public);
    }
    refuse_to_replace(&[&private, &public])?;
    write_pair(&PrivateKey::generate(kind)?, &private, &public)
}

/// Makes a key where it will be held; the public key comes into a file.
fn generate_there(kms: &str, kind: KeyKind, public: &Path) -> Outcome {
    let http = Http::new(&HttpOptions::default());
    refuse_to_replace(&[public])?;
    let key = KeyRef::parse(kms)?.create(&http, &variable, kind)?;
    output::to_file(public, |out| Ok(out.write_all(key.to_pem().as_bytes())?))?;
    say(&format!("Public key written to {}", public.display()));
    Ok(OK)
}

/// Encrypts a key that another program made.
pub(crate) fn import(args: &Import) -> Outcome {
    let key = PrivateKey::from_pem(&keyref::read(&args.key)?).with_context(|| args.key.display().to_string())?;
    let (private, public) = files(&args.output_key_prefix);
    if !args.yes {
        refuse_to_replace(&[&private, &public])?;
    }
    write_pair(&key, &private, &public)
}

fn files(prefix: &str) -> (PathBuf, PathBuf) {
    (PathBuf::from(format!("{prefix}.key")), PathBuf::from(format!("{prefix}.pub")))
}

fn refuse_to_replace(paths: &[&Path]) -> anyhow::Result<()> {
    match paths.iter().find(|path| path.exists()) {
        Some(path) => Err(advised(
            format!("{} is already there", path.display()),
            "choose another name with --output-key-prefix, or move it away",
        )),
        None => Ok(()),
    }
}

fn write_pair(key: &PrivateKey, private: &Path, public: &Path) -> Outcome {
    let password = new_password()?;
    let encrypted = key_file::encrypt(key, password.as_bytes())?;
    // Its owner's alone, and whole or not at all.
    let temporary = private.with_extension(format!("{}.tmp", std::process::id()));
    let written = (|| -> anyhow::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(encrypted.as_bytes())?;
        file.sync_all()?;
        Ok(std::fs::rename(&temporary, private)?)
    })();
    if written.is_err() {
        // A half-written key is of no use to anybody.
        let _ = std::fs::remove_file(&temporary);
    }
    written.with_context(|| format!("cannot write {}", private.display()))?;
    tracing::info!("private key written to {}", private.display());
    let pem = key.public_key().to_pem();
    output::to_file(public, |out| Ok(out.write_all(pem.as_bytes())?))?;
    say(&format!("Private key written to {}\nPublic key written to {}", private.display(), public.display()));
    Ok(OK)
}

/// Shows a public key.
pub(crate) fn public(args: &Public) -> Outcome {
    if args.sk {
        return Err(no_security_key());
    }
    let http = Http::new(&HttpOptions::default());
    let pem = KeyRef::parse(&args.key)?.public(&http, &variable, &password)?.to_pem();
    match &args.outfile {
        Some(path) => output::to_file(path, |out| Ok(out.write_all(pem.as_bytes())?))?,
        None => output::to_stdout(|out| Ok(out.write_all(pem.as_bytes())?))?,
    }
    Ok(OK)
}

/// `--sk` speaks PIV; keys of such devices are reached by their PKCS#11 modules.
pub(crate) fn no_security_key() -> anyhow::Error {
    advised(
        "--sk is not there",
        "give the key as pkcs11:token=...;object=...?module-path=..., with the device's PKCS#11 module",
    )
}

/// An environment variable.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Says something to a person, apart from results.
pub(crate) fn say(text: &str) {
    // With a closed stderr there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The password of an encrypted key: `COSIGN_PASSWORD`, or asked for, or the first line of standard input.
pub(crate) fn password() -> Result<Zeroizing<String>, ServiceError> {
    ask("Enter password for private key: ").map_err(|error| ServiceError::Key {
        key: "the encrypted key".to_owned(),
        cause: format!("no password: {error}"),
    })
}

fn new_password() -> anyhow::Result<Zeroizing<String>> {
    let first = ask("Enter password for private key: ")?;
    let is_asked = variable("COSIGN_PASSWORD").is_none() && std::io::stdin().is_terminal();
    if is_asked && *ask("Enter password for private key again: ")? != *first {
        return Err(advised("the passwords differ", "try again"));
    }
    Ok(first)
}

fn ask(prompt: &str) -> std::io::Result<Zeroizing<String>> {
    if let Some(password) = variable("COSIGN_PASSWORD") {
        return Ok(Zeroizing::new(password));
    }
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password(prompt).map(Zeroizing::new);
    }
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().take(MAX_PASSWORD).read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}
