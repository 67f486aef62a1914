//! Lines, their chain, and devices that don't write.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

use audit::{
    Auth, Broker, Chain, Completion, Device, DeviceError, DeviceState, Entry, Expected, Formatter, GrantingPolicy,
    Namespace, Options, PolicyResults, RawBody, Reason, Request, Response, Salt, Timer, WrapInfo, verify,
};
use jiff::Timestamp;
use logical::Map;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::future::{Future, pending, ready};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const CANARY: &str = "hvs.canary-0b7e";

fn map(value: Json) -> Map {
    value.as_object().expect("an object").clone()
}

fn formatter(options: Options) -> Formatter {
    Formatter::new(Salt::new(b"salt"), options)
}

fn read(line: &[u8]) -> Json {
    serde_json::from_slice(line).unwrap()
}

#[test]
fn a_line_has_the_peers_fields() {
    let (policies, metadata) =
        (["default".to_owned(), "app".to_owned()], BTreeMap::from([("role".into(), "a".into())]));
    let data =
        map(json!({"limit": 5, "until": "2026-01-02T03:04:05Z", "name": "x", "open": "y", "deep": [{"open": "z"}]}));
    let readable = ["open".to_owned()];
    let salt = Salt::new(b"salt");
    let headers = [("X-Request-Id".to_owned(), "1".to_owned()), ("X-Other".to_owned(), "2".to_owned())];
    let audited = BTreeMap::from([("x-request-id".to_owned(), true)]);
    let namespace = Namespace { id: "root", path: "" };
    let granting_policies = vec![GrantingPolicy { name: "app", namespace }];
    let request = Request {
        id: "r1",
        operation: "update",
        mount_point: "secret/",
        mount_type: "kv",
        client_token: "t",
        client_token_accessor: "a",
        namespace,
        path: "secret/data/x",
        data: Some(&data),
        remote_address: "127.0.0.1",
        remote_port: 4000,
        wrap_ttl_seconds: 60,
        headers: &headers,
        ..Request::default()
    };
    let auth = Auth {
        client_token: "t",
        accessor: "a",
        display_name: "approle",
        policies: &policies,
        policy_results: Some(PolicyResults { allowed: true, granting_policies }),
        metadata: Some(&metadata),
        token_type: "service",
        token_ttl_seconds: 3600,
        token_issue_time: Some(NOW),
        ..Auth::default()
    };
    let entry = Entry {
        auth,
        readable_request_keys: &readable,
        audited_headers: Some(&audited),
        ..Entry::request(NOW, request)
    };
    let expected_request = json!({
        "id": "r1", "operation": "update", "mount_point": "secret/", "mount_type": "kv",
        "client_token": salt.hash("t"), "client_token_accessor": salt.hash("a"), "namespace": {"id": "root"},
        "path": "secret/data/x", "remote_address": "127.0.0.1", "remote_port": 4000, "wrap_ttl": 60,
        "headers": {"x-request-id": [salt.hash("1")]},
        "data": {"limit": 5, "until": "2026-01-02T03:04:05Z", "name": salt.hash("x"), "open": "y", "deep": [{"open": "z"}]},
    });
    let expected_auth = json!({
        "client_token": salt.hash("t"), "accessor": salt.hash("a"), "display_name": "approle",
        "policies": ["default", "app"], "metadata": {"role": "a"}, "token_type": "service", "token_ttl": 3600,
        "token_issue_time": "1970-01-01T00:00:00Z",
        "policy_results": {"allowed": true, "granting_policies": [{"name": "app", "namespace_id": "root", "type": "acl"}]},
    });
    assert_eq!(
        read(&formatter(Options::default()).line(&entry)),
        json!({"time": "1970-01-01T00:00:00Z", "type": "request", "auth": expected_auth, "request": expected_request})
    );

    let list = map(json!({"keys": ["a", "b"], "key_info": {"a": {}}}));
    let response = Response { data: Some(&list), lease_id: Some("l"), ..Response::default() };
    let mut entry = entry.answered(NOW, response);
    entry.request.operation = "list";
    entry.error = "why";
    let options =
        Options { hmac_accessor: false, elide_list_responses: true, prefix: "@cee: ".into(), ..Options::default() };
    let line = formatter(options).line(&entry);
    let line = read(line.strip_prefix(b"@cee: ").unwrap());
    assert_eq!(line["type"], "response");
    assert_eq!(line["error"], "why");
    let nobody = formatter(Options::default()).line(&Entry::request(NOW, Request::default()));
    assert_eq!(read(&nobody)["auth"], json!({"token_type": "default"}));
    assert_eq!(line["auth"]["accessor"], "a");
    assert_eq!(
        line["response"],
        json!({
            "mount_point": "secret/", "mount_type": "kv", "secret": {"lease_id": "l"},
            "data": {"keys": 2, "key_info": 1},
        })
    );
}

