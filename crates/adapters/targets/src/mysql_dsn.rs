//! Data source names of go-sql-driver/mysql: `user:password@tcp(host:port,host:port)/database?parameter=value`.

use database::{Settings, TargetError};
use mysql_async::{ClientIdentity, Opts, OptsBuilder, SslOpts};

const PORT: u16 = 3306;
/// Parameters of Go's driver that mean nothing here.
const IGNORED: &[&str] = &[
    "allowAllFiles",
    "allowCleartextPasswords",
    "allowFallbackToPlaintext",
    "allowNativePasswords",
    "allowOldPasswords",
    "charset",
    "checkConnLiveness",
    "clientFoundRows",
    "collation",
    "columnsWithAlias",
    "compress",
    "connectionAttributes",
    "interpolateParams",
    "loc",
    "maxAllowedPacket",
    "multiStatements",
    "parseTime",
    "readTimeout",
    "rejectReadOnly",
    "serverPubKey",
    "timeTruncate",
    "timeout",
    "writeTimeout",
];
/// What the engine's reading of statements relies on.
const SQL_MODE: &str = "SET SESSION sql_mode = REPLACE(@@SESSION.sql_mode, 'NO_BACKSLASH_ESCAPES', '')";

/// Servers to try, one after the other.
pub(crate) struct Parsed {
    pub(crate) servers: Vec<Opts>,
    /// Whether a server without TLS is taken too.
    pub(crate) falls_back: bool,
}

fn refused(why: &str) -> TargetError {
    TargetError::Settings(format!("unable to parse connectionURL: {why}"))
}

pub(crate) fn parse(settings: &Settings) -> Result<Parsed, TargetError> {
    let text = settings.url(false);
    let given = settings.connection_url.as_str();
    let (front, back) =
        text.rsplit_once('/').ok_or_else(|| refused("missing the slash separating the database name"))?;
    let (database, parameters) = back.split_once('?').unwrap_or((back, ""));
    let (user, address) = front.rsplit_once('@').unwrap_or(("", front));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    // Variables are replaced whole: nothing in the values means anything.
    let user = if given.starts_with("{{username}}") { settings.username.as_str() } else { user };
    let password = if given.contains("{{password}}") { settings.password.as_str() } else { password };

    let mut tls = None;
    let mut setup = vec![SQL_MODE.to_owned()];
    for pair in parameters.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| refused("a parameter has no value"))?;
        match name {
            "tls" => tls = Some(value.to_owned()),
            name if IGNORED.contains(&name) => {}
            name if name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') && !name.is_empty() => {
                let value = value.replace("%27", "'").replace("%2C", ",").replace("%20", " ");
                if !value.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.,' ".contains(letter)) {
                    return Err(refused("a variable of the session has a value that is not safe"));
                }
                setup.push(format!("SET SESSION {name} = {value}"));
            }
            _ => return Err(refused("a parameter cannot be read")),
        }
    }
    let is_given = settings.tls.ca.is_some() || settings.tls.certificate.is_some();
    let (ssl, falls_back) = match tls.as_deref() {
        None | Some("false") if is_given => (Some(ssl_options(settings)), false),
        None | Some("false") => (None, false),
        Some("true") => (Some(ssl_options(settings)), false),
        Some(mode @ ("skip-verify" | "preferred")) => {
            (Some(ssl_options(settings).with_danger_accept_invalid_certs(true)), mode == "preferred")
        }
        Some(_) => return Err(refused("tls is none of true, false, skip-verify and preferred")),
    };
    let base = OptsBuilder::default()
        .user(Some(user))
        .pass(Some(password))
        .db_name(Some(database).filter(|name| !name.is_empty()))
        .prefer_socket(false)
        .setup(setup)
        .ssl_opts(ssl);
    let (protocol, inner) = address.split_once('(').unwrap_or((address, ")"));
    let inner = inner.strip_suffix(')').ok_or_else(|| refused("the network address is not terminated"))?;
    let servers = match protocol {
        "unix" => vec![base.socket(Some(inner)).into()],
        "tcp" | "" => {
            let hosts = inner.split(',').map(str::trim).filter(|host| !host.is_empty());
            let mut servers = hosts.map(|host| server(base.clone(), host)).collect::<Result<Vec<Opts>, _>>()?;
            if servers.is_empty() {
                servers.push(server(base, "127.0.0.1")?);
            }
            servers
        }
        _ => return Err(refused("the network is none of tcp and unix")),
    };
    Ok(Parsed { servers, falls_back })
}

