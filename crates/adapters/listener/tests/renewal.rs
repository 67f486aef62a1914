//! Certificates that are renewed while serving, over real sockets.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as tests")]

use axum::Router;
use axum::routing::get;
use listener::{Listener, Options, Tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate that signs itself, for localhost.
fn certificate(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    let mut openssl = Command::new("openssl");
    openssl.args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=localhost".split(' '));
    openssl.args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]);
    let made = openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

/// A connection to whom this certificate vouches for.
async fn connect(address: SocketAddr, trusted: &Path) -> Option<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()));
    let stream = TcpStream::connect(address).await.unwrap();
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.ok()
}

async fn ask(stream: &mut TlsStream<TcpStream>) {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    // The rest of this answer, which ends with its body.
    let mut rest = Vec::new();
    while !rest.ends_with(b"\r\n\r\nhere") {
        rest.push(stream.read_u8().await.unwrap());
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_served_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (certificate(folder.path(), "old"), certificate(folder.path(), "new"));
    let tls = Tls {
        certificate: folder.path().join("tls.pem"),
        key: folder.path().join("tls.key"),
        client_certificates: false,
    };
    // As Kubernetes renews a mounted secret: each file whole, one after the other.
    let put = |from: &Path, to: &Path| {
        let beside = to.with_extension("new-file");
        std::fs::copy(from, &beside).unwrap();
        std::fs::rename(beside, to).unwrap();
    };
    put(&old.0, &tls.certificate);
    put(&old.1, &tls.key);
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    options.tls = Some(tls.clone());
    let listener = Listener::bind(options).await.unwrap();
    let address = listener.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Router::new().route("/", get(|| async { "here" }));
    let server = tokio::spawn(listener.serve(router, async move { drop(stopped.await) }));

    let mut open = connect(address, &old.0).await.unwrap();
    ask(&mut open).await;
    assert!(connect(address, &new.0).await.is_none());
    // A certificate without its key: the old pair stays.
    put(&new.0, &tls.certificate);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(1500) {
        let mut stream = connect(address, &old.0).await.unwrap();
        ask(&mut stream).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    put(&new.1, &tls.key);
    let mut renewed = loop {
        match connect(address, &new.0).await {
            Some(stream) => break stream,
            // Until then nobody is turned away.
            None => assert!(connect(address, &old.0).await.is_some() || connect(address, &new.0).await.is_some()),
        }
        assert!(begun.elapsed() < Duration::from_secs(15), "the new certificate is not served");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    ask(&mut renewed).await;
    assert!(connect(address, &old.0).await.is_none());
    // Whoever was connected before still is.
    ask(&mut open).await;
    drop((open, renewed));
    stop.send(()).unwrap();
    server.await.unwrap();
}
