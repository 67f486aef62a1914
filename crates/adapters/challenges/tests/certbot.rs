//! Certbot, where it is there, gets a certificate from the engine, and gives it back.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests, which clippy does not see as tests")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request as Incoming, State};
use axum::http::{Method, StatusCode, header};
use axum::response::Response as Outgoing;
use challenges::Network;
use jiff::Timestamp;
use logical::{Alone, Backend as _, Context, Map, Memory, Operation, Request, Response};
use pki::Pki;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use tempfile::tempdir;
use tokio::net::{TcpListener, UdpSocket};

struct Mount {
    engine: Pki,
    rows: Memory,
}

impl Mount {
    async fn send(&self, request: &Request) -> Result<Response, logical::Error> {
        self.engine.handle(Context { storage: &self.rows, system: &Alone }, request).await
    }

    async fn write(&self, path: &str, data: Value) -> Map {
        let data = data.as_object().cloned().unwrap_or_default();
        let request = Request::new(Operation::Update, path, data, Timestamp::now());
        self.send(&request).await.unwrap().data.unwrap_or_default()
    }
}

/// What the server does with a request for the mount `pki/`.
async fn serve(State(mount): State<Arc<Mount>>, incoming: Incoming) -> Outgoing {
    let (parts, body) = incoming.into_parts();
    let path = parts.uri.path().trim_start_matches("/v1/pki/").to_owned();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let operation = if parts.method == Method::POST { Operation::Update } else { Operation::Read };
    let mut request = Request::new(operation, &path, Map::new(), Timestamp::now());
    if !body.is_empty() {
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        request.body = Some((kind.unwrap_or_default().to_owned(), Arc::new(body.to_vec())));
    }
    let mut out = Outgoing::builder();
    match mount.send(&request).await {
        Ok(response) => {
            for (name, value) in &response.headers {
                out = out.header(name, value);
            }
            let raw = response.raw.expect("ACME answers with bodies of its own");
            let body = if parts.method == Method::HEAD { Vec::new() } else { raw.body };
            out.status(raw.status).header(header::CONTENT_TYPE, raw.content_type).body(body.into()).unwrap()
        }
        Err(error) => out.status(StatusCode::from_u16(error.status()).unwrap()).body(error.to_string().into()).unwrap(),
    }
}

/// A resolver for which every name is this machine.
async fn resolve(socket: UdpSocket) {
    let mut buffer = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let question = buffer.get(12..length).unwrap_or_default();
        let is_v4 = question.ends_with(&[0, 1, 0, 1]);
        let mut answer = buffer.get(..2).unwrap().to_vec();
        answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_v4), 0, 0, 0, 0]);
        answer.extend_from_slice(question);
        if is_v4 {
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
        }
        socket.send_to(&answer, from).await.unwrap();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn run(folder: &Path, program: &'static str, arguments: Vec<String>) -> Option<Output> {
    let folder = folder.to_owned();
    let run = move || Command::new(program).args(arguments).current_dir(folder).output().ok();
    tokio::task::spawn_blocking(run).await.unwrap()
}

async fn certbot(folder: &Path, directory: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let common = ["--server", directory, "--config-dir", "config", "--work-dir", "work", "--logs-dir", "logs", "-n"];
    let arguments = arguments.iter().chain(&common).map(|argument| (*argument).to_owned()).collect();
    let output = run(folder, "certbot", arguments).await?;
    Some((output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()))
}

#[tokio::test]
async fn certbot_gets_a_certificate_and_revokes_it() {
    let http_port = free_port();
    let engine = Pki::with_network(Arc::new(Network::with_ports(http_port, free_port())));
    let mount = Arc::new(Mount { engine, rows: Memory::new() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let resolver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    mount.write("root/generate/internal", json!({"common_name": "Root", "key_type": "ec"})).await;
    mount.write("config/cluster", json!({"path": format!("http://{address}/v1/pki")})).await;
    let dns = resolver.local_addr().unwrap().to_string();
    mount.write("config/acme", json!({"enabled": true, "dns_resolver": dns})).await;
    let resolving = tokio::spawn(resolve(resolver));
    let app = Router::new().fallback(serve).with_state(mount.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });

    let folder = tempdir().unwrap();
    let directory = format!("http://{address}/v1/pki/acme/directory");
    let port = http_port.to_string();
    let names = ["-d", "web.example.com", "-d", "www.example.com"];
    let wanted = ["certonly", "--standalone", "--http-01-port", &port, "--agree-tos", "-m", "a@example.com"];
    if let Some((fine, said)) = certbot(folder.path(), &directory, &[&wanted[..], &names].concat()).await {
        let log = fs::read_to_string(folder.path().join("logs/letsencrypt.log")).unwrap_or_default();
        assert!(fine, "{said}\n{log}");
        let live = folder.path().join("config/live/web.example.com");
        let root = mount.send(&Request::new(Operation::Read, "ca/pem", Map::new(), Timestamp::now())).await.unwrap();
        fs::write(folder.path().join("root.pem"), root.raw.unwrap().body).unwrap();
        let file = live.join("cert.pem").to_str().unwrap().to_owned();
        let arguments = ["verify", "-CAfile", "root.pem", "-verify_hostname", "www.example.com", &file];
        if let Some(output) = run(folder.path(), "openssl", arguments.map(str::to_owned).to_vec()).await {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let (fine, said) = certbot(folder.path(), &directory, &["revoke", "--cert-path", &file]).await.unwrap();
        assert!(fine, "{said}");
        let list = Request::new(Operation::List, "certs/revoked", Map::new(), Timestamp::now());
        let revoked = mount.send(&list).await.unwrap().data.unwrap();
        assert_eq!(revoked.get("keys").and_then(Value::as_array).map(Vec::len), Some(1));
    }
    serving.abort();
    resolving.abort();
}
