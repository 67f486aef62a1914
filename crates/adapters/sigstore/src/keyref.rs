//! Keys by reference: files, variables, Kubernetes secrets, Transit engines, hardware modules.

mod kubernetes;
mod pkcs11;
mod transit;

use crate::ServiceError;
use crate::http::Http;
use signing::{KeyKind, PrivateKey, PublicKey, Signer, key_file};
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest key file that is read.
const MAX_KEY: u64 = 1 << 20;

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRef {
    /// A file.
    File(PathBuf),
    /// An address; of a public key.
    Address(String),
    /// An environment variable.
    Variable(String),
    /// `k8s://NAMESPACE/SECRET`.
    Kubernetes {
        /// The namespace.
        namespace: String,
        /// The secret, with `cosign.key`, `cosign.pub` and `cosign.password`.
        secret: String,
    },
    /// `hashivault://KEY` or `openbao://KEY`.
    Transit {
        /// `VAULT` or `BAO`: the variables' prefix.
        prefix: &'static str,
        /// The key's name in the engine.
        key: String,
    },
    /// `pkcs11:...` (RFC 7512).
    Pkcs11(String),
}

impl KeyRef {
    /// Reads a reference.
    ///
    /// # Errors
    /// Where its scheme is not known here.
    pub fn parse(text: &str) -> Result<Self, ServiceError> {
        if text.starts_with("pkcs11:") {
            return Ok(Self::Pkcs11(text.to_owned()));
        }
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(Self::File(text.into())) };
        match scheme {
            "env" => Ok(Self::Variable(rest.to_owned())),
            "http" | "https" => Ok(Self::Address(text.to_owned())),
            "k8s" => match rest.split_once('/') {
                Some((namespace, secret)) if !namespace.is_empty() && !secret.is_empty() && !secret.contains('/') => {
                    Ok(Self::Kubernetes { namespace: namespace.to_owned(), secret: secret.to_owned() })
                }
                _ => Err(refused(text, "write it as k8s://NAMESPACE/SECRET")),
            },
            "hashivault" if is_name(rest) => Ok(Self::Transit { prefix: "VAULT", key: rest.to_owned() }),
            "openbao" if is_name(rest) => Ok(Self::Transit { prefix: "BAO", key: rest.to_owned() }),
            "hashivault" | "openbao" => Err(refused(text, "the name of a key follows the scheme")),
            "awskms" | "gcpkms" | "azurekms" => Err(refused(
                text,
                "keys of this cloud are not reached yet; use a Transit engine, a hardware module (pkcs11:) or a file",
            )),
            "gitlab" | "github" => Err(refused(text, "keys in projects are not reached; take env:// or a file")),
            _ => Err(refused(text, "its scheme is not known")),
        }
    }

    /// What may sign with the key. `password` is asked for an encrypted one.
    ///
    /// # Errors
    /// Where the key is not there, not readable, or its holder refuses.
    pub fn signer(
        &self,
        http: &Http,
        variable: Variables<'_>,
        password: &dyn Fn() -> Result<Zeroizing<String>, ServiceError>,
    ) -> Result<Box<dyn Signer + Send + Sync>, ServiceError> {
        match self {
            Self::Transit { prefix, key } => Ok(Box::new(transit::Transit::open(http, prefix, key, variable, None)?)),
            Self::Pkcs11(uri) => Ok(Box::new(pkcs11::Module::open(uri, variable)?)),
            Self::Kubernetes { namespace, secret } => {
                let secret = kubernetes::secret(namespace, secret, variable)?;
                let file = secret.field("cosign.key")?;
                let password = secret.field("cosign.password")?;
                Ok(Box::new(private(&file, &|| text(&password))?))
            }
            Self::Address(url) => Err(refused(url, "a private key is not fetched from an address")),
            Self::File(_) | Self::Variable(_) => Ok(Box::new(private(&self.bytes(http, variable)?, password)?)),
        }
    }

    /// What may sign with the key whose public key this is: in an engine that has several versions of a key, that
    /// version.
    ///
    /// # Errors
    /// As [`KeyRef::signer`], and where the holder has another key.
    pub fn signer_of(
        &self,
        http: &Http,
        variable: Variables<'_>,
        public: &PublicKey,
    ) -> Result<Box<dyn Signer + Send + Sync>, ServiceError> {
        let signer: Box<dyn Signer + Send + Sync> = match self {
            Self::Transit { prefix, key } => {
                Box::new(transit::Transit::open(http, prefix, key, variable, Some(public))?)
            }
            other => other.signer(http, variable, &|| Err(refused("the key", "it is encrypted")))?,
        };
        if signer.public_key().to_spki() != public.to_spki() {
            return Err(refused(&self.shown(), "it is another key than before"));
        }
        Ok(signer)
    }

    /// Makes a key in the engine that the reference names, and gives its public key.
    ///
    /// # Errors
    /// Where the reference names no engine that makes keys, or that refuses.
    pub fn create(&self, http: &Http, variable: Variables<'_>, kind: KeyKind) -> Result<PublicKey, ServiceError> {
        match self {
            Self::Transit { prefix, key } => transit::create(http, prefix, key, variable, kind),
            other => Err(refused(&other.shown(), "no key is made there; make it with the holder's own command")),
        }
    }

    /// The reference without what may be secret in it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Address(url) => url.clone(),
            Self::Variable(name) => format!("env://{name}"),
            Self::Kubernetes { namespace, secret } => format!("k8s://{namespace}/{secret}"),
            Self::Transit { prefix: "BAO", key } => format!("openbao://{key}"),
            Self::Transit { key, .. } => format!("hashivault://{key}"),
            Self::Pkcs11(uri) => uri.split('?').next().unwrap_or_default().to_owned(),
        }
    }

    /// Whether the reference itself has a secret: a PIN.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        matches!(self, Self::Pkcs11(uri) if uri.contains("pin-value"))
    }

    /// The public key: of a file the one that is in it, also where that is a certificate or a private key.
    ///
    /// # Errors
    /// Where the key is not there or not readable.
    pub fn public(
        &self,
        http: &Http,
        variable: Variables<'_>,
        password: &dyn Fn() -> Result<Zeroizing<String>, ServiceError>,
    ) -> Result<PublicKey, ServiceError> {
        match self {
            Self::Transit { .. } | Self::Pkcs11(_) => Ok(self.signer(http, variable, password)?.public_key().clone()),
            Self::Kubernetes { namespace, secret } => {
                public(&kubernetes::secret(namespace, secret, variable)?.field("cosign.pub")?, password)
            }
            Self::File(_) | Self::Variable(_) | Self::Address(_) => public(&self.bytes(http, variable)?, password),
        }
    }

    fn bytes(&self, http: &Http, variable: Variables<'_>) -> Result<Zeroizing<Vec<u8>>, ServiceError> {
        match self {
            Self::File(path) => read(path),
            Self::Variable(name) => match variable(name) {
                Some(value) => Ok(Zeroizing::new(value.into_bytes())),
                None => Err(refused(&format!("env://{name}"), "the variable is not set")),
            },
            Self::Address(url) => {
                let url = http.url(url, "")?;
                Ok(Zeroizing::new(http.send(&|client| client.get(url.clone()))?))
            }
            _ => Err(refused("the key", "it has no file")),
        }
    }
}

