//! What happened to an artifact, and how far that is proven.

use super::super::policy::Candidate;
use super::super::predicate;
use super::super::read::Found;
use bundle::body::{LoggedSignature, Verifier};
use bundle::{
    Body, Bundle, Content, HashAlgorithm, KeyMaterial, Material, MediaType, MessageSignature, Statement, TlogEntry,
};
use jiff::Timestamp;
use signing::{
    Artifact, Certificate, ChainError, Identity, IdentityPolicy, Policy, PublicKey, SignatureError, SignerPolicy,
    TextMatch, TimeSource, TimestampError, Trust, Verified, VerifiedSigner, VerifyError,
};

/// One signature, attestation or log entry.
pub(super) struct Event {
    /// Proven times and who vouches for each.
    pub(super) times: Vec<(Timestamp, String)>,
    pub(super) who: Who,
    pub(super) what: String,
    pub(super) predicate_type: Option<String>,
    pub(super) place: Place,
    /// Logs and indices there; the log's name only where it is trusted.
    pub(super) entries: Vec<(Option<String>, i64)>,
    pub(super) proof: Proof,
}

/// Who made it; proven only where the event is.
pub(super) enum Who {
    Identity(Identity),
    /// A key that is known.
    Key(PublicKey),
    /// A key that only a hint names.
    Hint(String),
    Nobody,
}

/// Where it was found.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Registry,
    Log,
}

/// How far it is proven.
pub(super) enum Proof {
    /// What was verified, and what could not be.
    Holds(Vec<&'static str>, Option<&'static str>),
    /// By keys or roots that are not known here.
    Unknown(String),
    /// It is wrong.
    Fails(String),
}

impl Event {
    /// When it was made, at the latest.
    pub(super) fn time(&self) -> Option<Timestamp> {
        self.times.iter().map(|(time, _)| *time).min()
    }
}

/// Verifies, whoever signed.
pub(super) struct Judge {
    trust: Trust,
    keys: Vec<PublicKey>,
    anybody: SignerPolicy,
    now: Timestamp,
}

impl Judge {
    pub(super) fn new(trust: Trust, keys: Vec<PublicKey>, now: Timestamp) -> anyhow::Result<Self> {
        let any = || TextMatch::regexp("");
        let anybody = SignerPolicy::Identities(vec![IdentityPolicy::new(any()?, any()?)]);
        Ok(Self { trust, keys, anybody, now })
    }

    /// What was found attached to the image.
    pub(super) fn attached(&self, found: &Found, candidate: anyhow::Result<Candidate<'_>>, digest: &str) -> Event {
        let candidate = match candidate {
            Ok(candidate) => candidate,
            Err(error) => {
                return Event {
                    times: Vec::new(),
                    who: Who::Nobody,
                    what: "not readable".to_owned(),
                    predicate_type: None,
                    place: Place::Registry,
                    entries: Vec::new(),
                    proof: Proof::Fails(format!("{error:#}")),
                };
            }
        };
        let bundle = &candidate.bundle;
        let claimed = bundle.material.tlog_entries.iter().map(|entry| (None, entry.log_index));
        let mut event = Event {
            times: Vec::new(),
            who: claimed_signer(bundle),
            what: "signature".to_owned(),
            predicate_type: None,
            place: Place::Registry,
            entries: claimed.collect(),
            proof: Proof::Fails(String::new()),
        };
        if let Content::Envelope(envelope) = &bundle.content {
            let statement = Statement::parse(&envelope.payload).ok();
            let kind = statement.map_or_else(|| envelope.payload_type.clone(), |statement| statement.predicate_type);
            event.what = predicate::words(&kind);
            event.predicate_type = Some(kind);
        }
        let outcome = self.verify(&candidate).map_err(|error| self.unproven(error, bundle));
        let (verified, lacks) = match outcome {
            Ok(outcome) => outcome,
            Err(proof) => return Event { proof, ..event },
        };
        event.times = verified
            .times
            .iter()
            .map(|time| match &time.source {
                TimeSource::Log(url) | TimeSource::TimestampAuthority(url) => (time.time, url.clone()),
            })
            .collect();
        if !verified.entries.is_empty() {
            let entries = verified.entries.iter().map(|entry| (Some(entry.base_url.clone()), entry.log_index));
            event.entries = entries.collect();
        }
        event.proof = match found.claims(&verified, digest, true) {
            Ok(_) => Proof::Holds(checks(&verified), lacks),
            Err(error) => Proof::Fails(format!("{error:#}")),
        };
        event.who = match verified.signer {
            VerifiedSigner::Key(key) => Who::Key(key),
            VerifiedSigner::Certificate(certificate) => Who::Identity(certificate.identity),
        };
        event
    }

