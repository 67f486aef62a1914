use crate::first_line;
use jiff::Timestamp;
use kv::{Kv1, Kv2};
use logical::{Alone, Backend, Context, Map, Memory, Operation, Request, Response};
use std::future::Future;
use std::pin::pin;
use std::task::{Poll, Waker};
use totp::Totp;
use transit::Transit;

/// `ENGINE VERB PATH`, and the data as JSON. Whatever is sent is answered, with a status of an answer; what an engine
/// has refused it has not written.
pub(crate) fn request(bytes: &[u8]) {
    let (line, data) = first_line(bytes);
    let line = String::from_utf8_lossy(line);
    let Ok(data) = serde_json::from_slice::<Map>(data) else { return };
    let mut words = line.splitn(3, ' ');
    let (Some(engine), Some(verb), Some(path)) = (words.next(), words.next(), words.next()) else { return };
    let operation = match verb {
        "read" => Operation::Read,
        "create" => Operation::Create,
        "patch" => Operation::Patch,
        "delete" => Operation::Delete,
        "list" => Operation::List,
        "scan" => Operation::Scan,
        _ => Operation::Update,
    };
    let storage = Memory::new();
    match engine {
        "kv1" => send(&Kv1::new(), &storage, operation, path, data),
        "kv2" => {
            let engine = Kv2::new();
            let first = Map::from_iter([("data".to_owned(), Map::from_iter([("k".to_owned(), 1.into())]).into())]);
            for _ in 0..2 {
                answer(&engine, &storage, Operation::Update, "data/a", first.clone());
            }
            send(&engine, &storage, operation, path, data);
        }
        "totp" => send(&Totp::new(), &storage, operation, path, data),
        // To make an RSA key takes longer than a search has.
        "transit" if !path.contains("wrapping") && !data.contains_key("ciphertext") && !asks_for_rsa(&data) => {
            let engine = Transit::new();
            let kind = Map::from_iter([("type".to_owned(), "ecdsa-p256".into())]);
            answer(&engine, &storage, Operation::Update, "keys/k", kind);
            answer(&engine, &storage, Operation::Update, "keys/s", Map::new());
            send(&engine, &storage, operation, path, data);
        }
        _ => {}
    }
}

fn asks_for_rsa(data: &Map) -> bool {
    let kind = data.get("type").and_then(serde_json::Value::as_str).unwrap_or_default().to_lowercase();
    kind.starts_with("rsa") && !data.contains_key("public_key")
}

fn send(engine: &dyn Backend, storage: &Memory, operation: Operation, path: &str, data: Map) {
    let before = rows(storage);
    if answer(engine, storage, operation, path, data).is_none() {
        assert_eq!(rows(storage), before, "{path} was refused and written");
    }
}

fn answer(engine: &dyn Backend, storage: &Memory, operation: Operation, path: &str, data: Map) -> Option<Response> {
    let request = Request::new(operation, path, data, Timestamp::UNIX_EPOCH);
    let context = Context { storage, system: &Alone };
    match ready(engine.handle(context, &request))? {
        Ok(response) => {
            assert!(response.status.is_none_or(|status| (200..600).contains(&status)), "{path}");
            Some(response)
        }
        Err(error) => {
            assert!((400..600).contains(&error.status()), "{path}");
            None
        }
    }
}

fn rows(storage: &Memory) -> Vec<String> {
    use logical::Storage;
    ready(storage.scan("", "", usize::MAX)).and_then(Result::ok).unwrap_or_default()
}

/// What a storage in memory has at once.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
