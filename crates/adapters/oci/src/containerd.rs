//! Images of containerd, over its gRPC services `images.v1` and `content.v1` (containerd API 1.6 and later).
//!
//! Blobs come straight from its content store: nothing is exported, nothing written to disk.

use crate::daemon::DaemonError;
use crate::reference::{DOCKER_HUB, Reference};
use crate::{BlobSource, Descriptor, Image, OciError, Platform};
use hyper_util::rt::TokioIo;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

/// How long containerd may take for one answer or one piece of a blob.
const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the image of that name in containerd, in the namespace `CONTAINERD_NAMESPACE` (`default`), at the socket
/// `CONTAINERD_ADDRESS`, the user's own, or `/run/containerd/containerd.sock`.
///
/// # Errors
/// Where containerd can't be reached, has no such image, or the image is malformed.
pub fn open(reference: &str, platform: Option<&Platform>) -> Result<Image, OciError> {
    let namespace = env::var("CONTAINERD_NAMESPACE").ok().filter(|name| !name.is_empty());
    open_at(&address(), namespace.as_deref().unwrap_or("default"), reference, platform)
}

fn open_at(address: &Path, namespace: &str, reference: &str, platform: Option<&Platform>) -> Result<Image, OciError> {
    let parsed: Reference = reference.parse()?;
    let repository = repository(&parsed);
    let name = full_name(&parsed);
    let store = Store::connect(address, namespace)?;
    let root = store.target(&name)?;
    let mut image = Image::open(Box::new(store), &root, platform)?;
    image.repo_digests.push(format!("{repository}@{}", root.digest));
    if parsed.digest().is_none() {
        image.tags.push(name);
    }
    Ok(image)
}

/// The name under which containerd and its clients keep an image.
fn full_name(reference: &Reference) -> String {
    let separator = if reference.digest().is_some() { '@' } else { ':' };
    format!("{}{separator}{}", repository(reference), reference.identifier())
}

fn repository(reference: &Reference) -> String {
    let registry = if reference.registry() == DOCKER_HUB { "docker.io" } else { reference.registry() };
    format!("{registry}/{}", reference.repository())
}

fn address() -> PathBuf {
    let chosen = env::var_os("CONTAINERD_ADDRESS").filter(|address| !address.is_empty());
    let of_user = || {
        let pid = fs::read_to_string(Path::new(&env::var_os("XDG_RUNTIME_DIR")?).join("containerd-rootless/child_pid"));
        let pid: u32 = pid.ok()?.trim().parse().ok()?;
        Some(PathBuf::from(format!("/proc/{pid}/root/run/containerd/containerd.sock")))
    };
    chosen.map(PathBuf::from).or_else(of_user).unwrap_or_else(|| "/run/containerd/containerd.sock".into())
}

/// Containerd's content store.
struct Store {
    runtime: Arc<Runtime>,
    channel: Channel,
    namespace: AsciiMetadataValue,
}

impl Store {
    fn connect(address: &Path, namespace: &str) -> Result<Self, OciError> {
        let shown = address.display().to_string();
        let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| DaemonError::Unreachable {
            engine: "containerd",
            address: shown.clone(),
            variable: "CONTAINERD_ADDRESS",
            source,
        };
        let namespace = namespace.parse().map_err(|error| unreachable(Box::new(error)))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| unreachable(error.into()))?;
        let path = address.to_path_buf();
        let connector = tower::service_fn(move |_: Uri| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        // The connector knows where to go; the address only fills the request.
        let endpoint = Endpoint::from_static("http://localhost").connect_timeout(CONNECT_TIMEOUT);
        let channel = runtime.block_on(endpoint.connect_with_connector(connector));
        let channel = channel.map_err(|error| unreachable(error.into()))?;
        Ok(Self { runtime: Arc::new(runtime), channel, namespace })
    }

