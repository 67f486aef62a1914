//! What a command is, how a command line becomes a call of one, and what a call has.

use super::client::Client;
use super::failure::{Failure, Run};
use super::flags::{self, Flag, Parsed};
use super::{environment, help, ui};
use std::cell::OnceCell;

/// Which output flags a command has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Output {
    None,
    /// `-format`
    Format,
    /// `-format` and `-field`
    Field,
    /// `-format` and `-detailed`
    Detailed,
}

/// A command.
pub(super) struct Command {
    /// Its words: `kv metadata get`.
    pub(super) path: &'static str,
    pub(super) synopsis: &'static str,
    /// What follows its words.
    pub(super) usage: &'static str,
    pub(super) help: &'static str,
    pub(super) output: Output,
    /// The least and the most arguments.
    pub(super) arguments: (usize, usize),
    pub(super) flags: &'static [Flag],
    pub(super) run: fn(&Call) -> Run,
}

/// Commands with words in common.
pub(super) struct Group {
    pub(super) path: &'static str,
    pub(super) synopsis: &'static str,
    pub(super) help: &'static str,
}

/// Any number of arguments.
pub(super) const MANY: usize = usize::MAX;

/// Flags of every command.
pub(super) const HTTP_FLAGS: &[Flag] = &[
    Flag::text("address", "Address of the server.").or("https://127.0.0.1:8200").from("ADDR"),
    Flag::text("agent-address", "Address of an agent, that is asked instead of the server.").from("AGENT_ADDR"),
    Flag::text("ca-cert", "File of PEM certificates that the server's is verified with; goes before -ca-path.")
        .from("CACERT"),
    Flag::text("ca-path", "Folder of PEM certificates that the server's is verified with.").from("CAPATH"),
    Flag::text("client-cert", "File of a PEM certificate that is shown to the server; needs -client-key.")
        .from("CLIENT_CERT"),
    Flag::text("client-key", "File of the PEM private key of -client-cert.").from("CLIENT_KEY"),
    Flag::switch("disable-redirects", "Don't follow a redirection to another server.").from("DISABLE_REDIRECTS"),
    Flag::pairs(
        "header",
        "HTTP header for every request, as key=value; none that starts with X-Vault-. May be given more than once.",
    ),
    Flag::texts("mfa", "Credentials of multi-factor authentication, for the header X-Vault-MFA.").from("MFA"),
    Flag::text("namespace", "Namespace of the command; -ns for short.").from("NAMESPACE"),
    Flag::text("ns", "").hidden(),
    Flag::switch("non-interactive", "Never ask on the terminal."),
    Flag::switch("output-curl-string", "").hidden(),
    Flag::switch("output-policy", "").hidden(),
    Flag::switch("policy-override", "Override a soft-mandatory policy."),
    Flag::text("tls-server-name", "Name that the server's certificate must have, also sent as SNI.")
        .from("TLS_SERVER_NAME"),
    Flag::switch(
        "tls-skip-verify",
        "Don't verify the server's certificate. Whoever is in between can then read and change everything.",
    )
    .from("SKIP_VERIFY"),
    Flag::text("unlock-key", "Key that unlocks the API of a namespace."),
    Flag::duration(
        "wrap-ttl",
        "Wrap the response in a token of this lifetime, like \"30s\" or \"5m\"; \"unwrap\" reads it.",
    )
    .from("WRAP_TTL"),
];

pub(super) const FORMAT: Flag =
    Flag::text("format", "Format of the output: \"table\", \"json\" or \"yaml\"; \"raw\" for read only.")
        .or("table")
        .from("FORMAT");
pub(super) const FIELD: Flag =
    Flag::text("field", "Print only the field of this name, without a line break; goes before -format.");
pub(super) const DETAILED: Flag = Flag::switch("detailed", "Print more about each entry.").from("DETAILED");