/// The value of an environment variable.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads a private key's file, encrypted or plain.
///
/// # Errors
/// Where it is none, or the password is wrong.
pub fn private(
    file: &[u8],
    password: &dyn Fn() -> Result<Zeroizing<String>, ServiceError>,
) -> Result<PrivateKey, ServiceError> {
    let odd = |error: &dyn std::fmt::Display| ServiceError::answer("the key file", error);
    if key_file::is_encrypted(file) {
        return key_file::decrypt(file, password()?.as_bytes()).map_err(|error| odd(&error));
    }
    PrivateKey::from_pem(file).map_err(|error| odd(&error))
}

fn public(
    file: &[u8],
    password: &dyn Fn() -> Result<Zeroizing<String>, ServiceError>,
) -> Result<PublicKey, ServiceError> {
    let label = signing::pem::parse(file).ok().and_then(|blocks| blocks.first().map(|block| block.label.clone()));
    if label.is_some_and(|label| label.ends_with("PRIVATE KEY")) {
        return Ok(private(file, password)?.public_key().clone());
    }
    PublicKey::from_pem(file).map_err(|error| ServiceError::answer("the public key's file", error))
}

/// A key file's bytes.
///
/// # Errors
/// Where it can't be read or is too large.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, ServiceError> {
    let failed =
        |error: std::io::Error| ServiceError::Key { key: path.display().to_string(), cause: error.to_string() };
    let mut bytes = Zeroizing::new(Vec::new());
    std::fs::File::open(path).map_err(failed)?.take(MAX_KEY).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn text(bytes: &[u8]) -> Result<Zeroizing<String>, ServiceError> {
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| refused("the password", "it is no text"))?;
    Ok(Zeroizing::new(text))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn refused(key: &str, cause: impl Into<String>) -> ServiceError {
    ServiceError::Key { key: key.chars().take(200).collect(), cause: cause.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_apart() {
        for (text, expected) in [
            ("cosign.key", Some(KeyRef::File("cosign.key".into()))),
            ("env://KEY", Some(KeyRef::Variable("KEY".into()))),
            ("k8s://ns/keys", Some(KeyRef::Kubernetes { namespace: "ns".into(), secret: "keys".into() })),
            ("k8s://ns", None),
            ("k8s://ns/a/b", None),
            ("hashivault://signer", Some(KeyRef::Transit { prefix: "VAULT", key: "signer".into() })),
            ("openbao://signer", Some(KeyRef::Transit { prefix: "BAO", key: "signer".into() })),
            ("hashivault://../sys", None),
            ("pkcs11:token=t;object=k", Some(KeyRef::Pkcs11("pkcs11:token=t;object=k".into()))),
            ("awskms:///alias/key", None),
            ("nothing://x", None),
        ] {
            assert_eq!(KeyRef::parse(text).ok(), expected, "{text}");
        }
    }
}
