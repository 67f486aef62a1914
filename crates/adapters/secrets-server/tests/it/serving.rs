//! A server at a free port of loopback.

use reqwest::{Client, Method, StatusCode};
use secrets_server::{Bound, Config, ListenerConfig, SealConfig, Server, StorageConfig};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Its root token.
pub(crate) const ROOT: &str = "hvs.canary-root-token";

pub(crate) struct Serving {
    pub(crate) address: String,
    pub(crate) server: Arc<Server>,
    client: Client,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// A configuration with one plain listener.
pub(crate) fn config(storage: StorageConfig, seal: SealConfig) -> Config {
    let listener = ListenerConfig {
        address: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        no_client_certificates: true,
        max_request_size: 1 << 20,
        max_request_duration: Duration::from_secs(30),
        unauthenticated_metrics: true,
    };
    let lifetime = Duration::from_secs(768 * 3600);
    Config {
        listeners: vec![listener],
        storage,
        seal,
        default_lease_ttl: lifetime,
        max_lease_ttl: lifetime,
        disable_mlock: true,
        ..Config::default()
    }
}

/// A block `seal`.
pub(crate) fn block(kind: &str, settings: &[(&str, &str)]) -> SealConfig {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    SealConfig::Block(kind.to_owned(), settings.collect::<BTreeMap<_, _>>())
}

impl Serving {
    pub(crate) async fn start(config: &Config) -> Self {
        let bound = Bound::new(config).await.unwrap();
        let address = format!("http://{}", bound.addresses()[0]);
        let server = Arc::clone(bound.server());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(bound.serve(async move {
            let _ = stopped.await;
        }));
        let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { address, server, client, stop, task }
    }

    /// Unsealed, in memory, with [`ROOT`].
    pub(crate) async fn development() -> Self {
        let serving = Self::start(&config(StorageConfig::Memory, SealConfig::Shamir)).await;
        let token = Some(ROOT.to_owned().into());
        serving.server.initialize_for_development(token, true).await.unwrap();
        serving
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let (status, text) = self.ask_as(ROOT, method, path, body.map(|body| body.to_string())).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub(crate) async fn ask_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> (StatusCode, String) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}/v1/{path}", self.address));
        request = request.header("x-vault-token", token);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Must succeed.
    pub(crate) async fn must(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.ask(method, path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    pub(crate) async fn stop(self) {
        let Self { server, stop, task, .. } = self;
        stop.send(()).unwrap();
        task.await.unwrap();
        // Work in the background may hold the store for the rest of its turn.
        let weak = Arc::downgrade(&server);
        drop(server);
        for _ in 0..500 {
            if weak.strong_count() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the server is still held");
    }
}
