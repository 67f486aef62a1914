//! Verification of bundles. Whatever isn't proven is an error.

mod artifact;
mod error;
mod quorum;

pub use artifact::Artifact;
pub use error::VerifyError;
pub use quorum::{QuorumError, verify_quorum};

use crate::identity::Identity;
use crate::log_entry::{self, Logged, LoggedContent};
use crate::policy::{Policy, SignerPolicy};
use crate::public_key::PublicKey;
use crate::sct;
use crate::timestamp::{self, TimestampError};
use crate::trust::{Log, Root, Trust};
use crate::x509::{Certificate, ChainError, Issued};
use artifact::Hashed;
use bundle::{Body, Bundle, Content, Envelope, IN_TOTO_PAYLOAD_TYPE, KeyMaterial, MediaType, Statement, TlogEntry};
use jiff::{SignedDuration, Timestamp};

/// How far a proven time may be ahead of the verifier's clock.
const MAX_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What was proven.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Who signed.
    pub signer: VerifiedSigner,
    /// When it was signed, by each that vouches for a time; none for keys without either.
    pub times: Vec<VerifiedTime>,
    /// Where it is logged.
    pub entries: Vec<VerifiedEntry>,
    /// The statement that was signed, if one was.
    pub statement: Option<Statement>,
}

/// Who signed.
#[derive(Debug, Clone)]
pub enum VerifiedSigner {
    /// The holder of a key.
    Key(PublicKey),
    /// The subject of a certificate.
    Certificate(Box<VerifiedCertificate>),
}

/// The certificate of who signed.
#[derive(Debug, Clone)]
pub struct VerifiedCertificate {
    /// Who it says that is.
    pub identity: Identity,
    /// The certificate.
    pub certificate: Certificate,
}

/// A time and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedTime {
    /// The time.
    pub time: Timestamp,
    /// Who vouches for it.
    pub source: TimeSource,
}

/// Who vouches for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeSource {
    /// A transparency log, of this URL.
    Log(String),
    /// A timestamp authority, of this URL.
    TimestampAuthority(String),
}

/// An entry of a transparency log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEntry {
    /// The log's URL.
    pub base_url: String,
    /// The log's ID.
    pub log_id: Vec<u8>,
    /// The entry's index.
    pub log_index: i64,
    /// When the log says that it took it, if it signed that.
    pub integrated_time: Option<Timestamp>,
}

impl VerifiedEntry {
    fn new(entry: &TlogEntry, log: &Log, integrated_time: Option<Timestamp>) -> VerifiedEntry {
        let (base_url, log_id) = (log.base_url.clone(), log.log_id.clone());
        VerifiedEntry { base_url, log_id, log_index: entry.log_index, integrated_time }
    }
}

/// Verifies a bundle: that the signature is of the artifact and by whom the policy asks for, that it is logged, and that
/// its certificate was valid when it was made.
///
/// Each trusted root is tried by itself; the error is that of the root that came the furthest. `now` only refuses times
/// that are ahead, and is the time of signing where the policy asks for no proof of it.
pub fn verify(
    bundle: &Bundle,
    artifact: &Artifact<'_>,
    trust: &Trust,
    policy: &Policy,
    now: Timestamp,
) -> Result<Verified, VerifyError> {
    let hashed = Hashed::new(artifact);
    let signed = Signed::read(bundle, &hashed, policy)?;
    let none = Root { authorities: vec![], timestamp_authorities: vec![], tlogs: vec![], ctlogs: vec![] };
    let roots = if trust.roots.is_empty() { std::slice::from_ref(&none) } else { &trust.roots };
    let mut furthest: Option<VerifyError> = None;
    for root in roots {
        match signed.verify(bundle, root, policy, now) {
            Ok(verified) => return Ok(verified),
            Err(error) if furthest.as_ref().is_none_or(|before| before.depth() < error.depth()) => {
                furthest = Some(error);
            }
            Err(_) => {}
        }
    }
    Err(furthest.unwrap_or(VerifyError::NotLogged))
}

