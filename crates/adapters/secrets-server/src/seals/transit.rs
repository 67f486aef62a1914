//! The seal `transit`: a key of the transit engine of another server (OpenBao's wrapper `transit`, 2.8).

use super::{Block, SealSettingsError};
use barrier::{SealError, SealPending, SealWrap, Wrapped};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use logical::Secret;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Identity, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use zeroize::Zeroizing;

const KIND: &str = "transit";
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Answers are small.
const MAX_BYTES: usize = 1 << 20;
/// Before the token's renewal is tried again.
const PAUSE: Duration = Duration::from_secs(30);
/// A token that lives on is looked at again after this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// Why the other server did not do it.
#[derive(Debug, thiserror::Error)]
enum TransitError {
    #[error("the server of the transit key cannot be asked")]
    Send(#[source] reqwest::Error),
    #[error("the server of the transit key answered {status}{}", shown(messages))]
    Refused { status: StatusCode, messages: Vec<String> },
    #[error("the answer of the server of the transit key is longer than {MAX_BYTES} bytes")]
    TooLong,
    #[error("the answer of the server of the transit key has no {0}")]
    Answer(&'static str),
}

fn shown(messages: &[String]) -> String {
    if messages.is_empty() { String::new() } else { format!(": {}", messages.join("; ")) }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Answer {
    data: Option<Map<String, Value>>,
    auth: Option<Map<String, Value>>,
    errors: Vec<String>,
}

/// A key at another server.
pub(super) struct TransitSeal {
    client: Client,
    base: Url,
    token: Zeroizing<String>,
    namespace: String,
    mount: String,
    key: String,
    prefix: String,
    /// The key's version as it was last seen.
    current: Mutex<Option<String>>,
    renewal: Mutex<Option<AbortHandle>>,
}

impl Drop for TransitSeal {
    fn drop(&mut self) {
        let renewal = self.renewal.lock().unwrap_or_else(PoisonError::into_inner).take();
        renewal.inspect(AbortHandle::abort);
    }
}

/// The seal of these settings. Its token is renewed from now on, unless that is not wanted.
pub(super) fn seal(block: &Block<'_>) -> Result<Arc<TransitSeal>, SealSettingsError> {
    let address = block.required("address", &["BAO_ADDR", "VAULT_ADDR"])?;
    let base = Url::parse(&address).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let base = base.ok_or_else(|| Block::wrong("address", "is no http:// or https:// address"))?;
    let seal = Arc::new(TransitSeal {
        client: client(block)?,
        base,
        token: block.required("token", &["BAO_TOKEN", "VAULT_TOKEN"])?,
        namespace: plain(block.text("namespace", &["BAO_NAMESPACE", "VAULT_NAMESPACE"])?),
        mount: plain(Some(block.required("mount_path", &["VAULT_TRANSIT_SEAL_MOUNT_PATH"])?)),
        key: plain(Some(block.required("key_name", &["VAULT_TRANSIT_SEAL_KEY_NAME"])?)),
        prefix: plain(block.text("key_id_prefix", &[])?),
        current: Mutex::default(),
        renewal: Mutex::default(),
    });
    if !block.flag("disable_renewal", &["VAULT_TRANSIT_SEAL_DISABLE_RENEWAL"])?
        && let Ok(runtime) = Handle::try_current()
    {
        let task = runtime.spawn(renew(Arc::downgrade(&seal)));
        *seal.renewal.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
    }
    Ok(seal)
}

fn plain(text: Option<Zeroizing<String>>) -> String {
    text.map(|text| text.trim_matches('/').to_owned()).unwrap_or_default()
}

fn client(block: &Block<'_>) -> Result<Client, SealSettingsError> {
    let builder = Client::builder().redirect(Policy::none()).timeout(TIMEOUT).connect_timeout(CONNECT_TIMEOUT);
    let mut builder = builder.pool_max_idle_per_host(1);
    let read = |name, path: &str| std::fs::read(path).map_err(|error| SealSettingsError::Source(name, error));
    if let Some(path) = block.text("tls_ca_cert", &["BAO_CACERT", "VAULT_CACERT"])? {
        let bundle = Certificate::from_pem_bundle(&read("tls_ca_cert", &path)?);
        builder =
            builder.tls_certs_only(bundle.map_err(|_| Block::wrong("tls_ca_cert", "has no certificates in PEM"))?);
    }
    let certificate = block.text("tls_client_cert", &["BAO_CLIENT_CERT", "VAULT_CLIENT_CERT"])?;
    let key = block.text("tls_client_key", &["BAO_CLIENT_KEY", "VAULT_CLIENT_KEY"])?;
    if let Some((certificate, key)) = certificate.zip(key) {
        let mut pem = Zeroizing::new(read("tls_client_cert", &certificate)?);
        pem.push(b'\n');
        pem.extend_from_slice(&Zeroizing::new(read("tls_client_key", &key)?));
        let identity = Identity::from_pem(&pem).map_err(|_| Block::wrong("tls_client_key", "is no key in PEM"))?;
        builder = builder.identity(identity);
    }
    if block.text("tls_server_name", &["BAO_TLS_SERVER_NAME", "VAULT_TLS_SERVER_NAME"])?.is_some() {
        return Err(Block::wrong("tls_server_name", "is not supported: use that name in the address"));
    }
    if block.flag("tls_skip_verify", &["BAO_SKIP_VERIFY", "VAULT_SKIP_VERIFY"])? {
        return Err(Block::wrong("tls_skip_verify", "is not supported: name the authority with tls_ca_cert"));
    }
    builder.build().map_err(|error| Block::wrong("TLS settings", format!("cannot be used: {error}")))
}

impl TransitSeal {
    async fn ask(&self, path: &str, body: Option<Value>) -> Result<Answer, TransitError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path.split('/'));
        }
        let request = match body {
            None => self.client.get(url),
            Some(body) => self.client.post(url).header("content-type", "application/json").body(body.to_string()),
        };
        let mut request = request.header("x-vault-token", self.token.as_str()).header("x-vault-request", "true");
        if !self.namespace.is_empty() {
            request = request.header("x-vault-namespace", &self.namespace);
        }
        let failed = |error: reqwest::Error| TransitError::Send(error.without_url());
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        let mut bytes = Zeroizing::new(Vec::new());
        while let Some(part) = response.chunk().await.map_err(failed)? {
            if bytes.len() + part.len() > MAX_BYTES {
                return Err(TransitError::TooLong);
            }
            bytes.extend_from_slice(&part);
        }
        let answer = serde_json::from_slice::<Answer>(&bytes);
        if !status.is_success() {
            return Err(TransitError::Refused { status, messages: answer.unwrap_or_default().errors });
        }
        answer.map_err(|_| TransitError::Answer("JSON"))
    }