    /// What an image's name stands for.
    fn target(&self, name: &str) -> Result<Descriptor, OciError> {
        let request = self.request(message::GetImage { name: name.to_owned() });
        let path = PathAndQuery::from_static("/containerd.services.images.v1.Images/Get");
        let answer = self.runtime.block_on(in_time(async {
            self.client().await?.unary(request, path, ProstCodec::<_, message::GotImage>::default()).await
        }));
        let answer = answer.map_err(|status| match status.code() {
            Code::NotFound => DaemonError::NotFound { engine: "containerd", image: name.to_owned() },
            code => DaemonError::Status {
                engine: "containerd",
                status: code as u16,
                message: status.message().replace(char::is_control, " "),
            },
        })?;
        let target = answer.into_inner().image.and_then(|image| image.target);
        let target = target.ok_or_else(|| OciError::malformed("image", "containerd tells no target"))?;
        Ok(Descriptor {
            media_type: target.media_type,
            digest: target.digest,
            size: u64::try_from(target.size).unwrap_or_default(),
            ..Descriptor::default()
        })
    }

    /// A client that may send.
    async fn client(&self) -> Result<Grpc<Channel>, Status> {
        let mut client = Grpc::new(self.channel.clone());
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(client)
    }

    fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("containerd-namespace", self.namespace.clone());
        request
    }
}

impl BlobSource for Store {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, OciError> {
        let request = self.request(message::ReadContent { digest: descriptor.digest.clone(), offset: 0, size: 0 });
        let path = PathAndQuery::from_static("/containerd.services.content.v1.Content/Read");
        let answer = self.runtime.block_on(in_time(async {
            self.client().await?.server_streaming(request, path, ProstCodec::<_, message::Content>::default()).await
        }));
        let failed = |status: Status| OciError::File { path: descriptor.digest.clone().into(), source: other(&status) };
        let stream = answer.map_err(failed)?.into_inner();
        Ok(Box::new(Blob { runtime: Arc::clone(&self.runtime), stream, piece: Vec::new(), at: 0 }))
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let late = |_| Status::deadline_exceeded(format!("no answer within {} s", TIMEOUT.as_secs()));
    tokio::time::timeout(TIMEOUT, answer).await.map_err(late)?
}

fn other(status: &Status) -> io::Error {
    io::Error::other(format!("containerd: {}", status.message()))
}

/// A blob as it comes, piece by piece.
struct Blob {
    runtime: Arc<Runtime>,
    stream: Streaming<message::Content>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            let next = self.runtime.block_on(in_time(self.stream.message())).map_err(|status| other(&status))?;
            let Some(next) = next else { return Ok(0) };
            (self.piece, self.at) = (next.data, 0);
        }
        let read = self.piece.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

/// The few messages that are needed (containerd's `images.proto`, `content.proto` and `descriptor.proto`).
mod message {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct GetImage {
        #[prost(string, tag = "1")]
        pub(super) name: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct GotImage {
        #[prost(message, optional, tag = "1")]
        pub(super) image: Option<Image>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Image {
        #[prost(message, optional, tag = "3")]
        pub(super) target: Option<Target>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Target {
        #[prost(string, tag = "1")]
        pub(super) media_type: String,
        #[prost(string, tag = "2")]
        pub(super) digest: String,
        #[prost(int64, tag = "3")]
        pub(super) size: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ReadContent {
        #[prost(string, tag = "1")]
        pub(super) digest: String,
        #[prost(int64, tag = "2")]
        pub(super) offset: i64,
        #[prost(int64, tag = "3")]
        pub(super) size: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Content {
        #[prost(bytes = "vec", tag = "2")]
        pub(super) data: Vec<u8>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_containerd() {
        let name = |text: &str| full_name(&text.parse().unwrap());
        assert_eq!(name("alpine"), "docker.io/library/alpine:latest");
        assert_eq!(name("team/app:1"), "docker.io/team/app:1");
        assert_eq!(name("registry.example:5000/app:1"), "registry.example:5000/app:1");
        let digest = format!("sha256:{}", "0".repeat(64));
        assert_eq!(name(&format!("quay.io/a/b@{digest}")), format!("quay.io/a/b@{digest}"));
    }

    #[test]
    fn says_where_it_looked() {
        let error = open_at(Path::new("/nonexistent/socket"), "default", "a", None).err().unwrap();
        assert!(error.to_string().contains("/nonexistent/socket") && error.to_string().contains("CONTAINERD_ADDRESS"));
    }
}
