use crate::answer::{Answer, found};
use crate::call::Call;
use crate::core::Core;
use crate::token::TokenKind;
use logical::{Batch, Error, Map, Operation, StorageExt as _};

/// Rows of a token.
pub(crate) fn prefix(hash: &str) -> String {
    format!("cubbyhole/{hash}/")
}

/// What a token keeps for itself; it ends with the token.
pub(crate) async fn handle(call: &Call<'_>) -> Result<Answer, Error> {
    let session = call.session()?;
    if session.found.token.kind == TokenKind::Batch {
        return Err(Error::invalid("cubbyhole operations are only supported by \"service\" type tokens"));
    }
    let storage = call.core.storage();
    let path = call.request.path.as_str();
    let key = format!("{}{path}", prefix(&session.found.hash));
    match call.request.operation {
        Operation::Read if !path.is_empty() => Ok(Answer::data(found(storage.get_json::<Map>(&key).await?)?)),
        Operation::Create | Operation::Update if !path.is_empty() => {
            if call.request.data.is_empty() {
                return Err(Error::invalid("missing data fields"));
            }
            storage.put_json(&key, &call.request.data).await?;
            Ok(Answer::empty())
        }
        Operation::Delete if !path.is_empty() => {
            storage.delete(&key).await?;
            Ok(Answer::empty())
        }
        Operation::List => {
            let key = if path.is_empty() || path.ends_with('/') { key } else { format!("{key}/") };
            let (after, limit) = call.request.page()?;
            Ok(Answer::keys(storage.list(&key, after, limit).await?))
        }
        Operation::Scan => {
            let key = if path.is_empty() || path.ends_with('/') { key } else { format!("{key}/") };
            let rows = storage.scan(&key, "", usize::MAX).await?;
            Ok(Answer::keys(rows.iter().filter_map(|row| row.strip_prefix(&key)).map(str::to_owned).collect()))
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

impl Core {
    /// Whether a write there is an update.
    pub(crate) async fn is_in_cubbyhole(&self, hash: &str, path: &str) -> Result<bool, Error> {
        Ok(self.storage().get(&format!("{}{path}", prefix(hash))).await?.is_some())
    }

    /// Deletes everything that a token kept.
    pub(crate) async fn delete_cubbyhole(&self, hash: &str) -> Result<(), Error> {
        let prefix = prefix(hash);
        loop {
            let rows = self.storage().scan(&prefix, "", 500).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new();
            for row in rows {
                batch.delete(row);
            }
            self.storage().commit(batch).await?;
        }
    }
}
