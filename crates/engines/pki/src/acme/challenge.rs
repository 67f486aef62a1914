//! Challenges (RFC 8555, 8; RFC 8737; RFC 8738): the client shows that a name is its own.

use super::authorization::{self, Authorization};
use super::{Acme, Failure, document, header, malformed};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certificates::{AltName, Certificate};
use logical::{Batch, Error, Response};
use serde_json::json;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

/// Why a client could not be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// No connection, or no answer in time.
    Connection(String),
    /// The DNS has no answer.
    Dns(String),
    /// TLS failed.
    Tls(String),
}

/// What the network answers.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, NetworkError>> + Send + 'a>>;

/// How the engine reaches what clients show. Each call has a deadline of its own, and answers are bounded.
pub trait Validation: Send + Sync {
    /// The body at `http://host/.well-known/acme-challenge/token`, port 80, at most 4096 bytes; redirects are followed.
    fn http<'a>(&'a self, host: &'a str, path: &'a str, resolver: Option<SocketAddr>) -> Answer<'a, Vec<u8>>;

    /// The TXT records of a name, each with its parts put together.
    fn txt<'a>(&'a self, name: &'a str, resolver: Option<SocketAddr>) -> Answer<'a, Vec<Vec<u8>>>;

    /// The certificate in DER that port 443 shows for this server name to `acme-tls/1`; nothing of it is checked.
    fn tls_alpn<'a>(&'a self, host: &'a str, server_name: &'a str, resolver: Option<SocketAddr>)
    -> Answer<'a, Vec<u8>>;
}

/// `challenge/:authorization/:kind`: reads, or has it checked.
pub(super) async fn handle(acme: &Acme<'_>, id: &str, kind: &str) -> Result<Response, Failure> {
    let signed = acme.signed().await?;
    let account = signed.account()?;
    let (mut authorization, version) = authorization::load(acme, &account.id, id).await?;
    let at = authorization.challenges.iter().position(|challenge| challenge.kind == kind);
    let at = at.ok_or_else(|| malformed("the request message was malformed: no such challenge"))?;
    let pending = authorization.status_at(acme.request.now.as_second()) == "pending";
    if signed.payload.is_some() && pending {
        let thumbprint = &signed.jwk.thumbprint;
        let outcome = acme.check(&authorization, kind, &format!("{}.{thumbprint}", authorization.token)).await;
        let status = if outcome.is_ok() { "valid" } else { "invalid" };
        status.clone_into(&mut authorization.status);
        if let Some(challenge) = authorization.challenges.get_mut(at) {
            status.clone_into(&mut challenge.status);
            challenge.validated = outcome.is_ok().then(|| acme.request.now.to_string());
            challenge.error = outcome.err().map(|(kind, detail)| {
                json!({ "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail, "status": 403 })
            });
        }
        let row = authorization::row(&account.id, id);
        let mut batch = Batch::new();
        batch.require(row.as_str(), Some(version)).put_json(row.as_str(), &authorization)?;
        match acme.store.rows.commit(batch).await {
            Ok(_) => {}
            // It was checked at the same time: what came of that counts.
            Err(Error::Conflict) => (authorization, _) = authorization::load(acme, &account.id, id).await?,
            Err(other) => return Err(other.into()),
        }
    }
    let challenge = authorization.challenges.get(at).ok_or_else(|| malformed("no such challenge"))?;
    let mut response = document(200, &authorization.show_challenge(acme, challenge));
    header(&mut response, "Link", format!("<{}>;rel=\"up\"", acme.url(&format!("authorization/{id}"))));
    Ok(response)
}

type Refusal = (&'static str, String);

impl From<NetworkError> for Refusal {
    fn from(error: NetworkError) -> Self {
        match error {
            NetworkError::Connection(text) => ("connection", text),
            NetworkError::Dns(text) => ("dns", text),
            NetworkError::Tls(text) => ("tls", text),
        }
    }
}

impl Acme<'_> {
    async fn check(&self, authorization: &Authorization, kind: &str, proof: &str) -> Result<(), Refusal> {
        let network = self.validation.ok_or(("connection", "this server reaches no clients".to_owned()))?;
        let resolver = self.config.dns_resolver.parse().ok();
        let wrong = |what: &str| ("incorrectResponse", format!("{what} is not what the challenge asks for"));
        let name = authorization.identifier.value.as_str();
        match kind {
            "http-01" => {
                let path = format!("/.well-known/acme-challenge/{}", authorization.token);
                let host = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
                let body = network.http(&host, &path, resolver).await?;
                if body.trim_ascii_end() == proof.as_bytes() {
                    Ok(())
                } else {
                    Err(wrong("the body at the well-known address"))
                }
            }
            "dns-01" => {
                let wanted = URL_SAFE_NO_PAD.encode(digest(&SHA256, proof.as_bytes()));
                let records = network.txt(&format!("_acme-challenge.{name}"), resolver).await?;
                if records.iter().any(|record| record == wanted.as_bytes()) {
                    Ok(())
                } else {
                    Err(wrong("the TXT record"))
                }
            }
            "tls-alpn-01" => {
                let der = network.tls_alpn(name, &server_name(name), resolver).await?;
                tls_certificate(&der, name, proof).ok_or_else(|| wrong("the certificate"))
            }
            _ => Err(("malformed", "an unknown challenge".to_owned())),
        }
    }
}

/// An address is asked for by its name in the reverse tree (RFC 8738, 6).
fn server_name(name: &str) -> String {
    match name.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(v4)) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Ok(std::net::IpAddr::V6(v6)) => {
            let nibbles = v6.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            let labels: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa", labels.join("."))
        }
        Err(_) => name.to_owned(),
    }
}

/// The certificate names exactly what is asked for, and has the proof's hash in a critical extension (RFC 8737, 3).
fn tls_certificate(der: &[u8], name: &str, proof: &str) -> Option<()> {
    let certificate = Certificate::from_der(der).ok()?;
    let names = certificate.alternative_names().ok()?;
    let fits = match names.as_slice() {
        [AltName::Dns(only)] => only.eq_ignore_ascii_case(name),
        [AltName::Ip(only)] => Some(*only) == name.parse().ok(),
        _ => false,
    };
    let found = certificate.extensions().iter().find(|extension| extension.id == "1.3.6.1.5.5.7.1.31")?;
    let wanted = asn1::tlv(asn1::OCTET_STRING, digest(&SHA256, proof.as_bytes()).as_ref());
    (fits && found.critical && found.value == wanted).then_some(())
}