fn server(base: OptsBuilder, address: &str) -> Result<Opts, TargetError> {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().map_err(|_| refused("the port is no number"))?)
        }
        _ => (address, PORT),
    };
    Ok(base.ip_or_hostname(host.trim_matches(['[', ']'])).tcp_port(port).into())
}

fn ssl_options(settings: &Settings) -> SslOpts {
    let tls = &settings.tls;
    let mut options = SslOpts::default().with_danger_accept_invalid_certs(tls.skip_verify);
    if let Some(ca) = &tls.ca {
        options = options.with_root_certs(vec![ca.clone().into_bytes().into()]).with_disable_built_in_roots(true);
    }
    if let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) {
        let (chain, key) = (certificate.clone().into_bytes(), key.as_bytes().to_vec());
        options = options.with_client_identity(Some(ClientIdentity::new(chain.into(), key.into())));
    }
    options.with_danger_tls_hostname_override(tls.server_name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use database::Plugin;
    use serde_json::{Value, json};

    fn check(url: &str, more: Value) -> Result<Vec<String>, TargetError> {
        let Value::Object(mut details) = more else { panic!() };
        details.insert("connection_url".to_owned(), json!(url));
        let parsed = parse(&Settings::parse(Plugin::MySql, &details).unwrap())?;
        let show = |opts: &Opts| {
            let (user, password) = (opts.user().unwrap_or_default(), opts.pass().unwrap_or_default());
            let place =
                opts.socket().map_or_else(|| format!("{}:{}", opts.ip_or_hostname(), opts.tcp_port()), str::to_owned);
            let tls = opts.ssl_opts().map_or("plain", |ssl| if ssl.accept_invalid_certs() { "any" } else { "tls" });
            format!("{user} {password} {place} {} {tls} {}", opts.db_name().unwrap_or("-"), opts.setup().len())
        };
        Ok(parsed.servers.iter().map(show).collect())
    }

    #[test]
    fn data_source_names_are_read_as_go_s_driver_reads_them() {
        let hard = json!({"username": "a:b@c", "password": "p@/(:?x"});
        for (url, more, wanted) in [
            ("{{username}}:{{password}}@tcp(db:3307)/", hard.clone(), vec!["a:b@c p@/(:?x db:3307 - plain 1"]),
            (
                "{{username}}:{{password}}@tcp(a,b:1)/app?parseTime=true&time_zone=%27UTC%27",
                hard,
                vec!["a:b@c p@/(:?x a:3306 app plain 2", "a:b@c p@/(:?x b:1 app plain 2"],
            ),
            ("root:se:cr@t@unix(/run/my.sock)/?tls=skip-verify", json!({}), vec!["root se:cr@t /run/my.sock - any 1"]),
            ("root@/", json!({"tls_ca": "x"}), vec!["root  127.0.0.1:3306 - tls 1"]),
            ("root@tcp([::1]:3308)/", json!({}), vec!["root  ::1:3308 - plain 1"]),
        ] {
            assert_eq!(check(url, more).unwrap(), wanted, "{url}");
        }
        for url in [
            "root:hunter2@tcp(x:3306)",
            "root:hunter2@tcp(x:hunter2)/",
            "root@tcp(x)/?a=b;c",
            "root@udp(x)/",
            "root@/?tls=maybe",
        ] {
            let Err(error) = check(url, json!({})) else { panic!("{url}") };
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
