//! The cluster of a mount.

use super::Pod;
use crate::keys::{Server, Source};
use jose::JwkSet;
use logical::{Context, Error, Fields, Operation, Request, Response, StorageExt};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

pub(super) const ROW: &str = "config";

/// Field names as in the peer's API, and `jwks_url` and `jwks_ca_cert`, which are ours.
#[derive(Serialize, Deserialize)]
pub(super) struct Config {
    kubernetes_host: String,
    kubernetes_ca_cert: String,
    token_reviewer_jwt: String,
    pem_keys: Vec<String>,
    issuer: String,
    disable_iss_validation: bool,
    disable_local_ca_jwt: bool,
    jwks_url: String,
    jwks_ca_cert: String,
}

/// The cluster's API, and the token that it is asked with, where there is one.
pub(super) struct Cluster {
    pub(super) server: Server,
    pub(super) reviewer: Option<Zeroizing<String>>,
}

pub(super) async fn handle(context: Context<'_>, request: &Request) -> Result<Response, Error> {
    match request.operation {
        Operation::Read => {
            let config: Config = context.storage.get_json(ROW).await?.ok_or(Error::NotFound)?;
            Ok(config.show())
        }
        Operation::Create | Operation::Update => {
            let config = Config::read(request.fields())?;
            context.storage.put_json(ROW, &config).await?;
            Ok(Response::empty())
        }
        _ => Err(Error::UnsupportedOperation),
    }
}

impl Config {
    /// A configuration is written as a whole.
    fn read(fields: Fields<'_>) -> Result<Self, Error> {
        let text = |name: &str| fields.text(name).map(Option::unwrap_or_default);
        let config = Self {
            kubernetes_host: text("kubernetes_host")?,
            kubernetes_ca_cert: text("kubernetes_ca_cert")?,
            token_reviewer_jwt: text("token_reviewer_jwt")?,
            pem_keys: fields.list("pem_keys")?.unwrap_or_default(),
            issuer: text("issuer")?,
            disable_iss_validation: fields.boolean("disable_iss_validation")?.unwrap_or(true),
            disable_local_ca_jwt: fields.boolean("disable_local_ca_jwt")?.unwrap_or_default(),
            jwks_url: text("jwks_url")?,
            jwks_ca_cert: text("jwks_ca_cert")?,
        };
        if config.kubernetes_host.is_empty() {
            return Err(Error::invalid("no host provided"));
        }
        if config.disable_local_ca_jwt && config.kubernetes_ca_cert.is_empty() {
            return Err(Error::invalid("kubernetes_ca_cert must be given when disable_local_ca_jwt is true"));
        }
        if JwkSet::from_pems(config.pem_keys.iter().map(String::as_str)).is_err() {
            return Err(Error::invalid("data does not contain any valid public keys"));
        }
        if !config.jwks_url.is_empty() && !config.pem_keys.is_empty() {
            return Err(Error::invalid("only one of pem_keys and jwks_url may be set"));
        }
        Ok(config)
    }

    /// Whether the cluster is asked about each token.
    pub(super) fn reviews(&self) -> bool {
        self.jwks_url.is_empty()
    }

    /// Keys that tokens are verified with here.
    pub(super) fn source(&self) -> Option<Source> {
        if !self.pem_keys.is_empty() {
            return Some(Source::Pems(self.pem_keys.clone()));
        }
        let ca_pem = if self.jwks_ca_cert.is_empty() { &self.kubernetes_ca_cert } else { &self.jwks_ca_cert };
        let server = Server { url: self.jwks_url.clone(), ca_pem: ca_pem.clone(), names: Vec::new() };
        (!self.reviews()).then_some(Source::Jwks(server))
    }

    /// The issuer that a token must name; empty for any. Where the cluster is not asked, one that is configured counts.
    pub(super) fn expected_issuer(&self) -> &str {
        if self.disable_iss_validation && self.reviews() { "" } else { &self.issuer }
    }

    /// The cluster, with what the pod has where the configuration leaves it open.
    pub(super) fn cluster(&self, pod: &dyn Pod) -> Cluster {
        let local = !self.disable_local_ca_jwt;
        let mut reviewer = Some(Zeroizing::new(self.token_reviewer_jwt.clone())).filter(|token| !token.is_empty());
        if local && reviewer.is_none() {
            reviewer = pod.token();
        }
        let mut ca_pem = self.kubernetes_ca_cert.clone();
        if local && ca_pem.is_empty() {
            ca_pem = pod.authorities().unwrap_or_default();
        }
        Cluster { server: Server { url: self.kubernetes_host.clone(), ca_pem, names: Vec::new() }, reviewer }
    }

    fn show(&self) -> Response {
        let mut response = json!({
            "kubernetes_host": self.kubernetes_host,
            "kubernetes_ca_cert": self.kubernetes_ca_cert,
            "pem_keys": self.pem_keys,
            "issuer": self.issuer,
            "disable_iss_validation": self.disable_iss_validation,
            "disable_local_ca_jwt": self.disable_local_ca_jwt,
            "token_reviewer_jwt_set": !self.token_reviewer_jwt.is_empty(),
        });
        if let (false, Some(data)) = (self.reviews(), response.as_object_mut()) {
            data.insert("jwks_url".to_owned(), self.jwks_url.clone().into());
            data.insert("jwks_ca_cert".to_owned(), self.jwks_ca_cert.clone().into());
        }
        Response::json(response)
    }
}
