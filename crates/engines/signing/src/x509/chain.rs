//! Paths from a certificate to an authority that is trusted.

use super::extensions::{ANY_USAGE, CODE_SIGNING, TIME_STAMPING};
use super::{Certificate, CertificateError};
use bundle::{CertificateAuthority, TimeRange};
use jiff::Timestamp;
use thiserror::Error;

const MAX_DEPTH: usize = 8;
/// Certificates that issued each other could be put in order in very many ways.
const MAX_SIGNATURE_CHECKS: usize = 100;

/// What a certificate is to be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    CodeSigning,
    TimeStamping,
}

impl Purpose {
    fn usage(self) -> &'static [u8] {
        match self {
            Purpose::CodeSigning => CODE_SIGNING,
            Purpose::TimeStamping => TIME_STAMPING,
        }
    }
}

/// Why a certificate isn't trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No authority issued it.
    #[error("no authority that is trusted issued the certificate")]
    UnknownIssuer,
    /// It isn't for this.
    #[error("the certificate isn't meant for this: its key usage, extended key usage or constraints forbid it")]
    Usage,
    /// It has a critical extension that isn't known.
    #[error("the certificate has a critical extension that isn't known")]
    UnknownCritical,
    /// It, or one above it, wasn't valid then.
    #[error("the certificate or one above it wasn't valid at {0}")]
    NotValidAt(Timestamp),
    /// The authority wasn't trusted then.
    #[error("the authority isn't trusted for {0}")]
    AuthorityNotTrustedAt(Timestamp),
    /// A name that an authority may not give.
    #[error("the certificate has a name that its authority may not give")]
    NameConstraints,
}

/// An authority whose own chain was verified when it was prepared.
#[derive(Debug)]
pub(crate) struct Authority {
    certificates: Vec<Certificate>,
    /// From each certificate that may issue or sign up to the root: indices into the certificates.
    paths: Vec<Vec<usize>>,
    valid_for: TimeRange,
    purpose: Purpose,
    pub(crate) uri: String,
}

impl Authority {
    /// Prepares an authority of a trusted root. Certificates of it that can't be used are left out of its paths.
    pub(crate) fn prepare(
        authority: &CertificateAuthority,
        valid_for: TimeRange,
        purpose: Purpose,
    ) -> Result<Authority, CertificateError> {
        let certificates =
            authority.cert_chain.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>()?;
        let mut out = Authority { certificates, paths: vec![], valid_for, purpose, uri: authority.uri.clone() };
        out.paths = (0..out.certificates.len()).filter_map(|start| out.path_from(start)).collect();
        Ok(out)
    }

    /// Follows issuers from a certificate of the authority to its root: the last one, or one that is its own issuer.
    fn path_from(&self, start: usize) -> Option<Vec<usize>> {
        let root = self.certificates.len().checked_sub(1)?;
        let mut path = vec![start];
        while let Some(&last) = path.last().filter(|last| **last != root) {
            let child = self.certificates.get(last)?;
            if child.is_self_issued() {
                break;
            }
            let parent = (0..self.certificates.len()).find(|candidate| {
                !path.contains(candidate)
                    && self
                        .certificates
                        .get(*candidate)
                        .is_some_and(|parent| is_issuer(parent, child) && child.verify_signature(parent.key()).is_ok())
            })?;
            path.push(parent);
        }
        let authorities = path.iter().filter_map(|index| self.certificates.get(*index)).filter(|one| one.is_ca());
        let issues = authorities.enumerate().all(|(below, authority)| may_issue(authority, below, self.purpose));
        issues.then_some(path)
    }

    fn path_certificates<'a>(&'a self, path: &'a [usize]) -> impl Iterator<Item = &'a Certificate> {
        path.iter().filter_map(|index| self.certificates.get(*index))
    }

    /// The certificates of the authority that sign and don't issue, each with its path.
    pub(crate) fn signers(&self) -> impl Iterator<Item = &Certificate> {
        self.paths.iter().filter_map(|path| self.certificates.get(*path.first()?)).filter(|found| !found.is_ca())
    }

