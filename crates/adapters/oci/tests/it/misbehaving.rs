use crate::samples::{Sample, read_layer, sample};
use oci::registry::{RegistryCredentials, Timeouts};
use oci::verify::sha256;
use oci::{ImageScheme, OpenOptions, RegistryOptions, open};
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request: its path and its headers in lower case.
struct Request {
    path: String,
    headers: String,
}

type Answer = Box<dyn Fn(&Request) -> Option<Vec<u8>> + Send + Sync>;

/// Answers as told, and otherwise as a registry that has the sample. Gives its address and what it was asked.
fn serve(sample: Arc<Sample>, answer: Answer) -> (String, Arc<Mutex<Vec<Request>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let answer: Arc<Answer> = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (sample, answer, seen) = (Arc::clone(&sample), Arc::clone(&answer), Arc::clone(&seen));
            // A client that has gone is no fault of the server.
            thread::spawn(move || stream.map(|stream| handle(stream, &sample, &answer, &seen)));
        }
    });
    (address, asked)
}

fn handle(mut stream: TcpStream, sample: &Sample, answer: &Answer, seen: &Mutex<Vec<Request>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut headers = String::new();
    while !headers.ends_with("\r\n\r\n") && reader.read_line(&mut headers).ok()? > 2 {}
    let request = Request { path, headers: headers.to_lowercase() };
    let response = answer(&request).or_else(|| usual(sample, &request.path));
    seen.lock().unwrap().push(request);
    let response = response.unwrap_or_else(|| head("404 Not Found", "content-length: 0\r\n"));
    stream.write_all(&response).ok()?;
    if response.ends_with(b"STALL") {
        thread::sleep(Duration::from_secs(3));
    }
    Some(())
}

fn head(status: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n").into_bytes()
}

fn ok(body: &[u8]) -> Vec<u8> {
    [head("200 OK", &format!("content-length: {}\r\n", body.len())), body.to_vec()].concat()
}

fn usual(sample: &Sample, path: &str) -> Option<Vec<u8>> {
    match path {
        "/v2/" => Some(ok(b"{}")),
        "/v2/sample/manifests/1" => Some(ok(&sample.manifest)),
        path => {
            let digest = path.strip_prefix("/v2/sample/blobs/")?;
            [&sample.layer, &sample.config].into_iter().find(|blob| sha256(blob) == digest).map(|blob| ok(blob))
        }
    }
}

