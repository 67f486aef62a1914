//! What is said on standard error besides results and errors.

use crate::cli::Global;
use crate::settings::{self, App, Named, Settings, invalid};
use crate::style;
use anyhow::Context;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Reads a tool's settings and starts logging as they say.
pub(crate) fn ready(app: &'static App, named: &Named, global: Global) -> anyhow::Result<(Settings, Global)> {
    let settings = settings::load(app, named)?;
    let global = Global { quiet: global.quiet || settings.bool("log.quiet"), ..global };
    let said = if settings.is_set("log.level") { settings.text("log.level") } else { "" };
    let level = match said.to_ascii_lowercase().as_str() {
        "" => None,
        "error" => Some(LevelFilter::ERROR),
        "warn" | "warning" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        other => {
            let what = format!("unable to select logging level: not a valid log level: {other:?}");
            return Err(invalid(what, "use error, warn, info, debug or trace"));
        }
    };
    // A flag says more than a setting.
    start_at(chosen(global, level), settings.path("log.file").as_deref())?;
    Ok((settings, global))
}

/// Starts logging: warnings by default, nothing but errors with `-q`, more with each `-v`. `RUST_LOG` wins.
pub(crate) fn start(global: Global) -> anyhow::Result<()> {
    start_at(chosen(global, None), None)
}

/// Starts logging of a server at the level that it was told, `info` by default.
pub(crate) fn start_server(level: &str, file: Option<&str>) -> anyhow::Result<()> {
    let level = match level.to_ascii_lowercase().as_str() {
        "" | "info" | "notice" => LevelFilter::INFO,
        "error" | "err" => LevelFilter::ERROR,
        "warn" | "warning" => LevelFilter::WARN,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        other => return Err(invalid(format!("unknown log level: {other}"), "use error, warn, info, debug or trace")),
    };
    start_at(level, file.map(Path::new))
}

fn chosen(global: Global, level: Option<LevelFilter>) -> LevelFilter {
    match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => level.unwrap_or(LevelFilter::WARN),
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    }
}

fn start_at(level: LevelFilter, file: Option<&Path>) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().with_default_directive(level.into()).from_env_lossy();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).compact();
    match file {
        None => log.with_writer(std::io::stderr).with_ansi(style::stderr_has_color()).without_time().init(),
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let file = file.with_context(|| format!("cannot write the log to {}", path.display()))?;
            log.with_writer(Mutex::new(file)).with_ansi(false).init();
        }
    }
    Ok(())
}
