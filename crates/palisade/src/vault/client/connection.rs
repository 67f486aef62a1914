//! How the server is reached: addresses, certificates, proxies.

use super::super::environment::{expanded, variable};
use super::super::failure::Failure;
use super::super::flags::Parsed;
use super::Query;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::blocking::{Client, ClientBuilder};
use reqwest::{Certificate, Identity, Url};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// What stays as it is in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@')
    .remove(b'*');
/// The most certificates that a folder may have.
const MAX_CERTIFICATES: usize = 1000;

/// A client for the server at `address`, and the address that requests go to.
pub(super) fn open(flags: &Parsed, address: &str, timeout: Duration) -> Result<(Client, Url), Failure> {
    let failed = |error: String| Failure::remote(format!("failed to create client: {error}"));
    let mut builder = Client::builder()
        .user_agent(concat!("palisade/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeout.min(Duration::from_secs(30)))
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none());
    let mut base = match address.strip_prefix("unix://") {
        Some(path) => {
            builder = builder.unix_socket(path.to_owned());
            Url::parse("http://localhost").map_err(|error| failed(error.to_string()))?
        }
        None => Url::parse(address).map_err(|error| failed(format!("parse {address:?}: {error}")))?,
    };
    if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
        return Err(failed(format!("the address {address:?} has no http:// or https://")));
    }
    if let Some(proxy) = variable("PROXY_ADDR").or_else(|| variable("HTTP_PROXY")) {
        builder =
            builder.proxy(reqwest::Proxy::all(&proxy).map_err(|_| failed("BAO_PROXY_ADDR is no address".to_owned()))?);
    }
    builder = tls(flags, builder).map_err(|error| Failure::remote(format!("failed to setup TLS config: {error}")))?;
    let server_name = flags.text("tls-server-name");
    if !server_name.is_empty() {
        let addresses = base.socket_addrs(|| None).map_err(|error| failed(error.to_string()))?;
        let address = *addresses.first().ok_or_else(|| failed(format!("{address} has no address")))?;
        builder = builder.resolve(server_name, address);
        base.set_host(Some(server_name)).map_err(|error| failed(error.to_string()))?;
    }
    let http = builder.build().map_err(|error| failed(error.to_string()))?;
    Ok((http, base))
}

fn tls(flags: &Parsed, mut builder: ClientBuilder) -> Result<ClientBuilder, String> {
    let mut trusted = Vec::new();
    let bytes = |name: &str| variable(name).map(|text| Zeroizing::new(text.into_bytes()));
    let (file, folder) = (flags.text("ca-cert"), flags.text("ca-path"));
    if !file.is_empty() {
        trusted.extend(certificates(&read(file)?).map_err(|error| format!("Error loading CA File: {error}"))?);
    } else if let Some(pem) = bytes("CACERT_BYTES") {
        trusted.extend(certificates(&pem)?);
    } else if !folder.is_empty() {
        let listed = std::fs::read_dir(expanded(folder)).map_err(|error| format!("{folder}: {error}"))?;
        for entry in listed.take(MAX_CERTIFICATES) {
            let path = entry.map_err(|error| format!("{folder}: {error}"))?.path();
            if path.is_file() {
                trusted.extend(certificates(&read(&path)?)?);
            }
        }
    }
    if !trusted.is_empty() {
        // Only these, as the peers.
        builder = builder.tls_certs_only(trusted);
    }
    let part = |flag: &str, name: &str| match flags.text(flag) {
        "" => Ok(bytes(name)),
        path => read(path).map(Some),
    };
    match (part("client-cert", "CLIENT_CERT_BYTES")?, part("client-key", "CLIENT_KEY_BYTES")?) {
        (Some(mut pem), Some(key)) => {
            pem.push(b'\n');
            pem.extend_from_slice(&key);
            builder = builder.identity(Identity::from_pem(&pem).map_err(|error| error.to_string())?);
        }
        (None, None) => {}
        _ => return Err("both client cert and client key must be provided".to_owned()),
    }
    Ok(builder.tls_danger_accept_invalid_certs(flags.is_on("tls-skip-verify")))
}

fn read(path: impl AsRef<Path>) -> Result<Zeroizing<Vec<u8>>, String> {
    let path = expanded(&path.as_ref().to_string_lossy());
    std::fs::read(&path).map(Zeroizing::new).map_err(|error| format!("{}: {error}", path.display()))
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    Certificate::from_pem_bundle(pem).map_err(|error| error.to_string())
}

/// The address of `path` under `/v1/`, without empty parts, as the peers join it.
pub(super) fn url(base: &Url, path: &str, query: Query<'_>) -> Url {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let path = format!("{}/v1/{}", base.path().trim_end_matches('/'), utf8_percent_encode(&parts.join("/"), PATH));
    let mut url = base.clone();
    url.set_path(&path);
    if !query.is_empty() {
        let mut query = query.to_vec();
        query.sort_by_key(|(name, _)| *name);
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_joined_as_the_peers_do() {
        let base = Url::parse("http://127.0.0.1:8200/prefix/").unwrap();
        for (path, query, want) in [
            ("secret/data/a", &[][..], "secret/data/a"),
            ("/sys//mounts/", &[][..], "sys/mounts"),
            ("secret/a b%2f?x#y", &[][..], "secret/a%20b%252f%3Fx%23y"),
            ("a/../b", &[][..], "b"),
            ("../../x", &[][..], "x"),
            ("a", &[("list", "true"), ("after", "b c")][..], "a?after=b+c&list=true"),
        ] {
            assert_eq!(url(&base, path, query).as_str(), format!("http://127.0.0.1:8200/prefix/v1/{want}"));
        }
    }
}
