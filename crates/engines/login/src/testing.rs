//! A server around one method, for tests.

use crate::fetch::{Fetch, Fetching, Incoming, Outgoing};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use logical::{
    Auth, Backend, Context, Entity, Error, Grant, Map, Memory, Operation, Pending, Request, Response, System,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;
use zeroize::Zeroizing;

pub(crate) struct Plain;

impl System for Plain {
    fn lifetimes(&self) -> (Duration, Duration) {
        (Duration::from_secs(3600), Duration::from_secs(32 * 86400))
    }

    fn options(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn entity<'a>(&'a self, _id: &'a str) -> Pending<'a, Option<Entity>> {
        Box::pin(async { Ok(None) })
    }

    fn password<'a>(&'a self, _policy: &'a str) -> Pending<'a, Zeroizing<String>> {
        Box::pin(async { Err(Error::NotFound) })
    }

    fn api_address(&self) -> Option<String> {
        None
    }
}

/// Runs what waits for nothing outside.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = std::task::Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("it waits for something")
}

pub(crate) struct Server<B> {
    pub(crate) backend: B,
    pub(crate) storage: Memory,
    pub(crate) address: &'static str,
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) time: Timestamp,
}

impl<B: Backend> Server<B> {
    pub(crate) fn new(backend: B) -> Self {
        Self {
            backend,
            storage: Memory::new(),
            address: "127.0.0.1",
            certificates: Vec::new(),
            time: Timestamp::from_second(1_800_000_000).unwrap(),
        }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { storage: &self.storage, system: &Plain }
    }

    pub(crate) fn request(&self, operation: Operation, path: &str, data: Value) -> Request {
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        let mut request = Request::new(operation, path, data, self.time);
        request.connection.address = self.address.parse().ok();
        request.connection.certificates = self.certificates.clone().into();
        request
    }

    pub(crate) fn ask(&self, operation: Operation, path: &str, data: Value) -> Result<Response, Error> {
        now(self.backend.handle(self.context(), &self.request(operation, path, data)))
    }

    /// Writes, and gives `data` or the error's text.
    pub(crate) fn write(&self, path: &str, data: Value) -> Result<Value, String> {
        self.data(Operation::Update, path, data)
    }

    pub(crate) fn read(&self, path: &str) -> Result<Value, String> {
        self.data(Operation::Read, path, Value::Null)
    }

    pub(crate) fn data(&self, operation: Operation, path: &str, data: Value) -> Result<Value, String> {
        let response = self.ask(operation, path, data).map_err(|error| error.to_string())?;
        Ok(response.data.map_or(Value::Null, Value::Object))
    }

    pub(crate) fn login(&self, path: &str, data: Value) -> Result<Auth, String> {
        let response = self.ask(Operation::Update, path, data).map_err(|error| error.to_string())?;
        response.auth.ok_or_else(|| "no login".to_owned())
    }

    pub(crate) fn renew(&self, auth: &Auth) -> Result<Auth, String> {
        let grant =
            Grant { issued: self.time, expires: self.time, increment: Duration::ZERO, now: self.time, path: "login" };
        now(self.backend.renew_login(self.context(), auth, grant)).map_err(|error| error.to_string())
    }
}

/// An issuer of tokens.
pub(crate) struct Issuer(Ed25519KeyPair);

impl Issuer {
    pub(crate) fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn jwks(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]})
    }

    pub(crate) fn pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().unwrap();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()))
    }

    pub(crate) fn mint(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "EdDSA", "kid": "k"})), part(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes())))
    }
}

/// What was asked, as seen by the other server.
pub(crate) struct Asked {
    pub(crate) url: String,
    pub(crate) body: String,
    pub(crate) authorization: String,
    /// The body, whatever it is.
    pub(crate) raw: Vec<u8>,
}

type Answer = dyn Fn(&Asked) -> (u16, Vec<u8>) + Send + Sync;

/// The world outside, as one function.
pub(crate) struct World {
    answer: Box<Answer>,
    pub(crate) asked: AtomicUsize,
}

impl World {
    pub(crate) fn new(answer: impl Fn(&Asked) -> (u16, Value) + Send + Sync + 'static) -> Arc<Self> {
        Self::raw(move |asked| {
            let (status, body) = answer(asked);
            (status, body.to_string().into_bytes())
        })
    }

    pub(crate) fn raw(answer: impl Fn(&Asked) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { answer: Box::new(answer), asked: AtomicUsize::new(0) })
    }
}

impl Fetch for World {
    fn fetch(&self, request: Outgoing) -> Fetching<'_> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let raw = request.body.map(|(_, body)| body.to_vec()).unwrap_or_default();
        let asked = Asked {
            url: request.url,
            body: String::from_utf8_lossy(&raw).into_owned(),
            raw,
            authorization: request.authorization.map(|text| text.to_string()).unwrap_or_default(),
        };
        let (status, body) = (self.answer)(&asked);
        Box::pin(async move { Ok(Incoming { status, body }) })
    }
}
