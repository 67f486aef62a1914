//! Fulcio's HTTP API, versions 1 and 2 (fulcio 1.8.8).

use crate::certificates::LogCertificateError;
use crate::jwks::KeysError;
use crate::runtime::Runtime;
use authority::{IdentityError, Issuer, IssuerType, KeyError, Principal, Proof, ProofError, Token, TokenError, pem};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The longest request: a token, a key and a signature are far shorter.
const MAX_BODY_BYTES: usize = 256 * 1024;
const PEM_CHAIN: &str = "application/pem-certificate-chain";

/// Why no certificate is given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the request is not the JSON that it should be")]
    Request,
    #[error("There was an error processing the identity token")]
    Token(#[from] TokenError),
    #[error("There was an error processing the identity token")]
    Issuer(#[source] UnknownIssuer),
    #[error("There was an error processing the identity token")]
    Keys(#[from] KeysError),
    #[error("There was an error processing the identity token")]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error("error communicating with CA backend")]
    Ca(#[from] KeyError),
    #[error("Error entering certificate in CTL")]
    Log(#[from] LogCertificateError),
}

#[derive(Debug, thiserror::Error)]
#[error("unsupported issuer: {0:?}")]
pub(crate) struct UnknownIssuer(String);

impl Refused {
    fn reason(&self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Token(error) => error.reason(),
            Self::Issuer(_) => "unknown_issuer",
            Self::Keys(_) => "issuer_keys",
            Self::Identity(_) => "identity",
            Self::Proof(error) => error.reason(),
            Self::Ca(_) => "ca",
            Self::Log(LogCertificateError::Busy) => "busy",
            Self::Log(_) => "log",
        }
    }

    /// Status, and the code of gRPC that the body has.
    fn status(&self) -> (StatusCode, u32) {
        match self {
            Self::Ca(_) => (StatusCode::INTERNAL_SERVER_ERROR, 13),
            Self::Log(LogCertificateError::Busy) => (StatusCode::TOO_MANY_REQUESTS, 8),
            Self::Log(_) => (StatusCode::INTERNAL_SERVER_ERROR, 13),
            _ => (StatusCode::BAD_REQUEST, 3),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code) = self.status();
        // Fulcio's message, and behind it the reason, which Fulcio keeps to itself.
        let mut message = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            message.push_str(": ");
            message.push_str(&error.to_string());
            source = error.source();
        }
        (status, Json(json!({"code": code, "message": message, "details": []}))).into_response()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestV2 {
    #[serde(default)]
    credentials: Option<Credentials>,
    #[serde(default, alias = "public_key_request")]
    public_key_request: Option<PublicKeyRequest>,
    #[serde(default, alias = "certificate_signing_request")]
    certificate_signing_request: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    #[serde(default, alias = "oidc_identity_token", deserialize_with = "secret")]
    oidc_identity_token: Zeroizing<String>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(from).map(Zeroizing::new)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeyRequest {
    #[serde(default, alias = "public_key")]
    public_key: Option<PublicKey>,
    #[serde(default, alias = "proof_of_possession")]
    proof_of_possession: String,
}

#[derive(Deserialize)]
struct PublicKey {
    #[serde(default)]
    content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestV1 {
    #[serde(default)]
    public_key: Option<PublicKey>,
    #[serde(default)]
    signed_email_address: String,
    #[serde(default)]
    certificate_signing_request: Option<String>,
}

fn base64(text: &str) -> Result<Vec<u8>, Refused> {
    STANDARD.decode(text).map_err(|_| Refused::Request)
}

/// The token of `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Zeroizing<String> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    Zeroizing::new(token.map_or("", |(_, token)| token.trim()).to_owned())
}

pub(crate) fn router(runtime: Arc<Runtime>) -> axum::Router {
    axum::Router::new()
        .route("/api/v2/signingCert", post(create_v2))
        .route("/api/v2/trustBundle", get(trust_bundle))
        .route("/api/v2/configuration", get(configuration))
        .route("/api/v1/signingCert", post(create_v1))
        .route("/api/v1/rootCert", get(root_certificate))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(runtime)
}

async fn create_v2(State(runtime): State<Arc<Runtime>>, headers: HeaderMap, body: Bytes) -> Result<Response, Refused> {
    let made = async {
        let request: RequestV2 = serde_json::from_slice(&body).map_err(|_| Refused::Request)?;
        let token = request.credentials.map(|credentials| credentials.oidc_identity_token);
        let token = token.filter(|token| !token.is_empty()).unwrap_or_else(|| bearer(&headers));
        let proof = match (request.certificate_signing_request, request.public_key_request) {
            (Some(text), _) if !text.is_empty() => Proof::Request(base64(&text)?),
            (_, key) => {
                let (key, proof) = key.map(|key| (key.public_key, key.proof_of_possession)).unwrap_or_default();
                let public_key = key.map(|key| key.content).unwrap_or_default().into_bytes();
                Proof::Challenge { public_key, signature: base64(&proof)? }
            }
        };
        issue(&runtime, &token, &proof).await
    };
    let certificates = counted(&runtime, made.await)?;
    Ok(Json(json!({"signedCertificateEmbeddedSct": {"chain": {"certificates": certificates}}})).into_response())
}

async fn create_v1(State(runtime): State<Arc<Runtime>>, headers: HeaderMap, body: Bytes) -> Result<Response, Refused> {
    let made = async {
        let request: RequestV1 = serde_json::from_slice(&body).map_err(|_| Refused::Request)?;
        let proof = match request.certificate_signing_request {
            Some(text) if !text.is_empty() => Proof::Request(base64(&text)?),
            _ => Proof::Challenge {
                public_key: base64(&request.public_key.map(|key| key.content).unwrap_or_default())?,
                signature: base64(&request.signed_email_address)?,
            },
        };
        issue(&runtime, &bearer(&headers), &proof).await
    };
    let certificates = counted(&runtime, made.await)?;
    let content_type = [(header::CONTENT_TYPE, PEM_CHAIN)];
    Ok((StatusCode::CREATED, content_type, chain_text(&certificates)).into_response())
}

fn chain_text(certificates: &[String]) -> String {
    certificates.join("\n").trim().to_owned()
}

fn counted<T>(runtime: &Runtime, made: Result<T, Refused>) -> Result<T, Refused> {
    match &made {
        Ok(_) => runtime.metrics.count("fulcio_new_certs_total", &[]),
        Err(refused) => {
            let reason = refused.reason();
            runtime.metrics.count("fulcio_refused_total", &[("reason", reason)]);
            // Errors never carry tokens.
            if refused.status().0.is_server_error() {
                tracing::error!(error = refused as &dyn Error, "no certificate");
            } else {
                tracing::info!(reason, "no certificate");
            }
        }
    }
    made
}

/// A certificate and its chain, PEM, for a token and a proof.
async fn issue(runtime: &Runtime, token: &str, proof: &Proof) -> Result<Vec<String>, Refused> {
    let token = Token::parse(token)?;
    let now = Timestamp::now();
    let own = runtime.issuer.as_ref().filter(|own| own.url() == token.issuer());
    let (claims, issuer) = match own {
        Some(own) => {
            let claims = token.verify(own.url(), "sigstore", &own.keys(), now)?;
            let settings = own.settings(&claims);
            (claims, settings)
        }
        None => {
            let unknown = || Refused::Issuer(UnknownIssuer(token.issuer().chars().take(200).collect()));
            let issuer = runtime.issuers.find(token.issuer()).ok_or_else(unknown)?;
            let keys = runtime.keys.keys(&issuer, &token).await?;
            (token.verify(&issuer.url, &issuer.client_id, &keys, now)?, issuer)
        }
    };
    let principal = Principal::of(&claims, &issuer, &runtime.issuers)?;
    let key = proof.check(&principal.challenge)?;
    let made = runtime.ca.precertificate(&principal, &key, now)?;
    let sct = runtime.ct.sct(&made.entry, now).await?;
    let certificate = runtime.ca.certificate(&made, &sct)?;
    let all = std::iter::once(&certificate).chain(runtime.ca.chain());
    Ok(all.map(|der| pem::encode("CERTIFICATE", der)).collect())
}

fn chains(runtime: &Runtime) -> Vec<Vec<String>> {
    let chain = |key: &authority::KeyRecord| key.chain().iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
    // The newest first: old clients look at no other.
    let mut all: Vec<Vec<String>> = runtime.state.of(authority::Role::Ca).map(chain).collect();
    all.reverse();
    all
}

async fn trust_bundle(State(runtime): State<Arc<Runtime>>) -> Response {
    let chains: Vec<_> = chains(&runtime).into_iter().map(|chain| json!({"certificates": chain})).collect();
    Json(json!({"chains": chains})).into_response()
}

async fn root_certificate(State(runtime): State<Arc<Runtime>>) -> Response {
    ([(header::CONTENT_TYPE, PEM_CHAIN)], chain_text(&chains(&runtime).concat())).into_response()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IssuerSettings {
    #[serde(skip_serializing_if = "String::is_empty")]
    issuer_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    wildcard_issuer_url: String,
    audience: String,
    challenge_claim: String,
    spiffe_trust_domain: String,
    issuer_type: &'static str,
    subject_domain: String,
    skip_email_verification: bool,
}

impl IssuerSettings {
    fn of(issuer: &Issuer, pattern: &str) -> Self {
        Self {
            issuer_url: issuer.url.clone(),
            wildcard_issuer_url: pattern.to_owned(),
            audience: issuer.client_id.clone(),
            challenge_claim: issuer.challenge_claim().to_owned(),
            spiffe_trust_domain: issuer.spiffe_trust_domain.clone(),
            issuer_type: issuer.kind.as_str(),
            subject_domain: issuer.subject_domain.clone(),
            skip_email_verification: issuer.skip_email_verification,
        }
    }
}

async fn configuration(State(runtime): State<Arc<Runtime>>) -> Response {
    let own = runtime.issuer.as_ref().map(|own| Issuer::new(own.url(), IssuerType::Email));
    let named = own.iter().chain(runtime.issuers.named()).map(|issuer| IssuerSettings::of(issuer, ""));
    let patterns = runtime
        .issuers
        .patterns()
        .map(|(pattern, issuer)| IssuerSettings { issuer_url: String::new(), ..IssuerSettings::of(issuer, pattern) });
    Json(json!({"issuers": named.chain(patterns).collect::<Vec<_>>()})).into_response()
}
