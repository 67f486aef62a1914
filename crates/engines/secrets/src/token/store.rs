use super::{Found, LAST_USE, Token, TokenKind};
use crate::core::{Core, State};
use jiff::Timestamp;
use logical::{Batch, Error, Network, StorageExt as _};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use zeroize::Zeroizing;

/// The row of an accessor.
#[derive(Serialize, Deserialize)]
pub(crate) struct AccessorRow {
    pub(crate) accessor: String,
    /// The token's hash.
    pub(crate) hash: String,
    pub(crate) namespace_id: String,
}

pub(crate) fn token_key(hash: &str) -> String {
    format!("token/id/{hash}")
}

pub(crate) fn accessor_key(hash: &str) -> String {
    format!("token/accessor/{hash}")
}

pub(crate) fn child_key(parent: &str, child: &str) -> String {
    format!("token/parent/{parent}/{child}")
}

impl Core {
    /// The token of this text, if it is valid now. Does not use it.
    pub(crate) async fn find_token(&self, state: &State, text: &str, now: Timestamp) -> Result<Option<Found>, Error> {
        if text.starts_with("hvb.") || text.starts_with("b.") {
            return self.find_batch(state, text, now).await;
        }
        let hash = state.keys.hash(text);
        let Some((token, version)) = self.find_hash(&hash, now).await? else { return Ok(None) };
        Ok(Some(Found { text: Zeroizing::new(text.to_owned()), hash, token, version: Some(version) }))
    }

    /// The token of this hash, if it is valid now.
    pub(crate) async fn find_hash(&self, hash: &str, now: Timestamp) -> Result<Option<(Token, u64)>, Error> {
        let found = self.storage().get_json_at::<Token>(&token_key(hash)).await?;
        Ok(found.filter(|(token, _)| !token.has_ended(now) && token.num_uses != LAST_USE))
    }

    async fn find_batch(&self, state: &State, text: &str, now: Timestamp) -> Result<Option<Found>, Error> {
        let Some(token) = state.keys.open_batch(text).filter(|token| !token.has_ended(now)) else { return Ok(None) };
        // A batch token ends with its parent.
        if let Some(parent) = &token.parent
            && self.find_hash(parent, now).await?.is_none()
        {
            return Ok(None);
        }
        let hash = state.keys.hash(text);
        Ok(Some(Found { text: Zeroizing::new(text.to_owned()), hash, token, version: None }))
    }

    /// Whether a token is stored and not being revoked; also in its last use.
    pub(crate) async fn is_token_there(&self, hash: &str) -> Result<bool, Error> {
        let token = self.storage().get_json::<Token>(&token_key(hash)).await?;
        Ok(token.is_some_and(|token| !token.is_revoked))
    }

    /// The accessor's row.
    pub(crate) async fn find_accessor(&self, state: &State, accessor: &str) -> Result<Option<AccessorRow>, Error> {
        self.storage().get_json(&accessor_key(&state.keys.hash(accessor))).await
    }

    /// Counts one use of a token. One whose last use this is may be used no more, also by what runs at the same time.
    pub(crate) async fn use_token(&self, found: &mut Found, now: Timestamp) -> Result<(), Error> {
        let key = token_key(&found.hash);
        while found.token.num_uses > 0 {
            let mut used = found.token.clone();
            used.num_uses = if used.num_uses == 1 { LAST_USE } else { used.num_uses - 1 };
            let mut batch = Batch::new();
            batch.put_json(key.as_str(), &used)?.require(key.as_str(), found.version);
            match self.storage().commit(batch).await {
                Ok(version) => {
                    found.token = used;
                    found.version = Some(version);
                    return Ok(());
                }
                Err(Error::Conflict) => {
                    let (token, version) = self.find_hash(&found.hash, now).await?.ok_or(Error::Denied)?;
                    found.token = token;
                    found.version = Some(version);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Puts a new token into a batch with its indexes.
    pub(crate) fn put_token(&self, state: &State, batch: &mut Batch, hash: &str, token: &Token) -> Result<(), Error> {
        let key = token_key(hash);
        batch.put_json(key.as_str(), token)?.require(key.as_str(), None);
        let row = AccessorRow {
            accessor: token.accessor.clone(),
            hash: hash.to_owned(),
            namespace_id: token.namespace_id.clone(),
        };
        batch.put_json(accessor_key(&state.keys.hash(&token.accessor)), &row)?;
        if let Some(parent) = &token.parent {
            batch.put(child_key(parent, hash), Vec::new());
        }
        if let Some(expires) = token.expires {
            crate::lease::put_token_lease(batch, &token.lease_id(hash), &token.namespace_id, hash, expires)?;
        }
        Ok(())
    }
}

impl Token {
    /// Whether it may be used from there. Tokens that never end are not bound.
    pub(crate) fn permits_address(&self, address: Option<IpAddr>) -> bool {
        if self.bound_cidrs.is_empty() || (self.expires.is_none() && self.kind == TokenKind::Service) {
            return true;
        }
        address.is_some_and(|address| self.bound_cidrs.iter().any(|cidr| in_cidr(cidr, address)))
    }
}

/// A block of addresses; an address alone is a block of one.
pub(crate) fn parse_cidr(text: &str) -> Option<Network> {
    if text.contains('/') {
        return text.parse().ok();
    }
    let address: IpAddr = text.parse().ok()?;
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 }).parse().ok()
}

/// Whether an address is in a block. A text that is no block holds none.
pub(crate) fn in_cidr(cidr: &str, address: IpAddr) -> bool {
    parse_cidr(cidr).is_some_and(|network| network.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_the_addresses_of_their_own_family() {
        for (cidr, address, wanted) in [
            ("10.0.0.0/8", "10.2.3.4", true),
            ("10.0.0.0/8", "11.2.3.4", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1/32", "::ffff:127.0.0.1", true),
            ("fd00::/8", "fd12::1", true),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("nonsense", "10.0.0.0", false),
        ] {
            assert_eq!(in_cidr(cidr, address.parse().unwrap()), wanted, "{cidr} {address}");
        }
    }
}
