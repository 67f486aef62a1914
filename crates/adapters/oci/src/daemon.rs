//! Images of the Docker daemon and of Podman's service, over their HTTP APIs (Docker Engine API 1.41).
//!
//! The daemon streams the image as `docker save` does. It is asked once to find the layers, and once more for each layer
//! that is read: nothing is written to disk.

use crate::archive::{self, Tar};
use crate::{Image, OciError, Platform};
use reqwest::blocking::{Client, Response};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use std::env;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Old daemons prepare the whole archive before they send its first byte.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// What an inspection or an error may have.
const MAX_DOCUMENT: u64 = 4 << 20;

/// Whose API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The Docker daemon: `DOCKER_HOST`, or `/var/run/docker.sock`.
    Docker,
    /// Podman's service: `CONTAINER_HOST`, or its sockets for the user and for root.
    Podman,
}

/// Why a daemon gave no image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// Nothing listens.
    #[error("cannot reach {engine} at {address}; start it, set {variable}, or use registry: to do without it")]
    Unreachable {
        /// `docker`, `podman` or `containerd`.
        engine: &'static str,
        /// Where it was looked for.
        address: String,
        /// The variable that says where it is.
        variable: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address is of a kind that is not spoken.
    #[error("{variable}={address} is neither unix://, tcp:// nor http://; forward its socket and name that")]
    Address {
        /// The variable.
        variable: &'static str,
        /// Its value.
        address: String,
    },
    /// 404.
    #[error("{engine} has no image {image}; run `{engine} pull {image}`, or use registry:{image}")]
    NotFound {
        /// `docker`, `podman` or `containerd`.
        engine: &'static str,
        /// As asked for.
        image: String,
    },
    /// Another status.
    #[error("{engine} answered with status {status}: {message}")]
    Status {
        /// `docker`, `podman` or `containerd`.
        engine: &'static str,
        /// The status.
        status: u16,
        /// What it says, shortened.
        message: String,
    },
}

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Docker => "DOCKER_HOST",
            Self::Podman => "CONTAINER_HOST",
        }
    }

    /// `unix://...` or another address.
    fn address(self) -> String {
        if let Some(address) = env::var(self.variable()).ok().filter(|address| !address.is_empty()) {
            return address;
        }
        let path = match self {
            Self::Docker => "/var/run/docker.sock".to_owned(),
            Self::Podman => {
                let of_user = env::var("XDG_RUNTIME_DIR").map(|folder| format!("{folder}/podman/podman.sock"));
                let of_user = of_user.ok().filter(|path| Path::new(path).exists());
                of_user.unwrap_or_else(|| "/run/podman/podman.sock".to_owned())
            }
        };
        format!("unix://{path}")
    }
}

/// Opens the image that `reference` (a name or an ID) means to the daemon.
///
/// # Errors
/// Where the daemon can't be reached, has no such image or another platform's, or its archive is malformed.
pub fn open(engine: Engine, reference: &str, platform: Option<&Platform>) -> Result<Image, OciError> {
    open_at(engine, &engine.address(), reference, platform)
}

fn open_at(engine: Engine, address: &str, reference: &str, platform: Option<&Platform>) -> Result<Image, OciError> {
    let daemon = Daemon::new(engine, address, reference)?;
    let inspected = daemon.inspect()?;
    if let Some(wanted) = platform
        && (wanted.os != inspected.os || wanted.architecture != inspected.architecture)
    {
        let available = format!("{}/{}", inspected.os, inspected.architecture);
        return Err(OciError::NoPlatform { wanted: wanted.to_string(), available });
    }
    let mut image = archive::from_docker_tar(Box::new(daemon), engine.name())?;
    image.tags = inspected.repo_tags.unwrap_or_default();
    image.repo_digests = inspected.repo_digests.unwrap_or_default();
    Ok(image)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

struct Daemon {
    engine: Engine,
    address: String,
    client: Client,
    base: Url,
    image: String,
}

impl Daemon {
    fn new(engine: Engine, address: &str, image: &str) -> Result<Self, OciError> {
        let variable = engine.variable();
        let wrong = || DaemonError::Address { variable, address: address.to_owned() };
        let builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(IDLE_TIMEOUT)
            .redirect(Policy::none())
            .no_proxy();
        let (builder, base) = match address.split_once("://") {
            Some(("unix", path)) => (builder.unix_socket(path), "http://localhost".to_owned()),
            Some(("tcp" | "http", host)) => (builder, format!("http://{host}")),
            _ => return Err(wrong().into()),
        };
        let base = Url::parse(&base).map_err(|_| wrong())?;
        let client = builder.build().map_err(|source| unreachable(engine, address, source))?;
        Ok(Self { engine, address: address.to_owned(), client, base, image: image.to_owned() })
    }

    fn inspect(&self) -> Result<Inspected, OciError> {
        let mut text = Vec::new();
        let response = self.get("json")?;
        let read = response.take(MAX_DOCUMENT).read_to_end(&mut text);
        read.map_err(|error| OciError::malformed("inspection", error))?;
        serde_json::from_slice(&text).map_err(|error| OciError::malformed("inspection", error))
    }

    fn get(&self, what: &str) -> Result<Response, DaemonError> {
        let mut url = self.base.clone();
        url.set_path(&format!("/images/{}/{what}", self.image));
        let response = self.client.get(url).send();
        let response = response.map_err(|source| unreachable(self.engine, &self.address, source))?;
        let engine = self.engine.name();
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND => Err(DaemonError::NotFound { engine, image: self.image.clone() }),
            status => {
                let mut message = Vec::new();
                // The status is what counts.
                let _ = response.take(300).read_to_end(&mut message);
                let message = String::from_utf8_lossy(&message).trim().replace(char::is_control, " ");
                Err(DaemonError::Status { engine, status: status.as_u16(), message })
            }
        }
    }
}

