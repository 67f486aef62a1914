//! From what the user names to an opened source.

use crate::outcome::advised;
use crate::settings::{Settings, invalid};
use anyhow::Context;
use oci::{Image, ImageScheme, OpenOptions, RegistryCredentials, RegistryOptions, registry::Mirror};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// The kinds of source, by the peers' scheme names.
const SCHEMES: &[(&str, Scheme)] = &[
    ("docker", Scheme::Image(ImageScheme::Docker)),
    ("podman", Scheme::Image(ImageScheme::Podman)),
    ("containerd", Scheme::Image(ImageScheme::Containerd)),
    ("registry", Scheme::Image(ImageScheme::Registry)),
    ("oci-registry", Scheme::Image(ImageScheme::Registry)),
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
#[derive(Debug, Default)]
pub(crate) struct SourceOptions {
    /// Schemes to try, in order, for input without one; empty: the usual order.
    from: Vec<String>,
    /// The scheme to try first of those that pull.
    pull_source: String,
    /// Platform and registries.
    images: OpenOptions,
}

impl SourceOptions {
    /// What the settings say.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let platform = settings
            .some("platform")
            .map(|text| text.parse().map_err(|_| invalid(format!("bad platform {text:?}"), "write it as linux/arm64")));
        let pull_key = match settings.app().name {
            "grype" => "default-image-pull-source",
            _ => "source.image.default-pull-source",
        };
        Ok(Self {
            from: settings.list("from"),
            pull_source: settings.text(pull_key).to_owned(),
            images: OpenOptions { platform: platform.transpose()?, registry: registry(settings)? },
        })
    }
}

fn registry(settings: &Settings) -> anyhow::Result<RegistryOptions> {
    let mut options = RegistryOptions {
        insecure_skip_tls_verify: settings.bool("registry.insecure-skip-tls-verify"),
        insecure_use_http: settings.bool("registry.insecure-use-http"),
        ca_cert: settings.path("registry.ca-cert"),
        mirrors: mirrors(&std::env::var("PALISADE_REGISTRY_MIRRORS").unwrap_or_default())?,
        ..RegistryOptions::default()
    };
    if let Some(Json::Array(entries)) = settings.rules("registry.auth") {
        options.auth.extend(entries.iter().map(credentials));
    }
    // Those of the tool itself come first.
    let own = settings.app().prefix;
    let others = ["SYFT", "GRYPE"].into_iter().filter(|prefix| *prefix != own);
    for prefix in others.chain([own]) {
        options.add_environment(prefix, |name| std::env::var(name).ok());
    }
    Ok(options)
}

/// `REGISTRY=HOST[:PORT][/PREFIX],...`: where images of a registry are looked for first. The peers have no such setting.
fn mirrors(text: &str) -> anyhow::Result<Vec<Mirror>> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| match entry.split_once('=') {
            Some((registry, location)) if !registry.is_empty() && !location.is_empty() => {
                Ok(Mirror { registry: registry.to_owned(), location: location.to_owned() })
            }
            _ => Err(advised(
                format!("{entry:?} is no mirror"),
                "write PALISADE_REGISTRY_MIRRORS as REGISTRY=HOST[:PORT][/PREFIX], separated by commas",
            )),
        })
        .collect()
}

fn credentials(entry: &Json) -> RegistryCredentials {
    let text = |name: &str| entry.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let path = |name: &str| Some(text(name)).filter(|path| !path.is_empty()).map(|path| crate::settings::expand(&path));
    RegistryCredentials {
        authority: text("authority"),
        username: text("username").into(),
        password: text("password").into(),
        token: text("token").into(),
        tls_cert: path("tls-cert"),
        tls_key: path("tls-key"),
    }
}

/// Opens what `input` names: `SCHEME:REST`, or without a scheme a local layout or archive, a folder or file, then an image
/// from the daemons and the registry, in the peers' order.
///
/// # Errors
/// Where it is not there or can't be read. For input without a scheme, of everything that was tried.
pub(crate) fn open(input: &str, options: &SourceOptions) -> anyhow::Result<Opened> {
    if let Some((scheme, rest)) = scheme(input) {
        return open_as(scheme, rest, options).with_context(|| format!("cannot open {input}"));
    }
    let schemes = if options.from.is_empty() {
        usual_order(Path::new(input), &options.pull_source)
    } else {
        named(&options.from)?
    };
    let mut causes = Vec::new();
    for (name, scheme) in schemes {
        match open_as(scheme, input, options) {
            Ok(opened) => return Ok(opened),
            Err(error) => causes.push(format!("  - {name}: {error:#}")),
        }
    }
    Err(advised(
        format!("could not determine source: errors occurred attempting to resolve '{input}':\n{}", causes.join("\n")),
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
fn usual_order(path: &Path, pull_source: &str) -> Vec<Named> {
    let names: &[&str] = if path.join("index.json").is_file() && path.join("oci-layout").is_file() {
        &["oci-dir", "dir"]
    } else if path.is_dir() {
        &["dir"]
    } else if path.is_file() {
        &["docker-archive", "oci-archive", "file"]
    } else {
        &["docker", "podman", "containerd", "oci-registry"]
    };
    let mut order: Vec<Named> = SCHEMES.iter().filter(|(name, _)| names.contains(name)).copied().collect();
    let wanted = if pull_source == "registry" { "oci-registry" } else { pull_source };
    // The sort is stable: the others keep their order.
    order.sort_by_key(|(name, _)| *name != wanted);
    order
}

fn open_as(scheme: Scheme, rest: &str, options: &SourceOptions) -> anyhow::Result<Opened> {
    match scheme {
        Scheme::Directory => Ok(Opened::Directory(PathBuf::from(rest))),
        Scheme::File => Ok(Opened::File(PathBuf::from(rest))),
        Scheme::Image(scheme) => {
            let image = oci::open(scheme, rest, &options.images)?;
            Ok(Opened::Image { image: Box::new(image), user_input: rest.to_owned() })
        }
    }
}
