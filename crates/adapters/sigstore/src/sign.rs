//! Making a bundle: sign, certify, timestamp, log.

use crate::http::Http;
use crate::rekor::{self, Logged, LoggedKey, digest_of};
use crate::{ServiceError, fulcio, tsa};
use bundle::{
    Bundle, Content, Envelope, EnvelopeSignature, HashOutput, IN_TOTO_PAYLOAD_TYPE, KeyMaterial, Material, MediaType,
    MessageSignature, Selector, Service, ServiceConfiguration, SigningConfig,
};
use jiff::Timestamp;
use signing::{SignError, Signer};
use zeroize::Zeroizing;

/// Versions of the log's API that are spoken here, the best first.
pub const LOG_VERSIONS: [u32; 2] = [2, 1];
const CA_VERSIONS: [u32; 1] = [1];
const TSA_VERSIONS: [u32; 1] = [1];

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Bytes as they are.
    Message(&'a [u8]),
    /// An in-toto statement, in an envelope.
    Statement(&'a [u8]),
}

/// Services that are asked, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services {
    /// Logs and the versions of their APIs.
    pub logs: Vec<(String, u32)>,
    /// Timestamp authorities.
    pub tsas: Vec<String>,
    /// Certificate authorities; the first is asked.
    pub cas: Vec<String>,
    /// Identity providers; the first is asked.
    pub issuers: Vec<String>,
}

impl Services {
    /// Chooses among those of a signing configuration, as its selectors say. `log_versions` are the versions of the
    /// log's API that will do, the best first.
    ///
    /// # Errors
    /// Where it asks for more services than it names.
    pub fn of(config: &SigningConfig, log_versions: &[u32], now: Timestamp) -> Result<Self, ServiceError> {
        let urls = |list: Vec<&Service>| list.into_iter().map(|service| service.url.clone()).collect::<Vec<_>>();
        let one = |list, versions| {
            select(list, Some(ServiceConfiguration { selector: Selector::Any, count: 0 }), versions, now)
        };
        let logs = select(&config.rekor_tlog_urls, config.rekor_tlog_config, log_versions, now)?;
        Ok(Self {
            logs: logs.into_iter().map(|service| (service.url.clone(), service.major_api_version)).collect(),
            tsas: urls(select(&config.tsa_urls, config.tsa_config, &TSA_VERSIONS, now)?),
            cas: urls(one(&config.ca_urls, &CA_VERSIONS)?),
            issuers: urls(one(&config.oidc_urls, &CA_VERSIONS)?),
        })
    }
}

/// Of each operator the service with the best version, newest first, as many as asked for.
fn select<'a>(
    list: &'a [Service],
    configuration: Option<ServiceConfiguration>,
    versions: &[u32],
    now: Timestamp,
) -> Result<Vec<&'a Service>, ServiceError> {
    let rank = |service: &Service| versions.iter().position(|version| *version == service.major_api_version);
    let start = |service: &Service| service.valid_for.map(|range| range.start);
    let mut usable: Vec<&Service> =
        list.iter().filter(|service| service.is_valid_at(now) && rank(service).is_some()).collect();
    usable.sort_by_key(|service| (rank(service), std::cmp::Reverse(start(service))));
    let mut chosen: Vec<&Service> = Vec::new();
    for service in usable {
        let is_new = |known: &&&Service| known.operator == service.operator;
        if chosen.iter().filter(is_new).count() == 0 {
            chosen.push(service);
        }
    }
    let wanted = match configuration {
        None => chosen.len(),
        Some(ServiceConfiguration { selector: Selector::All, .. }) => chosen.len(),
        Some(ServiceConfiguration { selector: Selector::Any, .. }) => chosen.len().min(1),
        Some(ServiceConfiguration { selector: Selector::Exact, count }) => count as usize,
    };
    if wanted > chosen.len() {
        let cause = format!("it asks for {wanted} services of a kind and names {} that can be used", chosen.len());
        return Err(ServiceError::Answer { what: "the signing configuration", cause });
    }
    chosen.truncate(wanted);
    Ok(chosen)
}

/// Who signs.
pub enum Signatory<'a> {
    /// A key that verifiers have.
    Key {
        /// Signs.
        signer: &'a dyn Signer,
        /// Certificates of the key that others made, in DER, leaf first.
        certificates: &'a [Vec<u8>],
    },
    /// An identity, for which a certificate of a fresh key is made.
    Identity {
        /// The fresh key.
        signer: &'a dyn Signer,
        /// Proves the identity.
        id_token: &'a Zeroizing<String>,
    },
}

impl Signatory<'_> {
    fn signer(&self) -> &dyn Signer {
        match self {
            Self::Key { signer, .. } | Self::Identity { signer, .. } => *signer,
        }
    }
}

