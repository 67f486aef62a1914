//! Proof that whoever asks for a certificate holds its key: a signed challenge, or a certificate signing request.

use crate::der::{self, Reader};
use crate::keys::{KeyError, PublicKey};
use crate::pem;

/// The longest certificate signing request that is looked at, in bytes.
pub const MAX_CSR_BYTES: usize = 64 * 1024;

/// How possession is proven.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A key and its signature over the principal's challenge.
    Challenge {
        /// The public key, PEM or DER.
        public_key: Vec<u8>,
        /// The signature.
        signature: Vec<u8>,
    },
    /// PKCS#10, PEM; all but its key is ignored.
    Request(Vec<u8>),
}

/// Why a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The key can't be read.
    #[error("The public key supplied in the request could not be parsed")]
    PublicKey(#[source] KeyError),
    /// The key is too weak.
    #[error("The public key supplied in the request is insecure")]
    Insecure(#[source] KeyError),
    /// No certificate signing request.
    #[error("The certificate signing request could not be parsed")]
    Request,
    /// The signature is not one of the key over the challenge, or over the request.
    #[error("The signature supplied in the request could not be verified")]
    Signature,
}

impl ProofError {
    /// One word for metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::PublicKey(_) => "public_key",
            Self::Insecure(_) => "insecure_key",
            Self::Request => "csr",
            Self::Signature => "proof",
        }
    }
}

impl Proof {
    /// The key whose possession is proven for this challenge.
    ///
    /// # Errors
    /// When the key is weak or the proof is another's.
    pub fn check(&self, challenge: &str) -> Result<PublicKey, ProofError> {
        match self {
            Self::Challenge { public_key, signature } => {
                let key = PublicKey::parse(public_key).map_err(refused)?;
                key.verify(challenge.as_bytes(), signature).map_err(|_| ProofError::Signature)?;
                Ok(key)
            }
            Self::Request(text) => request(text),
        }
    }
}

fn refused(error: KeyError) -> ProofError {
    if matches!(error, KeyError::Weak(_)) { ProofError::Insecure(error) } else { ProofError::PublicKey(error) }
}

fn request(text: &[u8]) -> Result<PublicKey, ProofError> {
    if text.len() > MAX_CSR_BYTES {
        return Err(ProofError::Request);
    }
    let text = std::str::from_utf8(text).map_err(|_| ProofError::Request)?;
    let der = pem::decode("CERTIFICATE REQUEST", text).or_else(|| pem::decode("NEW CERTIFICATE REQUEST", text));
    let der = der.ok_or(ProofError::Request)?;
    let parts = || {
        let mut reader = Reader::only(&der, der::SEQUENCE)?;
        let info = reader.element(der::SEQUENCE)?;
        let algorithm = reader.element(der::SEQUENCE)?.whole;
        let signature = reader.bit_string()?;
        reader.end()?;
        let mut fields = Reader::new(info.content);
        fields.element(der::INTEGER)?;
        fields.element(der::SEQUENCE)?;
        let spki = fields.element(der::SEQUENCE)?.whole;
        Ok::<_, der::DerError>((info.whole, algorithm, signature, spki))
    };
    let (signed, algorithm, signature, spki) = parts().map_err(|_| ProofError::Request)?;
    let key = PublicKey::from_spki(spki).map_err(refused)?;
    if algorithm != key.algorithm() {
        return Err(ProofError::Insecure(KeyError::Weak("a hash that does not go with it")));
    }
    key.verify(signed, signature).map_err(|_| ProofError::Signature)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;
    use signing::KeyKind;

    #[test]
    fn a_challenge_is_signed_by_its_key_for_its_name() {
        let key = SigningKey::generate(KeyKind::P256).unwrap();
        let other = SigningKey::generate(KeyKind::P256).unwrap();
        let proof = |by: &SigningKey, challenge: &str| Proof::Challenge {
            public_key: pem::encode("PUBLIC KEY", key.spki()).into_bytes(),
            signature: by.sign(challenge.as_bytes()).unwrap(),
        };
        assert_eq!(proof(&key, "a@b.example").check("a@b.example").unwrap().spki(), key.spki());
        assert_eq!(proof(&key, "a@b.example").check("c@b.example").unwrap_err(), ProofError::Signature);
        assert_eq!(proof(&other, "a@b.example").check("a@b.example").unwrap_err(), ProofError::Signature);
        let absent = Proof::Challenge { public_key: Vec::new(), signature: Vec::new() };
        assert_eq!(absent.check("a").unwrap_err(), ProofError::PublicKey(KeyError::Absent));
    }

    #[test]
    fn a_request_is_signed_by_its_own_key() {
        let key = SigningKey::generate(KeyKind::P384).unwrap();
        let name = der::sequence(&[]);
        let info = der::sequence(&[&der::integer(&[]), &name, key.spki(), &der::tlv(0xa0, &[])]);
        let made = |info: &[u8], algorithm: &[u8], signature: &[u8]| {
            let der = der::sequence(&[info, algorithm, &der::bit_string(signature)]);
            Proof::Request(pem::encode("CERTIFICATE REQUEST", &der).into_bytes()).check("ignored")
        };
        let signature = key.sign(&info).unwrap();
        assert_eq!(made(&info, key.algorithm(), &signature).unwrap().spki(), key.spki());
        let other = SigningKey::generate(KeyKind::P384).unwrap().sign(&info).unwrap();
        assert_eq!(made(&info, key.algorithm(), &other).unwrap_err(), ProofError::Signature);
        let p256 = SigningKey::generate(KeyKind::P256).unwrap();
        assert_eq!(made(&info, p256.algorithm(), &signature).unwrap_err().reason(), "insecure_key");
        assert_eq!(made(&[0x30, 0x00], key.algorithm(), &signature).unwrap_err(), ProofError::Request);
        assert_eq!(Proof::Request(vec![b'a'; MAX_CSR_BYTES + 1]).check("").unwrap_err(), ProofError::Request);
    }
}
