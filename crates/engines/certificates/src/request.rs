use crate::certificate::MAX_BYTES;
use crate::template::{encode, signed};
use crate::{Algorithm, AltName, Extension, KeyError, ParseError, PrivateKey, PublicKey, Subject, extension};
use asn1::{DerError, INTEGER, OID, Reader, SEQUENCE, SET, oid, sequence, tlv};

/// A request for a certificate (PKCS#10, RFC 2986).
#[derive(Debug, Clone)]
pub struct CertificateRequest {
    tbs: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    extensions: Vec<Extension>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

const EXTENSION_REQUEST: &[u64] = &[1, 2, 840, 113_549, 1, 9, 14];

impl CertificateRequest {
    /// Reads DER.
    ///
    /// # Errors
    /// Where it is no request.
    pub fn from_der(der: &[u8]) -> Result<Self, ParseError> {
        if der.len() > MAX_BYTES {
            return Err(ParseError::TooLong);
        }
        let mut outer = Reader::only(der, SEQUENCE)?;
        let tbs = outer.element(SEQUENCE)?;
        let algorithm = outer.element(SEQUENCE)?.whole.to_vec();
        let signature = outer.bit_string()?.to_vec();
        outer.end()?;
        let mut fields = Reader::new(tbs.content);
        fields.element(INTEGER)?;
        let subject = fields.element(SEQUENCE)?.whole.to_vec();
        let spki = fields.element(SEQUENCE)?.whole.to_vec();
        let mut extensions = Vec::new();
        if !fields.is_empty() {
            let mut attributes = fields.enter(0xa0)?;
            while !attributes.is_empty() {
                let mut attribute = attributes.enter(SEQUENCE)?;
                if attribute.element(OID)?.whole == oid(EXTENSION_REQUEST) {
                    extensions = Extension::read_all(attribute.enter(SET)?.enter(SEQUENCE)?)?;
                }
            }
        }
        Ok(Self { tbs: tbs.whole.to_vec(), subject, spki, extensions, algorithm, signature })
    }

    /// Makes and signs one, and gives DER.
    ///
    /// # Errors
    /// Where the key can't sign.
    pub fn make(
        subject: &[u8],
        extensions: &[Extension],
        key: &PrivateKey,
        how: Algorithm,
    ) -> Result<Vec<u8>, KeyError> {
        let attributes = if extensions.is_empty() {
            tlv(0xa0, &[])
        } else {
            let wanted = tlv(SET, &sequence(&[&encode(extensions)?]));
            tlv(0xa0, &sequence(&[&oid(EXTENSION_REQUEST), &wanted]))
        };
        let tbs = sequence(&[&[INTEGER, 1, 0], subject, key.public().spki(), &attributes]);
        signed(&tbs, key, how)
    }

    /// The subject's name in DER.
    pub fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// The subject's name.
    ///
    /// # Errors
    /// Where it is none.
    pub fn subject_name(&self) -> Result<Subject, DerError> {
        Subject::from_der(&self.subject)
    }

    /// The extensions that it asks for.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// The alternative names that it asks for.
    ///
    /// # Errors
    /// Where they are malformed.
    pub fn alternative_names(&self) -> Result<Vec<AltName>, DerError> {
        let found = self.extensions.iter().find(|extension| extension.id == extension::ALTERNATIVE_NAMES);
        found.map_or(Ok(Vec::new()), |extension| AltName::read(&extension.value))
    }

    /// Its key.
    ///
    /// # Errors
    /// Where it is of a kind that is not known here.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::from_spki(&self.spki)
    }

    /// Checks that it was signed with its own key.
    ///
    /// # Errors
    /// Where it was not.
    pub fn verify(&self) -> Result<(), KeyError> {
        let algorithm = Algorithm::of_identifier(&self.algorithm).ok_or(KeyError::Unsupported)?;
        self.public_key()?.verify(algorithm, &self.tbs, &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Certificate, KeyType, OcspRequest, Template};
    use jiff::Timestamp;

    #[test]
    fn what_is_cut_or_bent_is_refused_or_no_longer_verifies() {
        let key = PrivateKey::generate(KeyType::Ed25519, 0).unwrap();
        let subject = Subject { common_name: "a.example.com".to_owned(), ..Subject::default() };
        let names = [AltName::Dns("a.example.com".to_owned()), AltName::Other("1.2.3".to_owned(), "x".to_owned())];
        let extensions = [extension::alternative_names(&names, false).unwrap(), extension::key_usage(0x181)];
        let algorithm = key.algorithm(0, false);
        let request = CertificateRequest::make(&subject.to_der(), &extensions, &key, algorithm).unwrap();
        let read = CertificateRequest::from_der(&request).unwrap();
        read.verify().unwrap();
        assert_eq!(
            (read.subject_name().unwrap(), read.alternative_names().unwrap()),
            (subject.clone(), names.to_vec())
        );
        let template = Template {
            serial: vec![0x80, 1],
            subject: subject.to_der(),
            spki: key.public().spki().to_vec(),
            not_before: Timestamp::UNIX_EPOCH,
            not_after: Timestamp::MAX,
            extensions: extensions.to_vec(),
        };
        let der = template.sign(&subject.to_der(), &key, algorithm).unwrap();
        let certificate = Certificate::from_der(&der).unwrap();
        certificate.verify(key.public()).unwrap();
        assert_eq!((certificate.serial_text().as_str(), certificate.key_usage()), ("80:01", Some(0x181)));
        for at in 0..request.len() {
            assert!(CertificateRequest::from_der(&request[..at]).is_err());
            let mut bent = request.clone();
            bent[at] ^= 1;
            assert!(CertificateRequest::from_der(&bent).map_or(true, |bent| bent.verify().is_err()), "{at}");
        }
        for at in 0..der.len() {
            assert!(Certificate::from_der(&der[..at]).is_err() && OcspRequest::from_der(&der[..at]).is_err());
            let mut bent = der.clone();
            bent[at] ^= 1;
            assert!(Certificate::from_der(&bent).map_or(true, |bent| bent.verify(key.public()).is_err()), "{at}");
        }
    }
}