/// Verifies a timestamp alone: that an authority of one of the trusted roots made the response, in DER, for `signature`.
pub fn verify_timestamp(response: &[u8], signature: &[u8], trust: &Trust) -> Result<VerifiedTime, TimestampError> {
    let mut outcome = Err(TimestampError::UnknownAuthority);
    for root in &trust.roots {
        outcome = verify_timestamp_in(response, signature, root);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// Verifies an entry alone: that a log of one of the trusted roots has it. Whose signature it is of, and over what, is
/// what its body says.
pub fn verify_entry(entry: &TlogEntry, trust: &Trust) -> Result<(Body, VerifiedEntry), VerifyError> {
    let logs = trust.roots.iter().flat_map(|root| &root.tlogs).filter(|log| log.log_id == entry.log_id);
    let mut outcome = Err(VerifyError::NotLogged);
    for log in logs {
        match log_entry::verify_logged(entry, log) {
            Ok((body, time)) => return Ok((body, VerifiedEntry::new(entry, log, time))),
            Err(error) => outcome = Err(error.into()),
        }
    }
    outcome
}

fn verify_timestamp_in(response: &[u8], signature: &[u8], root: &Root) -> Result<VerifiedTime, TimestampError> {
    let (time, authority) = timestamp::verify(response, signature, &root.timestamp_authorities)?;
    Ok(VerifiedTime { time, source: TimeSource::TimestampAuthority(authority.uri.clone()) })
}

/// An entry, its log, and the time that the log signed.
type LoggedEntry<'a> = (&'a TlogEntry, &'a Log, Option<Timestamp>);

/// A signature that is valid for a key that isn't trusted yet.
struct Signed<'a> {
    certificate: Option<Certificate>,
    intermediates: Vec<Certificate>,
    key: PublicKey,
    signature: &'a [u8],
    hashed: &'a Hashed<'a>,
    envelope: Option<SignedEnvelope<'a>>,
}

struct SignedEnvelope<'a> {
    envelope: &'a Envelope,
    signed: Vec<u8>,
    statement: Option<Statement>,
}

