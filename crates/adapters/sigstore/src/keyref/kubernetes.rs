//! Keys in a Kubernetes secret: one GET, as the pod's service account or by the kubeconfig.

use super::{Variables, read, refused};
use crate::ServiceError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::blocking::Client;
use reqwest::{Certificate, Identity, Url};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// Where a pod finds its service account.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A secret's fields, decoded when asked for.
pub(super) struct Secret {
    name: String,
    data: BTreeMap<String, Zeroizing<String>>,
}

impl Secret {
    pub(super) fn field(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, ServiceError> {
        let value = self.data.get(name).ok_or_else(|| refused(&self.name, format!("it has no {name}")))?;
        let bytes = STANDARD.decode(value.as_bytes());
        bytes.map(Zeroizing::new).map_err(|_| refused(&self.name, format!("its {name} is no base64")))
    }
}

/// How the API server is reached.
struct Cluster {
    server: String,
    client: Client,
    token: Option<Zeroizing<String>>,
}

/// Reads a secret.
pub(super) fn secret(namespace: &str, name: &str, variable: Variables<'_>) -> Result<Secret, ServiceError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        data: BTreeMap<String, Zeroizing<String>>,
    }
    let shown = format!("k8s://{namespace}/{name}");
    let cluster = in_cluster(variable).unwrap_or_else(|| by_kubeconfig(&shown, variable))?;
    let server = cluster.server.trim_end_matches('/');
    let url = Url::parse(&format!("{server}/api/v1/namespaces/{namespace}/secrets/{name}"))
        .map_err(|_| refused(&shown, "the API server has no valid address"))?;
    let mut request = cluster.client.get(url);
    if let Some(token) = &cluster.token {
        request = request.header("Authorization", format!("Bearer {}", token.as_str()));
    }
    let response = request
        .send()
        .map_err(|source| ServiceError::Transport { url: "the API server".into(), source: source.without_url() })?;
    let status = response.status();
    if !status.is_success() {
        return Err(refused(&shown, format!("the API server answered {status}")));
    }
    let bytes = Zeroizing::new(response.bytes().map_err(|_| refused(&shown, "the answer broke off"))?.to_vec());
    let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| refused(&shown, "the answer is no secret"))?;
    Ok(Secret { name: shown, data: answer.data })
}

fn in_cluster(variable: Variables<'_>) -> Option<Result<Cluster, ServiceError>> {
    let (host, port) = (variable("KUBERNETES_SERVICE_HOST")?, variable("KUBERNETES_SERVICE_PORT")?);
    let folder = Path::new(ACCOUNT);
    let token = read(&folder.join("token")).ok()?;
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let token = Zeroizing::new(String::from_utf8_lossy(&token).trim().to_owned());
    Some(read(&folder.join("ca.crt")).and_then(|ca| {
        let client = client(Some(&ca), None)?;
        Ok(Cluster { server: format!("https://{host}:{port}"), client, token: Some(token) })
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Kubeconfig {
    #[serde(default)]
    current_context: String,
    #[serde(default)]
    contexts: Vec<Named<ContextEntry>>,
    #[serde(default)]
    clusters: Vec<Named<ClusterEntry>>,
    #[serde(default)]
    users: Vec<Named<UserEntry>>,
}

#[derive(Deserialize)]
struct Named<T> {
    name: String,
    #[serde(alias = "context", alias = "cluster", alias = "user")]
    value: T,
}

#[derive(Deserialize)]
struct ContextEntry {
    cluster: String,
    user: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ClusterEntry {
    server: String,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct UserEntry {
    token: Option<Zeroizing<String>>,
    token_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<Zeroizing<String>>,
}

fn by_kubeconfig(shown: &str, variable: Variables<'_>) -> Result<Cluster, ServiceError> {
    let missing = |what: &str| refused(shown, format!("the kubeconfig names no {what}"));
    let path = variable("KUBECONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = path.or_else(|| Some(Path::new(&variable("HOME")?).join(".kube/config")));
    let path = path.ok_or_else(|| missing("file"))?;
    let bytes = read(&path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refused(shown, "the kubeconfig is no text"))?;
    let config: Kubeconfig =
        serde_saphyr::from_str(text).map_err(|_| refused(shown, "the kubeconfig is not of its format"))?;
    let context = find(config.contexts, &config.current_context).ok_or_else(|| missing("current context"))?;
    let cluster = find(config.clusters, &context.cluster).ok_or_else(|| missing("cluster of the context"))?;
    let user = find(config.users, &context.user).ok_or_else(|| missing("user of the context"))?;
    if !cluster.server.starts_with("https://") {
        return Err(refused(shown, "the API server is not reached with TLS"));
    }
    let base = path.parent().unwrap_or(Path::new("."));
    let either = |data: Option<&str>, file: Option<&PathBuf>| match (data, file) {
        (Some(data), _) => {
            STANDARD.decode(data).map(|bytes| Some(Zeroizing::new(bytes))).map_err(|_| missing("base64"))
        }
        (None, Some(file)) => read(&base.join(file)).map(Some),
        (None, None) => Ok(None),
    };
    let ca = either(cluster.certificate_authority_data.as_deref(), cluster.certificate_authority.as_ref())?;
    let certificate = either(user.client_certificate_data.as_deref(), user.client_certificate.as_ref())?;
    let key = either(user.client_key_data.as_ref().map(|data| data.as_str()), user.client_key.as_ref())?;
    let identity = certificate.zip(key);
    let token = match (user.token, &user.token_file) {
        (Some(token), _) => Some(token),
        (None, Some(file)) => Some(super::text(&read(&base.join(file))?)?),
        (None, None) => None,
    };
    if token.is_none() && identity.is_none() {
        return Err(missing("token and no client certificate (plugins are not run)"));
    }
    let identity = identity.as_ref().map(|(certificate, key)| (certificate.as_slice(), key.as_slice()));
    let client = client(ca.as_ref().map(|ca| ca.as_slice()), identity)?;
    Ok(Cluster { server: cluster.server, client, token })
}

fn find<T>(list: Vec<Named<T>>, name: &str) -> Option<T> {
    list.into_iter().find(|entry| entry.name == name).map(|entry| entry.value)
}

fn client(ca: Option<&[u8]>, identity: Option<(&[u8], &[u8])>) -> Result<Client, ServiceError> {
    let odd = |_| refused("the cluster's configuration", "a certificate or key is no PEM");
    let mut builder = Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none());
    if let Some(ca) = ca {
        builder = builder.tls_certs_only(Certificate::from_pem_bundle(ca).map_err(odd)?);
    }
    if let Some((certificate, key)) = identity {
        let pem = Zeroizing::new([certificate, b"\n", key].concat());
        builder = builder.identity(Identity::from_pem(&pem).map_err(odd)?);
    }
    builder.build().map_err(odd)
}
