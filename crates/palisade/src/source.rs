//! From what the user names to an opened source.

use crate::outcome::advised;
use anyhow::Context;
use oci::{Image, Platform};
use std::path::{Path, PathBuf};

/// The kinds of source, by the peers' scheme names.
const SCHEMES: &[(&str, Scheme)] = &[
    ("registry", Scheme::Registry),
    ("docker", Scheme::Docker),
    ("podman", Scheme::Podman),
    ("containerd", Scheme::Containerd),
    ("docker-archive", Scheme::DockerArchive),
    ("oci-archive", Scheme::OciArchive),
    ("oci-dir", Scheme::OciDir),
    ("singularity", Scheme::Singularity),
    ("dir", Scheme::Directory),
    ("file", Scheme::File),
];

/// A kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Registry,
    Docker,
    Podman,
    Containerd,
    DockerArchive,
    OciArchive,
    OciDir,
    Singularity,
    Directory,
    File,
}

/// What the user named, opened.
pub(crate) enum Opened {
    Image { image: Box<Image>, user_input: String },
    Directory(PathBuf),
    File(PathBuf),
}

/// Where images may come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceOptions {
    /// Schemes to try, in order, for input without one; empty: the usual order.
    pub(crate) from: Vec<String>,
    /// Of an image index.
    pub(crate) platform: Option<Platform>,
}

/// Opens what `input` names: `SCHEME:REST`, or without a scheme a local archive, a folder or file, then an image from
/// the daemons and the registry.
///
/// # Errors
/// Where it is not there or can't be read.
pub(crate) fn open(input: &str, options: &SourceOptions) -> anyhow::Result<Opened> {
    if let Some((scheme, rest)) = scheme(input) {
        return open_as(scheme, rest, options).with_context(|| format!("cannot open {input}"));
    }
    Err(advised(
        format!("{input} is neither a file nor a folder"),
        "name it with a scheme, for example dir:. or oci-dir:PATH",
    ))
}

fn scheme(input: &str) -> Option<(Scheme, &str)> {
    let (name, rest) = input.split_once(':')?;
    SCHEMES.iter().find(|(known, _)| *known == name).map(|(_, scheme)| (*scheme, rest))
}

fn open_as(scheme: Scheme, rest: &str, options: &SourceOptions) -> anyhow::Result<Opened> {
    let platform = options.platform.as_ref();
    match scheme {
        Scheme::Directory => Ok(Opened::Directory(PathBuf::from(rest))),
        Scheme::File => Ok(Opened::File(PathBuf::from(rest))),
        Scheme::OciDir => {
            let image = oci::layout::open(Path::new(rest), None, platform)?;
            Ok(Opened::Image { image: Box::new(image), user_input: rest.to_owned() })
        }
        other => Err(advised(format!("{other:?} is not there yet"), "")),
    }
}
