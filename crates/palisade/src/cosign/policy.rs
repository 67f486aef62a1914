//! Whom a verification accepts, and with whose keys: from flags, the initialised root or the local authority.

use super::args;
use super::keys::{self, variable};
use super::local;
use super::services;
use crate::outcome::advised;
use anyhow::Context;
use bundle::{
    Bundle, CertificateAuthority, DistinguishedName, RootMediaType, TimeRange, TransparencyLog, TrustedKey, TrustedRoot,
};
use jiff::Timestamp;
use signing::{
    Artifact, IdentityPolicy, Policy, PublicKey, SignerPolicy, TextMatch, Trust, Verified, verify, verify_quorum,
};
use sigstore::keyref::KeyRef;
use sigstore::{Http, HttpOptions};
use std::path::Path;

/// Who is accepted, and what must prove it.
pub(crate) struct Acceptance {
    trust: Trust,
    policy: Policy,
    /// Different keys that must have signed; 0: one of the identities.
    needed_keys: usize,
    keys: Vec<PublicKey>,
}

/// A signature as it was found: a bundle, and what it must be of.
pub(crate) struct Candidate<'a> {
    /// The bundle, or what an older form says, as one.
    pub(crate) bundle: Bundle,
    /// What it must be of.
    pub(crate) artifact: Artifact<'a>,
}

impl Acceptance {
    /// What the flags say.
    pub(crate) fn new(args: &args::Verification) -> anyhow::Result<Self> {
        if args.sk {
            return Err(keys::no_security_key());
        }
        let has_identity =
            args.identity.certificate_identity.is_some() || args.identity.certificate_identity_regexp.is_some();
        if !args.key.is_empty() && has_identity {
            return Err(advised("a key and an identity", "give --key or --certificate-identity, not both"));
        }
        let keys = public_keys(&args.key, args.offline)?;
        let (roots, local) = trusted_roots(args, !keys.is_empty())?;
        let trust = if roots.is_empty() { Trust::none() } else { Trust::new(&roots)? };
        let signer = if keys.is_empty() {
            SignerPolicy::Identities(vec![identity(&args.identity, local.as_ref())?])
        } else {
            SignerPolicy::Keys(keys.clone())
        };
        let policy = Policy {
            signer,
            ignore_tlog: args.insecure_ignore_tlog || args.private_infrastructure,
            ignore_sct: args.insecure_ignore_sct || args.ca_roots.is_some() || args.certificate_chain.is_some(),
            require_timestamp: args.use_signed_timestamps || args.timestamp_certificate_chain.is_some(),
        };
        let needed_keys = if keys.is_empty() { 0 } else { args.threshold.unwrap_or(keys.len()) };
        Ok(Self { trust, policy, needed_keys, keys })
    }

    /// Accepts who made a signature just now, so that what was published is what will verify.
    pub(crate) fn of(signer: SignerPolicy, root: &TrustedRoot) -> anyhow::Result<Self> {
        let policy = Policy { signer, ignore_tlog: true, ignore_sct: false, require_timestamp: false };
        Ok(Self { trust: Trust::new(std::slice::from_ref(root))?, policy, needed_keys: 0, keys: Vec::new() })
    }

