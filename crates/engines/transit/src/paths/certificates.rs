use super::{Call, row};
use crate::der::{
    self, BIT_STRING, BOOLEAN, CONTEXT, INTEGER, NULL, OCTET_STRING, OID, OID_ED25519, Reader, SEQUENCE, element,
};
use crate::failure::{Failure, failed};
use crate::hash::Hash;
use crate::kind::Kind;
use crate::number::Bytes;
use crate::policy::Policy;
use crate::ring::Ring;
use crate::signature::{self, Marshaling, Options, Salt};
use logical::{Error, Response};
use serde_json::json;
use std::sync::Arc;
use zeroize::Zeroizing;

const OID_SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const OID_BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// Signs a certificate request: an empty one, or the given one with the key of this one.
pub(super) async fn csr(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let (ring, version) = signing_key(call, name).await?;
    let text = call.text("csr")?;
    let template = if text.is_empty() {
        (element(SEQUENCE, &[]), element(CONTEXT, &[]))
    } else {
        let blocks = der::blocks(&text).unwrap_or_default();
        let (_, der) = blocks.first().ok_or_else(|| Error::invalid("could not decode PEM CSR"))?;
        template(der).ok_or_else(|| Error::invalid("x509: malformed certificate request"))?
    };
    let request = sign(&ring, version, &template).map_err(|failure| match failure {
        Failure::User(text) => Error::invalid(format!("could not create the csr: {text}")),
        Failure::Internal(text) => failed(format!("could not create the csr: {text}")),
    })?;
    Ok(Response::json(json!({
        "name": ring.policy.name,
        "type": ring.policy.kind.name(),
        "csr": der::pem("CERTIFICATE REQUEST", &request).as_str(),
    })))
}

/// Keeps the certificate of a version, with those that it is issued under.
pub(super) async fn set(call: &Call<'_>, name: &str) -> Result<Response, Error> {
    let (ring, version) = signing_key(call, name).await?;
    let text = call.text("certificate_chain")?;
    let blocks =
        der::blocks(&text).ok_or_else(|| Error::invalid("could not decode a PEM block in the certificate chain"))?;
    let chain: Vec<&[u8]> = blocks
        .iter()
        .filter(|(label, _)| matches!(*label, "CERTIFICATE" | "X509 CERTIFICATE"))
        .map(|(_, der)| der.as_slice())
        .collect();
    if chain.is_empty() {
        let text = "provided certificate chain did not contain any valid PEM encoded certificate";
        return Err(Error::invalid(text));
    }
    let parsed: Option<Vec<Certificate<'_>>> = chain.iter().map(|der| Certificate::parse(der)).collect();
    let parsed = parsed.ok_or_else(|| Error::invalid("could not parse a certificate in the certificate chain"))?;
    let refuse = |why: &str| Error::invalid(format!("failed to persist certificate chain: {why}"));
    check_chain(&parsed).map_err(refuse)?;
    let key = parsed.first().map(|leaf| leaf.key).unwrap_or_default();
    let kind = ring.policy.kind;
    let change = |policy: &mut Policy| {
        policy.check_usable()?;
        policy.entry(version).map_err(|failure| refuse(&failure.text()))?;
        let entry = policy.keys.get_mut(&version).ok_or_else(|| refuse("no such key version"))?;
        if entry.spki(kind).is_none_or(|own| own.as_slice() != key) {
            return Err(failed(
                "failed to persist certificate chain: leaf certificate public key does not match the selected key version",
            ));
        }
        entry.certificate_chain = Some(chain.iter().map(|der| Bytes::from(*der)).collect());
        Ok(true)
    };
    call.rings.change(call.storage, &row(name), change).await?.ok_or(Error::NotFound)?;
    Ok(Response::json(json!({ "name": name, "type": kind.name(), "certificate_chain": text })))
}

/// A key that signs as it is, and which version is meant.
async fn signing_key(call: &Call<'_>, name: &str) -> Result<(Arc<Ring>, u64), Error> {
    let missing = || Error::invalid(format!("key with provided name '{name}' not found"));
    let ring = call.ring(name).await?.ok_or_else(missing)?;
    let kind = ring.policy.kind;
    if !kind.signs() {
        return Err(Error::invalid(format!("key type '{}' does not support signing", kind.name())));
    }
    if ring.policy.derived {
        return Err(Error::invalid("operation not supported for keys with derivation enabled"));
    }
    let version = call.fields().integer("version")?.map(|version| u64::try_from(version).unwrap_or(0));
    let version = version.unwrap_or(ring.policy.latest_version);
    Ok((ring, version))
}