#[test]
fn a_hash_is_the_peers() {
    let salt = Salt::new(b"key");
    let hash = "hmac-sha256:f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
    assert_eq!(salt.hash("The quick brown fox jumps over the lazy dog"), hash);
}

/// The canary in every place where a secret can be.
fn secretive(write: impl FnOnce(&Entry<'_>)) {
    let data = map(json!({
        "a": CANARY, "b": [CANARY, [CANARY, {"c": CANARY}]], "d": {"e": {"f": CANARY}},
        "keys": [CANARY], "key_info": {"k": {"x": CANARY}}, "t": format!("2026-01-02T03:04:05Z {CANARY}"),
    }));
    let headers = [("X-Vault-Token".to_owned(), CANARY.to_owned()), ("X-Hashed".to_owned(), CANARY.to_owned())];
    let audited = BTreeMap::from([("x-hashed".to_owned(), true)]);
    let auth = || Auth { client_token: CANARY, accessor: CANARY, ..Auth::default() };
    let wrap_info = WrapInfo { token: CANARY, accessor: CANARY, wrapped_accessor: CANARY, ..WrapInfo::default() };
    let response = Response {
        auth: Some(auth()),
        data: Some(&data),
        raw: Some(RawBody { status: 200, content_type: CANARY, body: CANARY.as_bytes() }),
        wrap_info: Some(wrap_info),
        ..Response::default()
    };
    let request = Request {
        operation: "list",
        client_token: CANARY,
        client_token_accessor: CANARY,
        data: Some(&data),
        headers: &headers,
        ..Request::default()
    };
    let entry =
        Entry { auth: auth(), audited_headers: Some(&audited), ..Entry::request(NOW, request) }.answered(NOW, response);
    write(&entry);
}

#[test]
fn no_secret_is_in_a_line() {
    secretive(|entry| {
        for elide_list_responses in [false, true] {
            let line = formatter(Options { elide_list_responses, ..Options::default() }).line(entry);
            assert!(!String::from_utf8(line).unwrap().contains("canary"));
        }
        let raw = formatter(Options { log_raw: true, ..Options::default() }).line(entry);
        assert!(String::from_utf8(raw).unwrap().matches(CANARY).count() > 10, "the canary is where it can be found");
    });
}

fn chained(count: u64) -> (Vec<Vec<u8>>, Vec<Chain>) {
    let formatter = formatter(Options::default());
    let (mut lines, mut chains) = (Vec::new(), vec![Chain::default()]);
    for number in 0..count {
        let id = number.to_string();
        let line = formatter.line(&Entry::request(NOW, Request { id: &id, ..Request::default() }));
        let (line, next) = chains[chains.len() - 1].seal(&line);
        lines.push(line);
        chains.push(next);
    }
    (lines, chains)
}

#[test]
fn a_chain_is_verified_and_goes_on() {
    let (lines, chains) = chained(6);
    let summary = verify(lines.concat().as_slice(), Expected { start: None, end: Some(chains[6].hash) }).unwrap();
    assert_eq!((summary.lines, summary.first_sequence, summary.end), (6, 1, chains[6]));
    assert_eq!(read(&lines[5])["chain_sequence"], 6);
    assert_eq!(read(&lines[5])["request"]["id"], "5");
    assert_eq!(Chain::resume(&lines[5]).unwrap(), chains[6]);
    let rest = lines[3..].concat();
    for start in [None, Some(chains[3])] {
        assert_eq!(verify(rest.as_slice(), Expected { start, end: None }).unwrap().first_sequence, 4);
    }
    assert_eq!(verify(&b""[..], Expected::default()).unwrap().lines, 0);
}

#[test]
fn what_is_bent_is_found() {
    let (lines, chains) = chained(6);
    let bent = |bend: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut lines = lines.clone();
        bend(&mut lines);
        lines.concat()
    };
    let replace =
        |line: &[u8], from: &str, to: &str| String::from_utf8(line.to_vec()).unwrap().replace(from, to).into_bytes();
    let whole = Expected { start: None, end: Some(chains[6].hash) };
    type Check = fn(&Reason) -> bool;
    let cases: [(&str, Vec<u8>, Expected, u64, Check); 12] = [
        ("removed", bent(&|lines| drop(lines.remove(2))), whole, 3, |why| {
            matches!(why, Reason::Sequence { expected: 3, found: 4 })
        }),
        ("changed", bent(&|lines| lines[2] = replace(&lines[2], "request", "requesd")), whole, 3, |why| {
            matches!(why, Reason::Changed)
        }),
        (
            "other hash",
            bent(&|lines| lines[2] = replace(&lines[2], "chain_hash\":\"", "chain_hash\":\"0")),
            whole,
            3,
            |why| matches!(why, Reason::NotChained),
        ),
        ("reordered", bent(&|lines| lines.swap(1, 2)), whole, 2, |why| matches!(why, Reason::Sequence { .. })),
        ("doubled", bent(&|lines| lines.insert(1, lines[0].clone())), whole, 2, |why| {
            matches!(why, Reason::Sequence { .. })
        }),
        ("cut in the middle", bent(&|lines| lines[2].truncate(40)), whole, 3, |why| matches!(why, Reason::Changed)),
        ("cut within the last", bent(&|lines| lines[5].truncate(40)), whole, 6, |why| matches!(why, Reason::Torn)),
        ("cut at the end", lines[..5].concat(), whole, 6, |why| matches!(why, Reason::End)),
        ("cut at the start", lines[1..].concat(), Expected { start: Some(chains[0]), end: None }, 1, |why| {
            matches!(why, Reason::Sequence { expected: 1, found: 2 })
        }),
        (
            "another line",
            bent(&|lines| lines[3] = Chain { sequence: 3, ..Chain::default() }.seal(b"{\"x\":1}").0),
            whole,
            4,
            |why| matches!(why, Reason::Previous),
        ),
        ("no chain", bent(&|lines| lines[0] = b"{}\n".to_vec()), whole, 1, |why| matches!(why, Reason::NotChained)),
        ("empty line", bent(&|lines| lines.insert(3, b"\n".to_vec())), whole, 4, |why| {
            matches!(why, Reason::NotChained)
        }),
    ];
    for (name, bytes, expected, line, check) in cases {
        let broken = verify(bytes.as_slice(), expected).expect_err(name);
        assert!(broken.line == line && check(&broken.reason), "{name}: {broken:?}");
    }
    assert!(Chain::resume(&lines[5][..40]).is_err());
}

