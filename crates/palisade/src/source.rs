//! From what the user names to an opened source.

use crate::outcome::advised;
use anyhow::Context;
use oci::{Image, ImageScheme, OpenOptions, Platform, RegistryOptions};
use std::path::{Path, PathBuf};

/// The kinds of source, by the peers' scheme names.
const SCHEMES: &[(&str, Scheme)] = &[
    ("registry", Scheme::Image(ImageScheme::Registry)),
    ("docker", Scheme::Image(ImageScheme::Docker)),
    ("podman", Scheme::Image(ImageScheme::Podman)),
    ("containerd", Scheme::Image(ImageScheme::Containerd)),
    ("docker-archive", Scheme::Image(ImageScheme::DockerArchive)),
    ("oci-archive", Scheme::Image(ImageScheme::OciArchive)),
    ("oci-dir", Scheme::Image(ImageScheme::OciDir)),
    ("singularity", Scheme::Image(ImageScheme::Singularity)),
    ("dir", Scheme::Directory),
    ("file", Scheme::File),
];

/// A kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Image(ImageScheme),
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

/// Opens what `input` names: `SCHEME:REST`, or without a scheme a local layout or archive, a folder or file, then an image
/// from the daemons and the registry.
///
/// # Errors
/// Where it is not there or can't be read. For input without a scheme, of everything that was tried.
pub(crate) fn open(input: &str, options: &SourceOptions) -> anyhow::Result<Opened> {
    if let Some((scheme, rest)) = scheme(input) {
        return open_as(scheme, rest, options).with_context(|| format!("cannot open {input}"));
    }
    let schemes = if options.from.is_empty() { usual_order(Path::new(input)) } else { named(&options.from)? };
    let mut causes = Vec::new();
    for (name, scheme) in schemes {
        match open_as(scheme, input, options) {
            Ok(opened) => return Ok(opened),
            Err(error) => causes.push(format!("  {name}: {error:#}")),
        }
    }
    Err(advised(
        format!("cannot open {input}; tried\n{}", causes.join("\n")),
        "name the kind of source, for example registry:IMAGE, dir:PATH or oci-dir:PATH",
    ))
}

fn scheme(input: &str) -> Option<(Scheme, &str)> {
    let (name, rest) = input.split_once(':')?;
    SCHEMES.iter().find(|(known, _)| *known == name).map(|(_, scheme)| (*scheme, rest))
}

type Named = (&'static str, Scheme);

/// The schemes that `--from` names.
fn named(names: &[String]) -> anyhow::Result<Vec<Named>> {
    let words = names.iter().flat_map(|names| names.split(','));
    words
        .map(|word| {
            let known: Vec<&str> = SCHEMES.iter().map(|(name, _)| *name).collect();
            SCHEMES.iter().find(|(name, _)| *name == word).copied().ok_or_else(|| {
                advised(format!("{word:?} is no kind of source"), format!("use one of {}", known.join(", ")))
            })
        })
        .collect()
}

/// What is tried for input without a scheme, as the peers do: what is on disk, then daemons, then the registry.
fn usual_order(path: &Path) -> Vec<Named> {
    let names: &[&str] = if path.join("index.json").is_file() && path.join("oci-layout").is_file() {
        &["oci-dir", "dir"]
    } else if path.is_dir() {
        &["dir"]
    } else if path.is_file() {
        &["docker-archive", "oci-archive", "file"]
    } else {
        &["docker", "podman", "registry"]
    };
    SCHEMES.iter().filter(|(name, _)| names.contains(name)).copied().collect()
}

fn open_as(scheme: Scheme, rest: &str, options: &SourceOptions) -> anyhow::Result<Opened> {
    match scheme {
        Scheme::Directory => Ok(Opened::Directory(PathBuf::from(rest))),
        Scheme::File => Ok(Opened::File(PathBuf::from(rest))),
        Scheme::Image(scheme) => {
            let mut registry = RegistryOptions::default();
            for prefix in ["SYFT", "GRYPE"] {
                registry.add_environment(prefix, |name| std::env::var(name).ok());
            }
            let options = OpenOptions { platform: options.platform.clone(), registry };
            let image = oci::open(scheme, rest, &options)?;
            Ok(Opened::Image { image: Box::new(image), user_input: rest.to_owned() })
        }
    }
}