impl<'a> Signed<'a> {
    /// What depends on no trusted root: the signature, and what was signed.
    fn read(bundle: &'a Bundle, hashed: &'a Hashed<'a>, policy: &Policy) -> Result<Signed<'a>, VerifyError> {
        let (signature, envelope) = match &bundle.content {
            Content::Message(message) => {
                if let Some(output) = &message.message_digest {
                    hashed.check(output.algorithm, &output.digest)?;
                }
                (message.signature.as_slice(), None)
            }
            Content::Envelope(envelope) => {
                let [signature] = envelope.signatures.as_slice() else {
                    return Err(VerifyError::SignatureCount(envelope.signatures.len()));
                };
                (signature.sig.as_slice(), Some(SignedEnvelope::read(envelope, hashed)?))
            }
        };
        let check = |key: &PublicKey| match &envelope {
            Some(envelope) => key.verify(&envelope.signed, signature).map_err(VerifyError::Signature),
            None => hashed.verify(key, signature),
        };
        let (certificate, intermediates, key) = match (&bundle.material.key, &policy.signer) {
            (KeyMaterial::PublicKey { .. }, SignerPolicy::Keys(keys)) => {
                let mut outcome = Err(VerifyError::NoKey);
                for key in keys {
                    outcome = check(key).map(|()| key.clone());
                    if outcome.is_ok() {
                        break;
                    }
                }
                (None, Vec::new(), outcome?)
            }
            (KeyMaterial::PublicKey { .. }, SignerPolicy::Identities(_)) => return Err(VerifyError::KeyNotCertificate),
            (material, SignerPolicy::Keys(keys)) => {
                // Cosign 2 kept, and logged, a certificate of the key too. Only the key is trusted.
                let leaf = material.leaf().filter(|_| bundle.media_type == MediaType::V01);
                let certificate = Certificate::from_der(leaf.ok_or(VerifyError::CertificateNotKey)?)?;
                let key = keys.iter().find(|key| *key == certificate.key()).ok_or(VerifyError::CertificateNotKey)?;
                check(key)?;
                (Some(certificate), Vec::new(), key.clone())
            }
            (KeyMaterial::Certificate(der), SignerPolicy::Identities(_)) => {
                let certificate = Certificate::from_der(der)?;
                let key = certificate.key().clone();
                check(&key)?;
                (Some(certificate), Vec::new(), key)
            }
            (KeyMaterial::Chain(chain), SignerPolicy::Identities(_)) => {
                let mut certificates = chain.iter().map(|der| Certificate::from_der(der));
                let certificate = certificates.next().ok_or(VerifyError::NoCertificate)??;
                let intermediates = certificates.collect::<Result<Vec<_>, _>>()?;
                if intermediates.iter().any(Certificate::is_self_issued) {
                    return Err(VerifyError::RootInChain);
                }
                if !intermediates.iter().all(Certificate::is_ca) {
                    return Err(VerifyError::NoAuthorityInChain);
                }
                let key = certificate.key().clone();
                check(&key)?;
                (Some(certificate), intermediates, key)
            }
        };
        Ok(Signed { certificate, intermediates, key, signature, hashed, envelope })
    }

    fn verify(&self, bundle: &Bundle, root: &Root, policy: &Policy, now: Timestamp) -> Result<Verified, VerifyError> {
        let logged = if policy.ignore_tlog { Vec::new() } else { self.verify_entries(bundle, root)? };
        let mut times = Vec::new();
        let mut entries = Vec::new();
        for (entry, log, time) in &logged {
            times.extend(time.map(|time| VerifiedTime { time, source: TimeSource::Log(log.base_url.clone()) }));
            entries.push(VerifiedEntry::new(entry, log, *time));
        }
        let (stamped, is_unknown) = self.verify_timestamps(bundle, root)?;
        let by_identity = matches!(policy.signer, SignerPolicy::Identities(_));
        let needs_time = by_identity && times.is_empty() && !policy.ignore_tlog;
        if stamped.is_empty() && is_unknown && (policy.require_timestamp || needs_time) {
            return Err(TimestampError::UnknownAuthority.into());
        }
        if policy.require_timestamp && stamped.is_empty() {
            return Err(VerifyError::NoTimestamp);
        }
        // A log that signs no time must have been trusted when the signature was made.
        for time in &stamped {
            if logged.iter().any(|(_, log, own)| own.is_none() && !log.valid_for.contains(time.time)) {
                return Err(log_entry::LogError::KeyNotTrustedAt(time.time).into());
            }
        }
        times.extend(stamped);
        if let Some(ahead) = times.iter().find(|proven| proven.time > now.saturating_add(MAX_SKEW).unwrap_or(now)) {
            return Err(VerifyError::FutureTime(ahead.time));
        }
        let signer = match (&self.certificate, &policy.signer) {
            (Some(certificate), SignerPolicy::Identities(identities)) => {
                let at = self.times_of_signing(&times, policy, now)?;
                let issued = self.verify_chain(certificate, root, &at)?;
                if !policy.ignore_sct {
                    verify_sct(certificate, &issued, root)?;
                }
                let identity = Identity::of(certificate);
                if !identities.iter().any(|accepted| accepted.meets(&identity)) {
                    return Err(VerifyError::Identity(Box::new(identity)));
                }
                VerifiedSigner::Certificate(Box::new(VerifiedCertificate {
                    identity,
                    certificate: certificate.clone(),
                }))
            }
            _ => VerifiedSigner::Key(self.key.clone()),
        };
        let statement = self.envelope.as_ref().and_then(|envelope| envelope.statement.clone());
        Ok(Verified { signer, times, entries, statement })
    }

    /// Each entry of a log that is trusted must hold; at least one is needed.
    fn verify_entries<'b>(&self, bundle: &'b Bundle, root: &'b Root) -> Result<Vec<LoggedEntry<'b>>, VerifyError> {
        let content = match &self.envelope {
            Some(SignedEnvelope { envelope, signed, .. }) => LoggedContent::Envelope { envelope, signed },
            None => LoggedContent::Message(self.hashed),
        };
        let certificate = self.certificate.as_ref().map(Certificate::as_der);
        let logged = Logged { content, signature: self.signature, key: &self.key, certificate };
        let mut out = Vec::new();
        for entry in &bundle.material.tlog_entries {
            let mut outcome = None;
            for log in root.tlogs.iter().filter(|log| log.log_id == entry.log_id) {
                outcome = Some(log_entry::verify(entry, log, &logged).map(|time| (entry, log, time)));
                if matches!(outcome, Some(Ok(_))) {
                    break;
                }
            }
            out.extend(outcome.transpose()?);
        }
        if out.is_empty() { Err(VerifyError::NotLogged) } else { Ok(out) }
    }

    /// Each timestamp by an authority that is trusted must hold. Those by others vouch for nothing; whether there is one
    /// is told too.
    fn verify_timestamps(&self, bundle: &Bundle, root: &Root) -> Result<(Vec<VerifiedTime>, bool), VerifyError> {
        let (mut times, mut is_unknown) = (Vec::new(), false);
        for stamp in &bundle.material.timestamps {
            match verify_timestamp_in(stamp, self.signature, root) {
                Ok(time) => times.push(time),
                Err(TimestampError::UnknownAuthority) => is_unknown = true,
                Err(error) => return Err(error.into()),
            }
        }
        Ok((times, is_unknown))
    }

    fn times_of_signing(
        &self,
        times: &[VerifiedTime],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<Timestamp>, VerifyError> {
        match times {
            [] if policy.ignore_tlog => Ok(vec![now]),
            [] => Err(VerifyError::NoTime),
            times => Ok(times.iter().map(|proven| proven.time).collect()),
        }
    }

    fn verify_chain<'b>(
        &'b self,
        certificate: &Certificate,
        root: &'b Root,
        times: &[Timestamp],
    ) -> Result<Issued<'b>, VerifyError> {
        let mut furthest = ChainError::UnknownIssuer;
        for authority in &root.authorities {
            let issued = authority.verify(certificate, &self.intermediates).and_then(|issued| {
                times.iter().try_for_each(|time| issued.verify_at(certificate, *time))?;
                Ok(issued)
            });
            match issued {
                Ok(issued) => return Ok(issued),
                Err(ChainError::UnknownIssuer) => {}
                Err(error) => furthest = error,
            }
        }
        Err(VerifyError::Chain(furthest))
    }
}

