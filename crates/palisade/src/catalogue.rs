//! From what the user names and asks for to a document: the one way by which every command catalogues.

use crate::cli::Global;
use crate::outcome::advised;
use crate::progress::Bar;
use crate::selection::{Selection, select};
use crate::settings::{Settings, invalid};
use crate::source::{Opened, SourceOptions, open};
use catalog::{AssembleOptions, FileDigests, FileSelection, Plan, Scope};
use clap::ValueEnum;
use inventory::{Cache, Inventory};
use oci::Platform;
use sbom::Document;
use std::path::PathBuf;

/// Flags of the catalogue, shared by every command that makes one.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct CatalogArgs {
    /// Only of this platform, for example linux/arm64.
    #[arg(long)]
    platform: Option<Platform>,
    /// Try these kinds of source, in order.
    #[arg(long, value_name = "KIND")]
    from: Vec<String>,
    /// Which layers count.
    #[arg(short, long, value_enum)]
    scope: Option<ScopeName>,
    /// Leave out paths that match this pattern.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Tell paths relative to this folder.
    #[arg(long, value_name = "DIR")]
    base_path: Option<String>,
    /// Name of what is catalogued.
    #[arg(long, value_name = "NAME")]
    source_name: Option<String>,
    /// Version of what is catalogued.
    #[arg(long, value_name = "VERSION")]
    source_version: Option<String>,
    /// Supplier of what is catalogued.
    #[arg(long, value_name = "NAME")]
    source_supplier: Option<String>,
    /// Add (+name), remove (-tag) or keep only (tag) catalogers.
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    select_catalogers: Vec<String>,
    /// The catalogers to begin with: tags or names.
    #[arg(long, value_name = "TAG")]
    override_default_catalogers: Vec<String>,
    /// Threads.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    parallelism: Option<i64>,
    /// Neither read nor keep facts of layers.
    #[arg(long)]
    no_cache: bool,
}

/// Which layers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScopeName {
    /// What a container would see.
    Squashed,
    /// Every file of every layer.
    AllLayers,
    /// What a container would see, with its locations in every layer.
    DeepSquashed,
}

impl CatalogArgs {
    /// Puts what was given into the settings.
    pub(crate) fn apply(&self, settings: &mut Settings) {
        let scope = self.scope.and_then(|scope| scope.to_possible_value());
        settings.flag("platform", self.platform.as_ref().map(ToString::to_string));
        settings.flags("from", &self.from);
        settings.flag(scope_key(settings), scope.map(|scope| scope.get_name().to_owned()));
        settings.flags("exclude", &self.exclude);
        settings.flag("source.base-path", self.base_path.clone());
        settings.flag("source.name", self.source_name.clone());
        settings.flag("source.version", self.source_version.clone());
        settings.flag("source.supplier", self.source_supplier.clone());
        settings.flags("select-catalogers", &self.select_catalogers);
        settings.flags("default-catalogers", &self.override_default_catalogers);
        settings.flag("parallelism", self.parallelism);
        settings.switch("no-cache", self.no_cache);
    }
}

/// The peers keep the scope in different places.
fn scope_key(settings: &Settings) -> &'static str {
    if settings.app().name == "grype" { "search.scope" } else { "scope" }
}

/// What is catalogued, and how.
pub(crate) struct CatalogOptions {
    source: SourceOptions,
    scope: Scope,
    exclude: Vec<String>,
    base_path: Option<PathBuf>,
    name: Option<String>,
    version: Option<String>,
    supplier: String,
    selection: Selection,
    parallelism: usize,
    no_cache: bool,
    files: FileSelection,
    digests: FileDigests,
}

