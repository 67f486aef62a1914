//! Paths from a client's certificate to one that is trusted (RFC 5280, section 6), for the authentication of clients.

use asn1::{OID, Reader, SEQUENCE, oid_text};
use certificates::{Certificate, extension};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Most certificates between the client's and the trusted one.
const MAX_DEPTH: usize = 8;
/// Certificates that issued each other could be put in order in very many ways.
const MAX_SIGNATURE_CHECKS: usize = 100;
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
const ANY_USAGE: &str = "2.5.29.37.0";
const NAME_CONSTRAINTS: &str = "2.5.29.30";
const CERTIFICATE_POLICIES: &str = "2.5.29.32";
/// The bit of key usage for signing certificates.
const SIGNS_CERTIFICATES: u16 = 1 << 5;
/// Critical extensions that are understood here.
const UNDERSTOOD: [&str; 8] = [
    extension::SUBJECT_KEY_ID,
    extension::KEY_USAGE,
    extension::ALTERNATIVE_NAMES,
    extension::BASIC_CONSTRAINTS,
    NAME_CONSTRAINTS,
    CERTIFICATE_POLICIES,
    extension::AUTHORITY_KEY_ID,
    extension::EXTENDED_KEY_USAGE,
];

/// Why a certificate is not trusted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum ChainError {
    #[error("x509: certificate has expired or is not yet valid")]
    Expired,
    #[error("x509: certificate specifies an incompatible key usage")]
    Usage,
    #[error("x509: unhandled critical extension, or an extension that is there twice")]
    Extension,
}

/// Checks what a certificate says of itself, whoever issued it: that it is valid now, and for what.
pub(super) fn check_client(leaf: &Certificate, now: Timestamp) -> Result<(), ChainError> {
    if !is_valid(leaf, now) {
        return Err(ChainError::Expired);
    }
    check_extensions(leaf)?;
    check_usage(leaf)
}

/// Checks that a certificate is for the authentication of clients.
pub(super) fn check_usage(leaf: &Certificate) -> Result<(), ChainError> {
    if may_authenticate(leaf) { Ok(()) } else { Err(ChainError::Usage) }
}

/// Looks for a path to one of the trusted certificates that `accept` takes; it gets the certificates from the client's on.
pub(super) fn search<'a, T>(
    leaf: &'a Certificate,
    others: &'a [Certificate],
    trusted: &'a [Certificate],
    now: Timestamp,
    accept: &mut dyn FnMut(&[&'a Certificate]) -> Option<T>,
) -> Option<T> {
    let mut search = Search { others, trusted, now, path: vec![leaf], checks_left: MAX_SIGNATURE_CHECKS, accept };
    if trusted.iter().any(|one| one.der() == leaf.der()) {
        return (search.accept)(&search.path);
    }
    search.extend()
}

struct Search<'a, 's, T> {
    others: &'a [Certificate],
    trusted: &'a [Certificate],
    now: Timestamp,
    path: Vec<&'a Certificate>,
    checks_left: usize,
    accept: &'s mut dyn FnMut(&[&'a Certificate]) -> Option<T>,
}

impl<'a, T> Search<'a, '_, T> {
    fn extend(&mut self) -> Option<T> {
        let child = *self.path.last()?;
        for anchor in self.trusted {
            if self.is_issuer(anchor, child) {
                self.path.push(anchor);
                let found = (self.accept)(&self.path);
                self.path.pop();
                if found.is_some() {
                    return found;
                }
            }
        }
        if self.path.len() > MAX_DEPTH {
            return None;
        }
        for other in self.others {
            let seen = self.path.iter().any(|earlier| earlier.der() == other.der());
            if !seen && self.is_issuer(other, child) {
                self.path.push(other);
                let found = self.extend();
                self.path.pop();
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// Whether one issued the other, and might, at this place in the path.
    fn is_issuer(&mut self, issuer: &Certificate, child: &Certificate) -> bool {
        if issuer.subject() != child.issuer() || !self.may_issue(issuer) {
            return false;
        }
        let Some(left) = self.checks_left.checked_sub(1) else { return false };
        self.checks_left = left;
        issuer.public_key().is_ok_and(|key| child.verify(&key).is_ok())
    }

    fn may_issue(&self, issuer: &Certificate) -> bool {
        let Some(length) = issuer.authority() else { return false };
        // The client's certificate does not count, nor those that an authority issued to itself.
        let below = self.path.iter().skip(1).filter(|one| one.issuer() != one.subject()).count();
        let short = length.is_none_or(|length| usize::try_from(length).is_ok_and(|length| below <= length));
        let signs = issuer.key_usage().is_none_or(|bits| bits & SIGNS_CERTIFICATES != 0);
        short
            && signs
            && is_valid(issuer, self.now)
            && check_extensions(issuer).is_ok()
            && may_authenticate(issuer)
            && self.may_give_names(issuer)
    }

    fn may_give_names(&self, issuer: &Certificate) -> bool {
        if issuer.extension(NAME_CONSTRAINTS).is_none() {
            return true;
        }
        let read = |certificate: &Certificate| signing::Certificate::from_der(certificate.der()).ok();
        let leaf = self.path.first().and_then(|leaf| read(leaf));
        read(issuer).zip(leaf).is_some_and(|(issuer, leaf)| issuer.check_names_of(&leaf).is_ok())
    }
}

fn is_valid(certificate: &Certificate, now: Timestamp) -> bool {
    certificate.not_before() <= now && now <= certificate.not_after()
}

fn check_extensions(certificate: &Certificate) -> Result<(), ChainError> {
    let mut seen = BTreeSet::new();
    let fine = |one: &certificates::Extension| !one.critical || UNDERSTOOD.contains(&one.id.as_str());
    let all = certificate.extensions().iter();
    if all.clone().all(fine) && all.clone().all(|one| seen.insert(one.id.as_str())) {
        return Ok(());
    }
    Err(ChainError::Extension)
}

/// Whether it may authenticate clients, or issue to those who do: a certificate that names no usage may.
fn may_authenticate(certificate: &Certificate) -> bool {
    let usages = certificate.extension(extension::EXTENDED_KEY_USAGE);
    usages.is_none_or(|value| has_usage(value, &[CLIENT_AUTH, ANY_USAGE]))
}

/// Whether an extended key usage has one of these.
pub(super) fn has_usage(value: &[u8], wanted: &[&str]) -> bool {
    let Ok(mut usages) = Reader::only(value, SEQUENCE) else { return false };
    while !usages.is_empty() {
        let Ok(usage) = usages.element(OID).and_then(|usage| oid_text(usage.content)) else { return false };
        if wanted.contains(&usage.as_str()) {
            return true;
        }
    }
    false
}
