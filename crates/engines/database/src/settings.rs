//! What is needed to connect, read from a configuration.

use crate::Dialect;
use logical::{Error, Fields, Map};
use std::time::Duration;
use zeroize::Zeroizing;

/// Most connections to one database where the configuration does not say.
const CONNECTIONS: usize = 4;

/// Which kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    /// PostgreSQL.
    PostgreSql,
    /// MySQL and MariaDB.
    MySql,
    /// MySQL with user names of at most 16 letters: before 5.7, RDS, Aurora.
    MySqlLegacy,
}

impl Plugin {
    /// By the peer's name of it.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "postgresql-database-plugin" => Self::PostgreSql,
            "mysql-database-plugin" | "mariadb-database-plugin" => Self::MySql,
            "mysql-aurora-database-plugin" | "mysql-rds-database-plugin" | "mysql-legacy-database-plugin" => {
                Self::MySqlLegacy
            }
            _ => return None,
        })
    }

    /// Its SQL.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::PostgreSql => Dialect::PostgreSql,
            Self::MySql | Self::MySqlLegacy => Dialect::MySql,
        }
    }

    /// The peer's template of user names.
    pub(crate) fn username_template(self) -> &'static str {
        match self {
            Self::PostgreSql => {
                r#"{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time) | truncate 63 }}"#
            }
            Self::MySql => {
                r#"{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 10) (.RoleName | truncate 10) (random 20) (unix_time) | truncate 32 }}"#
            }
            Self::MySqlLegacy => r#"{{ printf "v-%s-%s-%s" (.RoleName | truncate 4) (random 20) | truncate 16 }}"#,
        }
    }
}

/// How to reach a database.
pub struct Settings {
    /// Which kind it is.
    pub plugin: Plugin,
    /// As it was given, with `{{username}}` and `{{password}}`.
    pub connection_url: Zeroizing<String>,
    /// The user that makes the others.
    pub username: String,
    /// Its password.
    pub password: Zeroizing<String>,
    /// Whether both stand in the URL as they are.
    pub disable_escaping: bool,
    /// Most connections.
    pub max_open_connections: usize,
    /// Most connections that wait for work.
    pub max_idle_connections: usize,
    /// How long a connection is used; zero: for ever.
    pub max_connection_lifetime: Duration,
    /// Whether PostgreSQL gets the SCRAM-SHA-256 verifier in place of the password.
    pub scram: bool,
    /// TLS.
    pub tls: Tls,
}

/// Settings of TLS that do not stand in the URL. Certificates and keys are PEM.
#[derive(Default)]
pub struct Tls {
    /// Who signs the server's certificate.
    pub ca: Option<String>,
    /// The client's certificate.
    pub certificate: Option<String>,
    /// Its key.
    pub key: Option<Zeroizing<String>>,
    /// The name that the server's certificate must have, in place of the host.
    pub server_name: Option<String>,
    /// Whether the server's certificate is not checked.
    pub skip_verify: bool,
}

impl Settings {
    /// Of the details of a configuration.
    ///
    /// # Errors
    /// Where something is missing or is not what it should be. Values are not told.
    pub fn parse(plugin: Plugin, details: &Map) -> Result<Self, Error> {
        let fields = Fields::new(details);
        let text = |name: &str| Ok::<_, Error>(fields.text(name)?.unwrap_or_default());
        let given = |name: &str| Ok::<_, Error>(fields.text(name)?.filter(|text| !text.is_empty()));
        let number = |name: &str| {
            let number = fields.integer(name)?.unwrap_or(0);
            usize::try_from(number).map_err(|_| Error::invalid(format!("{name} must not be negative")))
        };
        let connection_url = Zeroizing::new(text("connection_url")?);
        if connection_url.is_empty() {
            return Err(Error::invalid("connection_url cannot be empty"));
        }
        let (username, password) = (text("username")?, Zeroizing::new(text("password")?));
        let has_variable = |text: &str| text.contains("{{username}}") || text.contains("{{password}}");
        if has_variable(&username) || has_variable(&password) {
            return Err(Error::invalid("username and/or password cannot contain the template variables"));
        }
        let scram = match text("password_authentication")?.as_str() {
            "" | "password" => false,
            "scram-sha-256" => true,
            other => return Err(Error::invalid(format!("'{other}' is not a valid password authentication type"))),
        };
        let max_open_connections = Some(number("max_open_connections")?).filter(|n| *n > 0).unwrap_or(CONNECTIONS);
        let idle = number("max_idle_connections")?;
        let pair = given("tls_certificate_key")?;
        Ok(Self {
            plugin,
            connection_url,
            username,
            password,
            disable_escaping: fields.boolean("disable_escaping")?.unwrap_or(false),
            max_open_connections,
            max_idle_connections: Some(idle)
                .filter(|n| *n > 0)
                .map_or(max_open_connections, |n| n.min(max_open_connections)),
            max_connection_lifetime: fields.duration("max_connection_lifetime")?.unwrap_or_default(),
            scram,
            tls: Tls {
                ca: given("tls_ca")?,
                certificate: given("tls_certificate")?.or_else(|| pair.clone()),
                key: given("private_key")?.or(pair).map(Zeroizing::new),
                server_name: given("tls_server_name")?,
                skip_verify: fields.boolean("tls_skip_verify")?.unwrap_or(false),
            },
        })
    }

    /// The URL with user and password in it; `escape_password` tells whether the password is escaped as URLs need it.
    pub fn url(&self, escape_password: bool) -> Zeroizing<String> {
        let as_is = self.disable_escaping;
        let username = if as_is { self.username.clone() } else { percent_encoded(&self.username) };
        let password =
            Zeroizing::new(if as_is || !escape_password { String::new() } else { percent_encoded(&self.password) });
        let password: &str = if as_is || !escape_password { &self.password } else { &password };
        // One pass, so that neither value is looked at again. The buffer never grows, which would leave copies.
        let uses = self.connection_url.matches("{{").count().saturating_add(1);
        let most = username.len().max(password.len()).saturating_mul(uses).saturating_add(self.connection_url.len());
        let mut out = Zeroizing::new(String::with_capacity(most));
        let mut rest = self.connection_url.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            rest = if let Some(tail) = after.strip_prefix("username}}") {
                out.push_str(&username);
                tail
            } else if let Some(tail) = after.strip_prefix("password}}") {
                out.push_str(password);
                tail
            } else {
                out.push_str("{{");
                after
            };
        }
        out.push_str(rest);
        out
    }
}

/// All but the unreserved letters of RFC 3986 as `%XX`.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_mul(3));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase();
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}