    /// With the log's proof where a log is known; without where none is, and then what is lacking.
    fn verify(&self, candidate: &Candidate<'_>) -> Result<(Verified, Option<&'static str>), VerifyError> {
        let Candidate { bundle, artifact } = candidate;
        let signer = match bundle.material.key {
            KeyMaterial::PublicKey { .. } => SignerPolicy::Keys(self.keys.clone()),
            KeyMaterial::Chain(_) | KeyMaterial::Certificate(_) => self.anybody.clone(),
        };
        let mut policy = Policy { signer, ignore_tlog: false, ignore_sct: false, require_timestamp: false };
        match signing::verify(bundle, artifact, &self.trust, &policy, self.now) {
            Err(VerifyError::NotLogged) => {
                policy.ignore_tlog = true;
                let lacks = if bundle.material.tlog_entries.is_empty() { "not logged" } else { "log not known" };
                Ok((signing::verify(bundle, artifact, &self.trust, &policy, self.now)?, Some(lacks)))
            }
            other => Ok((other?, None)),
        }
    }

    /// Is it wrong, or by somebody who isn't known?
    fn unproven(&self, error: VerifyError, bundle: &Bundle) -> Proof {
        let is_unknown = match &error {
            VerifyError::NoKey
            | VerifyError::NotLogged
            // What certificates are for is looked at before who issued them, and anybody can make one.
            | VerifyError::Chain(ChainError::UnknownIssuer | ChainError::Usage | ChainError::UnknownCritical)
            | VerifyError::Signature(SignatureError::NeedsMessage)
            | VerifyError::Timestamp(TimestampError::UnknownAuthority) => true,
            VerifyError::Signature(_) => match &bundle.material.key {
                KeyMaterial::PublicKey { hint } => !self.keys.iter().any(|key| key.hint() == *hint),
                KeyMaterial::Chain(_) | KeyMaterial::Certificate(_) => false,
            },
            _ => false,
        };
        let reason = format!("{:#}", anyhow::Error::from(error));
        if is_unknown { Proof::Unknown(reason) } else { Proof::Fails(reason) }
    }

    /// What only a log has.
    pub(super) fn logged(&self, entry: &TlogEntry, artifact: &Artifact<'_>) -> Event {
        let mut event = Event {
            times: Vec::new(),
            who: Who::Nobody,
            what: format!("log entry ({})", entry.kind_version.kind),
            predicate_type: None,
            place: Place::Log,
            entries: vec![(None, entry.log_index)],
            proof: Proof::Fails(String::new()),
        };
        let (body, verified) = match signing::verify_entry(entry, &self.trust) {
            Ok(verified) => verified,
            Err(error @ VerifyError::NotLogged) => {
                return Event { proof: Proof::Unknown(error.to_string()), ..event };
            }
            Err(error) => {
                return Event { proof: Proof::Fails(format!("{:#}", anyhow::Error::from(error))), ..event };
            }
        };
        event.times.extend(verified.integrated_time.map(|time| (time, verified.base_url.clone())));
        event.entries = vec![(Some(verified.base_url), verified.log_index)];
        let (verifier, signed) = contents(&body);
        event.who = verifier.as_ref().map_or(Who::Nobody, |verifier| self.logged_signer(verifier));
        event.proof = match (signed, verifier) {
            (Some(signed), Some(verifier)) => self.signed(&signed, verifier, verified.integrated_time, artifact),
            (Some(_), None) => Proof::Fails("the entry names no key that can be used".to_owned()),
            // The entry has only the digest of an envelope.
            (None, _) => Proof::Unknown("it is in the log; what it is about is the log's word".to_owned()),
        };
        event
    }

    fn logged_signer(&self, verifier: &Verifier) -> Who {
        match verifier {
            Verifier::PublicKey(spki) => match PublicKey::from_spki(spki) {
                Ok(key) if self.keys.contains(&key) => Who::Key(key),
                Ok(key) => Who::Hint(key.hint()),
                Err(_) => Who::Nobody,
            },
            Verifier::Certificate(der) => {
                Certificate::from_der(der).map_or(Who::Nobody, |certificate| Who::Identity(Identity::of(&certificate)))
            }
        }
    }

    /// A signature of an entry that is proven to be in the log: it must be of the artifact, and by whom it says. An
    /// entry without a time does not prove that a certificate was valid then, only to whom it was issued.
    fn signed(
        &self,
        signed: &Signed<'_>,
        verifier: Verifier,
        time: Option<Timestamp>,
        artifact: &Artifact<'_>,
    ) -> Proof {
        let is_of = matches!(artifact, Artifact::Digests(all)
            if all.iter().any(|(algorithm, digest)| *algorithm == signed.algorithm && digest == signed.digest));
        if !is_of {
            return Proof::Fails("the log's entry is about something else".to_owned());
        }
        let (key, signer, at) = match verifier {
            Verifier::PublicKey(spki) => {
                let hint = PublicKey::from_spki(&spki).map(|key| key.hint()).unwrap_or_default();
                (KeyMaterial::PublicKey { hint }, SignerPolicy::Keys(self.keys.clone()), self.now)
            }
            Verifier::Certificate(der) => {
                let issued = Certificate::from_der(&der).map_or(self.now, |certificate| certificate.not_before());
                (KeyMaterial::Certificate(der), self.anybody.clone(), time.unwrap_or(issued))
            }
        };
        let message = MessageSignature { message_digest: None, signature: signed.signature.to_vec() };
        let material = Material { key, tlog_entries: Vec::new(), timestamps: Vec::new() };
        let bundle = Bundle { media_type: MediaType::V03, material, content: Content::Message(message) };
        let policy = Policy { signer, ignore_tlog: true, ignore_sct: false, require_timestamp: false };
        match signing::verify(&bundle, artifact, &self.trust, &policy, at) {
            Ok(verified) => {
                let mut checks = checks(&verified);
                checks.push("log");
                Proof::Holds(checks, time.is_none().then_some("time not proven"))
            }
            Err(error) => self.unproven(error, &bundle),
        }
    }
}

