//! `vault server`: its flags.

use super::command::{Call, Command, Output};
use super::failure::{Failure, Run};
use super::flags::Flag;
use zeroize::Zeroizing;

/// How a server is to run.
#[derive(Default)]
pub(crate) struct ServerArgs {
    /// Configuration files and folders, in their order.
    pub(crate) configs: Vec<String>,
    pub(crate) is_dev: bool,
    /// With a certificate of its own making.
    pub(crate) is_dev_tls: bool,
    /// Where the dev server puts its certificate; a temporary folder if empty.
    pub(crate) dev_tls_folder: String,
    pub(crate) dev_root_token_id: Option<Zeroizing<String>>,
    pub(crate) dev_listen_address: String,
    /// Don't keep the root token in `~/.vault-token`.
    pub(crate) dev_no_store_token: bool,
    /// Without a key-value store at `secret/`.
    pub(crate) dev_no_kv: bool,
    /// `trace`, `debug`, `info`, `warn` or `error`; empty for what the configuration says.
    pub(crate) log_level: String,
    /// `standard` or `json`; empty for what the configuration says.
    pub(crate) log_format: String,
    pub(crate) log_file: String,
    /// The name that the program was called by: `vault`, `bao` or `palisade secrets`.
    pub(crate) program: &'static str,
}

pub(super) const COMMANDS: &[Command] = &[Command {
    path: "server",
    synopsis: "Start a server",
    usage: "[options]",
    help: "Starts a secrets server as configured, or with -dev one in memory to try things out with:\n\n    \
           $ bao server -config=/etc/palisade/secrets.hcl\n\n    \
           $ bao server -dev -dev-root-token-id=\"root\"",
    output: Output::None,
    arguments: (0, 0),
    flags: &[
        Flag::texts(
            "config",
            "Configuration file, or folder of files that end in .hcl or .json. May be given more than once.",
        ),
        Flag::text("log-level", "Least severe messages that are logged: trace, debug, info, warn or error.")
            .from("LOG_LEVEL"),
        Flag::text("log-format", "Format of the log: standard or json.").from("LOG_FORMAT"),
        Flag::text("log-file", "File that the log goes to instead of standard error."),
        Flag::switch("dev", "Serve from memory, initialized and unsealed. Never for production."),
        Flag::switch("dev-tls", "As -dev, over TLS with a certificate of its own making."),
        Flag::text("dev-tls-cert-dir", "Folder that the certificate of -dev-tls is put into."),
        Flag::text("dev-root-token-id", "Initial root token of a dev server.").from("DEV_ROOT_TOKEN_ID"),
        Flag::text("dev-listen-address", "Address that a dev server listens on.")
            .or("127.0.0.1:8200")
            .from("DEV_LISTEN_ADDRESS"),
        Flag::switch("dev-no-store-token", "Don't keep the root token of a dev server in the token helper."),
        Flag::switch("dev-no-kv", "Don't mount a key-value store at secret/."),
    ],
    run,
}];

fn run(call: &Call) -> Run {
    let flags = &call.flags;
    let text = |name: &str| flags.text(name).to_owned();
    let address = text("dev-listen-address");
    let args = ServerArgs {
        configs: flags.texts("config").to_vec(),
        is_dev: flags.is_on("dev") || flags.is_on("dev-tls"),
        is_dev_tls: flags.is_on("dev-tls"),
        dev_tls_folder: text("dev-tls-cert-dir"),
        dev_root_token_id: flags.has("dev-root-token-id").then(|| Zeroizing::new(text("dev-root-token-id"))),
        dev_listen_address: if address.is_empty() { "127.0.0.1:8200".to_owned() } else { address },
        dev_no_store_token: flags.is_on("dev-no-store-token"),
        dev_no_kv: flags.is_on("dev-no-kv"),
        log_level: text("log-level"),
        log_format: text("log-format"),
        log_file: text("log-file"),
        program: call.program,
    };
    super::server::run(&args).map_err(Failure::from)
}