impl CatalogOptions {
    /// What the settings say.
    ///
    /// # Errors
    /// Where a word of theirs means nothing.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let owned = |path| settings.some(path).map(str::to_owned);
        let scope = match settings.text(scope_key(settings)).to_ascii_lowercase().replace('_', "-").as_str() {
            "squashed" | "" => Scope::Squashed,
            "all-layers" | "alllayers" => Scope::AllLayers,
            "deep-squashed" | "deepsquashed" => Scope::DeepSquashed,
            other => return Err(invalid(format!("bad scope value {other:?}"), SCOPES)),
        };
        let files = match settings.text("file.metadata.selection") {
            "owned-by-package" => FileSelection::OwnedByPackage,
            "all" => FileSelection::All,
            "none" | "" => FileSelection::None,
            other => {
                let hint = "use all, owned-by-package or none";
                return Err(invalid(format!("invalid file metadata selection: {other:?}"), hint));
            }
        };
        let threads = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            source: SourceOptions::new(settings)?,
            scope,
            exclude: settings.list("exclude"),
            base_path: settings.path("source.base-path"),
            name: owned("source.name"),
            version: owned("source.version"),
            supplier: settings.text("source.supplier").to_owned(),
            selection: selection(settings),
            parallelism: usize::try_from(settings.int("parallelism"))
                .ok()
                .filter(|count| *count > 0)
                .unwrap_or_else(threads),
            no_cache: settings.bool("no-cache"),
            files,
            digests: digests(settings)?,
        })
    }
}

/// The digests of files that the settings ask for. Without the setting, as the peer's default.
fn digests(settings: &Settings) -> anyhow::Result<FileDigests> {
    let mut digests = FileDigests::NONE;
    for name in settings.list("file.metadata.digests") {
        match name.to_ascii_lowercase().replace('-', "").as_str() {
            "sha1" => digests.sha1 = true,
            "sha256" => digests.sha256 = true,
            _ => return Err(invalid(format!("unsupported hash algorithm: {name}"), "use sha1 and sha256")),
        }
    }
    Ok(digests)
}

const SCOPES: &str = "use squashed, all-layers or deep-squashed";

/// Which catalogers the settings ask for; `catalogers` is the old word, a base set and filters in one.
pub(crate) fn selection(settings: &Settings) -> Selection {
    let base = settings.list("default-catalogers");
    Selection {
        base: if base.is_empty() { settings.list("catalogers") } else { base },
        changes: settings.list("select-catalogers"),
    }
}

/// Opens the source and takes its inventory.
/// `with_files`: the document's files are wanted, not only its packages.
pub(crate) fn catalogue(
    input: &str,
    asked: &CatalogOptions,
    with_files: bool,
    global: Global,
) -> anyhow::Result<Document> {
    let opened = open(input, &asked.source)?;
    let plan = Plan::new(select(&asked.selection, matches!(opened, Opened::Image { .. }))?);
    let digests = if asked.files == FileSelection::None { FileDigests::NONE } else { asked.digests };
    let home = inventory::cache_home().filter(|_| !asked.no_cache);
    let cache = home.map(|home| Cache::new(&home.join("palisade"), &plan, digests));
    let inventory = Inventory {
        plan,
        digests,
        with_files,
        options: AssembleOptions { scope: asked.scope, files: asked.files },
        cache,
        parallelism: asked.parallelism,
        exclude: asked.exclude.iter().map(|pattern| pattern.trim_start_matches("./").to_owned()).collect(),
        progress: Box::new(Bar::of_layers(global.quiet)),
    };
    let mut document = match &opened {
        Opened::Image { image, user_input } => inventory.image(image, user_input)?,
        Opened::Directory(path) => inventory.folder(path, asked.base_path.as_deref())?,
        Opened::File(path) => inventory.file(path)?,
    };
    let source = &mut document.source;
    source.name = asked.name.clone().unwrap_or_else(|| std::mem::take(&mut source.name));
    source.version = asked.version.clone().unwrap_or_else(|| std::mem::take(&mut source.version));
    source.supplier.clone_from(&asked.supplier);
    document.descriptor.name = "palisade".to_owned();
    document.descriptor.version = env!("CARGO_PKG_VERSION").to_owned();
    document.descriptor.created = now()?;
    Ok(document)
}

/// The time of creation: `SOURCE_DATE_EPOCH` where it is set, so that documents can be made again to the byte.
pub(crate) fn now() -> anyhow::Result<String> {
    Ok(timestamp()?.to_string())
}

/// The day of [`now`].
pub(crate) fn today() -> anyhow::Result<jiff::civil::Date> {
    Ok(timestamp()?.to_zoned(jiff::tz::TimeZone::UTC).date())
}

fn timestamp() -> anyhow::Result<jiff::Timestamp> {
    let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse().map_err(|_| advised("SOURCE_DATE_EPOCH is no number", "give seconds since 1970"))?,
        Err(_) => jiff::Timestamp::now().as_second(),
    };
    Ok(jiff::Timestamp::from_second(seconds)?)
}
