//! One address to one file: conditional, resumed where it was cut, checked, and put in place whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
    RETRY_AFTER,
};
use serde::{Deserialize, Serialize};

use crate::config::Limits;
use crate::error::FeedError;
use crate::folder::digest;

/// Bytes of a small answer: a checksum, the name of the latest archive.
const SMALL_BYTES: u64 = 64 << 10;

/// The longest wait that a server may ask for.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// What a fetch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    /// The file is as it was.
    Unchanged,
    /// The file is new, with so many bytes.
    Changed(u64),
}

/// How a file's digest is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// Not at all.
    None,
    /// NVD's `.meta` beside it: SHA-256 of what the file unpacks to.
    Meta,
}

/// What is known of a file that was fetched, kept beside it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    address: String,
    #[serde(default)]
    etag: String,
    #[serde(default)]
    last_modified: String,
}

impl State {
    fn of(address: &str, headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Self { address: address.to_owned(), etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
    }

    fn read(path: &Path, address: &str) -> Option<Self> {
        let state: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        (state.address == address).then_some(state)
    }

    /// A request that is answered in full only when something has changed.
    fn conditional(&self, mut request: RequestBuilder) -> RequestBuilder {
        if !self.etag.is_empty() {
            request = request.header(IF_NONE_MATCH, &self.etag);
        }
        if !self.last_modified.is_empty() {
            request = request.header(IF_MODIFIED_SINCE, &self.last_modified);
        }
        request
    }

    /// Whether the publisher's own words say that both are one.
    fn is_same(&self, other: &Self) -> bool {
        match (self.etag.is_empty(), self.last_modified.is_empty()) {
            (false, _) => self.etag == other.etag,
            (true, false) => self.last_modified == other.last_modified,
            (true, true) => false,
        }
    }

    /// What a resumed request must still agree with; `None`: only a strong one is good enough.
    fn validator(&self) -> Option<&str> {
        let etag = Some(self.etag.as_str()).filter(|etag| !etag.is_empty() && !etag.starts_with("W/"));
        etag.or(Some(self.last_modified.as_str()).filter(|date| !date.is_empty()))
    }
}

/// Fetches files of one host or many, under the same limits.
pub(crate) struct Fetcher {
    https: Client,
    loopback: Client,
    limits: Limits,
}

/// Where a file and what belongs to it are.
struct Files {
    whole: PathBuf,
    state: PathBuf,
    part: PathBuf,
    part_state: PathBuf,
}

impl Files {
    fn of(whole: &Path) -> Self {
        let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let beside = |ending: &str| whole.with_file_name(format!(".{name}.{ending}"));
        Self { state: beside("state"), part: beside("part"), part_state: beside("part.state"), whole: whole.to_owned() }
    }
}

/// Whether `path` is the file `whole`, or one that is kept beside it.
pub(crate) fn belongs(whole: &Path, path: &Path) -> bool {
    let files = Files::of(whole);
    [files.whole, files.state, files.part, files.part_state].iter().any(|own| own == path)
}

/// One try.
enum Try {
    Done(Got),
    Again { cause: FeedError, wait: Option<Duration> },
}

impl Fetcher {
    pub(crate) fn new(limits: Limits) -> Result<Self, FeedError> {
        let client = |https_only: bool| {
            Client::builder()
                .user_agent(concat!("palisade/", env!("CARGO_PKG_VERSION")))
                .timeout(limits.timeout())
                .https_only(https_only)
                .build()
                .map_err(|source| FeedError::Request { address: "any address".to_owned(), source })
        };
        Ok(Self { https: client(true)?, loopback: client(false)?, limits })
    }

    /// Brings the file up to date with its address. When this fails, the old file stays as it was.
    pub(crate) fn fetch(&self, address: &str, whole: &Path, check: Check) -> Result<Got, FeedError> {
        let files = Files::of(whole);
        let folder = whole.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| FeedError::io(folder, error))?;
        let address = self.latest(address)?;
        let mut tries = 0;
        loop {
            match self.try_once(&address, &files, check)? {
                Try::Done(got) => return Ok(got),
                Try::Again { cause, .. } if tries >= self.limits.retries => return Err(cause),
                Try::Again { wait, .. } => {
                    thread::sleep(wait.unwrap_or_else(|| self.backoff(&address, tries)).min(MAX_WAIT));
                    tries += 1;
                }
            }
        }
    }

