//! `vault server`.

use super::server_args::ServerArgs;
use crate::outcome::{Outcome, advised};

/// Serves as `args` say.
pub(super) fn run(args: &ServerArgs) -> Outcome {
    let what = if args.is_dev { "a server in dev mode" } else { "a server" };
    Err(advised(format!("{what} is not part of this build yet"), "use the client commands against another server"))
}
