//! What an authority is sent: tokens, issuers' documents, proofs of possession, requests for timestamps; and what a
//! repository of TUF sends.

use authority::tuf::Trusted;
use authority::{Issuers, JwkSet, Principal, Proof, Request, Role, State, Token, Tsa, jwks_address};
use jiff::Timestamp;
use std::sync::OnceLock;

const ISSUER: &str = "http://127.0.0.1:7711/oidc";
const KEYS: &[u8] = include_bytes!("../corpus/issuer/keys");
const CONFIG: &[u8] = include_bytes!("../corpus/issuer/config");

/// A token is believed only when the issuer's key signed it, and the one of the corpus is out of date.
pub(crate) fn token(bytes: &[u8]) {
    static KNOWN: OnceLock<Option<(JwkSet, Issuers)>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| Some((JwkSet::parse(KEYS).ok()?, Issuers::parse(CONFIG).ok()?)));
    let Some((keys, issuers)) = known else { return };
    let Ok(token) = std::str::from_utf8(bytes).map_err(drop).and_then(|text| Token::parse(text).map_err(drop)) else {
        return;
    };
    let issuer = issuers.find(token.issuer());
    assert!(token.verify(ISSUER, "sigstore", keys, Timestamp::MAX).is_err());
    if let Ok(claims) = token.verify(ISSUER, "sigstore", keys, Timestamp::UNIX_EPOCH) {
        let _ = issuer.map(|issuer| Principal::of(&claims, &issuer, issuers));
    }
}

/// Key sets, discovery documents and the configuration of issuers.
pub(crate) fn issuer(bytes: &[u8]) {
    let _ = (JwkSet::parse(bytes).is_ok(), jwks_address(bytes, ISSUER));
    if let Ok(issuers) = Issuers::parse(bytes) {
        let _ = issuers.find("https://container.example/v1/projects/a/clusters/b");
    }
}

/// A proof names the challenge that it is of, so none is one of two. A request proves possession for any.
pub(crate) fn possession(bytes: &[u8]) {
    let _ = Proof::Request(bytes.to_vec()).check("a");
    let half = bytes.len() / 2;
    let (public_key, signature) = bytes.split_at_checked(half).unwrap_or_default();
    let proof = Proof::Challenge { public_key: public_key.to_vec(), signature: signature.to_vec() };
    assert!(proof.check("a").is_err() || proof.check("b").is_err());
}

/// What is asked for is answered with a timestamp that can be read.
pub(crate) fn timestamp_request(bytes: &[u8]) {
    static TSA: OnceLock<Option<Tsa>> = OnceLock::new();
    let tsa = TSA.get_or_init(|| {
        let mut state = State::new("fuzz", "http://127.0.0.1");
        let root = state.add(Role::TsaRoot, None, Timestamp::UNIX_EPOCH).ok()?;
        let key = state.add(Role::Tsa, Some(&root), Timestamp::UNIX_EPOCH).ok()?;
        Tsa::new(key, state.active(Role::Tsa)?.chain()).ok()
    });
    if let (Ok(request), Some(tsa)) = (Request::parse(bytes), tsa) {
        assert!(tsa.respond(&request, Timestamp::UNIX_EPOCH).is_ok());
    }
}

/// A repository's documents, each taken for any of them.
pub(crate) fn tuf(bytes: &[u8]) {
    let Ok(mut trusted) = Trusted::new(bytes) else { return };
    let now = Timestamp::UNIX_EPOCH;
    assert!(trusted.update_root(bytes).is_err(), "a root that follows itself");
    let _ = trusted.update_timestamp(bytes, now);
    let _ = trusted.update_snapshot(bytes, now);
    let _ = trusted.update_targets(bytes, now);
    assert!(trusted.target("trusted_root.json").is_err());
}
