//! Clients that ask for too much, over real sockets.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as tests")]

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use listener::{BindError, Limits, Listener, Metrics, Options};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

async fn ask(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut out = Vec::new();
    let _ = stream.read_to_end(&mut out).await;
    String::from_utf8_lossy(&out).into_owned()
}

fn request(body: &str) -> String {
    format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn what_is_too_much_is_refused_and_counted() {
    let metrics = Metrics::default();
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    options.metrics = metrics.clone();
    options.limits = Limits {
        body_bytes: 10,
        head_time: Duration::from_millis(200),
        request_time: Duration::from_millis(300),
        client_rate: Some(1),
        client_burst: 5,
        ..Limits::default()
    };
    let listener = Listener::bind(options).await.unwrap();
    let address = listener.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Router::new().route("/", post(|body: Bytes| async move { body.len().to_string() }));
    let server = tokio::spawn(listener.serve(router, async move { drop(stopped.await) }));

    assert!(ask(address, &request("1234567890")).await.ends_with("\r\n\r\n10"));
    assert!(ask(address, &request("12345678901")).await.starts_with("HTTP/1.1 413"));
    let chunked = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n";
    assert!(ask(address, chunked).await.starts_with("HTTP/1.1 413"));
    // A body that never comes, and a head that never ends.
    let slow = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 5\r\n\r\n1";
    assert!(ask(address, slow).await.starts_with("HTTP/1.1 408"));
    assert!(!ask(address, "POST / HTTP/1.1\r\nhost").await.contains(" 200 "));
    ask(address, &request("1")).await;
    assert!(ask(address, &request("1")).await.starts_with("HTTP/1.1 429"));
    let text = metrics.render();
    for reason in ["body_too_large", "time", "rate"] {
        assert!(text.contains(&format!("http_refused_total{{reason=\"{reason}\"}}")), "{text}");
    }
    stop.send(()).unwrap();
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn plain_http_stays_on_loopback() {
    let address = "0.0.0.0:0".parse().unwrap();
    assert!(matches!(Listener::bind(Options::new(address)).await, Err(BindError::Plain(_))));
    let mut options = Options::new(address);
    options.plain = true;
    Listener::bind(options).await.unwrap();
}
