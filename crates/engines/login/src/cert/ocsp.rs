//! Asks authorities whether they revoked a client's certificate (RFC 6960).

use super::entry::Entry;
use crate::fetch::{Fetch, FetchError, Outgoing, ask};
use asn1::{
    BIT_STRING, DerError, ENUMERATED, INTEGER, NULL, OCTET_STRING, OID, Reader, SEQUENCE, oid, oid_text, read_time,
    sequence, tlv,
};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use certificates::{Algorithm, Certificate, extension};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

const BASIC_RESPONSE: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 1];
const SHA1: &[u64] = &[1, 3, 14, 3, 2, 26];
const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";
const OCSP_ACCESS: &str = "1.3.6.1.5.5.7.48.1";
/// The tag of a URI among general names.
const URI: u8 = 0x86;
/// How far clocks may differ.
const SKEW_SECONDS: i64 = 300;
/// An answer that does not say until when it is good is good for so long.
const DEFAULT_SECONDS: i64 = 3600;
/// Most servers that are asked about one certificate.
const MAX_SERVERS: usize = 4;
/// Most answers that are kept, unless the configuration says another number.
const DEFAULT_KEPT: u64 = 100;

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Good,
    Revoked,
    Unknown,
}

/// Why a certificate is not known to be good.
#[derive(Debug, thiserror::Error)]
pub(super) enum OcspError {
    #[error("the certificate has been revoked")]
    Revoked,
    #[error("its authority does not know the certificate")]
    Unknown,
    #[error("no OCSP server is known for the certificate")]
    NoServer,
    #[error("the certificate's authority is not known")]
    NoIssuer,
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the OCSP server's answer is malformed")]
    Malformed(#[from] DerError),
    #[error("the OCSP server refused with status {0}")]
    Refused(u8),
    #[error("the OCSP server's answer is not signed by who may answer for the authority")]
    Signature,
    #[error("the OCSP server's answer is out of date, or about another certificate")]
    Stale,
}

/// Answers, kept while they are good.
#[derive(Default)]
pub(super) struct Answers {
    kept: Mutex<HashMap<Vec<u8>, (Status, Timestamp)>>,
}

impl Answers {
    /// Checks that a certificate was not revoked. Where nobody can say so, the entry decides whether that is good enough.
    pub(super) async fn check(
        &self,
        fetch: &dyn Fetch,
        entry: &Entry,
        leaf: &Certificate,
        issuer: Option<&Certificate>,
        (now, most): (Timestamp, u64),
    ) -> Result<(), OcspError> {
        let status = match issuer {
            Some(issuer) => self.status(fetch, entry, (leaf, issuer), (now, most)).await,
            None => Err(OcspError::NoIssuer),
        };
        match status {
            Ok(Status::Good) => Ok(()),
            Ok(Status::Revoked) => Err(OcspError::Revoked),
            Ok(Status::Unknown) | Err(_) if entry.ocsp_fail_open => Ok(()),
            Ok(Status::Unknown) => Err(OcspError::Unknown),
            Err(error) => Err(error),
        }
    }

    async fn status(
        &self,
        fetch: &dyn Fetch,
        entry: &Entry,
        (leaf, issuer): (&Certificate, &Certificate),
        (now, most): (Timestamp, u64),
    ) -> Result<Status, OcspError> {
        let id = certificate_id(leaf, issuer).ok_or(OcspError::NoIssuer)?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
        if let Some((status, until)) = kept
            && now < until
        {
            return Ok(status);
        }
        let mut servers = entry.list("ocsp_servers_override").to_vec();
        if servers.is_empty() {
            servers = named_servers(leaf);
        }
        let vouched = entry.ocsp_authorities();
        let mut result = Err(OcspError::NoServer);
        for url in servers.into_iter().take(MAX_SERVERS) {
            let body = sequence(&[&sequence(&[&sequence(&[&sequence(&[&id])])])]);
            let body = Some(("application/ocsp-request", Zeroizing::new(body)));
            let answer = ask(fetch, Outgoing { url, body, ..Outgoing::default() }).await.map_err(OcspError::from);
            let read = answer.and_then(|answer| read_answer(&answer, &id, issuer, &vouched, now));
            let found = read.map(|(status, until)| {
                self.keep(&id, status, until, most);
                status
            });
            let settled = matches!(found, Ok(Status::Revoked)) || (found.is_ok() && !entry.ocsp_query_all_servers);
            // What one server knows counts for more than that another did not answer.
            if found.is_ok() || result.is_err() {
                result = found;
            }
            if settled {
                break;
            }
        }
        result
    }

