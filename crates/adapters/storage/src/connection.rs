//! Connection strings of PostgreSQL, as libpq reads them: a URL, or words `name=value`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, Socket};

use libpq::{Connector, Roots, Source, Stream, Tls, Verify, parameters};

/// How long a host may take to answer where the string says nothing.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long sent bytes may stay unacknowledged: a host that vanished is noticed then.
const SILENT: Duration = Duration::from_secs(30);

/// What is wrong with a connection string. None says a part of the string, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// It can't be read.
    #[error("neither postgres://USER@HOST/DATABASE nor name=value words that PostgreSQL's clients know")]
    Malformed,
    /// An unknown `sslmode`.
    #[error("sslmode is none of disable, prefer, require, verify-ca, verify-full")]
    Mode,
    /// Certificates are to be verified, and nobody says by whom.
    #[error("sslmode verify-ca and verify-full need sslrootcert: a file, or system")]
    NoRoot,
    /// As libpq: a certificate of the machine's roots says nothing without its name.
    #[error("sslrootcert=system needs sslmode=verify-full")]
    WeakSystem,
    /// Half of a pair.
    #[error("sslcert and sslkey are given together")]
    Identity,
    /// No host.
    #[error("no host")]
    NoHost,
}

/// Where a database is and how it is reached. It never shows its password. Cheap to clone.
#[derive(Clone)]
pub struct Connection(Arc<Parsed>);

struct Parsed {
    config: Config,
    tls: Option<Tls>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "Connection({self})")
    }
}

/// Host and database alone.
impl fmt::Display for Connection {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |host: &Host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        let hosts: Vec<String> = self.0.config.get_hosts().iter().map(host).collect();
        write!(
            to,
            "PostgreSQL at {}, database {}",
            hosts.join(","),
            self.0.config.get_dbname().unwrap_or("of the user")
        )
    }
}

/// What is said of TLS.
#[derive(Default)]
struct Said {
    mode: Option<String>,
    roots: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl Said {
    /// Takes an option, or gives it back.
    fn take(&mut self, name: &str, value: &str) -> bool {
        let place = match name {
            "sslmode" => &mut self.mode,
            "sslrootcert" => &mut self.roots,
            "sslcert" => &mut self.certificate,
            "sslkey" => &mut self.key,
            _ => return false,
        };
        *place = Some(value.to_owned());
        true
    }
}

impl Connection {
    /// Reads a connection string. `variable` has `PGPASSWORD`, `PGSSLMODE` and `PGSSLROOTCERT`, which count where the
    /// string says nothing.
    ///
    /// # Errors
    /// When it can't be read, or asks for what can't be had.
    pub fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConnectionError> {
        let mut said = Said::default();
        let text = text.trim();
        let rest = parameters(text, &mut |name, value| said.take(name, value)).ok_or(ConnectionError::Malformed)?;
        let mut config: Config = rest.parse().map_err(|_| ConnectionError::Malformed)?;
        if config.get_hosts().is_empty() {
            return Err(ConnectionError::NoHost);
        }
        if config.get_password().is_none()
            && let Some(password) = variable("PGPASSWORD")
        {
            config.password(password);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENT);
        }
        if config.get_application_name().is_none() {
            config.application_name("palisade");
        }
        said.mode = said.mode.or_else(|| variable("PGSSLMODE"));
        said.roots = said.roots.or_else(|| variable("PGSSLROOTCERT"));
        let tls = encrypt(&mut config, said)?;
        Ok(Self(Arc::new(Parsed { config, tls })))
    }

    /// Whether the string itself has a password.
    #[must_use]
    pub fn names_password(text: &str) -> bool {
        Self::parse(text, &|_| None).is_ok_and(|read| read.0.config.get_password().is_some())
    }

    pub(crate) async fn open(
        &self,
    ) -> Result<(tokio_postgres::Client, tokio_postgres::Connection<Socket, Stream<Socket>>), tokio_postgres::Error>
    {
        self.0.config.connect(Connector(self.0.tls.clone())).await
    }
}

