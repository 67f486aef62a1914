use crate::operator::{Operator, decode_share};
use crate::procedure::{Collected, Kept, Procedure};
use crate::shapes::{GenerateRootStatus, no_pgp};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use logical::Error;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Bytes of a root token, `hvs.` and 24 more, and so of the one-time password that hides it.
pub const ROOT_TOKEN_BYTES: usize = 28;

const GENERATION: Procedure = Procedure("own/generate-root");

/// A root token that is being generated.
#[derive(Serialize, Deserialize)]
struct Generation {
    collected: Collected,
    otp: Kept,
}

/// The answer to a share.
pub enum RootUpdate {
    /// More are needed.
    Progress(GenerateRootStatus),
    /// They were enough and right: the caller makes a root token, and has it hidden.
    Authenticated(RootGrant),
}

/// Proof that enough shares were handed in.
pub struct RootGrant {
    nonce: String,
    otp: Kept,
    required: u16,
}

impl Operator {
    /// `sys/generate-root/attempt`, read. It never tells the one-time password.
    ///
    /// # Errors
    /// While sealed.
    pub async fn root_status(&self) -> Result<GenerateRootStatus, Error> {
        let required = self.root_shares().await?.threshold;
        let generation: Option<Generation> = self.procedure(GENERATION).await?;
        let collected = generation.as_ref().map(|generation| &generation.collected);
        Ok(GenerateRootStatus {
            nonce: collected.map(|collected| collected.nonce.clone()).unwrap_or_default(),
            started: collected.is_some(),
            progress: collected.map_or(0, Collected::len),
            required,
            otp_length: ROOT_TOKEN_BYTES,
            ..GenerateRootStatus::default()
        })
    }

    /// `sys/generate-root/attempt`, written: begins, with the one-time password that is given (of
    /// [`ROOT_TOKEN_BYTES`]) or with one that is made, which is in the answer.
    ///
    /// # Errors
    /// Where one has begun, for another length, and for a PGP key.
    pub async fn root_start(&self, otp: &str, pgp_key: &str) -> Result<GenerateRootStatus, Error> {
        self.barrier.rows().check_unsealed()?;
        if otp.is_empty() && !pgp_key.is_empty() {
            return Err(no_pgp());
        }
        let made = otp.is_empty();
        let otp = if made { one_time_password()? } else { Zeroizing::new(otp.to_owned()) };
        if otp.len() != ROOT_TOKEN_BYTES {
            return Err(Error::invalid("OTP string has incorrect length"));
        }
        let told = if made { otp.to_string() } else { String::new() };
        let begin = |generation: &mut Option<Generation>| {
            if generation.is_some() {
                return Err(Error::invalid("root generation already in progress for this namespace"));
            }
            *generation = Some(Generation { collected: Collected::new(), otp: Kept::new(otp.as_bytes()) });
            Ok(())
        };
        self.alter(GENERATION, begin).await?;
        Ok(GenerateRootStatus { otp: told, ..self.root_status().await? })
    }

    /// `sys/generate-root/attempt`, deleted: gives it up.
    ///
    /// # Errors
    /// While sealed.
    pub async fn root_cancel(&self) -> Result<(), Error> {
        let end = |generation: &mut Option<Generation>| {
            *generation = None;
            Ok(())
        };
        self.alter(GENERATION, end).await
    }

    /// `sys/generate-root/update`: a share.
    ///
    /// # Errors
    /// With the peer's texts.
    pub async fn root_update(&self, key: &str, nonce: &str) -> Result<RootUpdate, Error> {
        let part = decode_share(key)?;
        let shares = self.root_shares().await?;
        let collect = |generation: &mut Option<Generation>| {
            let generation = generation.as_mut().ok_or_else(|| Error::invalid("no root generation in progress"))?;
            let collected = &mut generation.collected;
            if nonce != collected.nonce {
                let text = "incorrect nonce supplied; nonce for this root generation operation is";
                return Err(Error::invalid(format!("{text} {:?}", collected.nonce)));
            }
            if !collected.add(&part) {
                return Err(Error::invalid("given key has already been provided during this generation operation"));
            }
            let enough = collected.len() >= shares.threshold.into();
            Ok(enough.then(|| (collected.take(), generation.otp.clone())))
        };
        let collected = self.alter(GENERATION, collect).await?;
        let Some((parts, otp)) = collected else { return self.root_status().await.map(RootUpdate::Progress) };
        let failed = |error| Error::invalid(format!("failed to compute root key: {error}"));
        let key = shares.combine(&parts).map_err(failed)?;
        self.barrier.authenticate(&key).await.map_err(|error| match error {
            Error::Invalid(text) => Error::invalid(format!("root generation aborted: unable to authenticate: {text}")),
            other => other,
        })?;
        Ok(RootUpdate::Authenticated(RootGrant { nonce: nonce.to_owned(), otp, required: shares.threshold }))
    }

    /// Hides the root token that the caller made, and ends the procedure.
    ///
    /// # Errors
    /// Where the procedure was given up meanwhile, or the token has another length: it must then be revoked.
    pub async fn root_finish(&self, grant: &RootGrant, token: &str) -> Result<GenerateRootStatus, Error> {
        if token.len() != grant.otp.bytes().len() {
            return Err(Error::internal("a root token has another length than its one-time password"));
        }
        let end = |generation: &mut Option<Generation>| {
            let ended = generation.take_if(|generation| generation.collected.nonce == grant.nonce);
            ended.map(drop).ok_or_else(|| Error::invalid("no root generation in progress"))
        };
        self.alter(GENERATION, end).await?;
        let hidden: Vec<u8> = token.bytes().zip(grant.otp.bytes()).map(|(token, otp)| token ^ otp).collect();
        let encoded = STANDARD_NO_PAD.encode(hidden);
        Ok(GenerateRootStatus {
            nonce: grant.nonce.clone(),
            started: true,
            progress: grant.required.into(),
            required: grant.required,
            complete: true,
            encoded_token: encoded.clone(),
            encoded_root_token: encoded,
            ..GenerateRootStatus::default()
        })
    }

    async fn root_shares(&self) -> Result<crate::Shares, Error> {
        let record = self.barrier.seal_record().await?;
        let (record, _) = record.ok_or_else(|| Error::invalid("server is not yet initialized"))?;
        self.barrier.rows().check_unsealed()?;
        Ok(record.needed())
    }
}

/// Letters and digits, each as likely as another.
fn one_time_password() -> Result<Zeroizing<String>, Error> {
    const SIGNS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut password = Zeroizing::new(String::with_capacity(ROOT_TOKEN_BYTES));
    let mut random = Zeroizing::new([0; 64]);
    while password.len() < ROOT_TOKEN_BYTES {
        rand::fill(&mut *random).map_err(Error::internal)?;
        // 248 is the last multiple of 62 that a byte can be below.
        let signs = random.iter().filter(|byte| **byte < 248).filter_map(|byte| SIGNS.get(usize::from(byte % 62)));
        let missing = ROOT_TOKEN_BYTES - password.len();
        password.extend(signs.take(missing).map(|sign| char::from(*sign)));
    }
    Ok(password)
}
