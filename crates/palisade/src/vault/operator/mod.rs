//! `vault operator`: what operators do with a server and its keys.

mod generate_root;
mod pgp;

use super::command::{Call, Command, Group};
use super::failure::Failure;
use super::{go, layout, ui};
use serde_json::Value;
use zeroize::Zeroizing;

pub(super) const GROUPS: &[Group] = &[Group {
    path: "operator",
    synopsis: "Perform operator-specific tasks",
    help: "Initializes, seals and unseals a server, and changes its keys.\n\n    $ bao operator init\n\n    $ bao operator unseal",
}];

pub(super) const COMMANDS: &[&[Command]] = &[generate_root::COMMANDS];

/// A field of an answer as text, empty where there is none.
fn text_of(value: &Value, name: &str) -> String {
    value.get(name).filter(|value| !value.is_null()).map(go::value).unwrap_or_default()
}

/// A key, as an argument, from standard input for `-`, or asked for; and the nonce of the operation.
fn nonce_of(call: &Call, nonce: &str, prompt: &str, what: &str) -> Result<(Zeroizing<String>, String), Failure> {
    let given = call.argument(0);
    let (key, nonce) = match given {
        "" => {
            if call.flags.is_on("non-interactive") {
                return Err(Failure::local(layout::wrapped(
                    "Refusing to read from stdin with -non-interactive specified; specify nonce via the -nonce flag",
                )));
            }
            let key = ui::secret(&format!("Operation nonce: {nonce}\n{prompt}")).map_err(|failure| {
                Failure::local(layout::wrapped(&format!(
                    "An error occurred attempting to ask for {what}. The raw error message is shown below, but usually \
                     this is because you attempted to pipe a value into the command or you are executing outside of a \
                     terminal (tty). If you want to pipe the value, pass \"-\" as the argument to read from stdin. The raw \
                     error was: {}",
                    failure.message
                )))
            })?;
            (key, nonce.to_owned())
        }
        "-" => (ui::input()?, call.flags.text("nonce").to_owned()),
        key => (Zeroizing::new(key.to_owned()), call.flags.text("nonce").to_owned()),
    };
    if nonce.is_empty() {
        return Err(Failure::local("Missing nonce value: specify it via the -nonce flag"));
    }
    Ok((Zeroizing::new(key.trim().to_owned()), nonce))
}
