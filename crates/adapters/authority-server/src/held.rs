//! Keys of the authority that a Transit engine or a hardware module holds.

use authority::{KeyError, Role, SigningKey};
use signing::{PublicKey, SignError, Signer};
use sigstore::keyref::KeyRef;
use sigstore::{Http, HttpOptions, ServiceError};
use std::sync::OnceLock;
use tokio::runtime::{Handle, RuntimeFlavor};

/// Why a key that is held elsewhere can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeldError {
    /// Its holder.
    #[error(transparent)]
    Holder(#[from] ServiceError),
    /// The public key on the list.
    #[error("the listed public key")]
    Listed(#[from] KeyError),
    /// Of what holds keys for others, two are known.
    #[error("the keys of an authority are in its files, or hashivault://NAME, openbao://NAME, pkcs11:...")]
    Kind,
    /// A PIN has no place in a folder that is copied to each node.
    #[error("the reference has a PIN, which is not kept; give it in COSIGN_PKCS11_PIN")]
    Pin,
    /// No part of this name can have a key that is held elsewhere.
    #[error("none of ca-root, ca, ct, log-v1, log, tsa-root, tsa, tuf-root, tuf before the key's reference")]
    Part,
}

/// Which part of an authority has its key where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKey {
    /// The part.
    pub role: Role,
    /// A reference as Cosign has them.
    pub reference: String,
}

impl HeldKey {
    /// Reads `PART=REFERENCE`, or a reference alone: of the certificate authority's key, as Fulcio has it.
    ///
    /// # Errors
    /// When there is no such part, or keys are not held at such a place.
    pub fn parse(text: &str) -> Result<Self, HeldError> {
        let (role, reference) = match text.split_once('=') {
            Some((part, reference)) if !part.contains(':') => (Self::role(part)?, reference),
            _ => (Role::Ca, text),
        };
        let read = KeyRef::parse(reference)?;
        match &read {
            KeyRef::Transit { .. } | KeyRef::Pkcs11(_) if read.has_secret() => Err(HeldError::Pin),
            KeyRef::Transit { .. } | KeyRef::Pkcs11(_) => Ok(Self { role, reference: reference.to_owned() }),
            _ => Err(HeldError::Kind),
        }
    }

    fn role(part: &str) -> Result<Role, HeldError> {
        let role = Role::ALL.into_iter().find(|role| role.as_str() == part && *role != Role::Issuer);
        role.ok_or(HeldError::Part)
    }
}

/// The key at a reference: the newest, or the one that is listed. How its holder is reached is in the environment.
pub(crate) fn open(reference: &str, listed: Option<&[u8]>) -> Result<SigningKey, HeldError> {
    static HTTP: OnceLock<Http> = OnceLock::new();
    let http = HTTP.get_or_init(|| Http::new(&HttpOptions::default()));
    let read = KeyRef::parse(reference)?;
    let variable = |name: &str| std::env::var(name).ok();
    let signer = match listed {
        None => {
            // Such references have no password.
            let none = || Err(ServiceError::Key { key: read.shown(), cause: "it is encrypted".to_owned() });
            blocking(|| read.signer(http, &variable, &none))?
        }
        Some(spki) => {
            let public = PublicKey::from_spki(spki).map_err(|_| KeyError::NotPublic)?;
            blocking(|| read.signer_of(http, &variable, &public))?
        }
    };
    Ok(SigningKey::held(Box::new(Blocking(signer))))
}

/// Signs by asking somebody, for which a thread of an asynchronous runtime must be given up.
struct Blocking(Box<dyn Signer + Send + Sync>);

impl Signer for Blocking {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        blocking(|| self.0.sign(message))
    }
}

fn blocking<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Err(_) => work(),
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        Ok(_) => std::thread::scope(|scope| match scope.spawn(work).join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_places_are_told_apart() {
        for (text, expected) in [
            ("openbao://fulcio", Some((Role::Ca, "openbao://fulcio"))),
            ("log=hashivault://rekor", Some((Role::Log, "hashivault://rekor"))),
            ("ca-root=pkcs11:token=t;object=k", Some((Role::CaRoot, "pkcs11:token=t;object=k"))),
            ("pkcs11:token=t;object=k", Some((Role::Ca, "pkcs11:token=t;object=k"))),
            ("pkcs11:token=t;object=k?pin-value=1234", None),
            ("issuer=openbao://issuer", None),
            ("rekor=openbao://rekor", None),
            ("ca=cosign.key", None),
            ("env://KEY", None),
            ("ca=", None),
        ] {
            let read = HeldKey::parse(text).ok();
            let expected = expected.map(|(role, reference)| HeldKey { role, reference: reference.to_owned() });
            assert_eq!(read, expected, "{text}");
        }
    }
}