type Parts = (Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>);

/// Subject and attributes of a certificate request (RFC 2986).
fn template(request: &[u8]) -> Option<Parts> {
    let mut info = Reader(request).enter(SEQUENCE)?.enter(SEQUENCE)?;
    info.take(INTEGER)?;
    let subject = info.whole(SEQUENCE)?;
    info.take(SEQUENCE)?;
    let attributes = if info.end().is_some() { None } else { Some(info.whole(CONTEXT)?) };
    let attributes = attributes.map_or_else(|| element(CONTEXT, &[]), |whole| Zeroizing::new(whole.to_vec()));
    Some((Zeroizing::new(subject.to_vec()), attributes))
}

fn sign(ring: &Ring, version: u64, (subject, attributes): &Parts) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let policy = &ring.policy;
    policy.check_usable()?;
    let kind = policy.kind;
    let entry = policy.entry(version)?;
    if entry.is_public() {
        return Err(Failure::user("private key not imported for key version selected"));
    }
    let key = entry.spki(kind).ok_or_else(|| Failure::internal("the key version has no key"))?;
    let info = element(SEQUENCE, &[&der::number(&[]), subject, &key, attributes]);
    let (algorithm, hash) = match kind.curve() {
        Some(curve) => (element(SEQUENCE, &[&element(OID, &[curve.signature_oid])]), curve.hash),
        None if kind == Kind::Ed25519 => (element(SEQUENCE, &[&element(OID, &[OID_ED25519])]), Hash::None),
        None => {
            let oid = element(OID, &[OID_SHA256_WITH_RSA]);
            (element(SEQUENCE, &[&oid, &element(NULL, &[])]), Hash::Sha256)
        }
    };
    let options = Options { version: 0, hash, marshaling: Marshaling::Asn1, salt: Salt::Auto, algorithm: "pkcs1v15" };
    let (signature, _) = signature::sign_with(ring, version, &hash.digest(&info), &[], &options)?;
    Ok(element(SEQUENCE, &[&info, &algorithm, &element(BIT_STRING, &[&[0], &signature])]))
}

/// What matters here of a certificate.
struct Certificate<'a> {
    /// SubjectPublicKeyInfo.
    key: &'a [u8],
    is_authority: bool,
}

impl<'a> Certificate<'a> {
    fn parse(der: &'a [u8]) -> Option<Self> {
        let mut body = Reader(der).enter(SEQUENCE)?.enter(SEQUENCE)?;
        // Version 1 doesn't say so.
        body.take(CONTEXT);
        body.take(INTEGER)?;
        // Algorithm, issuer, validity, subject.
        for _ in 0..4 {
            body.take(SEQUENCE)?;
        }
        let key = body.whole(SEQUENCE)?;
        // Unique identifiers, which nobody has.
        body.take(0x81);
        body.take(0x82);
        let mut is_authority = false;
        if let Some(mut extensions) = body.take(CONTEXT + 3).and_then(|extensions| Reader(extensions).enter(SEQUENCE)) {
            while let Some(mut extension) = extensions.enter(SEQUENCE) {
                let oid = extension.take(OID)?;
                extension.take(BOOLEAN);
                let value = extension.take(OCTET_STRING)?;
                if oid == OID_BASIC_CONSTRAINTS {
                    is_authority = Reader(value).enter(SEQUENCE)?.take(BOOLEAN).is_some_and(|value| value != [0]);
                }
            }
        }
        Some(Self { key, is_authority })
    }
}

fn check_chain(chain: &[Certificate<'_>]) -> Result<(), &'static str> {
    let (leaf, others) = chain.split_first().ok_or("expected at least one certificate in the certificate chain")?;
    if leaf.is_authority {
        return Err("certificate in the first element is not a valid leaf certificate");
    }
    match others.split_last() {
        Some((last, _)) if !last.is_authority => Err("certificate in the last element is not a valid CA certificate"),
        Some((_, between)) if between.iter().any(|certificate| !certificate.is_authority) => {
            Err("could not validate if there is only one leaf certificate in the provided chain")
        }
        _ => Ok(()),
    }
}