fn options() -> OpenOptions {
    let timeouts = Timeouts { connect: Duration::from_secs(2), idle: Duration::from_secs(1) };
    let login = RegistryCredentials {
        username: "canary-user".to_owned().into(),
        password: "canary-password".to_owned().into(),
        ..RegistryCredentials::default()
    };
    OpenOptions {
        registry: RegistryOptions { timeouts, auth: vec![login], ..RegistryOptions::default() },
        platform: None,
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// Opens the sample and reads its layer; the error as users see it.
fn pull(address: &str) -> Result<(), String> {
    let image = open(ImageScheme::Registry, &format!("{address}/sample:1"), &options());
    let image = image.map_err(|error| chain(&error))?;
    let tar = read_layer(&image).map_err(|error| chain(&error))?;
    assert_eq!(sha256(&tar), sample().diff_id);
    Ok(())
}

/// Pulls from a server that answers so; the error has all of `expected`, and no credential.
fn check(answer: Answer, expected: &[&str]) -> Arc<Mutex<Vec<Request>>> {
    let (address, asked) = serve(Arc::new(sample()), answer);
    let result = pull(&address);
    let message = result.err().unwrap_or_default();
    assert!(!message.contains("canary"), "{message}");
    assert_eq!(message.is_empty(), expected.is_empty(), "{message}");
    for part in expected {
        assert!(message.contains(part), "{part} in {message}");
    }
    asked
}

fn on(path: &'static str, response: Vec<u8>) -> Answer {
    Box::new(move |request| request.path.contains(path).then(|| response.clone()))
}

#[test]
fn refusals() {
    let empty = "content-length: 0\r\n";
    let basic = format!("{empty}www-authenticate: Basic realm=\"x\"\r\n");
    let asked = check(on("manifests", head("401 Unauthorized", &basic)), &["401", "docker login"]);
    assert_eq!(asked.lock().unwrap().iter().filter(|request| request.path.contains("manifests")).count(), 2);
    check(on("manifests", head("401 Unauthorized", empty)), &["401"]);
    check(on("manifests", head("403 Forbidden", empty)), &["403", "read access"]);
    check(on("manifests", head("404 Not Found", empty)), &["404", "sample/manifests/1"]);
    check(on("manifests", head("418 Teapot", empty)), &["418"]);
    check(on("blobs", head("404 Not Found", empty)), &["404", "blobs/sha256:"]);
    check(on("manifests", ok(b"no manifest")), &["malformed"]);
}

#[test]
fn tokens() {
    let realm = |request: &Request, status: &str| {
        let host = request.headers.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
        let header = format!("Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"repository:sample:pull\"");
        head(status, &format!("content-length: 0\r\nwww-authenticate: {header}\r\n"))
    };
    let wants_token = |good: bool| -> Answer {
        Box::new(move |request| match request.path.as_str() {
            path if path.starts_with("/token?service=s&scope=repository%3Asample%3Apull") => {
                Some(ok(br#"{"token":"canary-token"}"#))
            }
            "/v2/" => None,
            _ if good && request.headers.contains("authorization: bearer canary-token") => None,
            _ => Some(realm(request, "401 Unauthorized")),
        })
    };
    let asked = check(wants_token(true), &[]);
    let asked = asked.lock().unwrap();
    let token = asked.iter().find(|request| request.path.starts_with("/token")).unwrap();
    assert!(token.headers.contains("authorization: basic "));
    assert_eq!(asked.iter().filter(|request| request.path.starts_with("/token")).count(), 1);
    check(wants_token(false), &["401"]);
    check(
        Box::new(move |request| match request.path.as_str() {
            "/v2/" => None,
            path if path.starts_with("/token") => Some(head("401 Unauthorized", "content-length: 0\r\n")),
            _ => Some(realm(request, "401 Unauthorized")),
        }),
        &["401", "token"],
    );
}

#[test]
fn limits_and_failures() {
    let limited = head("429 Too Many Requests", "content-length: 0\r\nretry-after: 0\r\n");
    let asked = check(on("manifests", limited.clone()), &["429", "4 attempts"]);
    assert_eq!(asked.lock().unwrap().iter().filter(|request| request.path.contains("manifests")).count(), 4);
    check(on("manifests", head("500 Internal Server Error", "content-length: 0\r\n")), &["500", "4 attempts"]);
    let times = Mutex::new(0);
    check(
        Box::new(move |request| {
            let mut times = times.lock().unwrap();
            *times += u32::from(request.path.contains("manifests"));
            (request.path.contains("manifests") && *times == 1).then(|| limited.clone())
        }),
        &[],
    );
}

#[test]
fn wrong_content() {
    let sample = sample();
    let mut wrong = sample.layer.clone();
    *wrong.last_mut().unwrap() ^= 1;
    let is_layer = format!("blobs/{}", sha256(&sample.layer));
    let path: &'static str = is_layer.leak();
    check(on(path, ok(&wrong)), &["corrupt"]);
    let digest = format!("docker-content-digest: {}\r\n", sha256(b"other"));
    let headers = format!("{digest}content-length: {}\r\n", sample.manifest.len());
    check(on("manifests", [head("200 OK", &headers), sample.manifest].concat()), &["does not match"]);
}

/// Cuts the layer's first answers; `ranges` says whether the server can go on from the middle.
fn cutting(ranges: bool, cuts: usize) -> Answer {
    let layer = sample().layer;
    let path = format!("blobs/{}", sha256(&layer));
    let times = Mutex::new(0);
    Box::new(move |request| {
        if !request.path.ends_with(&path) {
            return None;
        }
        let mut times = times.lock().unwrap();
        *times += 1;
        let range = request.headers.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-'));
        let start: usize = range.filter(|_| ranges).map_or(0, |start| start.parse().unwrap());
        let (body, length) = (&layer[start..], layer.len());
        let headers =
            format!("content-length: {}\r\ncontent-range: bytes {start}-{}/{length}\r\n", body.len(), length - 1);
        let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
        let body = if *times <= cuts { &body[..body.len() / 3] } else { body };
        Some([head(status, &headers).as_slice(), body].concat())
    })
}

#[test]
fn cut_bodies() {
    check(cutting(true, 2), &[]);
    check(cutting(false, 1), &[]);
    check(cutting(true, 99), &["cut", "resuming"]);
}

#[test]
fn stalled_bodies() {
    let announced = head("200 OK", "content-length: 100\r\n");
    check(on("manifests", [announced.as_slice(), b"STALL"].concat()), &["unexpectedly"]);
}

#[test]
fn redirects_do_not_carry_the_login() {
    let sample = Arc::new(sample());
    let (storage, asked) = serve(Arc::clone(&sample), Box::new(|_| None));
    let answer: Answer = Box::new(move |request| {
        if request.path == "/v2/" {
            return None;
        }
        if !request.headers.contains("authorization: basic") {
            return Some(head("401 Unauthorized", "content-length: 0\r\nwww-authenticate: Basic realm=\"x\"\r\n"));
        }
        let location = format!("content-length: 0\r\nlocation: http://{storage}{}\r\n", request.path);
        request.path.contains("blobs").then(|| head("307 Temporary Redirect", &location))
    });
    check(answer, &[]);
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|request| !request.headers.contains("authorization")));
}

#[test]
fn not_yet() {
    assert!(open(ImageScheme::Singularity, "x", &options()).err().unwrap().to_string().contains("yet"));
}
