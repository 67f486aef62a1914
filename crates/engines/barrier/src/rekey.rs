use crate::cipher::Key;
use crate::lifecycle::Shares;
use crate::operator::{Operator, decode_share};
use crate::procedure::{Collected, Kept, Procedure, nonce};
use crate::sealing::same;
use crate::shapes::{
    EncodedKeys, RekeyComplete, RekeyRequest, RekeyStatus, RekeyUpdate, RekeyVerification, RekeyVerificationStatus,
    Subject, no_pgp,
};
use logical::{Error, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A rekey that has begun.
#[derive(Serialize, Deserialize)]
struct Rekey {
    collected: Collected,
    /// Of the new key.
    shares: Shares,
    verification_required: bool,
    verification: Option<Verification>,
}

/// The new key, which is put in place when its shares were handed in.
#[derive(Serialize, Deserialize)]
struct Verification {
    collected: Collected,
    key: Kept,
}

impl Operator {
    /// `sys/rekey/init` or `sys/rekey-recovery-key/init`, read.
    ///
    /// # Errors
    /// While sealed, and where there are no recovery keys.
    pub async fn rekey_status(&self, subject: Subject) -> Result<RekeyStatus, Error> {
        let required = self.rekey_threshold(subject).await?.threshold;
        let Some(rekey) = self.procedure::<Rekey>(subject.procedure()).await? else {
            return Ok(RekeyStatus { required, ..RekeyStatus::default() });
        };
        Ok(RekeyStatus {
            nonce: rekey.collected.nonce.clone(),
            started: true,
            t: rekey.shares.threshold,
            n: rekey.shares.shares,
            progress: rekey.collected.len(),
            required,
            verification_required: rekey.verification_required,
            verification_nonce: rekey.verification_nonce(),
            ..RekeyStatus::default()
        })
    }

    /// `sys/rekey/init`, written: begins a rekey.
    ///
    /// # Errors
    /// Where one has begun, or the numbers make no sense; with the peer's texts.
    pub async fn rekey_start(&self, subject: Subject, request: &RekeyRequest) -> Result<RekeyStatus, Error> {
        self.check_rekey(subject)?;
        let pgp = request.pgp_keys.as_ref().is_some_and(|keys| !keys.is_empty());
        if request.backup && !pgp {
            let text = "cannot request a backup of the new keys without providing PGP keys for encryption";
            return Err(Error::invalid(text));
        }
        if pgp {
            return Err(no_pgp());
        }
        let asked = Shares::of(request.secret_shares, request.secret_threshold);
        let what = if subject == Subject::Root { "rekey seal" } else { "recovery" };
        let invalid = |error| Error::Status(500, format!("invalid {what} configuration: {error}"));
        let shares = if subject == Subject::Root && self.barrier.seal_type().has_recovery_keys() {
            if request.require_verification {
                let text = "requiring verification not supported when rekeying the barrier key with recovery keys";
                return Err(Error::invalid(text));
            }
            Shares::default()
        } else {
            asked.validate().map_err(invalid)?
        };
        let begin = |rekey: &mut Option<Rekey>| {
            if rekey.is_some() {
                return Err(Error::invalid("rekey already in progress"));
            }
            let (collected, verification_required) = (Collected::new(), request.require_verification);
            *rekey = Some(Rekey { collected, shares, verification_required, verification: None });
            Ok(())
        };
        self.alter(subject.procedure(), begin).await?;
        self.rekey_status(subject).await
    }

    /// `sys/rekey/init`, deleted: gives it up.
    ///
    /// # Errors
    /// While sealed.
    pub async fn rekey_cancel(&self, subject: Subject) -> Result<(), Error> {
        self.check_rekey(subject)?;
        self.rekey_end(subject).await
    }

    /// `sys/rekey/update`: a share of the present key. With enough of them the new key is made, and put in place unless
    /// it is to be verified first.
    ///
    /// # Errors
    /// With the peer's texts.
    pub async fn rekey_update(&self, subject: Subject, key: &str, nonce: &str) -> Result<RekeyUpdate, Error> {
        let part = decode_share(key)?;
        let present = self.rekey_threshold(subject).await?;
        let Some((shares, verified, parts)) = self.rekey_collect(subject, &part, nonce, present).await? else {
            return self.rekey_status(subject).await.map(RekeyUpdate::Progress);
        };
        let failed = |error| Error::Status(500, format!("failed to compute root key: {error}"));
        let key = present.combine(&parts).map_err(failed)?;
        self.barrier.authenticate(&key).await.map_err(|error| match error {
            Error::Invalid(text) if self.barrier.seal_type().has_recovery_keys() => {
                Error::invalid(format!("recovery key verification failed: {text}"))
            }
            other => other,
        })?;
        if shares == Shares::default() {
            self.barrier.replace_root(None).await?;
            self.rekey_end(subject).await?;
            return Ok(RekeyUpdate::Complete(RekeyComplete::new(nonce, &[], String::new())));
        }
        let (key, parts) = shares.generate()?;
        if !verified {
            self.put_in_place(subject, shares, &key).await?;
            self.rekey_end(subject).await?;
            return Ok(RekeyUpdate::Complete(RekeyComplete::new(nonce, &parts, String::new())));
        }
        let begin = |rekey: &mut Option<Rekey>| {
            let rekey = rekey.as_mut().filter(|rekey| rekey.collected.nonce == nonce);
            let rekey = rekey.ok_or_else(|| no_rekey(subject))?;
            let verification = Verification { collected: Collected::new(), key: Kept::new(&*key) };
            let verification_nonce = verification.collected.nonce.clone();
            rekey.verification = Some(verification);
            Ok(verification_nonce)
        };
        let verification_nonce = self.alter(subject.procedure(), begin).await?;
        Ok(RekeyUpdate::Complete(RekeyComplete::new(nonce, &parts, verification_nonce)))
    }

    /// `sys/rekey/verify`, read.
    ///
    /// # Errors
    /// Where no rekey has begun.
    pub async fn rekey_verification(&self, subject: Subject) -> Result<RekeyVerificationStatus, Error> {
        self.check_rekey(subject)?;
        let rekey = self.procedure::<Rekey>(subject.procedure()).await?;
        let rekey = rekey.ok_or_else(|| Error::invalid("no rekey configuration found"))?;
        Ok(RekeyVerificationStatus {
            started: rekey.verification.is_some(),
            nonce: rekey.verification_nonce(),
            t: rekey.shares.threshold,
            n: rekey.shares.shares,
            progress: rekey.verification.as_ref().map_or(0, |verification| verification.collected.len()),
        })
    }

    /// `sys/rekey/verify`, deleted: begins the verification again, with another nonce.
    ///
    /// # Errors
    /// Where no rekey has begun.
    pub async fn rekey_verification_restart(&self, subject: Subject) -> Result<RekeyVerificationStatus, Error> {
        self.check_rekey(subject)?;
        let restart = |rekey: &mut Option<Rekey>| {
            if let Some(verification) = rekey.as_mut().and_then(|rekey| rekey.verification.as_mut()) {
                verification.collected = Collected::new();
            }
            Ok(())
        };
        self.alter(subject.procedure(), restart).await?;
        self.rekey_verification(subject).await
    }

    /// `sys/rekey/verify`, written: a share of the new key. With enough of them it is put in place.
    ///
    /// # Errors
    /// With the peer's texts.
    pub async fn rekey_verify(&self, subject: Subject, key: &str, nonce: &str) -> Result<RekeyVerification, Error> {
        let part = decode_share(key)?;
        self.check_rekey(subject)?;
        let Some((shares, key)) = self.verification_collect(subject, &part, nonce).await? else {
            return self.rekey_verification(subject).await.map(RekeyVerification::Progress);
        };
        self.put_in_place(subject, shares, &key).await?;
        self.rekey_end(subject).await?;
        Ok(RekeyVerification::Complete { nonce: nonce.to_owned(), complete: true })
    }

    fn check_rekey(&self, subject: Subject) -> Result<(), Error> {
        if subject == Subject::Recovery && !self.barrier.seal_type().has_recovery_keys() {
            return Err(Error::invalid("recovery rekeying not supported"));
        }
        if self.barrier.is_sealed() { Err(Error::Sealed) } else { Ok(()) }
    }

    /// The shares of the present key.
    async fn rekey_threshold(&self, subject: Subject) -> Result<Shares, Error> {
        self.check_rekey(subject)?;
        Ok(self.barrier.require_seal_record().await?.0.needed())
    }

    async fn rekey_end(&self, subject: Subject) -> Result<(), Error> {
        let end = |rekey: &mut Option<Rekey>| {
            *rekey = None;
            Ok(())
        };
        self.alter(subject.procedure(), end).await
    }

    /// Takes a share; all of them when they are enough, with the new key's numbers and whether it is to be verified.
    async fn rekey_collect(
        &self,
        subject: Subject,
        part: &Secret,
        nonce: &str,
        present: Shares,
    ) -> Result<Option<(Shares, bool, Vec<Secret>)>, Error> {
        let collect = |rekey: &mut Option<Rekey>| {
            let rekey = rekey.as_mut().ok_or_else(|| no_rekey(subject))?;
            if rekey.verification.is_some() {
                let text = "rekey operation already finished; verification must be performed; nonce for the \
                            verification operation is";
                return Err(Error::invalid(format!("{text} {:?}", rekey.verification_nonce())));
            }
            if nonce != rekey.collected.nonce {
                return Err(other_nonce("rekey", &rekey.collected));
            }
            if !rekey.collected.add(part) {
                let what = if subject == Subject::Root { "generation" } else { "rekey" };
                return Err(Error::invalid(format!(
                    "given key has already been provided during this {what} operation"
                )));
            }
            let enough = rekey.collected.len() >= present.threshold.into();
            Ok(enough.then(|| (rekey.shares, rekey.verification_required, rekey.collected.take())))
        };
        self.alter(subject.procedure(), collect).await
    }

    /// Takes a share of the new key; the new key itself when they are enough and right.
    async fn verification_collect(
        &self,
        subject: Subject,
        part: &Secret,
        asked: &str,
    ) -> Result<Option<(Shares, Key)>, Error> {
        let collect = |rekey: &mut Option<Rekey>| {
            let rekey = rekey.as_mut().ok_or_else(|| Error::invalid("no rekey in progress"))?;
            let verification = rekey.verification.as_mut();
            let verification = verification.ok_or_else(|| Error::invalid("no rekey verification in progress"))?;
            let collected = &mut verification.collected;
            if asked != collected.nonce {
                return Err(other_nonce("verify", collected));
            }
            if !collected.add(part) {
                return Err(Error::invalid("given key has already been provided during this verify operation"));
            }
            if collected.len() < rekey.shares.threshold.into() {
                return Ok(None);
            }
            let parts = collected.take();
            collected.nonce = nonce();
            let failed = |error| Error::Status(500, format!("failed to compute key for verification: {error}"));
            let key = rekey.shares.combine(&parts).map_err(failed)?;
            let refused = || Error::invalid("rekey verification failed; incorrect key shares supplied");
            let exact = key.as_slice().try_into().ok().filter(|_| same(&key, verification.key.bytes()));
            Ok(Some((rekey.shares, Zeroizing::new(exact.ok_or_else(refused)?))))
        };
        self.alter(subject.procedure(), collect).await
    }

    async fn put_in_place(&self, subject: Subject, shares: Shares, key: &Key) -> Result<(), Error> {
        match subject {
            Subject::Root => self.barrier.replace_root(Some((shares, key))).await,
            Subject::Recovery => self.barrier.replace_recovery(shares, key).await,
        }
    }
}

impl Subject {
    fn procedure(self) -> Procedure {
        Procedure(match self {
            Self::Root => "own/rekey",
            Self::Recovery => "own/rekey-recovery",
        })
    }
}

impl Rekey {
    fn verification_nonce(&self) -> String {
        self.verification.as_ref().map(|verification| verification.collected.nonce.clone()).unwrap_or_default()
    }
}

impl RekeyComplete {
    fn new(nonce: &str, parts: &[Secret], verification_nonce: String) -> Self {
        Self {
            nonce: nonce.to_owned(),
            complete: true,
            keys: EncodedKeys::new(parts),
            pgp_fingerprints: None,
            backup: false,
            verification_required: !verification_nonce.is_empty(),
            verification_nonce,
        }
    }
}

fn other_nonce(what: &str, collected: &Collected) -> Error {
    let known = &collected.nonce;
    Error::invalid(format!("incorrect nonce supplied; nonce for this {what} operation is {known:?}"))
}

fn no_rekey(subject: Subject) -> Error {
    Error::invalid(match subject {
        Subject::Root => "no barrier rekey in progress",
        Subject::Recovery => "no recovery rekey in progress",
    })
}