/// Ends what it is told to end.
#[derive(Default)]
struct Scripted {
    lines: Mutex<Vec<Vec<u8>>>,
    next: Mutex<Vec<Completion>>,
}

impl Device for Scripted {
    fn write(&self, line: Vec<u8>) -> Completion {
        self.lines.lock().unwrap().push(line);
        self.next.lock().unwrap().pop().unwrap_or_else(|| Box::pin(ready(Ok(()))))
    }
}

struct Immediate;

impl Timer for Immediate {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(ready(()))
    }
}

/// Ends when it is switched on.
#[derive(Clone, Default)]
struct Switch(Arc<Mutex<bool>>);

impl Future for Switch {
    type Output = Result<(), DeviceError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if *self.0.lock().unwrap() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

fn failing() -> Completion {
    Box::pin(ready(Err(DeviceError("disk full".to_owned()))))
}

/// The broker with its two devices.
fn broker() -> (Broker, Arc<Scripted>, Arc<Scripted>) {
    let broker = Broker::new(Arc::new(Immediate), Duration::from_millis(1), Duration::from_secs(1));
    let devices = (Arc::new(Scripted::default()), Arc::new(Scripted::default()));
    broker.register("a/", formatter(Options::default()), Arc::clone(&devices.0) as Arc<dyn Device>);
    broker.register("b/", formatter(Options::default()), Arc::clone(&devices.1) as Arc<dyn Device>);
    (broker, devices.0, devices.1)
}

fn log(broker: &Broker) -> Result<(), String> {
    let entry = Entry::request(NOW, Request::default());
    match pin!(broker.log(&entry)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.map_err(|error| error.to_string()),
        Poll::Pending => Err("it waits for ever".to_owned()),
    }
}

fn states(broker: &Broker) -> Vec<DeviceState> {
    broker.health().into_iter().map(|health| health.state).collect()
}

#[test]
fn one_device_is_enough() {
    let (broker, a, b) = broker();
    log(&broker).unwrap();
    assert_eq!((a.lines.lock().unwrap().len(), b.lines.lock().unwrap().len()), (1, 1));

    a.next.lock().unwrap().push(failing());
    log(&broker).unwrap();
    let failed = DeviceState::Failing { since: NOW, error: "disk full".to_owned() };
    assert_eq!(states(&broker), [failed, DeviceState::Working]);
    assert_eq!(broker.health()[0].missed, 1);

    log(&broker).unwrap();
    assert_eq!(states(&broker), [DeviceState::Working, DeviceState::Working]);
}

#[test]
fn nothing_is_done_where_no_device_writes() {
    let (broker, a, b) = broker();
    let refused = "no audit backend succeeded in logging the request".to_owned();
    for (first, second) in [(failing(), failing()), (failing(), Box::pin(pending()) as Completion)] {
        a.next.lock().unwrap().push(first);
        b.next.lock().unwrap().push(second);
        assert_eq!(log(&broker), Err(refused.clone()));
    }
    broker.deregister("a/");
    broker.deregister("b/");
    assert!(broker.is_empty() && log(&broker).is_ok());
}

#[test]
fn a_blocked_device_is_not_waited_for_and_comes_back() {
    let (broker, a, b) = broker();
    let switch = Switch::default();
    a.next.lock().unwrap().extend([Box::pin(switch.clone()) as Completion, Box::pin(switch.clone()) as Completion]);
    log(&broker).unwrap();
    assert_eq!(states(&broker), [DeviceState::Blocked { since: NOW }, DeviceState::Working]);
    log(&broker).unwrap();
    assert_eq!((a.lines.lock().unwrap().len(), b.lines.lock().unwrap().len()), (2, 2));

    *switch.0.lock().unwrap() = true;
    assert_eq!(states(&broker), [DeviceState::Working, DeviceState::Working]);
    assert_eq!(broker.health()[0].missed, 0, "it has all lines");
}

#[test]
fn a_device_that_stays_blocked_gets_no_more() {
    let (broker, a, _) = broker();
    a.next.lock().unwrap().extend((0..2000).map(|_| Box::pin(pending()) as Completion));
    for _ in 0..1030 {
        log(&broker).unwrap();
    }
    assert_eq!(a.lines.lock().unwrap().len(), 1024);
    assert_eq!(broker.health()[0].missed, 6);
    assert_eq!(broker.hash("a/", "x"), Some(Salt::new(b"salt").hash("x")));
    assert_eq!(broker.hash("c/", "x"), None);
}

#[test]
fn options_are_the_peers() {
    let config = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let options = Options::from_config(&config(&[("log_raw", "true"), ("hmac_accessor", "0"), ("path", "x")])).unwrap();
    assert_eq!(options, Options { log_raw: true, hmac_accessor: false, ..Options::default() });
    for (name, value) in [("log_raw", "yes"), ("format", "xml"), ("format", "jsonx"), ("prefix", "a\nb")] {
        assert!(Options::from_config(&config(&[(name, value)])).is_err(), "{name}");
    }
}
