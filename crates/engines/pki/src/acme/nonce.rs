//! Nonces that any node may give out and only one may take: they carry their own proof, and are kept only when used.

use super::{Failure, malformed};
use crate::store::Store;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use logical::{Batch, Error};
use zeroize::Zeroizing;

const KEY: &str = "acme/nonce-key";
/// How long a nonce may be used.
const LIFETIME_SECONDS: i64 = 900;
/// How many are forgotten at once.
const MAX_FORGOTTEN: usize = 1000;

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

async fn key(store: Store<'_>) -> Result<hmac::Key, Error> {
    if let Some(entry) = store.rows.get(KEY).await? {
        return Ok(hmac::Key::new(hmac::HMAC_SHA256, &entry.value));
    }
    let made = Zeroizing::new(random::<32>()?.to_vec());
    let mut batch = Batch::new();
    batch.require(KEY, None).put(KEY, made);
    match store.rows.commit(batch).await {
        Ok(_) | Err(Error::Conflict) => {}
        Err(other) => return Err(other),
    }
    let entry = store.rows.get(KEY).await?.ok_or_else(|| Error::internal("the key of nonces is gone"))?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &entry.value))
}

pub(super) async fn make(store: Store<'_>, now: Timestamp) -> Result<String, Error> {
    let mut nonce = now.as_second().to_be_bytes().to_vec();
    nonce.extend(random::<16>()?);
    let tag = hmac::sign(&key(store).await?, &nonce);
    nonce.extend(tag.as_ref());
    Ok(URL_SAFE_NO_PAD.encode(nonce))
}

/// Takes a nonce, which nobody can after that.
pub(super) async fn take(store: Store<'_>, nonce: &str, now: Timestamp) -> Result<(), Failure> {
    let bad = || Failure::Problem("badNonce", 400, "the client sent an unacceptable anti-replay nonce".to_owned());
    let bytes = URL_SAFE_NO_PAD.decode(nonce).map_err(|_| bad())?;
    let (content, tag) = bytes.split_at_checked(24).ok_or_else(bad)?;
    hmac::verify(&key(store).await?, content, tag).map_err(|_| bad())?;
    let made = content.first_chunk::<8>().map(|bytes| i64::from_be_bytes(*bytes)).ok_or_else(bad)?;
    if !(0..LIFETIME_SECONDS).contains(&now.as_second().saturating_sub(made)) {
        return Err(bad());
    }
    let row = row(made, content.get(8..).unwrap_or_default());
    let mut batch = Batch::new();
    batch.require(row.as_str(), None).put(row.as_str(), Vec::new());
    match store.rows.commit(batch).await {
        Ok(_) => Ok(()),
        Err(Error::Conflict) => Err(bad()),
        Err(other) => Err(Failure::Other(other)),
    }
}

/// Rows are in the order of their time.
fn row(made: i64, random: &[u8]) -> String {
    format!("acme/used/{made:016x}-{}", URL_SAFE_NO_PAD.encode(random))
}

/// Forgets nonces that have ended anyhow.
pub(crate) async fn forget_old(store: Store<'_>, now: Timestamp) -> Result<(), Error> {
    let limit = row(now.as_second().saturating_sub(LIFETIME_SECONDS), &[]);
    let rows = store.rows.scan("acme/used/", "", MAX_FORGOTTEN).await?;
    let mut batch = Batch::new();
    for row in rows.into_iter().take_while(|row| *row < limit) {
        batch.delete(row);
    }
    if batch.writes.is_empty() { Ok(()) } else { store.rows.commit(batch).await.map(|_| ()) }
}

/// The name of something new: an account, an order.
pub(super) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A token of a challenge: 256 bits.
pub(super) fn token() -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// Base64 as ACME has it.
pub(super) fn decode(text: &str, what: &str) -> Result<Vec<u8>, Failure> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| malformed(format!("the request message was malformed: {what} is no base64url")))
}
