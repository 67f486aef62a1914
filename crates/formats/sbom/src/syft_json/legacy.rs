//! Shapes that differ between schema versions (Syft `format/syftjson/model` and `internal/packagemetadata/names.go`).

use super::read::Place;
use crate::builder::Builder;
use crate::{Digest, Distro, FileKind, Location, SourceKind, SourceLayer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A licence: a name alone before schema 8.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum LicenseEntry {
    Name(String),
    Full(FullLicense),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FullLicense {
    pub(super) value: String,
    pub(super) spdx_expression: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) urls: Option<Vec<String>>,
    pub(super) locations: Option<Vec<Place>>,
    pub(super) contents: String,
}

impl LicenseEntry {
    pub(super) fn into_full(self) -> FullLicense {
        match self {
            Self::Name(value) => FullLicense { value, ..FullLicense::default() },
            Self::Full(full) => full,
        }
    }
}

/// A CPE: a name alone before schema 16.0.3.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum CpeEntry {
    Name(String),
    Full {
        cpe: String,
        #[serde(default)]
        source: String,
    },
}

impl CpeEntry {
    pub(super) fn into_parts(self) -> (String, String) {
        match self {
            Self::Name(name) => (name, String::new()),
            Self::Full { cpe, source } => (cpe, source),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct DigestEntry {
    pub(super) algorithm: String,
    pub(super) value: String,
}

/// The kind of a file: a number (stereoscope's) in early schemas.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum FileType {
    Name(String),
    Number(i64),
}

impl Default for FileType {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl FileType {
    pub(super) fn into_kind(self) -> FileKind {
        match self {
            Self::Name(name) => match name.as_str() {
                "RegularFile" => FileKind::Regular,
                "Directory" => FileKind::Directory,
                "SymbolicLink" => FileKind::Symlink,
                "HardLink" => FileKind::HardLink,
                "CharacterDevice" => FileKind::CharacterDevice,
                "BlockDevice" => FileKind::BlockDevice,
                "FIFONode" => FileKind::Fifo,
                "Socket" => FileKind::Socket,
                _ => FileKind::Irregular,
            },
            Self::Number(number) => match number {
                0 => FileKind::Regular,
                1 => FileKind::HardLink,
                2 => FileKind::Symlink,
                3 => FileKind::CharacterDevice,
                4 => FileKind::BlockDevice,
                5 => FileKind::Directory,
                6 => FileKind::Fifo,
                7 => FileKind::Socket,
                _ => FileKind::Irregular,
            },
        }
    }
}

/// A distribution; `idLike` was one text before schema 3.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Release {
    pretty_name: String,
    name: String,
    id: String,
    id_like: Option<OneOrMany>,
    version: String,
    #[serde(rename = "versionID")]
    version_id: String,
    version_codename: String,
    #[serde(rename = "buildID")]
    build_id: String,
    #[serde(rename = "imageID")]
    image_id: String,
    image_version: String,
    variant: String,
    #[serde(rename = "variantID")]
    variant_id: String,
    #[serde(rename = "homeURL")]
    home_url: String,
    #[serde(rename = "supportURL")]
    support_url: String,
    #[serde(rename = "bugReportURL")]
    bug_report_url: String,
    #[serde(rename = "privacyPolicyURL")]
    privacy_policy_url: String,
    cpe_name: String,
    support_end: String,
    extended_support: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<Release> for Distro {
    fn from(release: Release) -> Self {
        Self {
            pretty_name: release.pretty_name,
            name: release.name,
            id: release.id,
            id_like: match release.id_like {
                None => Vec::new(),
                Some(OneOrMany::One(one)) => vec![one],
                Some(OneOrMany::Many(many)) => many,
            },
            version: release.version,
            version_id: release.version_id,
            version_codename: release.version_codename,
            build_id: release.build_id,
            image_id: release.image_id,
            image_version: release.image_version,
            variant: release.variant,
            variant_id: release.variant_id,
            home_url: release.home_url,
            support_url: release.support_url,
            bug_report_url: release.bug_report_url,
            privacy_policy_url: release.privacy_policy_url,
            cpe_name: release.cpe_name,
            support_end: release.support_end,
            extended_support: release.extended_support,
        }
    }
}

/// The source; its metadata was called `target` before schema 9, and was a bare path for folders and files.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Source<'a> {
    id: String,
    name: String,
    version: String,
    supplier: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    target: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Image {
    user_input: String,
    #[serde(rename = "imageID")]
    image_id: String,
    manifest_digest: String,
    media_type: String,
    tags: Option<Vec<String>>,
    layers: Option<Vec<Layer>>,
    manifest: Option<String>,
    config: Option<String>,
    repo_digests: Option<Vec<String>>,
    architecture: String,
    architecture_variant: String,
    os: String,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Layer {
    media_type: String,
    digest: String,
    size: i64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PathLike<'a> {
    Bare(#[serde(borrow)] Cow<'a, str>),
    Full(PathMetadata),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PathMetadata {
    path: String,
    digests: Option<Vec<DigestEntry>>,
    mime_type: String,
}

impl Source<'_> {
    pub(super) fn read_into(self, builder: &mut Builder) {
        let source = &mut builder.document.source;
        source.id = self.id;
        source.name = self.name;
        source.version = self.version;
        source.supplier = self.supplier;
        let metadata = self.target.or(self.metadata).map_or("{}", RawValue::get);
        match self.kind.to_lowercase().as_str() {
            "image" => {
                source.kind = SourceKind::Image;
                image(serde_json::from_str(metadata).unwrap_or_default(), builder);
            }
            "directory" | "dir" => {
                source.kind = SourceKind::Directory;
                source.user_input = path_metadata(metadata).path;
            }
            "file" => {
                source.kind = SourceKind::File;
                let file = path_metadata(metadata);
                source.user_input = file.path;
                source.mime_type = file.mime_type;
                let digest = |entry: DigestEntry| Digest { algorithm: entry.algorithm.into(), hex: entry.value };
                source.digests = file.digests.into_iter().flatten().map(digest).collect();
            }
            _ => source.kind = SourceKind::Document,
        }
    }
}

fn path_metadata(json: &str) -> PathMetadata {
    match serde_json::from_str(json) {
        Ok(PathLike::Bare(path)) => PathMetadata { path: path.into_owned(), ..PathMetadata::default() },
        Ok(PathLike::Full(full)) => full,
        Err(_) => PathMetadata::default(),
    }
}

fn image(image: Image, builder: &mut Builder) {
    let bytes = |base64: Option<String>| BASE64.decode(base64.unwrap_or_default()).unwrap_or_default();
    let source = &mut builder.document.source;
    source.user_input = image.user_input;
    source.image_id = image.image_id;
    source.manifest_digest = image.manifest_digest;
    source.media_type = image.media_type;
    source.tags = image.tags.unwrap_or_default();
    source.manifest = bytes(image.manifest);
    source.config = bytes(image.config);
    source.repo_digests = image.repo_digests.unwrap_or_default();
    source.architecture = image.architecture;
    source.variant = image.architecture_variant;
    source.os = image.os;
    source.labels = image.labels.unwrap_or_default();
    source.annotations = image.annotations.unwrap_or_default();
    for layer in image.layers.into_iter().flatten() {
        builder.add_layer(SourceLayer {
            media_type: layer.media_type,
            digest: layer.digest,
            blob_digest: String::new(),
            size_bytes: u64::try_from(layer.size).unwrap_or_default(),
        });
    }
}

/// The present name of a metadata type: they were named after Go types before schema 12, some for two of today's.
pub(super) fn metadata_kind(kind: &str, locations: &[Location]) -> Cow<'static, str> {
    let ends_with = |end: &str| locations.iter().any(|location| location.path.to_lowercase().ends_with(end));
    let found = match kind {
        "HackageMetadataType" if ends_with(".yaml") => "haskell-hackage-stack-entry",
        "RpmMetadata" if ends_with(".rpm") => "rpm-archive",
        "RustCargoPackageMetadata" if !ends_with("cargo.lock") => "rust-cargo-audit-entry",
        _ => {
            let bare = |name: &str| name.strip_suffix("Type").unwrap_or(name).to_lowercase();
            let wanted = bare(kind);
            let known = LEGACY_NAMES.iter().find(|(old, _)| bare(old) == wanted);
            match known {
                Some((_, new)) => new,
                None => return Cow::Owned(kind.to_owned()),
            }
        }
    };
    Cow::Borrowed(found)
}

const LEGACY_NAMES: &[(&str, &str)] = &[
    ("AlpmMetadata", "alpm-db-entry"),
    ("ApkMetadata", "apk-db-entry"),
    ("BinaryMetadata", "binary-signature"),
    ("CocoapodsMetadata", "cocoa-podfile-lock-entry"),
    ("ConanLockMetadata", "c-conan-lock-entry"),
    ("ConanMetadata", "c-conan-file-entry"),
    ("CondaPackageMetadata", "conda-metadata-entry"),
    ("DartPubMetadata", "dart-pubspec-lock-entry"),
    ("DotnetDepsMetadata", "dotnet-deps-entry"),
    ("DpkgMetadata", "dpkg-db-entry"),
    ("GemMetadata", "ruby-gemspec"),
    ("GolangBinMetadata", "go-module-buildinfo-entry"),
    ("GolangMetadata", "go-module-buildinfo-entry"),
    ("GolangModMetadata", "go-module-entry"),
    ("HackageMetadata", "haskell-hackage-stack-lock-entry"),
    ("JavaMetadata", "java-archive"),
    ("KbPatchMetadata", "microsoft-kb-patch"),
    ("LinuxKernel", "linux-kernel-archive"),
    ("LinuxKernelModule", "linux-kernel-module"),
    ("MixLockMetadata", "elixir-mix-lock-entry"),
    ("NixStoreMetadata", "nix-store-entry"),
    ("NpmPackageJsonMetadata", "javascript-npm-package"),
    ("NpmPackageLockJsonMetadata", "javascript-npm-package-lock-entry"),
    ("PhpComposerJsonMetadata", "php-composer-lock-entry"),
    ("PhpPeclMetadata", "php-pecl-entry"),
    ("PortageMetadata", "portage-db-entry"),
    ("PythonPackageMetadata", "python-package"),
    ("PythonPipfileLockMetadata", "python-pipfile-lock-entry"),
    ("PythonPoetryLockMetadata", "python-poetry-lock-entry"),
    ("PythonRequirementsMetadata", "python-pip-requirements-entry"),
    ("RDescriptionFileMetadata", "r-description"),
    ("RebarLockMetadata", "erlang-rebar-lock-entry"),
    ("RpmMetadata", "rpm-db-entry"),
    ("RpmdbMetadata", "rpm-db-entry"),
    ("RustCargoPackageMetadata", "rust-cargo-lock-entry"),
    ("SwiftPackageManagerMetadata", "swift-package-manager-lock-entry"),
    ("WordpressMetadata", "wordpress-plugin-entry"),
    ("YarnLockJsonMetadata", "javascript-yarn-lock-entry"),
];
