//! Connection strings of PostgreSQL as pgx reads them, for a driver that knows fewer parameters.

use database::{Settings, TargetError};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use zeroize::Zeroizing;

/// What the driver reads itself.
const DRIVER: &[&str] = &[
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "sslnegotiation",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];

/// How the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// Not at all: `allow`, `prefer` and `require`.
    Nothing,
    /// Who signed it: `verify-ca`.
    Chain,
    /// Also the name: `verify-full`.
    Full,
}

/// A connection string, taken apart.
pub(crate) struct Parsed {
    pub(crate) config: Config,
    pub(crate) check: Check,
    /// Files: the authorities, the client's certificate and its key.
    pub(crate) files: [Option<String>; 3],
}

fn refused(why: &str) -> TargetError {
    TargetError::Settings(format!("connection_url: {why}"))
}

pub(crate) fn parse(settings: &Settings) -> Result<Parsed, TargetError> {
    let text = settings.url(true);
    let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
    let (base, pairs) = if is_url { url_parameters(&text) } else { word_parameters(&text)? };
    // The driver's message could repeat a part of the password.
    let base: Zeroizing<String> = base;
    let mut config: Config = base.parse().map_err(|_| refused("cannot be read"))?;
    let (mut mode, mut files, mut options) = ("prefer".to_owned(), [None, None, None], String::new());
    for (name, value) in pairs {
        match name.as_str() {
            "sslmode" => mode = value,
            "sslrootcert" => files[0] = Some(value),
            "sslcert" => files[1] = Some(value),
            "sslkey" => files[2] = Some(value),
            _ => {
                // A parameter of the session, as pgx has it.
                let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.".contains(letter));
                if !is_name || name.is_empty() {
                    return Err(refused("a parameter cannot be read"));
                }
                options.push_str(&format!(" -c {name}={}", value.replace('\\', r"\\").replace(' ', r"\ ")));
            }
        }
    }
    let (ssl, check) = match mode.as_str() {
        "disable" => (SslMode::Disable, Check::Nothing),
        "allow" | "prefer" => (SslMode::Prefer, Check::Nothing),
        // With authorities it is as strict as verify-ca, in libpq too.
        "require" if files[0].is_some() || settings.tls.ca.is_some() => (SslMode::Require, Check::Chain),
        "require" => (SslMode::Require, Check::Nothing),
        "verify-ca" => (SslMode::Require, Check::Chain),
        "verify-full" => (SslMode::Require, Check::Full),
        _ => return Err(refused("sslmode is none of disable, allow, prefer, require, verify-ca and verify-full")),
    };
    config.ssl_mode(ssl);
    if !options.is_empty() {
        let given = config.get_options().unwrap_or_default().to_owned();
        config.options(format!("{given}{options}").trim());
    }
    if config.get_application_name().is_none() {
        config.application_name("palisade");
    }
    Ok(Parsed { config, check, files })
}

type Pairs = Vec<(String, String)>;

/// The URL with the driver's parameters, and the others.
fn url_parameters(text: &str) -> (Zeroizing<String>, Pairs) {
    // A question mark within user and password is escaped.
    let (base, query) = text.split_once('?').unwrap_or((text, ""));
    let mut kept = Zeroizing::new(String::with_capacity(text.len().saturating_add(1)));
    kept.push_str(base);
    let mut others = Vec::new();
    let mut separator = '?';
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if DRIVER.contains(&name) {
            kept.push(separator);
            kept.push_str(pair);
            separator = '&';
        } else {
            others.push((decoded(name), decoded(value)));
        }
    }
    (kept, others)
}

fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let mut ahead = bytes.clone();
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high << 4 | low).unwrap_or_default());
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The same of `name=value` words, where a value may be in single quotes.
fn word_parameters(text: &str) -> Result<(Zeroizing<String>, Pairs), TargetError> {
    let mut kept = Zeroizing::new(String::with_capacity(text.len().saturating_add(1)));
    let mut others = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, tail) = rest.split_once('=').ok_or_else(|| refused("cannot be read"))?;
        let tail = tail.trim_start();
        let (mut value, mut end, mut is_quoted, mut is_escaped) = (String::new(), tail.len(), false, false);
        for (at, letter) in tail.char_indices() {
            match letter {
                _ if is_escaped => {
                    value.push(letter);
                    is_escaped = false;
                }
                '\\' => is_escaped = true,
                '\'' => is_quoted = !is_quoted,
                letter if letter.is_whitespace() && !is_quoted => {
                    end = at;
                    break;
                }
                letter => value.push(letter),
            }
        }
        let (word, next) = tail.split_at(end);
        if DRIVER.contains(&name.trim()) {
            kept.push_str(name.trim());
            kept.push('=');
            kept.push_str(word);
            kept.push(' ');
        } else {
            others.push((name.trim().to_owned(), value));
        }
        rest = next.trim_start();
    }
    Ok((kept, others))
}

#[cfg(test)]
mod tests {
    use super::*;
    use database::Plugin;
    use serde_json::{Value, json};

    fn check(details: Value) -> Result<(String, Check), TargetError> {
        let Value::Object(details) = details else { panic!() };
        let settings = Settings::parse(Plugin::PostgreSql, &details).unwrap();
        let Parsed { config, check, .. } = parse(&settings)?;
        let password = String::from_utf8(config.get_password().unwrap_or_default().to_vec()).unwrap();
        let (user, database) = (config.get_user().unwrap_or_default(), config.get_dbname().unwrap_or_default());
        let (mode, options) = (config.get_ssl_mode(), config.get_options().unwrap_or_default());
        Ok((format!("{user} {password} {database} {:?} {mode:?} {options}", config.get_ports()), check))
    }

    #[test]
    fn connection_strings_are_read_as_pgx_reads_them() {
        let hard = json!({"username": "o'b@x", "password": "p/%?#@:& 'w"});
        let with = |url: &str| {
            let mut details = hard.clone();
            details["connection_url"] = json!(url);
            details
        };
        let url = "postgresql://{{username}}:{{password}}@localhost:5433/app";
        for (details, shown, wanted) in [
            (with(url), "o'b@x p/%?#@:& 'w app [5433] Prefer ", Check::Nothing),
            (
                with(&format!("{url}?sslmode=disable&search_path=a%2Cb")),
                "o'b@x p/%?#@:& 'w app [5433] Disable -c search_path=a,b",
                Check::Nothing,
            ),
            (
                with(&format!("{url}?connect_timeout=3&sslmode=verify-ca")),
                "o'b@x p/%?#@:& 'w app [5433] Require ",
                Check::Chain,
            ),
            (
                with(&format!("{url}?sslmode=verify-full&statement_timeout=5 s")),
                "o'b@x p/%?#@:& 'w app [5433] Require -c statement_timeout=5\\ s",
                Check::Full,
            ),
            (
                json!({"connection_url": "host=/run/pg user=a password='b c' sslmode=require dbname=d"}),
                "a b c d [] Require ",
                Check::Nothing,
            ),
        ] {
            let (read, check) = check(details.clone()).unwrap();
            assert_eq!((read.as_str(), check), (shown, wanted), "{details}");
        }
        for url in [
            "postgresql://a:hunter2@x:port/",
            "host=x hunter2",
            "postgresql://x?sslmode=hunter2",
            "postgresql://x?a b=1",
        ] {
            let Err(error) = check(json!({"connection_url": url})) else { panic!("{url}") };
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
