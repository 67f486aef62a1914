//! Identity: entities, their names at auth methods (aliases), groups, and what they add to a token.

mod login;
mod person;
mod rows;

pub(crate) use login::Who;
pub(crate) use person::{Person, PersonCache};

use crate::answer::Answer;
use crate::call::Call;
use logical::{Error, SpecialPaths};

pub(crate) fn special_paths() -> SpecialPaths {
    SpecialPaths { unauthenticated: Vec::new(), root: Vec::new() }
}

pub(crate) async fn handle(_call: &Call<'_>) -> Result<Answer, Error> {
    Err(Error::UnsupportedPath)
}
