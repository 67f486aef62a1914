//! Identity: entities, their names at auth methods (aliases), groups, and what they add to a token.

mod alias_paths;
mod entity_paths;
mod entity_store;
mod group_alias_paths;
mod group_paths;
mod group_store;
mod login;
mod lookup;
mod merge;
mod oidc;
mod person;
mod rows;

pub(crate) use login::Who;
pub(crate) use person::{Person, PersonCache};

use crate::answer::Answer;
use crate::call::Call;
use logical::{Error, Operation, SpecialPaths};

pub(crate) fn special_paths() -> SpecialPaths {
    SpecialPaths { unauthenticated: vec!["oidc/.well-known/*"], root: Vec::new() }
}

/// The paths of `identity`.
pub(crate) async fn handle(call: &Call<'_>) -> Result<Answer, Error> {
    let path = call.request.path.trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["entity", "merge"] if call.request.operation == Operation::Update => merge::handle(call).await,
        ["entity", rest @ ..] => entity_paths::handle(call, rest).await,
        // The old name of aliases of entities.
        ["entity-alias" | "persona" | "alias", rest @ ..] => alias_paths::handle(call, rest).await,
        ["group", rest @ ..] => group_paths::handle(call, rest).await,
        ["group-alias", rest @ ..] => group_alias_paths::handle(call, rest).await,
        ["lookup", what @ ("entity" | "group")] if call.request.operation == Operation::Update => {
            lookup::handle(call, what).await
        }
        ["lookup", "entity" | "group"] => Err(Error::UnsupportedOperation),
        ["oidc", rest @ ..] => oidc::handle(call, rest).await,
        _ => Err(Error::UnsupportedPath),
    }
}