impl<'a> SignedEnvelope<'a> {
    /// The envelope, whose statement must be about the artifact.
    fn read(envelope: &'a Envelope, hashed: &Hashed<'_>) -> Result<SignedEnvelope<'a>, VerifyError> {
        let statement = if envelope.payload_type == IN_TOTO_PAYLOAD_TYPE {
            Some(Statement::parse(&envelope.payload).map_err(VerifyError::Statement)?)
        } else {
            None
        };
        if !hashed.is_unchecked() {
            let statement = statement.as_ref();
            let statement = statement.ok_or_else(|| VerifyError::PayloadType(envelope.payload_type.clone()))?;
            hashed.check_subjects(statement)?;
        }
        Ok(SignedEnvelope { envelope, signed: envelope.signed_bytes(), statement })
    }
}

/// One certificate log that is trusted must have promised to log the certificate.
fn verify_sct(certificate: &Certificate, issued: &Issued<'_>, root: &Root) -> Result<(), VerifyError> {
    let issuer = issued.issuer().ok_or(VerifyError::Chain(ChainError::UnknownIssuer))?;
    let scts = sct::read(certificate).map_err(VerifyError::SctList)?;
    if scts.is_empty() {
        return Err(VerifyError::NoSct);
    }
    let tbs = sct::precertificate_tbs(certificate).map_err(VerifyError::SctList)?;
    let promised = scts.iter().any(|sct| {
        let logs = root.ctlogs.iter().filter(|log| log.log_id == sct.log_id && log.valid_for.contains(sct.time));
        logs.into_iter().any(|log| sct::verify(sct, &tbs, issuer.key(), &log.key).is_some())
    });
    if promised { Ok(()) } else { Err(VerifyError::Sct) }
}