impl Command {
    /// The flags of output that it has.
    pub(super) fn output_flags(&self) -> &'static [Flag] {
        const FIELDS: &[Flag] = &[FIELD, FORMAT];
        const DETAILS: &[Flag] = &[DETAILED, FORMAT];
        match self.output {
            Output::None => &[],
            Output::Format => &[FORMAT],
            Output::Field => FIELDS,
            Output::Detailed => DETAILS,
        }
    }

    fn all_flags(&self) -> Vec<Flag> {
        [self.flags, self.output_flags(), HTTP_FLAGS].concat()
    }

    /// The number of arguments that it takes, in the peers' words.
    fn check_arguments(&self, given: usize) -> Result<(), Failure> {
        let (least, most) = self.arguments;
        let expected = match (least, most) {
            (least, MANY) => least.to_string(),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least}-{most}"),
        };
        if given < least {
            return Err(Failure::local(format!("Not enough arguments (expected {expected}, got {given})")));
        }
        if given > most {
            return Err(Failure::local(format!("Too many arguments (expected {expected}, got {given})")));
        }
        Ok(())
    }
}

/// A command that was called: its flags, its arguments, and the server that it talks to.
pub(super) struct Call {
    /// The name that the program was called by.
    pub(super) program: &'static str,
    pub(super) flags: Parsed,
    pub(super) arguments: Vec<String>,
    /// `table`, `json`, `yaml` or `raw`.
    pub(super) format: String,
    client: OnceCell<Client>,
}

/// Formats that are known.
const FORMATS: &[&str] = &["json", "table", "yaml", "yml", "pretty", "raw"];

impl Call {
    /// Reads the command line of `command`.
    pub(super) fn read(program: &'static str, command: &Command, words: &[String]) -> Result<Self, Failure> {
        let mut parsed = flags::parse(words, &command.all_flags()).map_err(Failure::local)?;
        let named = if parsed.has("format") {
            parsed.text("format").to_owned()
        } else {
            environment::variable("FORMAT").unwrap_or_default()
        };
        let format = if named.is_empty() { "table".to_owned() } else { named.to_lowercase() };
        if !FORMATS.contains(&format.as_str()) {
            return Err(Failure::local(format!("Invalid output format: {format}")));
        }
        let call = Self {
            program,
            arguments: std::mem::take(&mut parsed.arguments),
            flags: parsed,
            format,
            client: OnceCell::new(),
        };
        if !call.flags.strays.is_empty() && call.is_table() {
            let strays = call.flags.strays.join(",");
            call.warn(&format!(
                "Command flags must be provided before positional arguments. The following arguments will not be parsed \
                 as flags: [{strays}]"
            ));
        }
        if call.format == "raw" && command.path != "read" {
            return Err(Failure::local("This command does not support the -format=raw option."));
        }
        for refused in ["output-curl-string", "output-policy"] {
            if call.flags.is_on(refused) {
                return Err(Failure::local(format!("-{refused} is not supported")).hint("run the command without it"));
            }
        }
        command.check_arguments(call.arguments.len())?;
        Ok(call)
    }

    /// The argument at `index`, without space around it; empty without one.
    pub(super) fn argument(&self, index: usize) -> &str {
        self.arguments.get(index).map_or("", |argument| argument.trim())
    }

    pub(super) fn is_table(&self) -> bool {
        self.format == "table"
    }

    /// The client, with the token of the environment or of the token file.
    pub(super) fn client(&self) -> Result<&Client, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::from_flags(&self.flags)?.with_kept_token()?;
        Ok(self.client.get_or_init(|| client))
    }

    /// A line on standard output.
    pub(super) fn say(&self, text: &str) -> Result<(), Failure> {
        Ok(ui::line(text)?)
    }

    /// A line on standard error.
    pub(super) fn warn(&self, text: &str) {
        ui::warn(text);
    }

    /// `bao` in `text` becomes the name that the program was called by, and OpenBao its product.
    pub(super) fn words(&self, text: &str) -> String {
        help::renamed(text, self.program)
    }
}