    /// Verifies that this authority issued a certificate for its purpose, and gives the one that did.
    ///
    /// `intermediates` aren't trusted; they may lead from the certificate to the authority. That the times fit is checked
    /// apart, for each time, by [`Issued::verify_at`].
    pub(crate) fn verify<'a>(
        &'a self,
        leaf: &Certificate,
        intermediates: &'a [Certificate],
    ) -> Result<Issued<'a>, ChainError> {
        check_leaf(leaf, self.purpose)?;
        let mut search = Search { intermediates, extra: Vec::new(), checks_left: MAX_SIGNATURE_CHECKS };
        let path = self.find(leaf, &mut search).ok_or(ChainError::UnknownIssuer)?;
        let issued = Issued { extra: search.extra, path, authority: self };
        let constrained = |one: &Certificate| {
            one.extensions.constraints.as_ref().is_some_and(|constraints| !constraints.allow(leaf.names()))
        };
        if issued.chain().any(constrained) { Err(ChainError::NameConstraints) } else { Ok(issued) }
    }

    fn find<'a>(&'a self, child: &Certificate, search: &mut Search<'a>) -> Option<&'a [usize]> {
        let first = |path: &&'a Vec<usize>| path.first().and_then(|index| self.certificates.get(*index));
        // A certificate that is trusted itself, as those of timestamp authorities are, was verified before.
        let is_child = |path: &&'a Vec<usize>| first(path).is_some_and(|own| own.as_der() == child.as_der());
        if let (true, Some(path)) = (search.extra.is_empty(), self.paths.iter().find(is_child)) {
            return Some(path);
        }
        for path in &self.paths {
            let Some(issuer) = first(&path) else { continue };
            let below = |nth: usize| nth + search.extra.len();
            if is_issuer(issuer, child)
                && self.path_certificates(path).enumerate().all(|(nth, one)| may_issue(one, below(nth), self.purpose))
                && search.is_signed_by(child, issuer)
            {
                return Some(path);
            }
        }
        for candidate in search.intermediates {
            if search.extra.len() < MAX_DEPTH
                && !search.extra.iter().any(|earlier| earlier.as_der() == candidate.as_der())
                && is_issuer(candidate, child)
                && may_issue(candidate, search.extra.len(), self.purpose)
                && search.is_signed_by(child, candidate)
            {
                search.extra.push(candidate);
                if let Some(path) = self.find(candidate, search) {
                    return Some(path);
                }
                search.extra.pop();
            }
        }
        None
    }
}

/// The search for a path through certificates that aren't trusted.
struct Search<'a> {
    intermediates: &'a [Certificate],
    /// Those of them that lead from the leaf to where the search is.
    extra: Vec<&'a Certificate>,
    checks_left: usize,
}

impl Search<'_> {
    fn is_signed_by(&mut self, child: &Certificate, issuer: &Certificate) -> bool {
        let Some(left) = self.checks_left.checked_sub(1) else { return false };
        self.checks_left = left;
        child.verify_signature(issuer.key()).is_ok()
    }
}

/// A certificate's path to its authority.
#[derive(Debug)]
pub(crate) struct Issued<'a> {
    extra: Vec<&'a Certificate>,
    path: &'a [usize],
    pub(crate) authority: &'a Authority,
}

impl<'a> Issued<'a> {
    fn chain(&self) -> impl Iterator<Item = &'a Certificate> {
        self.extra.clone().into_iter().chain(self.authority.path_certificates(self.path))
    }

    /// The certificate that issued the leaf.
    pub(crate) fn issuer(&self) -> Option<&'a Certificate> {
        self.chain().next()
    }

    /// Checks that the certificate, all above it and the authority were valid at a time.
    pub(crate) fn verify_at(&self, leaf: &Certificate, time: Timestamp) -> Result<(), ChainError> {
        if !self.authority.valid_for.contains(time) {
            return Err(ChainError::AuthorityNotTrustedAt(time));
        }
        if !leaf.is_valid_at(time) || self.chain().any(|one| !one.is_valid_at(time)) {
            return Err(ChainError::NotValidAt(time));
        }
        Ok(())
    }
}

