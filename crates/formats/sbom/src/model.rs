//! The domain types: components, where they were found, and how they relate.
//!
//! The types derive `Serialize` and `Deserialize` only for the layer cache (a private binary format keyed by its own
//! version). The public formats are written by the modules beside this one, never by deriving.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Everything known about one source: the components, the files, the relations between them, and what could not be read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Document {
    /// What was looked at.
    pub source: Source,
    /// The Linux distribution, where the source has one.
    pub distro: Option<Distro>,
    /// Sorted by name, version, type, then first location; [`ComponentIndex`] points into it.
    pub components: Vec<Component>,
    /// Sorted and without duplicates.
    pub relationships: Vec<Relationship>,
    /// Files of interest (owned by a package, or all, as asked), sorted by path.
    pub files: Vec<FileFact>,
    /// Files that should have been understood and were not.
    pub unknowns: Vec<Unknown>,
    /// The tool and its settings.
    pub descriptor: Descriptor,
}

/// The tool that made a document.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Descriptor {
    /// `palisade`, or the peer's name when it was run under it.
    pub name: String,
    /// The tool's version.
    pub version: String,
    /// RFC 3339, seconds, UTC. From `SOURCE_DATE_EPOCH` where that is set.
    pub created: String,
    /// The effective settings, as JSON text; empty when not recorded.
    pub configuration: String,
}

/// Index of a component in [`Document::components`] (or, before assembly, in one extraction's list).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ComponentIndex(pub u32);

/// One package, library, binary, module or driver.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// The identifier it had in the document it was read from; empty where it was catalogued, and then derived from
    /// its content.
    pub id: String,
    /// The ecosystem's own name, for example `org.slf4j:slf4j-api` is name `slf4j-api`; the group is in the purl.
    pub name: String,
    /// The ecosystem's own version, epoch included where the peer includes it (deb, rpm); may be empty.
    pub version: String,
    /// The kind of package.
    pub kind: PackageType,
    /// The cataloger that found it, by the peer's name, for example `dpkg-db-cataloger`.
    pub found_by: Cow<'static, str>,
    /// Where it was found; the first is primary evidence.
    pub locations: Vec<Location>,
    /// What licences it declares.
    pub licenses: Vec<License>,
    /// The language, where it has one.
    pub language: Language,
    /// CPE 2.3 names, declared ones first, then generated candidates.
    pub cpes: Vec<Cpe>,
    /// Package URL; empty when the ecosystem has none.
    pub purl: String,
    /// The source packages it was built from (deb `Source`, rpm `SOURCERPM`, apk `origin`).
    pub upstreams: Vec<Upstream>,
    /// Absolute paths of the files that the package manager says it owns.
    pub owned_files: Vec<String>,
    /// The ecosystem's own record, in the shape of Syft's JSON schema 16.
    pub metadata: Option<Metadata>,
}

/// A source package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Upstream {
    /// Its name.
    pub name: String,
    /// Its version, when it differs from the binary package's.
    pub version: Option<String>,
}

/// The ecosystem's record of a package, kept as JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Syft's `metadataType`, for example `dpkg-db-entry`.
    pub kind: Cow<'static, str>,
    /// One JSON object, compact, keys in the order of Syft's schema.
    pub json: String,
}

/// A file that is evidence of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// Absolute path in the image, or relative to the scanned folder with a leading `/`; symlinks resolved.
    pub path: String,
    /// The path by which it was reached; equal to `path` unless a symlink or an archive lies between
    /// (`/app.war:WEB-INF/lib/a.jar`).
    pub access_path: String,
    /// Index into [`Source::layers`]; `None` for folders and files.
    pub layer: Option<u32>,
    /// True for the file the facts were read from, false for supporting files.
    pub primary: bool,
    /// True for a file that only belongs with the package, as a dpkg maintainer script does: neither primary nor
    /// supporting evidence, and shown without an evidence annotation.
    pub unannotated: bool,
    /// Whether a running container sees the file; stated only by the scopes that look below the squashed image.
    pub visible: Option<bool>,
}

/// A licence statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct License {
    /// As written by the package; may be a whole text's name or an expression.
    pub value: String,
    /// The SPDX expression it means; empty when it has none.
    pub spdx_expression: String,
    /// Declared by the publisher, or concluded from files.
    pub origin: LicenseOrigin,
    /// Addresses given with it.
    pub urls: Vec<String>,
    /// The whole text, where it was asked for; empty otherwise.
    pub contents: String,
    /// The file it was read from, where that is not the package's primary location.
    pub location: Option<Location>,
}

/// Who says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LicenseOrigin {
    /// The package's own metadata.
    #[default]
    Declared,
    /// Read from licence texts.
    Concluded,
}

/// A CPE 2.3 formatted string and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cpe {
    /// `cpe:2.3:a:vendor:product:version:...`, escaped.
    pub name: String,
    /// Its origin.
    pub source: CpeSource,
}