    fn keep(&self, id: &[u8], status: Status, until: Timestamp, most: u64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let most = if most == 0 { DEFAULT_KEPT } else { most };
        if u64::try_from(kept.len()).unwrap_or(u64::MAX) >= most {
            kept.clear();
        }
        kept.insert(id.to_vec(), (status, until));
    }
}

/// `CertID` in DER, with SHA-1 as every responder knows it: it only names the certificate.
fn certificate_id(leaf: &Certificate, issuer: &Certificate) -> Option<Vec<u8>> {
    let hashed = |bytes: &[u8]| tlv(OCTET_STRING, digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    let key = issuer.public_key().ok()?;
    let algorithm = sequence(&[&oid(SHA1), NULL]);
    let serial = asn1::integer(leaf.serial());
    Some(sequence(&[&algorithm, &hashed(issuer.subject()), &hashed(key.raw()), &serial]))
}

/// The servers that a certificate names.
fn named_servers(leaf: &Certificate) -> Vec<String> {
    let read = || {
        let mut list = Reader::only(leaf.extension(extension::AUTHORITY_INFORMATION)?, SEQUENCE).ok()?;
        let mut servers = Vec::new();
        while !list.is_empty() {
            let mut access = list.enter(SEQUENCE).ok()?;
            let method = oid_text(access.element(OID).ok()?.content).ok()?;
            let place = access.any().ok()?;
            if method == OCSP_ACCESS && place.tag == URI {
                servers.push(String::from_utf8(place.content.to_vec()).ok()?);
            }
        }
        Some(servers)
    };
    read().unwrap_or_default()
}

/// What an answer says of a certificate, and until when.
fn read_answer(
    der: &[u8],
    id: &[u8],
    issuer: &Certificate,
    vouched: &[Certificate],
    now: Timestamp,
) -> Result<(Status, Timestamp), OcspError> {
    let mut outer = Reader::only(der, SEQUENCE)?;
    match outer.element(ENUMERATED)?.content {
        [0] => {}
        status => return Err(OcspError::Refused(status.first().copied().unwrap_or(u8::MAX))),
    }
    let mut bytes = outer.enter(0xa0)?.enter(SEQUENCE)?;
    if bytes.element(OID)?.whole != oid(BASIC_RESPONSE) {
        return Err(OcspError::Malformed(DerError::Value));
    }
    let mut basic = Reader::only(bytes.element(OCTET_STRING)?.content, SEQUENCE)?;
    let data = basic.element(SEQUENCE)?;
    let algorithm = Algorithm::of_identifier(basic.element(SEQUENCE)?.whole).ok_or(OcspError::Signature)?;
    let signature = match basic.element(BIT_STRING)?.content {
        [0, signature @ ..] => signature,
        _ => return Err(OcspError::Signature),
    };
    let mut sent = Vec::new();
    if basic.peek() == Some(0xa0) {
        let mut list = basic.enter(0xa0)?.enter(SEQUENCE)?;
        while !list.is_empty() && sent.len() < MAX_SERVERS {
            sent.extend(Certificate::from_der(list.element(SEQUENCE)?.whole));
        }
    }
    let signs =
        |by: &Certificate| by.public_key().is_ok_and(|key| key.verify(algorithm, data.whole, signature).is_ok());
    let delegated = |by: &Certificate| is_delegate(by, issuer, now);
    let mut signers =
        std::iter::once(issuer).chain(vouched).chain(sent.iter().filter(|certificate| delegated(certificate)));
    if !signers.any(signs) {
        return Err(OcspError::Signature);
    }
    find_single(data.content, id, now)
}

/// Whether the issuer lets a certificate answer for it.
fn is_delegate(certificate: &Certificate, issuer: &Certificate, now: Timestamp) -> bool {
    let valid = certificate.not_before() <= now && now <= certificate.not_after();
    let usages = certificate.extension(extension::EXTENDED_KEY_USAGE);
    valid
        && certificate.issuer() == issuer.subject()
        && usages.is_some_and(|value| super::chain::has_usage(value, &[OCSP_SIGNING]))
        && issuer.public_key().is_ok_and(|key| certificate.verify(&key).is_ok())
}

fn find_single(data: &[u8], id: &[u8], now: Timestamp) -> Result<(Status, Timestamp), OcspError> {
    let mut fields = Reader::new(data);
    if fields.peek() == Some(0xa0) {
        fields.any()?;
    }
    // Who answers, and when.
    fields.any()?;
    fields.any()?;
    let mut singles = fields.enter(SEQUENCE)?;
    while !singles.is_empty() {
        let mut single = singles.enter(SEQUENCE)?;
        if !same_id(single.element(SEQUENCE)?.content, id)? {
            continue;
        }
        let status = match single.any()?.tag {
            0x80 => Status::Good,
            0xa1 => Status::Revoked,
            _ => Status::Unknown,
        };
        let since = read_time(&single.any()?)?.as_second();
        let until = match single.peek() {
            Some(0xa0) => read_time(&single.enter(0xa0)?.any()?)?.as_second(),
            _ => since.saturating_add(DEFAULT_SECONDS),
        };
        let second = now.as_second();
        if since > second.saturating_add(SKEW_SECONDS) || until < second.saturating_sub(SKEW_SECONDS) {
            return Err(OcspError::Stale);
        }
        return Ok((status, Timestamp::from_second(until).unwrap_or(now)));
    }
    Err(OcspError::Stale)
}

/// Whether an answer is about what was asked: hashes and serial number, however the hash's parameters are written.
fn same_id(content: &[u8], id: &[u8]) -> Result<bool, DerError> {
    let parts = |mut reader: Reader<'_>| {
        let hash = reader.enter(SEQUENCE)?.element(OID)?.content.to_vec();
        let names = [reader.element(OCTET_STRING)?.content.to_vec(), reader.element(OCTET_STRING)?.content.to_vec()];
        Ok::<_, DerError>((hash, names, reader.element(INTEGER)?.content.to_vec()))
    };
    Ok(parts(Reader::new(content))? == parts(Reader::only(id, SEQUENCE)?)?)
}
