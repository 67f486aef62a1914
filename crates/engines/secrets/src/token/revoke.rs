use super::paths::{token_of_accessor, token_of_body};
use super::store::{AccessorRow, accessor_key, child_key, token_key};
use super::{Token, TokenKind};
use crate::answer::Answer;
use crate::call::Call;
use crate::core::{Core, State};
use jiff::Timestamp;
use logical::{Batch, Error, StorageExt as _};

/// `revoke-self`, `revoke`, `revoke-accessor`, `revoke-orphan`.
pub(crate) async fn handle(call: &Call<'_>, path: &str) -> Result<Answer, Error> {
    let now = call.request.now;
    let refused = || Error::invalid("batch tokens cannot be revoked");
    let hash = match path {
        "revoke-self" => {
            let found = &call.session()?.found;
            if found.token.kind == TokenKind::Batch {
                return Err(refused());
            }
            found.hash.clone()
        }
        "revoke-accessor" => match token_of_accessor(call).await? {
            Some((hash, _)) => hash,
            None => return Ok(Answer::empty().warn("No token found with this accessor")),
        },
        _ => match token_of_body(call).await? {
            Some(found) if found.token.kind == TokenKind::Batch => return Err(refused()),
            Some(found) => found.hash,
            None if path == "revoke-orphan" => return Err(Error::invalid("token to revoke not found")),
            None => return Ok(Answer::empty()),
        },
    };
    if path == "revoke-orphan" {
        if !call.has_sudo() {
            return Err(Error::invalid("root or sudo privileges required to revoke and orphan"));
        }
        call.core.orphan_children(&hash).await?;
    }
    call.core.revoke_token(call.state, &hash, now).await?;
    Ok(Answer::empty())
}

/// Removes rows of tokens that are no more. Done at once: nothing of it is kept in memory.
pub(crate) async fn tidy(call: &Call<'_>) -> Result<Answer, Error> {
    let storage = call.core.storage();
    let mut after = String::new();
    loop {
        let keys = storage.scan("token/accessor/", &after, 500).await?;
        let Some(last) = keys.last() else { break };
        last.clone_into(&mut after);
        for key in &keys {
            let Some(row) = storage.get_json::<AccessorRow>(key).await? else { continue };
            if storage.get(&token_key(&row.hash)).await?.is_none() {
                call.core.revoke_leases_of(call.state, &row.hash, call.request.now).await?;
                storage.delete(key).await?;
            }
        }
    }
    let mut answer = Answer::empty().warn("Tidy operation successfully finished.");
    answer.response.status = Some(202);
    Ok(answer)
}

impl Core {
    /// Ends a token, its children, their leases and cubbyholes. It may be called again after a failure.
    pub(crate) async fn revoke_token(&self, state: &State, hash: &str, now: Timestamp) -> Result<(), Error> {
        // Parents are marked before their children are listed, so that no child is made meanwhile. Children go first.
        let mut open = vec![hash.to_owned()];
        let mut marked = Vec::new();
        while let Some(next) = open.pop() {
            if self.mark_revoked(&next).await? {
                open.extend(self.storage().list(&format!("token/parent/{next}/"), "", usize::MAX).await?);
                marked.push(next);
            }
        }
        for hash in marked.iter().rev() {
            self.revoke_leases_of(state, hash, now).await?;
            self.delete_cubbyhole(hash).await?;
            self.forget_token(state, hash).await?;
        }
        Ok(())
    }

    /// From now on the token is not valid. Answers whether there is one.
    async fn mark_revoked(&self, hash: &str) -> Result<bool, Error> {
        let key = token_key(hash);
        loop {
            let Some((mut token, version)) = self.storage().get_json_at::<Token>(&key).await? else { return Ok(false) };
            if token.is_revoked {
                return Ok(true);
            }
            token.is_revoked = true;
            let mut batch = Batch::new();
            batch.put_json(key.as_str(), &token)?.require(key.as_str(), Some(version));
            match self.storage().commit(batch).await {
                Err(Error::Conflict) => {}
                other => return other.map(|_| true),
            }
        }
    }

    async fn forget_token(&self, state: &State, hash: &str) -> Result<(), Error> {
        let key = token_key(hash);
        let Some(token) = self.storage().get_json::<Token>(&key).await? else { return Ok(()) };
        let mut batch = Batch::new();
        batch.delete(key).delete(accessor_key(&state.keys.hash(&token.accessor)));
        if let Some(parent) = &token.parent {
            batch.delete(child_key(parent, hash));
        }
        if let Some(expires) = token.expires {
            let lease_id = token.lease_id(hash);
            batch.delete(crate::lease::lease_key(&token.namespace_id, &lease_id));
            batch.delete(crate::lease::expiry_key(expires, &token.namespace_id, &lease_id));
        }
        self.storage().commit(batch).await?;
        Ok(())
    }

    /// Children of the token get no parent.
    async fn orphan_children(&self, hash: &str) -> Result<(), Error> {
        self.mark_revoked(hash).await?;
        for child in self.storage().list(&format!("token/parent/{hash}/"), "", usize::MAX).await? {
            let key = token_key(&child);
            loop {
                let mut batch = Batch::new();
                batch.delete(child_key(hash, &child));
                if let Some((mut token, version)) = self.storage().get_json_at::<Token>(&key).await? {
                    token.parent = None;
                    batch.put_json(key.as_str(), &token)?.require(key.as_str(), Some(version));
                }
                match self.storage().commit(batch).await {
                    Err(Error::Conflict) => {}
                    other => break other.map(|_| ())?,
                }
            }
        }
        Ok(())
    }
}

impl Core {
    /// Ends all tokens of a namespace.
    pub(crate) async fn revoke_tokens_of(
        &self,
        state: &State,
        namespace_id: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let keys = self.storage().scan("token/accessor/", &after, 500).await?;
            let Some(last) = keys.last() else { return Ok(()) };
            last.clone_into(&mut after);
            for key in &keys {
                let row = self.storage().get_json::<AccessorRow>(key).await?;
                if let Some(row) = row.filter(|row| row.namespace_id == namespace_id) {
                    self.revoke_token(state, &row.hash, now).await?;
                }
            }
        }
    }
}
