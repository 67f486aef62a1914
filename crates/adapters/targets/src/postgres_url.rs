//! Connection strings of PostgreSQL as pgx reads them, for a driver that knows fewer parameters.

use database::{Settings, TargetError};
use libpq::{Connector, Roots, Source, Tls, Verify, parameters};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

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

fn refused(why: &str) -> TargetError {
    TargetError::Settings(format!("connection_url: {why}"))
}

#[derive(Default)]
struct Said {
    mode: Option<String>,
    roots: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
    /// Parameters of the session, as pgx has the others.
    session: Vec<(String, String)>,
}

impl Said {
    /// Takes what the driver does not know.
    fn take(&mut self, name: &str, value: &str) -> bool {
        let value = value.to_owned();
        match name {
            "sslmode" => self.mode = Some(value),
            "sslrootcert" => self.roots = Some(value),
            "sslcert" => self.certificate = Some(value),
            "sslkey" => self.key = Some(value),
            name if DRIVER.contains(&name) => return false,
            name => self.session.push((name.to_owned(), value)),
        }
        true
    }
}

/// How to connect. The driver's own messages are not told: they could repeat a part of the password.
pub(crate) fn parse(settings: &Settings) -> Result<(Config, Connector), TargetError> {
    let mut said = Said::default();
    let kept = parameters(&settings.url(true), &mut |name, value| said.take(name, value));
    let kept = kept.ok_or_else(|| refused("cannot be read"))?;
    let mut config: Config = kept.parse().map_err(|_| refused("cannot be read"))?;
    let mut options = config.get_options().unwrap_or_default().to_owned();
    for (name, value) in &said.session {
        let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.".contains(letter));
        if !is_name || name.is_empty() {
            return Err(refused("a parameter cannot be read"));
        }
        options.push_str(&format!(" -c {name}={}", value.replace('\\', r"\\").replace(' ', r"\ ")));
    }
    if !said.session.is_empty() {
        config.options(options.trim());
    }
    if config.get_application_name().is_none() {
        config.application_name("palisade");
    }
    let tls = encrypt(&mut config, settings, said)?;
    tls.iter().try_for_each(Tls::check).map_err(|error| TargetError::Settings(error.to_string()))?;
    Ok((config, Connector(tls)))
}

fn encrypt(config: &mut Config, settings: &Settings, said: Said) -> Result<Option<Tls>, TargetError> {
    let (own, file) = (&settings.tls, |path: String| Source::File(path.into()));
    let text = |name, pem: &str| Source::Text(name, pem.to_owned().into());
    let roots = own.ca.as_deref().map(|pem| text("tls_ca", pem)).or_else(|| said.roots.map(file));
    let certificate = own.certificate.as_deref().map(|pem| text("tls_certificate", pem));
    let key = own.key.as_ref().map(|pem| text("private_key", pem));
    let identity = match (certificate.or_else(|| said.certificate.map(file)), key.or_else(|| said.key.map(file))) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err(refused("a certificate needs a key, and the other way round")),
    };
    let (mode, verify) = match said.mode.as_deref().unwrap_or("prefer") {
        "disable" => (SslMode::Disable, Verify::Nothing),
        "allow" | "prefer" => (SslMode::Prefer, Verify::Nothing),
        // With roots it is as strict as verify-ca, in libpq too.
        "require" if roots.is_some() => (SslMode::Require, Verify::Authority),
        "require" => (SslMode::Require, Verify::Nothing),
        "verify-ca" => (SslMode::Require, Verify::Authority),
        "verify-full" => (SslMode::Require, Verify::Host),
        _ => return Err(refused("sslmode is none of disable, allow, prefer, require, verify-ca and verify-full")),
    };
    config.ssl_mode(mode);
    if mode == SslMode::Disable {
        return Ok(None);
    }
    let verify = if own.skip_verify { Verify::Nothing } else { verify };
    let roots = roots.map_or(Roots::System, Roots::Given);
    Ok(Some(Tls { verify, roots, identity, server_name: own.server_name.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use database::Plugin;
    use serde_json::{Value, json};

    fn check(details: Value) -> Result<(String, Option<Verify>), TargetError> {
        let Value::Object(details) = details else { panic!() };
        let (config, Connector(tls)) = parse(&Settings::parse(Plugin::PostgreSql, &details).unwrap())?;
        let password = String::from_utf8(config.get_password().unwrap_or_default().to_vec()).unwrap();
        let (user, database) = (config.get_user().unwrap_or_default(), config.get_dbname().unwrap_or_default());
        let (mode, options) = (config.get_ssl_mode(), config.get_options().unwrap_or_default());
        let text = format!("{user} {password} {database} {:?} {mode:?} {options}", config.get_ports());
        Ok((text, tls.map(|tls| tls.verify)))
    }

    #[test]
    fn connection_strings_are_read_as_pgx_reads_them() {
        use Verify::{Authority, Host, Nothing};
        let hard = json!({"username": "o'b@x", "password": "p/%?#@:& 'w"});
        let with = |url: &str| {
            let mut details = hard.clone();
            details["connection_url"] = json!(url);
            details
        };
        let url = "postgresql://{{username}}:{{password}}@localhost:5433/app";
        let read = "o'b@x p/%?#@:& 'w app [5433]";
        for (details, shown, verify) in [
            (with(url), format!("{read} Prefer "), Some(Nothing)),
            (
                with(&format!("{url}?sslmode=disable&search_path=a%2Cb")),
                format!("{read} Disable -c search_path=a,b"),
                None,
            ),
            (with(&format!("{url}?connect_timeout=3&sslmode=verify-ca")), format!("{read} Require "), Some(Authority)),
            (
                with(&format!("{url}?sslmode=verify-full&statement_timeout=5 s")),
                format!("{read} Require -c statement_timeout=5\\ s"),
                Some(Host),
            ),
            (
                json!({"connection_url": "host=/run/pg user=a password='b c' sslmode=require dbname=d"}),
                "a b c d [] Require ".to_owned(),
                Some(Nothing),
            ),
        ] {
            assert_eq!(check(details.clone()).unwrap(), (shown, verify), "{details}");
        }
        for url in [
            "postgresql://a:hunter2@x:port/",
            "host=x hunter2",
            "postgresql://x?sslmode=hunter2",
            "postgresql://x?a b=1",
            "postgresql://x?sslrootcert=/nowhere&sslmode=verify-ca",
        ] {
            let Err(error) = check(json!({"connection_url": url})) else { panic!("{url}") };
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
