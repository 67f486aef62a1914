//! `vault server`.

use super::environment::TokenFile;
use super::server_args::ServerArgs;
use crate::interrupt;
use crate::logging;
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrets_server::{Bound, Config, ListenerConfig, Server};
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// Serves as `args` say, until it is told to end.
pub(super) fn run(args: &ServerArgs) -> Outcome {
    logging::start_server(&args.log_level, Some(args.log_file.as_str()).filter(|path| !path.is_empty()))?;
    if args.is_dev_tls {
        return Err(advised(
            "-dev-tls is not there",
            "serve TLS by a configuration with tls_cert_file and tls_key_file",
        ));
    }
    if !args.is_dev && args.configs.is_empty() {
        let hint = "name a file or folder with -config, or try it out with -dev";
        return Err(advised("a server needs a configuration", hint));
    }
    let paths: Vec<PathBuf> = args.configs.iter().map(PathBuf::from).collect();
    let mut config = Config::read(&paths)?;
    if args.is_dev {
        let address = args.dev_listen_address.parse();
        let address = address.with_context(|| format!("{:?} is no address to listen at", args.dev_listen_address))?;
        config.listeners.push(ListenerConfig::plain(address));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(async {
        let bound = Bound::new(&config).await?;
        let (stop, stopped) = oneshot::channel::<()>();
        interrupt::instead(move || drop(stop));
        reopen_on_hangup(bound.server());
        announce(&config, &bound)?;
        if args.is_dev {
            develop(args, &bound).await?;
        }
        // Either end of the channel is a reason to stop.
        bound.serve(async move { drop(stopped.await) }).await;
        output::to_stdout(|out| Ok(writeln!(out, "==> Palisade server shutdown triggered")?))?;
        Ok(OK)
    })
}

/// Audit files are opened again when somebody has moved them away.
fn reopen_on_hangup(server: &Arc<Server>) {
    let server = Arc::downgrade(server);
    let Ok(mut signals) = Signals::new([SIGHUP]) else { return };
    std::thread::spawn(move || {
        for _ in signals.forever() {
            let Some(server) = server.upgrade() else { return };
            server.devices().reopen();
        }
    });
}

fn announce(config: &Config, bound: &Bound) -> anyhow::Result<()> {
    output::to_stdout(|out| {
        writeln!(out, "==> Palisade server configuration:\n")?;
        let mut line = |name: &str, value: &str| writeln!(out, "{name:>24}: {value}");
        if let Some(address) = &config.api_address {
            line("Api Address", address)?;
        }
        for (number, (address, listener)) in bound.addresses().iter().zip(&config.listeners).enumerate() {
            let tls = if listener.tls.is_some() { "enabled" } else { "disabled" };
            line(&format!("Listener {}", number + 1), &format!("tcp (addr: \"{address}\", tls: \"{tls}\")"))?;
        }
        line("Storage", config.storage.kind())?;
        line("Version", concat!("Palisade v", env!("CARGO_PKG_VERSION")))?;
        writeln!(out, "\n==> Palisade server started! Log data will stream in below:\n")?;
        Ok(out.flush()?)
    })
}

/// Makes the server ready for a first try, and says how to go on, as the peer does.
async fn develop(args: &ServerArgs, bound: &Bound) -> anyhow::Result<()> {
    let token = args.dev_root_token_id.as_ref().filter(|token| !token.is_empty());
    let token = token.map(|token| Zeroizing::new(token.to_string()));
    let (root, key) = bound.server().initialize_for_development(token, !args.dev_no_kv).await?;
    if !args.dev_no_store_token {
        let is_kept = TokenFile::find().is_ok_and(|file| file.store(&root).is_ok());
        if !is_kept {
            tracing::warn!("the root token could not be kept for the command line");
        }
    }
    let address = bound.addresses().first().map(ToString::to_string).unwrap_or_default();
    let variable = if args.program == "bao" { "BAO_ADDR" } else { "VAULT_ADDR" };
    let key = Zeroizing::new(STANDARD.encode(&key));
    output::to_stdout(|out| {
        writeln!(
            out,
            "WARNING! dev mode is enabled! In this mode, the server runs entirely in-memory\n\
             and starts unsealed with a single unseal key. The root token is already\n\
             authenticated to the CLI, so you can immediately begin using it.\n\n\
             You may need to set the following environment variables:\n\n    $ export {variable}='http://{address}'\n\n\
             The unseal key and root token are displayed below in case you want to\n\
             seal/unseal the Vault or re-authenticate.\n\n\
             Unseal Key: {}\nRoot Token: {}\n\n\
             Development mode should NOT be used in production installations!\n",
            key.as_str(),
            root.as_str()
        )?;
        Ok(out.flush()?)
    })
}