    /// Whether the address has something newer than the file.
    pub(crate) fn ask(&self, address: &str, whole: &Path) -> Result<Got, FeedError> {
        let files = Files::of(whole);
        let address = self.latest(address)?;
        let known = State::read(&files.state, &address).filter(|_| files.whole.is_file());
        let mut request = self.client(&address)?.head(&address);
        if let Some(known) = &known {
            request = known.conditional(request);
        }
        let response = request.send().map_err(|source| FeedError::Request { address: address.clone(), source })?;
        match response.status().as_u16() {
            304 => Ok(Got::Unchanged),
            // A server that ignores conditions still tells what it has.
            200 if known.is_some_and(|known| known.is_same(&State::of(&address, response.headers()))) => {
                Ok(Got::Unchanged)
            }
            200 => {
                let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
                Ok(Got::Changed(length.unwrap_or_default()))
            }
            status => Err(FeedError::Status { address, status }),
        }
    }

    /// The address itself; or, of a text that names the latest archive, the archive beside it.
    fn latest(&self, address: &str) -> Result<String, FeedError> {
        let Some((folder, _)) = address.rsplit_once('/').filter(|_| address.ends_with("_latest.txt")) else {
            return Ok(address.to_owned());
        };
        let name = self.small(address)?.unwrap_or_default();
        let name = name.trim();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(FeedError::Address { address: format!("{folder}/{name}") });
        }
        Ok(format!("{folder}/{name}"))
    }

    fn try_once(&self, address: &str, files: &Files, check: Check) -> Result<Try, FeedError> {
        let client = self.client(address)?;
        let known = State::read(&files.state, address).filter(|_| files.whole.is_file());
        let started = fs::metadata(&files.part).map_or(0, |meta| meta.len());
        let part = State::read(&files.part_state, address).filter(|_| started > 0);
        let mut request = client.get(address);
        if let Some(validator) = part.as_ref().and_then(State::validator) {
            request = request.header(RANGE, format!("bytes={started}-")).header(IF_RANGE, validator);
        } else if let Some(known) = &known {
            request = known.conditional(request);
        }
        let failed = |source: reqwest::Error| FeedError::Request { address: address.to_owned(), source };
        let response = match request.send() {
            Ok(response) => response,
            Err(error) if error.is_builder() || error.is_redirect() => return Err(failed(error)),
            Err(error) => return Ok(Try::Again { cause: failed(error), wait: None }),
        };
        match response.status().as_u16() {
            304 => Ok(Try::Done(Got::Unchanged)),
            200 => self.body(address, response, files, 0, check),
            206 if starts_at(&response, started) => self.body(address, response, files, started, check),
            status => {
                // A part that no longer fits is begun anew.
                if matches!(status, 206 | 416) {
                    discard(&files.part)?;
                }
                let wait = wait_of(&response);
                let cause = FeedError::Status { address: address.to_owned(), status };
                if matches!(status, 206 | 408 | 416 | 429 | 500..=599) {
                    Ok(Try::Again { cause, wait })
                } else {
                    Err(cause)
                }
            }
        }
    }

    /// Writes the body to the part, and when it is complete puts it in place.
    fn body(
        &self,
        address: &str,
        mut response: Response,
        files: &Files,
        started: u64,
        check: Check,
    ) -> Result<Try, FeedError> {
        let state = State::of(address, response.headers());
        let limit = self.limits.file_bytes;
        if response.content_length().is_some_and(|length| length.saturating_add(started) > limit) {
            return Err(FeedError::TooLarge { address: address.to_owned(), limit_bytes: limit });
        }
        write_state(&files.part_state, &state)?;
        let on_part = |error| FeedError::io(&files.part, error);
        let mut options = OpenOptions::new();
        let options = if started > 0 { options.append(true) } else { options.write(true).truncate(true).create(true) };
        let mut part = options.open(&files.part).map_err(on_part)?;
        let mut length = started;
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = match response.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    part.flush().map_err(on_part)?;
                    return Ok(Try::Again { cause: FeedError::io(address, error), wait: None });
                }
            };
            length += read as u64;
            if length > limit {
                drop(part);
                discard(&files.part)?;
                return Err(FeedError::TooLarge { address: address.to_owned(), limit_bytes: limit });
            }
            part.write_all(buffer.get(..read).unwrap_or_default()).map_err(on_part)?;
        }
        part.sync_all().map_err(on_part)?;
        drop(part);
        if let Err(error) = self.verify(address, &files.part, check) {
            discard(&files.part)?;
            return Err(error);
        }
        fs::rename(&files.part, &files.whole).map_err(|error| FeedError::io(&files.whole, error))?;
        write_state(&files.state, &state)?;
        discard(&files.part_state)?;
        Ok(Try::Done(Got::Changed(length)))
    }

    /// Compares a file with its published digest, where there is one.
    fn verify(&self, address: &str, part: &Path, check: Check) -> Result<(), FeedError> {
        let expected = match check {
            Check::None => return Ok(()),
            Check::Meta => {
                let meta = format!("{}.meta", address.trim_end_matches(".gz").trim_end_matches(".json"));
                self.small(&meta)?.and_then(|text| {
                    text.lines().find_map(|line| line.trim().strip_prefix("sha256:").map(str::to_ascii_lowercase))
                })
            }
        };
        let Some(expected) = expected else { return Ok(()) };
        let on_part = |error| FeedError::io(part, error);
        let file = BufReader::new(File::open(part).map_err(on_part)?);
        let plain = flate2::read::MultiGzDecoder::new(file).take(self.limits.unpacked_bytes);
        let found = digest(&mut { plain }).map_err(on_part)?;
        if found == expected {
            return Ok(());
        }
        Err(FeedError::Checksum { address: address.to_owned(), expected, found })
    }

    /// The text of a small answer; `None` where there is none.
    fn small(&self, address: &str) -> Result<Option<String>, FeedError> {
        let failed = |source| FeedError::Request { address: address.to_owned(), source };
        let response = self.client(address)?.get(address).send().map_err(failed)?;
        match response.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            status => return Err(FeedError::Status { address: address.to_owned(), status }),
        }
        let mut text = String::new();
        let read = response.take(SMALL_BYTES + 1).read_to_string(&mut text);
        match read.map_err(|error| FeedError::io(address, error))? as u64 > SMALL_BYTES {
            true => Err(FeedError::TooLarge { address: address.to_owned(), limit_bytes: SMALL_BYTES }),
            false => Ok(Some(text)),
        }
    }

    /// The client for an address: HTTPS alone, redirects too, but for addresses of this machine.
    fn client(&self, address: &str) -> Result<&Client, FeedError> {
        let refused = || FeedError::Address { address: address.to_owned() };
        let url = Url::parse(address).map_err(|_| refused())?;
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        match (url.scheme(), loopback) {
            ("https", _) => Ok(&self.https),
            ("http", true) => Ok(&self.loopback),
            _ => Err(refused()),
        }
    }

    /// Doubles with each try; the address shifts it so that many requests do not come back together.
    fn backoff(&self, address: &str, tries: u32) -> Duration {
        let base = self.limits.retry_milliseconds.saturating_mul(1 << tries.min(10));
        let shift = address.bytes().fold(0_u64, |sum, b| sum.wrapping_mul(31).wrapping_add(u64::from(b)));
        Duration::from_millis(base + shift % (base / 2 + 1))
    }
}

/// Whether a partial answer goes on where the part ends.
fn starts_at(response: &Response, started: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {started}-")))
}

fn wait_of(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Writes beside, then renames: a state is whole or not there.
fn write_state(path: &Path, state: &State) -> Result<(), FeedError> {
    let on_path = |error| FeedError::io(path, error);
    let bytes = serde_json::to_vec(state).map_err(|error| on_path(error.into()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(on_path)?;
    file.write_all(&bytes).map_err(on_path)?;
    file.persist(path).map_err(|error| on_path(error.error))?;
    Ok(())
}

fn discard(path: &Path) -> Result<(), FeedError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FeedError::io(path, error)),
        _ => Ok(()),
    }
}
