//! Deletes secret IDs that have ended, and those of deleted roles.

use super::secret_id::{Rows, SecretId};
use jiff::Timestamp;
use logical::{Batch, Context, Error, Response, StorageExt};

/// Rows that are deleted at once.
const PAGE: usize = 500;
/// Pages in one run; what is left is for the next.
const MAX_PAGES: usize = 200;

pub(super) async fn on_demand(context: Context<'_>, now: Timestamp) -> Result<Response, Error> {
    tidy(context, now).await?;
    let text = "Tidy operation successfully started. Any information from the operation will be printed to the server \
                logs.";
    Ok(Response { status: Some(202), ..Response::empty() }.warn(text))
}

pub(super) async fn tidy(context: Context<'_>, now: Timestamp) -> Result<(), Error> {
    for key in context.storage.list("gone/", "", PAGE).await? {
        flush(context, &key).await?;
    }
    let mut after = String::new();
    for _ in 0..MAX_PAGES {
        let keys = context.storage.scan("expiry/", &after, PAGE).await?;
        let due = keys.iter().take_while(|key| ended(key, now));
        let mut batch = Batch::new();
        for key in due {
            expire(context, key, now, &mut batch).await?;
            after.clone_from(key);
        }
        if batch.writes.is_empty() {
            return Ok(());
        }
        match context.storage.commit(batch).await {
            // One of them was used this moment: next time.
            Ok(_) | Err(Error::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn ended(key: &str, now: Timestamp) -> bool {
    let second = key.split('/').nth(1).and_then(|second| second.parse::<i64>().ok());
    second.is_some_and(|second| second < now.as_second())
}

async fn expire(context: Context<'_>, key: &str, now: Timestamp, batch: &mut Batch) -> Result<(), Error> {
    batch.delete(key);
    let mut names = key.split('/').skip(2);
    let (Some(role_key), Some(hmac)) = (names.next(), names.next()) else { return Ok(()) };
    let rows = Rows::stored(role_key, hmac.to_owned());
    let found: Option<(SecretId, u64)> = context.storage.get_json_at(&rows.secret()).await?;
    if let Some((secret, version)) = found.filter(|(secret, _)| secret.expired(now)) {
        batch.require(rows.secret(), Some(version));
        rows.delete(batch, &secret);
    }
    Ok(())
}

/// Deletes all secret IDs of a role that is deleted, and then the mark that says so.
pub(super) async fn flush(context: Context<'_>, role_key: &str) -> Result<(), Error> {
    for prefix in ["secret", "accessor"] {
        let prefix = format!("{prefix}/{role_key}/");
        loop {
            let keys = context.storage.scan(&prefix, "", PAGE).await?;
            if keys.is_empty() {
                break;
            }
            let mut batch = Batch::new();
            keys.into_iter().for_each(|key| {
                batch.delete(key);
            });
            context.storage.commit(batch).await?;
        }
    }
    context.storage.delete(&format!("gone/{role_key}")).await?;
    Ok(())
}