/// Where a CPE came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CpeSource {
    /// Stated by the package or by the classifier that found it.
    Declared,
    /// Looked up in a dictionary.
    NvdDictionary,
    /// Guessed from names.
    Generated,
}

/// A relation between two components or a component and a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Relationship {
    /// The kind; read "`from` KIND `to`".
    pub kind: RelationshipKind,
    /// The subject.
    pub from: ComponentIndex,
    /// The object.
    pub to: ComponentIndex,
}

/// How two components relate. Relations to files follow from locations and owned files and are not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RelationshipKind {
    /// `from` is needed by `to` (Syft: `dependency-of`).
    DependencyOf,
    /// `from` owns a file in which `to` was found (Syft: `ownership-by-file-overlap`).
    OwnershipByFileOverlap,
    /// `from` physically contains `to` (a jar in a war).
    Contains,
}

/// What was catalogued.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Source {
    /// The identifier it had in the document it was read from; empty: derived from the content.
    pub id: String,
    /// The kind.
    pub kind: SourceKind,
    /// Name to show: the image reference, the folder, the file; `--source-name` wins.
    pub name: String,
    /// `--source-version`, else the manifest digest or the file's digest; may be empty.
    pub version: String,
    /// `--source-supplier`.
    pub supplier: String,
    /// As the user wrote it, with no scheme.
    pub user_input: String,
    /// `sha256:...` of the manifest (images).
    pub manifest_digest: String,
    /// `sha256:...` of the configuration (images).
    pub image_id: String,
    /// Media type of the manifest (images).
    pub media_type: String,
    /// Tags of the image, full names.
    pub tags: Vec<String>,
    /// `name@sha256:...`.
    pub repo_digests: Vec<String>,
    /// Layers from the base up.
    pub layers: Vec<SourceLayer>,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The configuration's bytes.
    pub config: Vec<u8>,
    /// For example `amd64`.
    pub architecture: String,
    /// Variant of the architecture, for example `v8`; may be empty.
    pub variant: String,
    /// For example `linux`.
    pub os: String,
    /// Labels of the configuration.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// MIME type of a single file.
    pub mime_type: String,
    /// Digests of a single file, as `(algorithm, hex)`.
    pub digests: Vec<Digest>,
}

/// What kind of thing was catalogued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SourceKind {
    /// A container image.
    Image,
    /// A folder.
    #[default]
    Directory,
    /// A single file.
    File,
    /// Only known from a document.
    Document,
}

/// One layer of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLayer {
    /// Media type of the blob.
    pub media_type: String,
    /// `sha256:...` of the uncompressed tar (the diffID).
    pub digest: String,
    /// `sha256:...` of the blob as stored; empty where not known.
    pub blob_digest: String,
    /// Sum of the sizes of the files in it, bytes.
    pub size_bytes: u64,
}

/// A digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest {
    /// `sha256`, `sha1`, `md5`, ...
    pub algorithm: Cow<'static, str>,
    /// Lower-case hexadecimal.
    pub hex: String,
}

/// One file of the source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileFact {
    /// Absolute path.
    pub path: String,
    /// Index into [`Source::layers`].
    pub layer: Option<u32>,
    /// Kind of the entry.
    pub kind: FileKind,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Target of a link; empty otherwise.
    pub link_target: String,
    /// SHA-1 of the content; all zero when not computed.
    pub sha1: [u8; 20],
    /// SHA-256 of the content; all zero when not computed.
    pub sha256: [u8; 32],
    /// MIME type of the content, for example `text/plain`; empty when not determined.
    pub mime_type: Cow<'static, str>,
    /// What few files have.
    pub details: Option<Box<FileDetails>>,
}

/// What few files have: facts that were asked for, or that came with a document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileDetails {
    /// Digests besides SHA-1 and SHA-256.
    pub digests: Vec<Digest>,
    /// The content in base64; empty when not asked for.
    pub contents: String,
    /// Licences found in it, as one JSON array in the shape of Syft's `files[].licenses`; may be empty.
    pub licenses: String,
    /// What it says as an executable, as one JSON object in the shape of Syft's `files[].executable`; may be empty.
    pub executable: String,
    /// The document names the file and knows nothing of its mode, owner, size and kind.
    pub unmeasured: bool,
}

/// Kind of a file entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FileKind {
    /// A regular file.
    #[default]
    Regular,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A hard link (its target is a path in the same layer).
    HardLink,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// Anything else.
    Irregular,
}

/// A file that could not be understood, and why. Never silent: it is in every report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unknown {
    /// Absolute path, with the archive path behind a colon where nested.
    pub path: String,
    /// Layer it is in.
    pub layer: Option<u32>,
    /// The cataloger that tried; empty when it failed before any.
    pub cataloger: String,
    /// The cause, one line.
    pub cause: String,
}

