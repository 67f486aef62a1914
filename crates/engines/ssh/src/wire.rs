//! OpenSSH's public keys and certificates (RFC 4253, 6.6; `PROTOCOL.certkeys`).

use asn1::{INTEGER, Reader, SEQUENCE};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certificates::{Algorithm, Hash, KeyType, PrivateKey};
use std::collections::BTreeMap;

/// The longest key that is read, in bytes of its blob.
const MAX_BLOB_BYTES: usize = 16 * 1024;

/// Writes the fields of a message.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn string(&mut self, bytes: &[u8]) -> &mut Self {
        // Nothing here is as long as four gigabytes: what is longer would be cut, and refused by every reader.
        self.0.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u32(&mut self, number: u32) -> &mut Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(crate) fn u64(&mut self, number: u64) -> &mut Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// A positive number of its bytes.
    pub(crate) fn number(&mut self, bytes: &[u8]) -> &mut Self {
        let skip = bytes.iter().take_while(|byte| **byte == 0).count();
        let bytes = bytes.get(skip..).unwrap_or_default();
        let mut out = Vec::with_capacity(bytes.len() + 1);
        if bytes.first().is_some_and(|byte| *byte >= 0x80) {
            out.push(0);
        }
        out.extend_from_slice(bytes);
        self.string(&out)
    }
}

/// Takes the next field off.
pub(crate) fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (field, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    Some(field)
}

/// A public key to be certified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    /// `ssh-ed25519`.
    pub(crate) kind: String,
    /// As on the wire.
    pub(crate) blob: Vec<u8>,
    /// The size of an RSA key or a curve; zero for others.
    pub(crate) bits: u32,
}

impl PublicKey {
    /// Reads `ssh-ed25519 AAAA... comment`, or only the middle of it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace();
        let encoded = words.find(|word| word.starts_with("AAAA")).unwrap_or_else(|| text.trim());
        let blob = STANDARD.decode(encoded).map_err(|error| error.to_string())?;
        Self::from_blob(&blob).ok_or_else(|| "ssh: unknown or malformed key".to_owned())
    }

    fn from_blob(blob: &[u8]) -> Option<Self> {
        if blob.len() > MAX_BLOB_BYTES {
            return None;
        }
        let mut rest = blob;
        let kind = std::str::from_utf8(take(&mut rest)?).ok()?;
        let point = |curve: &[u8], point: &[u8]| match (curve, point.len(), point.first()) {
            (b"nistp256", 65, Some(4)) => Some(256),
            (b"nistp384", 97, Some(4)) => Some(384),
            (b"nistp521", 133, Some(4)) => Some(521),
            _ => None,
        };
        let bits = match kind {
            "ssh-rsa" => {
                take(&mut rest)?;
                let modulus = take(&mut rest)?;
                let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
                u32::try_from(modulus.len() * 8).ok()? - modulus.first()?.leading_zeros()
            }
            "ssh-ed25519" => (take(&mut rest)?.len() == 32).then_some(0)?,
            "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" => {
                let curve = take(&mut rest)?;
                (kind.as_bytes().ends_with(curve)).then_some(())?;
                point(curve, take(&mut rest)?)?
            }
            "sk-ssh-ed25519@openssh.com" => {
                (take(&mut rest)?.len() == 32).then_some(())?;
                take(&mut rest).map(|_| 0)?
            }
            "sk-ecdsa-sha2-nistp256@openssh.com" => {
                let bits = point(take(&mut rest)?, take(&mut rest)?)?;
                take(&mut rest).map(|_| bits)?
            }
            _ => return None,
        };
        rest.is_empty().then(|| Self { kind: kind.to_owned(), blob: blob.to_vec(), bits })
    }

    /// Of a key at hand.
    pub(crate) fn of(key: &certificates::PublicKey) -> Result<Self, &'static str> {
        let mut blob = Writer::default();
        match (key.kind(), key.bits()) {
            (KeyType::Ed25519, _) => {
                blob.string(b"ssh-ed25519").string(key.raw());
            }
            (KeyType::Rsa, _) => {
                let (modulus, exponent) = two_numbers(key.raw()).ok_or("a malformed RSA key")?;
                blob.string(b"ssh-rsa").number(&exponent).number(&modulus);
            }
            (KeyType::Ec, bits) => {
                let curve = format!("nistp{bits}");
                blob.string(format!("ecdsa-sha2-{curve}").as_bytes()).string(curve.as_bytes()).string(key.raw());
            }
        }
        Self::from_blob(&blob.0).ok_or("a key that SSH does not have")
    }

    /// As in `authorized_keys`, ending in a line break.
    pub(crate) fn line(&self) -> String {
        format!("{} {}\n", self.kind, STANDARD.encode(&self.blob))
    }
}

