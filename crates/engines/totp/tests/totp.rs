//! The engine over a storage in memory.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use logical::Operation::{self, Delete, List, Read, Update};
use logical::{Alone, Backend, Context, Error, Map, Memory, Request, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use totp::Totp;

#[derive(Default)]
struct Mount {
    totp: Totp,
    storage: Memory,
}

impl Mount {
    async fn at(&self, seconds: i64, operation: Operation, path: &str, data: Value) -> Result<Response, Error> {
        let data: Map = serde_json::from_value(data).unwrap();
        let request = Request::new(operation, path, data, jiff::Timestamp::from_second(seconds).unwrap());
        self.totp.handle(Context { storage: &self.storage, system: &Alone }, &request).await
    }

    async fn data(&self, seconds: i64, operation: Operation, path: &str, data: Value) -> Value {
        self.at(seconds, operation, path, data).await.unwrap().data.map_or(Value::Null, Value::Object)
    }

    async fn refusal(&self, seconds: i64, operation: Operation, path: &str, data: Value) -> (u16, String) {
        let Err(error) = self.at(seconds, operation, path, data).await else { panic!("{path} was accepted") };
        (error.status(), error.to_string())
    }
}

/// RFC 6238, appendix B: the secrets are the digits 1 to 0, repeated.
const SECRETS: [(&str, &str); 3] = [
    ("SHA1", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
    ("SHA256", "gezdgnbvgy3tqojqgezdgnbvgy3tqojqgezdgnbvgy3tqojqgeza===="),
    (
        "SHA512",
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA",
    ),
];

#[tokio::test]
async fn codes_are_those_of_the_rfc() {
    let mount = Mount::default();
    for ((algorithm, key), codes) in SECRETS.into_iter().zip([
        [(59, "94287082"), (1_111_111_109, "07081804"), (20_000_000_000, "65353130")],
        [(59, "46119246"), (1_111_111_109, "68084774"), (20_000_000_000, "77737706")],
        [(59, "90693936"), (1_111_111_109, "25091201"), (20_000_000_000, "47863826")],
    ]) {
        let data = json!({"key": key, "digits": 8, "algorithm": algorithm, "account_name": "a", "period": "30s"});
        mount.data(0, Update, "keys/k", data).await;
        for (seconds, code) in codes {
            let answer = mount.data(seconds, Read, "code/k", json!({})).await;
            let end = (seconds / 30 + 1) * 30;
            let expected = json!({"code": code, "generated": seconds, "expire_time": end, "period": "30s"});
            assert_eq!(answer, expected, "{algorithm}");
        }
    }
}

#[tokio::test]
async fn a_code_is_accepted_once_and_only_near_its_time() {
    let mount = Mount::default();
    let key = |skew: u64| json!({"key": SECRETS[0].1, "account_name": "a", "skew": skew});
    for (skew, seconds, valid) in
        [(1, 0, true), (1, 30, true), (1, -30, true), (1, 60, false), (1, -60, false), (0, 0, true), (0, 30, false)]
    {
        mount.data(0, Update, "keys/k", key(skew)).await;
        let code = mount.data(600, Read, "code/k", json!({})).await["code"].clone();
        let answer = mount.data(600 + seconds, Update, "code/k", json!({ "code": code })).await;
        assert_eq!(answer, json!({ "valid": valid }), "skew {skew}, {seconds} seconds later");
        if valid {
            let (status, told) = mount.refusal(600 + seconds, Update, "code/k", json!({ "code": code })).await;
            assert_eq!((status, told.as_str()), (400, "code already used; wait until the next time period"));
        }
    }
    for (code, told) in [
        (json!(""), "the code value is required"),
        (json!("12345"), "invalid number of digits for the code"),
        (json!(" 12345"), "invalid number of digits for the code"),
    ] {
        assert_eq!(mount.refusal(600, Update, "code/k", json!({ "code": code })).await, (400, told.to_owned()));
    }
    assert_eq!(
        mount.refusal(0, Update, "code/none", json!({"code": "1"})).await,
        (400, "unknown key: none".to_owned())
    );
    assert_eq!(mount.refusal(0, Read, "code/none", json!({})).await, (400, "unknown key: none".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_bring_a_code_at_once_one_is_let_in() {
    let mount = Arc::new(Mount::default());
    mount.data(0, Update, "keys/k", json!({"key": SECRETS[0].1, "account_name": "a"})).await;
    let code = mount.data(600, Read, "code/k", json!({})).await["code"].clone();
    let tasks = (0..16).map(|_| {
        let (mount, code) = (Arc::clone(&mount), code.clone());
        tokio::spawn(async move { mount.at(600, Update, "code/k", json!({ "code": code })).await.is_ok() })
    });
    let mut accepted = 0;
    for task in tasks.collect::<Vec<_>>() {
        accepted += usize::from(task.await.unwrap());
    }
    assert_eq!(accepted, 1);
}

#[tokio::test]
async fn keys_are_made_and_taken_from_addresses() {
    let mount = Mount::default();
    let make = json!({"generate": true, "issuer": "a b", "account_name": "b@c", "algorithm": "SHA512", "digits": 8,
        "period": "60", "key_size": 10, "qr_size": 0});
    let made = mount.data(0, Update, "keys/k", make.clone()).await;
    let url = made["url"].as_str().unwrap();
    let start = "otpauth://totp/a%20b:b@c?algorithm=SHA512&digits=8&issuer=a%20b&period=60&secret=";
    assert_eq!((url.strip_prefix(start).unwrap().len(), made.get("barcode")), (16, None));
    let read = json!({"account_name": "b@c", "algorithm": "SHA512", "digits": 8, "issuer": "a b", "period": 60});
    assert_eq!(mount.data(0, Read, "keys/k", json!({})).await, read);
    mount.data(0, Update, "keys/copy", json!({ "url": url })).await;
    assert_eq!(mount.data(0, Read, "keys/copy", json!({})).await, read);
    let code = mount.data(7, Read, "code/k", json!({})).await;
    assert_eq!(mount.data(7, Read, "code/copy", json!({})).await, code);
    let mut hidden = make.clone();
    hidden["exported"] = false.into();
    assert_eq!(mount.data(0, Update, "keys/k", hidden).await, Value::Null);
    let mut barcode = make;
    barcode["qr_size"] = 200.into();
    let png = mount.data(0, Update, "keys/k", barcode).await["barcode"].clone();
    assert!(png.as_str().unwrap().starts_with("iVBORw0KGgoAAAANSUhEUgAAAMgAAADICAAAAA"), "{png}");
    assert_eq!(mount.data(0, List, "keys/", json!({})).await, json!({"keys": ["copy", "k"]}));
    mount.data(0, Delete, "keys/k", json!({})).await;
    assert_eq!(mount.refusal(0, Read, "keys/k", json!({})).await.0, 404);
    for (data, told) in [
        (json!({"generate": true}), "the account_name value is required for generated keys"),
        (json!({"generate": true, "account_name": "a"}), "the issuer value is required for generated keys"),
        (json!({"generate": true, "key": "A"}), "a key should not be passed if generate is true"),
        (json!({"generate": true, "url": "A"}), "a url should not be passed if generate is true"),
        (json!({}), "the key value is required"),
        (json!({"url": "otpauth://totp/a"}), "the key value is required"),
        (
            json!({"url": "otpauth://totp/a?secret=AAAA&period=x"}),
            "an error occurred while parsing period value in url",
        ),
        (json!({"key": "!!!"}), "invalid key value: illegal base32 data at input byte 0"),
        (json!({"key": "AAAA", "digits": 7}), "the digits value can only be 6 or 8"),
        (json!({"key": "AAAA", "algorithm": "MD5"}), "the algorithm value is not valid"),
        (json!({"key": "AAAA", "period": 0}), "the period value must be greater than zero"),
        (json!({"key": "AAAA", "skew": 2}), "the skew value must be 0 or 1"),
        (json!({"key": "AAAA", "qr_size": -1}), "the qr_size value must be greater than or equal to zero"),
        (json!({"key": "AAAA", "key_size": 0}), "the key_size value must be greater than zero"),
    ] {
        assert_eq!(mount.refusal(0, Update, "keys/x", data).await, (400, told.to_owned()));
    }
}