fn encrypt(config: &mut Config, said: Said) -> Result<Option<Tls>, ConnectionError> {
    let roots = match said.roots.as_deref() {
        None | Some("") => Roots::None,
        Some("system") => Roots::System,
        Some(path) => Roots::Given(Source::File(path.into())),
    };
    let identity = match (said.certificate, said.key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some((Source::File(certificate.into()), Source::File(key.into()))),
        _ => return Err(ConnectionError::Identity),
    };
    // A root that is there is used, also where encryption alone is asked for.
    let known = if matches!(roots, Roots::Given(_)) { Verify::Authority } else { Verify::Nothing };
    let mode = said.mode.as_deref().filter(|mode| !mode.is_empty());
    let default = if roots == Roots::System { "verify-full" } else { "prefer" };
    let (mode, verify) = match mode.unwrap_or(default) {
        "disable" => (SslMode::Disable, Verify::Nothing),
        "prefer" => (SslMode::Prefer, known),
        "require" => (SslMode::Require, known),
        "verify-ca" => (SslMode::Require, Verify::Authority),
        "verify-full" => (SslMode::Require, Verify::Host),
        _ => return Err(ConnectionError::Mode),
    };
    if roots == Roots::System && verify != Verify::Host {
        return Err(ConnectionError::WeakSystem);
    }
    if roots == Roots::None && verify != Verify::Nothing {
        return Err(ConnectionError::NoRoot);
    }
    // Sockets of the machine are never encrypted.
    let is_local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
    if is_local || mode == SslMode::Disable {
        config.ssl_mode(SslMode::Disable);
        return Ok(None);
    }
    config.ssl_mode(mode);
    Ok(Some(Tls { verify, roots, identity, server_name: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Connection, ConnectionError> {
        Connection::parse(text, &|_| None)
    }

    #[test]
    fn strings_are_read_as_libpq_reads_them() {
        let file = || Roots::Given(Source::File("/ca.pem".into()));
        for (text, mode, tls) in [
            ("postgres://ann@db.example/logs", SslMode::Prefer, Some((Verify::Nothing, Roots::None))),
            ("postgresql://ann@db.example/logs?sslmode=disable", SslMode::Disable, None),
            ("host=db.example sslmode=require", SslMode::Require, Some((Verify::Nothing, Roots::None))),
            (
                "host=db.example sslmode=require sslrootcert=/ca.pem",
                SslMode::Require,
                Some((Verify::Authority, file())),
            ),
            (
                "postgres://db.example/?sslmode=verify-ca&sslrootcert=%2Fca.pem&connect_timeout=3",
                SslMode::Require,
                Some((Verify::Authority, file())),
            ),
            (
                "host='db.example' sslmode = verify-full sslrootcert='/ca.pem'",
                SslMode::Require,
                Some((Verify::Host, file())),
            ),
            ("host=db.example sslrootcert=system", SslMode::Require, Some((Verify::Host, Roots::System))),
            ("host=/run/postgresql sslmode=require", SslMode::Disable, None),
        ] {
            let read = parse(text).unwrap();
            let found = read.0.tls.clone().map(|tls| (tls.verify, tls.roots));
            assert_eq!((read.0.config.get_ssl_mode(), found), (mode, tls), "{text}");
        }
        for (text, error) in [
            ("host=db.example sslmode=verify-full", ConnectionError::NoRoot),
            ("host=db.example sslmode=require sslrootcert=system", ConnectionError::WeakSystem),
            ("host=db.example sslmode=allow", ConnectionError::Mode),
            ("host=db.example sslcert=/c.pem", ConnectionError::Identity),
            ("user=ann", ConnectionError::NoHost),
            ("", ConnectionError::NoHost),
            ("host=db.example password='open", ConnectionError::Malformed),
            ("mysql://db.example", ConnectionError::Malformed),
            ("host=db.example password=two words", ConnectionError::Malformed),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn passwords_are_found_and_not_shown() {
        let text = r"host=db.example user=ann password='ca na\'ry\\'";
        let read = parse(text).unwrap();
        assert_eq!(read.0.config.get_password(), Some(&br"ca na'ry\"[..]));
        assert_eq!(format!("{read:?}"), "Connection(PostgreSQL at db.example, database of the user)");
        assert!(Connection::names_password(text) && Connection::names_password("postgres://ann:canary@db.example/x"));
        assert!(!Connection::names_password("postgres://ann@db.example/x"));
        let given = |name: &str| (name == "PGPASSWORD").then(|| "canary".to_owned());
        let read = Connection::parse("host=db.example", &given).unwrap();
        assert_eq!(read.0.config.get_password(), Some(&b"canary"[..]));
        assert!(!format!("{read:?} {read}").contains("canary"));
    }
}