    /// Whether keys are asked for, not identities.
    pub(crate) fn is_by_key(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether an entry in a log was asked for.
    pub(crate) fn is_logged(&self) -> bool {
        !self.policy.ignore_tlog
    }

    /// Verifies one signature.
    pub(crate) fn verify(&self, candidate: &Candidate<'_>, now: Timestamp) -> Result<Verified, signing::VerifyError> {
        verify(&candidate.bundle, &candidate.artifact, &self.trust, &self.policy, now)
    }

    /// The signatures that are accepted, with their positions. Fewer different keys than asked for are an error.
    pub(crate) fn accepted(
        &self,
        candidates: &[Candidate<'_>],
        now: Timestamp,
    ) -> anyhow::Result<Vec<(usize, Verified)>> {
        let mut accepted = Vec::new();
        let mut last = None;
        for (index, candidate) in candidates.iter().enumerate() {
            match self.verify(candidate, now) {
                Ok(verified) => accepted.push((index, verified)),
                Err(error) => last = Some(error),
            }
        }
        if accepted.is_empty() {
            let error = last.map_or_else(|| anyhow::anyhow!("nothing is signed"), anyhow::Error::from);
            return Err(error);
        }
        // The forms a signature can have differ in what it is over, so each form's quorum is counted by key.
        if self.needed_keys > 1 {
            self.quorum(candidates, now)?;
        }
        Ok(accepted)
    }

    fn quorum(&self, candidates: &[Candidate<'_>], now: Timestamp) -> anyhow::Result<()> {
        let mut signed: Vec<&PublicKey> = Vec::new();
        for key in &self.keys {
            let by_key = std::slice::from_ref(key);
            let is_signed = candidates.iter().any(|candidate| {
                let bundles = std::slice::from_ref(&candidate.bundle);
                verify_quorum(bundles, &candidate.artifact, &self.trust, by_key, 1, &self.policy, now).is_ok()
            });
            if is_signed && !signed.contains(&key) {
                signed.push(key);
            }
        }
        if signed.len() < self.needed_keys {
            let (found, needed) = (signed.len(), self.needed_keys);
            return Err(advised(
                format!("{found} of the {needed} keys that must have signed did"),
                "a key counts once, however many signatures it made",
            ));
        }
        Ok(())
    }
}

/// The keys that references name; none twice.
pub(crate) fn public_keys(references: &[String], offline: bool) -> anyhow::Result<Vec<PublicKey>> {
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let http = Http::new(&HttpOptions::default());
    let mut keys: Vec<PublicKey> = Vec::new();
    for text in references {
        let reference = KeyRef::parse(text)?;
        if offline && !matches!(reference, KeyRef::File(_) | KeyRef::Variable(_) | KeyRef::Pkcs11(_)) {
            return Err(advised(format!("{text} is not reached offline"), "give the public key as a file or env://"));
        }
        let key = reference.public(&http, &variable, &keys::password)?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

/// The roots to try, and the local authority where nothing else is configured.
fn trusted_roots(
    args: &args::Verification,
    is_by_key: bool,
) -> anyhow::Result<(Vec<TrustedRoot>, Option<local::Identity>)> {
    let mut roots =
        args.trusted_root.iter().map(|path| services::trusted_root(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut local = None;
    if roots.is_empty() {
        if let Some(root) = from_files(args)? {
            roots.push(root);
        } else if is_by_key && (args.insecure_ignore_tlog || args.private_infrastructure) && !args.use_signed_timestamps
        {
            // A key alone needs nobody else's word.
        } else if let Some((root, identity)) = known_root()? {
            roots.push(root);
            local = identity;
        } else {
            return Err(advised(
                "no trusted root",
                "give --trusted-root FILE, or run `initialize`, or sign once with the local authority",
            ));
        }
    }
    Ok((roots, local))
}

/// Whom to trust where nothing is said: an initialised root, else the local authority, which signs for an identity.
pub(crate) fn known_root() -> anyhow::Result<Option<(TrustedRoot, Option<local::Identity>)>> {
    if let Some(root) = super::initialize::trusted_root()? {
        return Ok(Some((root, None)));
    }
    Ok(local::known()?.map(|(root, identity)| (root, Some(identity))))
}

/// The parts of a trusted root that older flags and variables name.
fn from_files(args: &args::Verification) -> anyhow::Result<Option<TrustedRoot>> {
    let file = |name: &str| variable(name).filter(|path| !path.is_empty()).map(std::path::PathBuf::from);
    let roots = args.ca_roots.clone().or_else(|| args.certificate_chain.clone()).or_else(|| file("SIGSTORE_ROOT_FILE"));
    let log = file("SIGSTORE_REKOR_PUBLIC_KEY");
    let ct_log = file("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE");
    let tsa = args.timestamp_certificate_chain.clone().or_else(|| file("SIGSTORE_TSA_CERTIFICATE_FILE"));
    if roots.is_none() && log.is_none() && ct_log.is_none() && tsa.is_none() {
        return Ok(None);
    }
    let authority = |path: &Path, above: Option<&Path>| -> anyhow::Result<CertificateAuthority> {
        let mut cert_chain = Vec::new();
        for path in above.into_iter().chain([path]) {
            let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            cert_chain.extend(signing::pem::certificates(&pem).with_context(|| path.display().to_string())?);
        }
        Ok(CertificateAuthority {
            subject: DistinguishedName::default(),
            uri: String::new(),
            cert_chain,
            valid_for: Some(always()),
            operator: String::new(),
        })
    };
    let key = |path: &Path| -> anyhow::Result<TransparencyLog> {
        let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let key = PublicKey::from_pem(&pem).with_context(|| path.display().to_string())?;
        Ok(TransparencyLog {
            base_url: String::new(),
            hash_algorithm: Some(bundle::HashAlgorithm::Sha256),
            public_key: TrustedKey {
                raw_bytes: key.to_spki().to_vec(),
                key_details: key.kind().details(),
                valid_for: Some(always()),
            },
            log_id: key.id().to_vec(),
            checkpoint_key_id: Vec::new(),
            operator: String::new(),
        })
    };
    let intermediates = args.ca_intermediates.as_deref();
    let certificate_authorities = roots.iter().map(|path| authority(path, intermediates)).collect::<Result<_, _>>()?;
    Ok(Some(TrustedRoot {
        media_type: RootMediaType::V01,
        tlogs: log.iter().map(|path| key(path)).collect::<Result<_, _>>()?,
        certificate_authorities,
        ctlogs: ct_log.iter().map(|path| key(path)).collect::<Result<_, _>>()?,
        timestamp_authorities: tsa.iter().map(|path| authority(path, None)).collect::<Result<_, _>>()?,
    }))
}

fn always() -> TimeRange {
    TimeRange { start: Timestamp::UNIX_EPOCH, end: None }
}

/// The identity that the flags ask for; without flags the one for whom the local authority signs.
fn identity(args: &args::Identity, local: Option<&local::Identity>) -> anyhow::Result<IdentityPolicy> {
    let matching = |exact: &Option<String>, regexp: &Option<String>| -> anyhow::Result<Option<TextMatch>> {
        match (exact, regexp) {
            (Some(text), None) => Ok(Some(TextMatch::exact(text.clone()))),
            (None, Some(pattern)) => Ok(Some(TextMatch::regexp(pattern)?)),
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(advised("a text and a regular expression for the same", "give one of them")),
        }
    };
    let subject = matching(&args.certificate_identity, &args.certificate_identity_regexp)?;
    let issuer = matching(&args.certificate_oidc_issuer, &args.certificate_oidc_issuer_regexp)?;
    let mut policy = match (subject, issuer, local) {
        (Some(subject), Some(issuer), _) => IdentityPolicy::new(subject, issuer),
        (None, None, Some(local)) => {
            IdentityPolicy::new(TextMatch::exact(local.subject.clone()), TextMatch::exact(local.issuer.clone()))
        }
        (None, ..) => {
            return Err(advised(
                "--certificate-identity or --certificate-identity-regexp is required for verification in keyless mode",
                "say who must have signed, or give --key",
            ));
        }
        (_, None, _) => {
            return Err(advised(
                "--certificate-oidc-issuer or --certificate-oidc-issuer-regexp is required for verification in keyless mode",
                "say who vouches for the identity",
            ));
        }
    };
    for (number, value) in [
        (2, &args.certificate_github_workflow_trigger),
        (3, &args.certificate_github_workflow_sha),
        (4, &args.certificate_github_workflow_name),
        (5, &args.certificate_github_workflow_repository),
        (6, &args.certificate_github_workflow_ref),
    ] {
        if let Some(value) = value {
            policy = policy.extension(number, value.clone());
        }
    }
    Ok(policy)
}