/// The content of a sequence of two positive integers: PKCS#1's public key, ECDSA's signature.
fn two_numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut reader = Reader::only(der, SEQUENCE).ok()?;
    let (first, second) = (reader.element(INTEGER).ok()?, reader.element(INTEGER).ok()?);
    Some((first.content.to_vec(), second.content.to_vec()))
}

/// What a certificate is to say.
pub(crate) struct Certificate<'a> {
    pub(crate) key: &'a PublicKey,
    pub(crate) serial: u64,
    pub(crate) host: bool,
    pub(crate) key_id: &'a str,
    pub(crate) principals: &'a [String],
    pub(crate) valid_after: u64,
    pub(crate) valid_before: u64,
    pub(crate) critical_options: &'a BTreeMap<String, String>,
    pub(crate) extensions: &'a BTreeMap<String, String>,
}

impl Certificate<'_> {
    /// Signs it; the line of a `-cert.pub` file. An RSA key signs with SHA-256, or SHA-512 where `algorithm` is
    /// `rsa-sha2-512`.
    pub(crate) fn sign(&self, signer: &PrivateKey, algorithm: &str) -> Result<String, &'static str> {
        let mut nonce = [0; 32];
        SystemRandom::new().fill(&mut nonce).map_err(|_| "no randomness")?;
        let base = self.key.kind.strip_suffix("@openssh.com").unwrap_or(&self.key.kind);
        let kind = format!("{base}-cert-v01@openssh.com");
        let mut fields = self.key.blob.as_slice();
        take(&mut fields).ok_or("a malformed key")?;
        let mut out = Writer::default();
        out.string(kind.as_bytes()).string(&nonce);
        out.0.extend_from_slice(fields);
        out.u64(self.serial).u32(if self.host { 2 } else { 1 }).string(self.key_id.as_bytes());
        let mut principals = Writer::default();
        for principal in self.principals {
            principals.string(principal.as_bytes());
        }
        out.string(&principals.0).u64(self.valid_after).u64(self.valid_before);
        out.string(&options(self.critical_options)).string(&options(self.extensions)).string(b"");
        out.string(&PublicKey::of(signer.public())?.blob);
        let signature = signature(signer, algorithm, &out.0)?;
        out.string(&signature);
        Ok(format!("{kind} {}\n", STANDARD.encode(&out.0)))
    }
}

fn options(options: &BTreeMap<String, String>) -> Vec<u8> {
    let mut out = Writer::default();
    for (name, value) in options {
        let mut data = Writer::default();
        if !value.is_empty() {
            data.string(value.as_bytes());
        }
        out.string(name.as_bytes()).string(&data.0);
    }
    out.0
}

fn signature(signer: &PrivateKey, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, &'static str> {
    let failed = |_| "the key can't sign";
    let mut out = Writer::default();
    match (signer.public().kind(), algorithm) {
        (KeyType::Rsa, "ssh-rsa") => return Err("signatures with SHA-1 are not made"),
        (KeyType::Rsa, algorithm) => {
            let (name, hash) =
                if algorithm == "rsa-sha2-512" { (algorithm, Hash::Sha512) } else { ("rsa-sha2-256", Hash::Sha256) };
            let signed = signer.sign(Algorithm::RsaPkcs1(hash), message).map_err(failed)?;
            out.string(name.as_bytes()).string(&signed);
        }
        (KeyType::Ed25519, _) => {
            out.string(b"ssh-ed25519").string(&signer.sign(Algorithm::Ed25519, message).map_err(failed)?);
        }
        (KeyType::Ec, _) => {
            let der = signer.sign(signer.algorithm(0, false), message).map_err(failed)?;
            let (first, second) = two_numbers(&der).ok_or("a malformed signature")?;
            let mut numbers = Writer::default();
            numbers.number(&first).number(&second);
            out.string(format!("ecdsa-sha2-nistp{}", signer.public().bits()).as_bytes()).string(&numbers.0);
        }
    }
    Ok(out.0)
}
