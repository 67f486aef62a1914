//! What the cluster is asked: whose token it is (`TokenReview`, authentication.k8s.io/v1), and a namespace's labels.

use super::account::ServiceAccount;
use super::config::Cluster;
use crate::fetch::{Fetch, FetchError, Outgoing};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Why the cluster does not vouch for a token.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReviewError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the cluster answered {0}")]
    Status(u16),
    #[error("the cluster's answer is not what it should be")]
    Malformed,
    #[error("lookup failed: service account jwt not valid")]
    NotValid,
    #[error("lookup failed: service account jwt valid for other audiences")]
    Audience,
    #[error("lookup failed: username returned is not a service account")]
    NoServiceAccount,
    #[error("namespace lookup failed: TokenReviewer JWT needs to be configured to use namespace selectors")]
    NoReviewer,
}

#[derive(Deserialize)]
struct Review {
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    authenticated: bool,
    error: String,
    audiences: Vec<String>,
    user: User,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User {
    username: String,
    uid: String,
}

/// Asks the cluster whose token it is. It is asked with the reviewer's token, or the token itself.
pub(super) async fn review(
    fetch: &dyn Fetch,
    cluster: &Cluster,
    token: &str,
    audiences: &[String],
) -> Result<ServiceAccount, ReviewError> {
    let body = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token, "audiences": audiences},
    });
    let bearer = cluster.reviewer.as_ref().map_or(token, |reviewer| reviewer.as_str());
    let mut request = asked(cluster, "/apis/authentication.k8s.io/v1/tokenreviews", bearer);
    request.body = Some(("application/json", Zeroizing::new(body.to_string().into_bytes())));
    let Review { status } = answer(fetch, request).await?;
    if !status.authenticated || !status.error.is_empty() {
        return Err(ReviewError::NotValid);
    }
    if !audiences.is_empty() && !audiences.iter().any(|audience| status.audiences.contains(audience)) {
        return Err(ReviewError::Audience);
    }
    let mut parts = status.user.username.split(':');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("system"), Some("serviceaccount"), Some(namespace), Some(name), None) => Ok(ServiceAccount {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: status.user.uid,
            secret_name: String::new(),
        }),
        _ => Err(ReviewError::NoServiceAccount),
    }
}

/// The labels of a namespace, whose name may stand in a path.
pub(super) async fn labels(
    fetch: &dyn Fetch,
    cluster: &Cluster,
    namespace: &str,
) -> Result<BTreeMap<String, String>, ReviewError> {
    #[derive(Deserialize)]
    struct Namespace {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(default)]
        labels: BTreeMap<String, String>,
    }
    let reviewer = cluster.reviewer.as_ref().ok_or(ReviewError::NoReviewer)?;
    let request = asked(cluster, &format!("/api/v1/namespaces/{namespace}"), reviewer);
    let found: Namespace = answer(fetch, request).await?;
    Ok(found.metadata.labels)
}

fn asked(cluster: &Cluster, path: &str, bearer: &str) -> Outgoing {
    let host = &cluster.server.url;
    let host = host.strip_suffix('/').unwrap_or(host);
    Outgoing {
        authorization: Some(Zeroizing::new(format!("Bearer {bearer}"))),
        ..cluster.server.get(&format!("{host}{path}"))
    }
}

async fn answer<T: DeserializeOwned>(fetch: &dyn Fetch, request: Outgoing) -> Result<T, ReviewError> {
    let answer = fetch.fetch(request).await?;
    if !(200..300).contains(&answer.status) {
        return Err(ReviewError::Status(answer.status));
    }
    serde_json::from_slice(&answer.body).map_err(|_| ReviewError::Malformed)
}