fn unreachable(engine: Engine, address: &str, source: reqwest::Error) -> DaemonError {
    let (engine, variable) = (engine.name(), engine.variable());
    DaemonError::Unreachable { engine, address: address.to_owned(), variable, source: source.without_url().into() }
}

impl Tar for Daemon {
    fn stream(&self) -> Result<Box<dyn Read + Send + '_>, OciError> {
        // Headers are read block by block.
        Ok(Box::new(std::io::BufReader::with_capacity(256 << 10, self.get("get")?)))
    }

    fn seek(&self, _offset: u64) -> Result<Option<Box<dyn Read + Send + '_>>, OciError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixListener;

    /// The tar of an image without layers.
    fn saved() -> Vec<u8> {
        let config = br#"{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":[]}}"#;
        let manifest = br#"[{"Config":"c.json","RepoTags":["a:1"],"Layers":[]}]"#;
        let mut tar = Vec::new();
        for (name, content) in [("c.json", config.as_slice()), ("manifest.json", manifest)] {
            let mut block = vec![0_u8; 512];
            block[..name.len()].copy_from_slice(name.as_bytes());
            block[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
            block[148..156].copy_from_slice(b"        ");
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            tar.extend(block);
            tar.extend(content);
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.resize(tar.len() + 1024, 0);
        tar
    }

    fn serve(listener: &UnixListener) {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap() == 0 {
                    break;
                }
                request.push(byte[0]);
            }
            let request = String::from_utf8(request).unwrap();
            let inspected =
                br#"{"RepoTags":["team/a:1"],"RepoDigests":["team/a@sha256:00"],"Os":"linux","Architecture":"amd64"}"#;
            let (status, body) = match request.split(' ').nth(1) {
                Some("/images/team/a:1/json") => ("200 OK", inspected.to_vec()),
                Some("/images/team/a:1/get") => ("200 OK", saved()),
                Some("/images/broken/json") => ("500 Internal Server Error", b"{\"message\":\"disk full\"}".to_vec()),
                _ => ("404 Not Found", Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(&[head.into_bytes(), body].concat()).unwrap();
        }
    }

    #[test]
    fn over_a_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        std::thread::spawn(move || serve(&listener));
        let address = format!("unix://{}", path.display());
        let open =
            |reference: &str, platform: Option<&Platform>| open_at(Engine::Docker, &address, reference, platform);

        let image = open("team/a:1", None).unwrap();
        assert_eq!(
            (image.tags, image.repo_digests),
            (vec!["team/a:1".to_owned()], vec!["team/a@sha256:00".to_owned()])
        );
        let message = |reference, platform| open(reference, platform).err().unwrap().to_string();
        assert!(message("none", None).contains("docker pull none"));
        assert!(message("broken", None).contains("disk full"));
        let other = "linux/s390x".parse::<Platform>().unwrap();
        assert!(message("team/a:1", Some(&other)).contains("linux/amd64"));
        let absent = open_at(Engine::Podman, "unix:///nonexistent/socket", "a", None).err().unwrap();
        assert!(absent.to_string().contains("CONTAINER_HOST"));
        let ssh = open_at(Engine::Docker, "ssh://host", "a", None).err().unwrap();
        assert!(ssh.to_string().contains("DOCKER_HOST"));
    }
}