/// The Linux distribution, from `os-release` and its relatives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distro {
    /// `PRETTY_NAME`.
    pub pretty_name: String,
    /// `NAME`.
    pub name: String,
    /// `ID`, lower case, for example `debian`.
    pub id: String,
    /// `ID_LIKE`, split at blanks.
    pub id_like: Vec<String>,
    /// `VERSION`.
    pub version: String,
    /// `VERSION_ID`.
    pub version_id: String,
    /// `VERSION_CODENAME`.
    pub version_codename: String,
    /// `BUILD_ID`.
    pub build_id: String,
    /// `IMAGE_ID`.
    pub image_id: String,
    /// `IMAGE_VERSION`.
    pub image_version: String,
    /// `VARIANT`.
    pub variant: String,
    /// `VARIANT_ID`.
    pub variant_id: String,
    /// `HOME_URL`.
    pub home_url: String,
    /// `SUPPORT_URL`.
    pub support_url: String,
    /// `BUG_REPORT_URL`.
    pub bug_report_url: String,
    /// `PRIVACY_POLICY_URL`.
    pub privacy_policy_url: String,
    /// `CPE_NAME`.
    pub cpe_name: String,
    /// `SUPPORT_END`.
    pub support_end: String,
    /// `EXTENDED_SUPPORT`: the image has an extended support channel enabled.
    pub extended_support: bool,
}

macro_rules! string_enum {
    ($(#[$doc:meta])* $name:ident, $default:ident = $default_text:literal, $( $variant:ident = $text:literal ),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        #[expect(missing_docs, reason = "each variant is the peer's word that as_str gives")]
        pub enum $name {
            #[default]
            $default,
            $( $variant, )+
        }

        impl $name {
            /// Every variant.
            pub const ALL: &'static [Self] = &[Self::$default, $( Self::$variant, )+];

            /// The peer's spelling.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    Self::$default => $default_text,
                    $( Self::$variant => $text, )+
                }
            }

            /// Reads the peer's spelling; anything else is the default.
            #[must_use]
            pub fn parse(text: &str) -> Self {
                match text {
                    $( $text => Self::$variant, )+
                    _ => Self::$default,
                }
            }
        }
    };
}

string_enum!(
    /// Kind of a package, in Syft's words (`syft/pkg/type.go`, 1.57).
    PackageType, Unknown = "UnknownPackage",
    Alpm = "alpm", Apk = "apk", AppleAppBundle = "apple-app-bundle", Binary = "binary", Bitnami = "bitnami", Cocoapods = "pod", Conan = "conan",
    Conda = "conda", Cpan = "cpan", DartPub = "dart-pub", Deb = "deb", Dotnet = "dotnet", ErlangOtp = "erlang-otp", Gem = "gem",
    GithubAction = "github-action", GithubActionWorkflow = "github-action-workflow", GoModule = "go-module",
    GraalvmNativeImage = "graalvm-native-image", Hackage = "hackage", Hex = "hex", Homebrew = "homebrew",
    JavaArchive = "java-archive", JenkinsPlugin = "jenkins-plugin", KnowledgeBase = "msrc-kb",
    LinuxKernel = "linux-kernel", LinuxKernelModule = "linux-kernel-module", LuaRocks = "lua-rocks", Model = "model",
    Nix = "nix", Npm = "npm", Opam = "opam", PhpComposer = "php-composer", PhpPear = "php-pear", PhpPecl = "php-pecl",
    Portage = "portage", Python = "python", R = "R-package", Rpm = "rpm", Rust = "rust-crate", Swift = "swift", Swipl = "swiplpack", Terraform = "terraform",
    Vcpkg = "vcpkg", WordpressPlugin = "wordpress-plugin",
);

string_enum!(
    /// Language of a package, in Syft's words (`syft/pkg/language.go`, 1.57).
    Language, Unknown = "",
    Cpp = "c++", Dart = "dart", Dotnet = "dotnet", Elixir = "elixir", Erlang = "erlang", Go = "go",
    Haskell = "haskell", Java = "java", JavaScript = "javascript", Lua = "lua", Ocaml = "ocaml", Perl = "perl", Php = "php",
    Python = "python", R = "R", Ruby = "ruby", Rust = "rust", Swift = "swift", Swipl = "swipl",
);

impl Component {
    /// A component with the fields that every cataloger sets; locations are added by the assembly.
    #[must_use]
    pub fn new(kind: PackageType, language: Language, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: name.into(), version: version.into(), kind, language, ..Self::default() }
    }

    /// Sets the ecosystem's record.
    ///
    /// # Errors
    /// Where `record` has map keys that are not strings.
    pub fn set_metadata<T: Serialize>(&mut self, kind: &'static str, record: &T) -> Result<(), serde_json::Error> {
        self.metadata = Some(Metadata { kind: Cow::Borrowed(kind), json: serde_json::to_string(record)? });
        Ok(())
    }
}

impl License {
    /// A declared licence; the SPDX expression is filled in by the assembly.
    #[must_use]
    pub fn declared(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            spdx_expression: String::new(),
            origin: LicenseOrigin::Declared,
            urls: Vec::new(),
            contents: String::new(),
            location: None,
        }
    }
}
