//! Identity tokens: where they come from, and what a signer proves with one.

mod interactive;

pub use interactive::{Flow, Interactive};

use crate::ServiceError;
use crate::http::Http;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use zeroize::Zeroizing;

/// The audience of tokens for a Sigstore.
pub const AUDIENCE: &str = "sigstore";
/// The largest token that is read.
const MAX_TOKEN: u64 = 64 << 10;
/// Where a pod finds the token projected for Cosign.
const COSIGN_TOKEN: &str = "/var/run/sigstore/cosign/oidc-token";

/// Surroundings that can give a token without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// `SIGSTORE_ID_TOKEN`, as GitLab's `id_tokens` sets it.
    Environment,
    /// A token that Kubernetes projects into the pod.
    Filesystem,
    /// The token service of a GitHub workflow.
    GitHub,
}

impl Provider {
    /// In the order in which they are tried.
    pub const ALL: [Self; 3] = [Self::Environment, Self::Filesystem, Self::GitHub];

    /// As `--oidc-provider` names it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "envvar" => Some(Self::Environment),
            "filesystem" => Some(Self::Filesystem),
            "github-actions" => Some(Self::GitHub),
            _ => None,
        }
    }

    /// A token of these surroundings; none where they are not these.
    ///
    /// # Errors
    /// Where they are, and give none.
    pub fn token(
        self,
        http: &Http,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Zeroizing<String>>, ServiceError> {
        match self {
            Self::Environment => {
                Ok(variable("SIGSTORE_ID_TOKEN").filter(|token| !token.is_empty()).map(Zeroizing::new))
            }
            Self::Filesystem if Path::new(COSIGN_TOKEN).is_file() => from_file(Path::new(COSIGN_TOKEN)).map(Some),
            Self::Filesystem => Ok(None),
            Self::GitHub => github(http, variable),
        }
    }
}

fn github(http: &Http, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Zeroizing<String>>, ServiceError> {
    #[derive(Deserialize)]
    struct Answer {
        value: String,
    }
    let named = |name: &str| variable(name).filter(|value| !value.is_empty());
    let (Some(url), Some(request_token)) =
        (named("ACTIONS_ID_TOKEN_REQUEST_URL"), named("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
    else {
        return Ok(None);
    };
    let mut url = http.url(&url, "")?;
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let authorization = Zeroizing::new(format!("bearer {request_token}"));
    let answer: Answer = http.json(
        &|client| client.get(url.clone()).header("Authorization", authorization.as_str()),
        "GitHub's token service",
    )?;
    Ok(Some(Zeroizing::new(answer.value)))
}

/// A token that is given as it is, or as the path of a file (`--identity-token`).
///
/// # Errors
/// Where it is neither.
pub fn given(value: &str) -> Result<Zeroizing<String>, ServiceError> {
    if value.split('.').count() == 3 && !value.contains('/') {
        return Ok(Zeroizing::new(value.to_owned()));
    }
    from_file(Path::new(value))
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, ServiceError> {
    use std::io::Read;
    let failed = |cause: String| ServiceError::Token { cause: format!("{} can't be read: {cause}", path.display()) };
    let mut text = Zeroizing::new(String::new());
    let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    file.take(MAX_TOKEN).read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// The claims of a token, unchecked: the authority checks them, a client only reads its own.
fn claims(token: &str) -> Result<Value, ServiceError> {
    let odd = |cause: &str| ServiceError::Token { cause: format!("what was given is no token: {cause}") };
    if token.len() as u64 > MAX_TOKEN {
        return Err(odd("it is too long"));
    }
    let payload = token.split('.').nth(1).ok_or_else(|| odd("it has no three parts"))?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| odd("its claims are no base64"))?;
    serde_json::from_slice(&payload).map_err(|_| odd("its claims are no JSON"))
}

/// What a signer signs to prove that it has the key: the verified email, or else the subject.
///
/// # Errors
/// Where the token has neither.
pub fn challenge(token: &str) -> Result<String, ServiceError> {
    let claims = claims(token)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let is_verified = matches!(claims.get("email_verified"), Some(Value::Bool(true)))
        || claims.get("email_verified").and_then(Value::as_str) == Some("true");
    match text("email") {
        Some(_) if !is_verified => Err(ServiceError::Token { cause: "its email is not verified by the issuer".into() }),
        Some(email) => Ok(email.to_owned()),
        None => text("sub").map(str::to_owned).ok_or_else(|| ServiceError::Token { cause: "it has no subject".into() }),
    }
}

/// A claim of a token that is a text, such as `iss`.
#[must_use]
pub fn claim(token: &str, name: &str) -> Option<String> {
    claims(token).ok()?.get(name)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_signer_proves_its_verified_email_or_its_subject() {
        for (claims, expected) in [
            (r#"{"sub":"me"}"#, Some("me")),
            (r#"{"sub":"me","email":"me@example.com","email_verified":true}"#, Some("me@example.com")),
            (r#"{"sub":"me","email":"me@example.com","email_verified":"true"}"#, Some("me@example.com")),
            (r#"{"sub":"me","email":"me@example.com"}"#, None),
            (r#"{"sub":"me","email":"me@example.com","email_verified":false}"#, None),
            (r#"{"sub":""}"#, None),
            ("[]", None),
        ] {
            assert_eq!(challenge(&token(claims)).ok().as_deref(), expected, "{claims}");
        }
        assert!(challenge("one.two").is_err() && challenge("").is_err());
    }

    #[test]
    fn a_token_is_given_itself_or_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, " a.b.c\n").unwrap();
        assert_eq!(given(path.to_str().unwrap()).unwrap().as_str(), "a.b.c");
        assert_eq!(given("a.b.c").unwrap().as_str(), "a.b.c");
        let missing = given("nowhere").unwrap_err().to_string();
        assert!(missing.contains("nowhere"), "{missing}");
    }
}
