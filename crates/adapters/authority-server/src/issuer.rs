//! An issuer of tokens for tests and for air-gapped CI. It believes whoever asks, so it is off unless asked for.

use authority::{Claims, Issuer, IssuerType, JwkSet, KeyError, SigningKey, jwk, mint};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use zeroize::Zeroizing;

/// How long its tokens are valid.
const LIFETIME_SECONDS: i64 = 600;
/// The longest subject or address.
const MAX_NAME_BYTES: usize = 1024;

/// The issuer.
pub(crate) struct DevIssuer {
    url: String,
    key: SigningKey,
    kid: String,
    keys: Arc<JwkSet>,
    document: Value,
}

impl DevIssuer {
    pub(crate) fn new(url: String, key: SigningKey, kid: &str) -> Result<Self, KeyError> {
        let document = json!({"keys": [jwk(&key, kid).ok_or(KeyError::Absent)?]});
        let keys = JwkSet::parse(document.to_string().as_bytes()).map_err(|_| KeyError::Absent)?;
        Ok(Self { url, key, kid: kid.to_owned(), keys: Arc::new(keys), document })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn keys(&self) -> Arc<JwkSet> {
        Arc::clone(&self.keys)
    }

    /// What its tokens stand for: an address if they have one, else what the subject looks like.
    pub(crate) fn settings(&self, claims: &Claims) -> Issuer {
        let subject = &claims.subject;
        let mut issuer = Issuer::new(&self.url, IssuerType::Email);
        if claims.text("email").is_none() {
            let domain = subject
                .split_once("://")
                .map(|(scheme, rest)| (scheme, rest.split(['/', '?', '#']).next().unwrap_or_default()));
            match domain {
                Some(("spiffe", domain)) => {
                    issuer.kind = IssuerType::Spiffe;
                    domain.clone_into(&mut issuer.spiffe_trust_domain);
                }
                Some((scheme, domain)) => {
                    issuer.kind = IssuerType::Uri;
                    issuer.subject_domain = format!("{scheme}://{domain}");
                }
                None => {
                    issuer.kind = IssuerType::Username;
                    "local".clone_into(&mut issuer.subject_domain);
                }
            }
        }
        issuer
    }

    /// A token for a subject, and an address if it has one.
    pub(crate) fn token(
        &self,
        subject: &str,
        email: Option<&str>,
        audience: &str,
        now: Timestamp,
    ) -> Result<Zeroizing<String>, KeyError> {
        let issued = now.as_second();
        let mut claims = json!({
            "iss": self.url, "sub": subject, "aud": audience, "iat": issued, "nbf": issued,
            "exp": issued + LIFETIME_SECONDS,
        });
        if let (Some(email), Some(claims)) = (email, claims.as_object_mut()) {
            claims.insert("email".to_owned(), email.into());
            claims.insert("email_verified".to_owned(), true.into());
        }
        mint(&self.key, &self.kid, &claims).map(Zeroizing::new)
    }
}

pub(crate) fn router(issuer: Arc<DevIssuer>) -> axum::Router {
    axum::Router::new()
        .route("/oidc/.well-known/openid-configuration", get(discovery))
        .route("/oidc/keys", get(keys))
        .route("/oidc/token", get(token).post(token))
        .with_state(issuer)
}

async fn discovery(State(issuer): State<Arc<DevIssuer>>) -> Json<Value> {
    let url = issuer.url();
    Json(json!({
        "issuer": url,
        "jwks_uri": format!("{url}/keys"),
        "token_endpoint": format!("{url}/token"),
        "authorization_endpoint": format!("{url}/auth"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nbf", "email", "email_verified"],
    }))
}

async fn keys(State(issuer): State<Arc<DevIssuer>>) -> Json<Value> {
    Json(issuer.document.clone())
}

#[derive(Deserialize)]
struct Wanted {
    sub: Option<String>,
    email: Option<String>,
    aud: Option<String>,
}

async fn token(State(issuer): State<Arc<DevIssuer>>, Query(wanted): Query<Wanted>) -> Response {
    let email = wanted.email.as_deref().filter(|text| !text.is_empty());
    let subject = wanted.sub.as_deref().filter(|text| !text.is_empty()).or(email);
    let audience = wanted.aud.as_deref().unwrap_or("sigstore");
    let long = [subject, email, Some(audience)].into_iter().flatten().any(|text| text.len() > MAX_NAME_BYTES);
    let Some(subject) = subject.filter(|_| !long) else {
        let error = json!({"error": "invalid_request", "error_description": "sub or email, at most 1024 bytes each"});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    };
    match issuer.token(subject, email, audience, Timestamp::now()) {
        Ok(token) => Json(json!({
            "id_token": token.as_str(), "access_token": token.as_str(), "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
        }))
        .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
