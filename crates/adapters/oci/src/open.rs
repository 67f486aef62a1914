//! One way to open an image, wherever it is.

use crate::daemon::{self, Engine};
use crate::{Image, OciError, Platform, RegistryOptions, archive, containerd, layout, registry};
use std::path::Path;

/// Where an image is: what the peers write in front of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageScheme {
    /// `registry:`, straight from a registry.
    Registry,
    /// `docker:`, from the Docker daemon.
    Docker,
    /// `podman:`, from Podman's service.
    Podman,
    /// `containerd:`, from containerd's content store.
    Containerd,
    /// `docker-archive:`, a file of `docker save`.
    DockerArchive,
    /// `oci-archive:`, a tar of an OCI image layout.
    OciArchive,
    /// `oci-dir:`, a folder with an OCI image layout.
    OciDir,
    /// `singularity:`.
    Singularity,
}

/// What [`open`] needs besides a reference.
#[derive(Debug, Default)]
pub struct OpenOptions {
    /// Of several images, the one to take; the host's where none is given.
    pub platform: Option<Platform>,
    /// How registries are reached.
    pub registry: RegistryOptions,
}

/// Opens the image that `reference` names: a name for registries and daemons, a path for the others. It blocks, so it
/// must not be called on a thread of an asynchronous runtime.
///
/// # Errors
/// Where there is no such image, it can't be reached, or it is malformed.
pub fn open(scheme: ImageScheme, reference: &str, options: &OpenOptions) -> Result<Image, OciError> {
    let platform = options.platform.as_ref();
    match scheme {
        ImageScheme::OciDir => layout::open(Path::new(reference), None, platform),
        ImageScheme::Registry => registry::open(reference, platform, &options.registry),
        ImageScheme::Docker => daemon::open(Engine::Docker, reference, platform),
        ImageScheme::Podman => daemon::open(Engine::Podman, reference, platform),
        ImageScheme::DockerArchive => archive::open_docker(Path::new(reference)),
        ImageScheme::OciArchive => archive::open_oci(Path::new(reference), None, platform),
        ImageScheme::Containerd => containerd::open(reference, platform),
        ImageScheme::Singularity => {
            Err(OciError::Unsupported { scheme: "singularity", hint: "read the folder it unpacks to with dir:" })
        }
    }
}
