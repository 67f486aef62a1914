//! Signed certificate timestamps that are embedded in certificates, RFC 6962 section 3.

use crate::der::{self, DerError, Reader, SEQUENCE};
use crate::public_key::{KeyKind, PublicKey, sha256};
use crate::x509::{Certificate, SCT_LIST, read_extension};
use bundle::HashAlgorithm;
use jiff::Timestamp;

const MAX_SCTS: usize = 32;

/// One SCT.
#[derive(Debug)]
pub(crate) struct Sct<'a> {
    pub(crate) log_id: &'a [u8],
    pub(crate) time: Timestamp,
    timestamp: &'a [u8],
    extensions: &'a [u8],
    hash: u8,
    algorithm: u8,
    signature: &'a [u8],
}

/// Reads the SCTs of a certificate; those of versions that aren't known are left out.
pub(crate) fn read(certificate: &Certificate) -> Result<Vec<Sct<'_>>, DerError> {
    let error = DerError("an invalid list of SCTs");
    let Some(list) = certificate.extensions.scts.as_deref() else { return Ok(Vec::new()) };
    let (mut rest, after) = take_u16(list).ok_or(error)?;
    if !after.is_empty() {
        return Err(error);
    }
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (one, after) = take_u16(rest).ok_or(error)?;
        rest = after;
        if out.len() == MAX_SCTS {
            return Err(error);
        }
        if one.first() == Some(&0) {
            out.push(read_one(one).ok_or(error)?);
        }
    }
    Ok(out)
}

fn read_one(bytes: &[u8]) -> Option<Sct<'_>> {
    let (log_id, rest) = bytes.get(1..)?.split_at_checked(32)?;
    let (timestamp, rest) = rest.split_first_chunk::<8>()?;
    let milliseconds = i64::try_from(u64::from_be_bytes(*timestamp)).ok()?;
    let time = Timestamp::from_millisecond(milliseconds).ok()?;
    let (extensions, rest) = take_u16(rest)?;
    let ([hash, algorithm], rest) = rest.split_first_chunk::<2>()?;
    let (signature, rest) = take_u16(rest)?;
    rest.is_empty().then_some(Sct {
        log_id,
        time,
        timestamp,
        extensions,
        hash: *hash,
        algorithm: *algorithm,
        signature,
    })
}

fn take_u16(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Verifies that a log promised to log a certificate with this TBS, issued by this key.
pub(crate) fn verify(sct: &Sct<'_>, precertificate_tbs: &[u8], issuer: &PublicKey, log: &PublicKey) -> Option<()> {
    let hash = match sct.hash {
        4 => HashAlgorithm::Sha256,
        5 => HashAlgorithm::Sha384,
        6 => HashAlgorithm::Sha512,
        _ => return None,
    };
    match (sct.algorithm, log.kind()) {
        (1, KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096) => {}
        (3, KeyKind::P256 | KeyKind::P384 | KeyKind::P521) => {}
        _ => return None,
    }
    let mut signed = Vec::with_capacity(precertificate_tbs.len() + sct.extensions.len() + 64);
    // Version 1, certificate_timestamp.
    signed.extend([0, 0]);
    signed.extend(sct.timestamp);
    // precert_entry
    signed.extend([0, 1]);
    signed.extend(sha256(issuer.to_spki()));
    let length = u32::try_from(precertificate_tbs.len()).ok()?.to_be_bytes();
    signed.extend(length.get(1..)?);
    signed.extend(precertificate_tbs);
    signed.extend(u16::try_from(sct.extensions.len()).ok()?.to_be_bytes());
    signed.extend(sct.extensions);
    log.verify_with(hash, &signed, sct.signature).ok()
}

/// The TBSCertificate without the SCTs: what was sent to the log.
pub(crate) fn precertificate_tbs(certificate: &Certificate) -> Result<Vec<u8>, DerError> {
    let mut tbs = der::whole(certificate.tbs(), SEQUENCE)?;
    let mut parts: Vec<Vec<u8>> = Vec::new();
    while !tbs.is_empty() {
        let element = tbs.any()?;
        parts.push(if element.tag == 0xa3 { without_scts(element.content)? } else { element.all.to_vec() });
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Ok(der::element(SEQUENCE, &parts))
}

fn without_scts(extensions: &[u8]) -> Result<Vec<u8>, DerError> {
    let mut list = der::whole(extensions, SEQUENCE)?;
    let mut kept: Vec<&[u8]> = Vec::new();
    while !list.is_empty() {
        let extension = list.expect(SEQUENCE)?;
        if read_extension(Reader::new(extension.content))?.0 != SCT_LIST {
            kept.push(extension.all);
        }
    }
    let list = der::element(SEQUENCE, &kept);
    Ok(der::element(0xa3, &[&list]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private_key::{PrivateKey, Signer as _};
    use crate::x509::testing::Draft;

    const MILLISECONDS: u64 = 1_750_000_000_000;

    /// The list with one SCT that a log gives for a TBS.
    fn list(log: &PrivateKey, tbs: &[u8], issuer: &PublicKey, extensions: &[u8]) -> Vec<u8> {
        let sized = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
        let length = u32::try_from(tbs.len()).unwrap().to_be_bytes();
        let time = MILLISECONDS.to_be_bytes();
        let issuer = sha256(issuer.to_spki());
        let parts = [&[0, 0][..], &time, &[0, 1], &issuer, &length[1..], tbs, &sized(extensions)];
        let signature = log.sign(&parts.concat()).unwrap();
        let sct = [&[0][..], &log.public_key().id(), &time, &sized(extensions), &[4, 3], &sized(&signature)].concat();
        sized(&sized(&sct))
    }

    #[test]
    fn a_promise_is_of_one_certificate_by_one_issuer() {
        let root = Draft::authority("root", None);
        let log = PrivateKey::generate(KeyKind::P256).unwrap();
        for extensions in [&[][..], &[0, 0, 5, 0, 0, 0, 0, 9]] {
            let leaf = Draft::leaf("a@example.com");
            let scts = list(&log, &leaf.tbs(&root), root.key.public_key(), extensions);
            let certificate = Certificate::from_der(&leaf.scts(&scts).signed_by(&root)).unwrap();
            let tbs = precertificate_tbs(&certificate).unwrap();
            let found = read(&certificate).unwrap();
            assert_eq!((found.len(), found[0].time), (1, Timestamp::from_second(1_750_000_000).unwrap()));
            let check = |tbs: &[u8], issuer: &PublicKey, log: &PublicKey| verify(&found[0], tbs, issuer, log);
            let (issuer, log) = (root.key.public_key(), log.public_key());
            assert!(check(&tbs, issuer, log).is_some());
            assert!(check(&tbs, log, log).is_none(), "another issuer");
            assert!(check(&tbs, issuer, issuer).is_none(), "another log");
            let other = Certificate::from_der(&Draft::leaf("b@example.com").signed_by(&root)).unwrap();
            assert!(check(other.tbs(), issuer, log).is_none(), "another certificate");
        }
    }

    #[test]
    fn broken_lists_are_refused() {
        let root = Draft::authority("root", None);
        let good = list(&root.key, b"tbs", root.key.public_key(), &[]);
        let of = |scts: &[u8]| Certificate::from_der(&Draft::leaf("a").scts(scts).signed_by(&root)).unwrap();
        assert_eq!(read(&of(&good)).unwrap().len(), 1);
        for cut in 0..good.len() {
            assert!(read(&of(&good[..cut])).is_err(), "{cut}");
        }
        assert!(read(&of(&[&good[..], &[0]].concat())).is_err());
    }
}