/// Signs, and asks the services for what verification needs.
///
/// # Errors
/// Where the key can't sign, or a service is missing or refuses.
pub fn sign(
    http: &Http,
    services: &Services,
    signatory: &Signatory<'_>,
    subject: Subject<'_>,
) -> Result<Bundle, ServiceError> {
    let certificates = certificates(http, services, signatory)?;
    sign_with(http, services, signatory.signer(), &certificates, subject)
}

/// The certificates of a signatory, in DER, leaf first; one may serve many signatures. None of a bare key.
///
/// # Errors
/// Where no authority is known, or it refuses.
pub fn certificates(http: &Http, services: &Services, signatory: &Signatory<'_>) -> Result<Vec<Vec<u8>>, ServiceError> {
    match signatory {
        Signatory::Key { certificates, .. } => Ok(certificates.to_vec()),
        Signatory::Identity { signer, id_token } => {
            let missing = |what: &str| ServiceError::Answer {
                what: "the signing configuration",
                cause: format!("it names no {what}, which a signature by identity needs"),
            };
            // Version 2 of the log tells no time, and a certificate is good for ten minutes.
            let has_time = !services.tsas.is_empty() || services.logs.iter().any(|(_, version)| *version < 2);
            if !has_time {
                return Err(missing("timestamp authority"));
            }
            let ca = services.cas.first().ok_or_else(|| missing("certificate authority"))?;
            fulcio::certificate(http, ca, id_token, *signer)
        }
    }
}

/// Signs with a key whose certificates are known.
///
/// # Errors
/// Where the key can't sign, or a service refuses.
pub fn sign_with(
    http: &Http,
    services: &Services,
    signer: &dyn Signer,
    certificates: &[Vec<u8>],
    subject: Subject<'_>,
) -> Result<Bundle, ServiceError> {
    let key = signer.public_key();
    let (kind, algorithm) = (key.kind(), key.kind().hash());
    let failed = |error: SignError| ServiceError::answer("the key", error);
    let (content, signature) = match subject {
        Subject::Message(bytes) => {
            let signature = signer.sign(bytes).map_err(failed)?;
            let message_digest = Some(HashOutput { algorithm, digest: digest_of(algorithm, bytes) });
            (Content::Message(MessageSignature { message_digest, signature: signature.clone() }), signature)
        }
        Subject::Statement(payload) => {
            let mut envelope = Envelope {
                payload_type: IN_TOTO_PAYLOAD_TYPE.to_owned(),
                payload: payload.to_vec(),
                signatures: Vec::new(),
            };
            let sig = signer.sign(&envelope.signed_bytes()).map_err(failed)?;
            envelope.signatures.push(EnvelopeSignature { keyid: String::new(), sig: sig.clone() });
            (Content::Envelope(envelope), sig)
        }
    };
    let timestamps = services.tsas.iter().map(|url| tsa::timestamp(http, url, &signature));
    let timestamps = timestamps.collect::<Result<Vec<_>, _>>()?;
    let logged_key = match certificates.first() {
        Some(der) => LoggedKey { der, is_certificate: true, kind },
        None => LoggedKey { der: key.to_spki(), is_certificate: false, kind },
    };
    let logged = match &content {
        Content::Envelope(envelope) => Logged::Envelope(envelope),
        Content::Message(message) => {
            let digest = message.message_digest.as_ref().map_or(&[][..], |output| &output.digest);
            Logged::Digest { algorithm, digest, signature: &message.signature }
        }
    };
    let entries = services.logs.iter().map(|(url, version)| rekor::log(http, url, *version, logged, logged_key));
    let tlog_entries = entries.collect::<Result<Vec<_>, _>>()?;
    let key = match certificates.first() {
        Some(leaf) => KeyMaterial::Certificate(leaf.clone()),
        None => KeyMaterial::PublicKey { hint: key.hint() },
    };
    Ok(Bundle { media_type: MediaType::V03, material: Material { key, tlog_entries, timestamps }, content })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(url: &str, version: u32, operator: &str) -> Service {
        Service { url: url.to_owned(), major_api_version: version, valid_for: None, operator: operator.to_owned() }
    }

    #[test]
    fn services_are_chosen_as_the_selector_says() {
        let list = [service("a1", 1, "a"), service("a2", 2, "a"), service("b1", 1, "b"), service("c9", 9, "c")];
        let check = |selector, count, expected: Option<&[&str]>| {
            let configuration = Some(ServiceConfiguration { selector, count });
            let chosen = select(&list, configuration, &LOG_VERSIONS, Timestamp::UNIX_EPOCH).ok();
            let urls = chosen.map(|chosen| chosen.iter().map(|service| service.url.as_str()).collect::<Vec<_>>());
            assert_eq!(urls.as_deref(), expected);
        };
        check(Selector::Any, 0, Some(&["a2"]));
        check(Selector::All, 0, Some(&["a2", "b1"]));
        check(Selector::Exact, 2, Some(&["a2", "b1"]));
        check(Selector::Exact, 3, None);
    }
}