    async fn use_key(
        &self,
        verb: &str,
        field: &str,
        text: &str,
        wanted: &'static str,
    ) -> Result<Zeroizing<String>, TransitError> {
        let path = format!("{}/{verb}/{}", self.mount, self.key);
        let mut answer = self.ask(&path, Some(json!({ field: text }))).await?;
        match answer.data.as_mut().and_then(|data| data.remove(wanted)) {
            Some(Value::String(text)) => Ok(Zeroizing::new(text)),
            _ => Err(TransitError::Answer(wanted)),
        }
    }

    async fn wrap(&self, plaintext: &[u8]) -> Result<Wrapped, TransitError> {
        let encoded = Zeroizing::new(STANDARD.encode(plaintext));
        let ciphertext = self.use_key("encrypt", "plaintext", &encoded, "ciphertext").await?;
        let key_id = self.key_id(&ciphertext).ok_or(TransitError::Answer("version of the key"))?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(key_id.clone());
        Ok(Wrapped { key_id, ciphertext: ciphertext.as_bytes().to_vec() })
    }

    /// The prefix and the key's version: of `vault:v3:...` it is `3`.
    fn key_id(&self, ciphertext: &str) -> Option<String> {
        let version = ciphertext.split(':').nth(1)?.strip_prefix('v')?;
        Some(format!("{}{version}", self.prefix))
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Secret, TransitError> {
        let text = std::str::from_utf8(&wrapped.ciphertext).map_err(|_| TransitError::Answer("text"))?;
        let plaintext = self.use_key("decrypt", "ciphertext", text, "plaintext").await?;
        let plaintext = STANDARD.decode(plaintext.as_str()).map_err(|_| TransitError::Answer("plaintext in base64"))?;
        // The key may have been rotated meanwhile: what it makes now tells. That this is not allowed keeps nothing shut.
        if self.current.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            let _ = self.wrap(b"palisade").await;
        }
        Ok(Zeroizing::new(plaintext))
    }

    /// Renews the token, and says when to do it again; never, where it can't be.
    async fn renew(&self) -> Result<Option<Duration>, TransitError> {
        let looked = self.ask("auth/token/lookup-self", None).await?;
        let data = looked.data.ok_or(TransitError::Answer("data"))?;
        if !data.get("renewable").and_then(Value::as_bool).unwrap_or(false) {
            return Ok(None);
        }
        let renewed = self.ask("auth/token/renew-self", Some(json!({}))).await?;
        let seconds = renewed.auth.as_ref().and_then(|auth| auth.get("lease_duration")).and_then(Value::as_u64);
        let seconds = seconds.ok_or(TransitError::Answer("lease_duration"))?;
        Ok(Some(Duration::from_secs(seconds / 2).clamp(Duration::from_secs(1), LONGEST_PAUSE)))
    }
}

async fn renew(seal: Weak<TransitSeal>) {
    loop {
        let Some(strong) = seal.upgrade() else { return };
        let pause = match strong.renew().await {
            Ok(Some(pause)) => pause,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the token of the transit seal is not renewed"
                );
                PAUSE
            }
        };
        drop(strong);
        tokio::time::sleep(pause).await;
    }
}

fn failed(error: TransitError) -> SealError {
    SealError::Unavailable { kind: KIND.to_owned(), source: Box::new(error) }
}

impl SealWrap for TransitSeal {
    fn kind(&self) -> &str {
        KIND
    }

    fn encrypt<'a>(&'a self, plaintext: &'a [u8]) -> SealPending<'a, Wrapped> {
        Box::pin(async move { self.wrap(plaintext).await.map_err(failed) })
    }

    fn decrypt<'a>(&'a self, wrapped: &'a Wrapped) -> SealPending<'a, Secret> {
        Box::pin(async move { self.unwrap(wrapped).await.map_err(failed) })
    }

    fn is_current(&self, wrapped: &Wrapped) -> bool {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().is_none_or(|current| *current == wrapped.key_id)
    }
}