/// Who signed, by the bundle's own word.
fn claimed_signer(bundle: &Bundle) -> Who {
    match &bundle.material.key {
        KeyMaterial::PublicKey { hint } => Who::Hint(hint.clone()),
        material => {
            let certificate = material.leaf().and_then(|der| Certificate::from_der(der).ok());
            certificate.map_or(Who::Nobody, |certificate| Who::Identity(Identity::of(&certificate)))
        }
    }
}

/// The parts of a proof that hold.
fn checks(verified: &Verified) -> Vec<&'static str> {
    let mut all = vec!["signature"];
    if matches!(verified.signer, VerifiedSigner::Certificate(_)) {
        all.extend(["certificate", "SCT"]);
    }
    if !verified.entries.is_empty() {
        all.push("log");
    }
    if verified.times.iter().any(|time| matches!(time.source, TimeSource::TimestampAuthority(_))) {
        all.push("timestamp");
    }
    all
}

/// A signature over a digest, as a log has it.
struct Signed<'a> {
    algorithm: HashAlgorithm,
    digest: &'a [u8],
    signature: &'a [u8],
}

/// Who verifies an entry's first signature; and the signature where it is over the artifact.
fn contents(body: &Body) -> (Option<Verifier>, Option<Signed<'_>>) {
    let of_pem = |pem: &[u8]| {
        let block = signing::pem::parse(pem).ok()?.into_iter().next()?;
        match block.label.as_str() {
            "CERTIFICATE" => Some(Verifier::Certificate(block.content.to_vec())),
            "PUBLIC KEY" => Some(Verifier::PublicKey(block.content.to_vec())),
            _ => None,
        }
    };
    let first = |signatures: &[LoggedSignature]| signatures.first().map(|signature| signature.verifier.clone());
    match body {
        Body::HashedRekordV1(body) => {
            let signed = Signed { algorithm: body.algorithm, digest: &body.digest, signature: &body.signature };
            (of_pem(&body.public_key), Some(signed))
        }
        Body::HashedRekordV2(body) => {
            let signature = &body.signature.content;
            let signed = Signed { algorithm: body.algorithm, digest: &body.digest, signature };
            (Some(body.signature.verifier.clone()), Some(signed))
        }
        Body::DsseV1(body) => (body.signatures.first().and_then(|signature| of_pem(&signature.verifier)), None),
        Body::DsseV2(body) => (first(&body.signatures), None),
        Body::IntotoV1(body) => (of_pem(&body.public_key), None),
        Body::IntotoV2(body) => (body.signatures.first().and_then(|signature| of_pem(&signature.public_key)), None),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anybody_can_make_is_unknown_and_only_what_is_trusted_can_be_wrong() {
        let signer = signing::PrivateKey::generate(signing::KeyKind::P256).unwrap();
        let known = signing::Signer::public_key(&signer).clone();
        let judge = Judge::new(Trust::none(), vec![known.clone()], Timestamp::UNIX_EPOCH).unwrap();
        let by = |hint: String| Bundle {
            media_type: MediaType::V03,
            material: Material { key: KeyMaterial::PublicKey { hint }, tlog_entries: vec![], timestamps: vec![] },
            content: Content::Message(MessageSignature { message_digest: None, signature: vec![] }),
        };
        let wrong = || VerifyError::Signature(known.verify(b"a", b"b").unwrap_err());
        let at = Timestamp::UNIX_EPOCH;
        for (error, hint, is_unknown) in [
            (VerifyError::NoKey, String::new(), true),
            (VerifyError::Chain(ChainError::UnknownIssuer), String::new(), true),
            (VerifyError::Chain(ChainError::Usage), String::new(), true),
            (VerifyError::Chain(ChainError::NotValidAt(at)), String::new(), false),
            (VerifyError::Sct, String::new(), false),
            (VerifyError::Subject, String::new(), false),
            (wrong(), "another".to_owned(), true),
            (wrong(), known.hint(), false),
        ] {
            let text = error.to_string();
            let proof = judge.unproven(error, &by(hint));
            assert_eq!(matches!(proof, Proof::Unknown(_)), is_unknown, "{text}");
        }
    }
}