fn check_leaf(leaf: &Certificate, purpose: Purpose) -> Result<(), ChainError> {
    let extensions = &leaf.extensions;
    if extensions.unknown_critical {
        return Err(ChainError::UnknownCritical);
    }
    let usage = match purpose {
        Purpose::CodeSigning => extensions.has_usage(CODE_SIGNING),
        // RFC 3161 section 2.3: this usage alone, and critical.
        Purpose::TimeStamping => {
            matches!(extensions.usages.as_slice(), [only] if only == TIME_STAMPING) && extensions.usages_critical
        }
    };
    if extensions.is_ca || !extensions.may_sign_data() || !usage { Err(ChainError::Usage) } else { Ok(()) }
}

fn is_issuer(issuer: &Certificate, child: &Certificate) -> bool {
    issuer.subject == child.issuer
}

/// Whether an authority may issue with so many authorities below it.
fn may_issue(authority: &Certificate, below: usize, purpose: Purpose) -> bool {
    let extensions = &authority.extensions;
    extensions.is_ca
        && !extensions.unknown_critical
        && extensions.may_sign_certificates()
        && extensions.path_length.is_none_or(|length| below <= usize::from(length))
        && (extensions.usages.is_empty() || extensions.has_usage(purpose.usage()) || extensions.has_usage(ANY_USAGE))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Draft;
    use super::*;
    use crate::private_key::PrivateKey;

    const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

    fn authority(chain: &[Vec<u8>]) -> Authority {
        let authority = CertificateAuthority {
            subject: Default::default(),
            uri: String::new(),
            cert_chain: chain.to_vec(),
            valid_for: None,
            operator: String::new(),
        };
        let valid_for = TimeRange { start: at("2025-06-01T00:00:00Z"), end: Some(at("2025-12-31T00:00:00Z")) };
        Authority::prepare(&authority, valid_for, Purpose::CodeSigning).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn outcome(authority: &Authority, leaf: &[u8], extra: &[Vec<u8>], time: &str) -> Result<(), ChainError> {
        let leaf = Certificate::from_der(leaf).unwrap();
        let extra: Vec<_> = extra.iter().map(|der| Certificate::from_der(der).unwrap()).collect();
        authority.verify(&leaf, &extra)?.verify_at(&leaf, at(time))
    }

    const THEN: &str = "2025-07-01T00:00:00Z";

    /// A leaf below an intermediate below a root, each as it is given.
    fn check(root: Draft, intermediate: Draft, leaf: Draft, expected: Result<(), ChainError>) {
        let chain = [intermediate.signed_by(&root), root.self_signed()];
        let leaf = leaf.signed_by(&intermediate);
        assert_eq!(outcome(&authority(&chain), &leaf, &[], THEN), expected, "trusted intermediate");
        // What the bundle brings along is judged alike.
        assert_eq!(outcome(&authority(&chain[1..]), &leaf, &chain[..1], THEN), expected, "intermediate of the bundle");
    }

    #[test]
    fn who_may_issue_and_sign() {
        let root = || Draft::authority("root", None);
        let intermediate = || Draft::authority("intermediate", Some(0));
        let leaf = || Draft::leaf("a@example.com");
        check(root(), intermediate(), leaf(), Ok(()));

        let unsigned = Err(ChainError::Usage);
        check(root(), intermediate(), Draft::new("leaf").email("a@example.com"), unsigned);
        check(root(), intermediate(), Draft::new("leaf").usages(&[CLIENT_AUTH], false), unsigned);
        check(root(), intermediate(), Draft::new("leaf").usage_bits(0x04).usages(&[CODE_SIGNING], false), unsigned);
        check(root(), intermediate(), Draft::authority("leaf", None).usages(&[CODE_SIGNING], false), unsigned);
        let unknown = leaf().extension(&[0x2a, 0x03], true, &[5, 0]);
        check(root(), intermediate(), unknown, Err(ChainError::UnknownCritical));
        check(root(), intermediate(), leaf().extension(&[0x2a, 0x03], false, &[5, 0]), Ok(()));

        let unissued = Err(ChainError::UnknownIssuer);
        check(root(), Draft::new("intermediate"), leaf(), unissued);
        check(root(), Draft::leaf("intermediate"), leaf(), unissued);
        check(Draft::authority("root", Some(0)), intermediate(), leaf(), unissued);
        check(root(), intermediate().usages(&[CLIENT_AUTH], false), leaf(), unissued);
        check(root(), intermediate().usages(&[CODE_SIGNING], false), leaf(), Ok(()));
        check(root().usages(&[CLIENT_AUTH], false), intermediate(), leaf(), unissued);
        check(root(), intermediate().extension(&[0x2a, 0x03], true, &[5, 0]), leaf(), unissued);

        check(root(), intermediate().permit_emails_of("example.com"), leaf(), Ok(()));
        check(root(), intermediate().permit_emails_of("example.org"), leaf(), Err(ChainError::NameConstraints));
        check(root().permit_emails_of("example.org"), intermediate(), leaf(), Err(ChainError::NameConstraints));
    }

    #[test]
    fn all_must_be_valid_then() {
        let root = || Draft::authority("root", None);
        let intermediate = || Draft::authority("intermediate", Some(0));
        let leaf = || Draft::leaf("a@example.com");
        let unfit = Err(ChainError::NotValidAt(at(THEN)));
        let (before, after) = (["250101000000Z", "250630235959Z"], ["250701000001Z", "260101000000Z"]);
        for [from, to] in [before, after] {
            check(root(), intermediate(), leaf().valid(from, to), unfit);
            check(root(), intermediate().valid(from, to), leaf(), unfit);
            check(root().valid(from, to), intermediate(), leaf(), unfit);
        }
        // Both ends are within.
        check(root(), intermediate(), leaf().valid("250701000000Z", "250701000000Z"), Ok(()));
        let root = root();
        let leaf = leaf().signed_by(&root);
        let authority = authority(&[root.self_signed()]);
        for (time, expected) in [
            ("2025-06-01T00:00:00Z", Ok(())),
            ("2025-12-31T00:00:00Z", Ok(())),
            ("2025-05-31T23:59:59Z", Err(ChainError::AuthorityNotTrustedAt(at("2025-05-31T23:59:59Z")))),
            ("2025-12-31T00:00:01Z", Err(ChainError::AuthorityNotTrustedAt(at("2025-12-31T00:00:01Z")))),
        ] {
            assert_eq!(outcome(&authority, &leaf, &[], time), expected, "{time}");
        }
    }

    #[test]
    fn names_alone_make_no_issuer() {
        let (root, impostor) = (Draft::authority("root", None), Draft::authority("root", None));
        let leaf = Draft::leaf("a@example.com").signed_by(&impostor);
        let trusted = authority(&[root.self_signed()]);
        assert_eq!(outcome(&trusted, &leaf, &[], THEN), Err(ChainError::UnknownIssuer));
        // Nor does bringing the impostor's own certificate along.
        assert_eq!(outcome(&trusted, &leaf, &[impostor.self_signed()], THEN), Err(ChainError::UnknownIssuer));
        // Several roots in one authority stand side by side.
        let both = authority(&[impostor.self_signed(), root.self_signed()]);
        assert_eq!(outcome(&both, &leaf, &[], THEN), Ok(()));
    }

    #[test]
    fn circles_end() {
        let (a, b) = (Draft::authority("a", None), Draft::authority("b", None));
        let circle = [a.signed_by(&b), b.signed_by(&a)];
        let leaf = Draft::leaf("a@example.com").signed_by(&a);
        let root = authority(&[Draft::authority("root", None).self_signed()]);
        assert_eq!(outcome(&root, &leaf, &circle, THEN), Err(ChainError::UnknownIssuer));
        // Of these there are more than a million orders.
        let certificate = |nth: u8, this: &Draft, issuer: &Draft| {
            let mut again = Draft::authority(this.subject, None).extension(&[0x2a, nth], false, &[5, 0]);
            again.key = PrivateKey::from_pkcs8(&this.key.to_pkcs8().unwrap()).unwrap();
            again.signed_by(issuer)
        };
        let many: Vec<_> = (0..7).flat_map(|nth| [certificate(nth, &a, &b), certificate(nth, &b, &a)]).collect();
        let start = std::time::Instant::now();
        assert_eq!(outcome(&root, &leaf, &many, THEN), Err(ChainError::UnknownIssuer));
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }
}
