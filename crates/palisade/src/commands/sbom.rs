//! `palisade sbom`: what is in an image, a folder or a file.

use crate::cli::Global;
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use crate::progress::Bar;
use crate::selection::{Selection, select};
use crate::source::{Opened, SourceOptions, open};
use catalog::{AssembleOptions, FileSelection, Plan, Scope};
use clap::ValueEnum;
use inventory::{Cache, Inventory};
use oci::Platform;
use sbom::{Document, EncodeOptions, Format};
use std::path::PathBuf;

/// Flags of the catalogue, shared by every command that makes one.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CatalogArgs {
    /// Only of this platform, for example linux/arm64.
    #[arg(long)]
    pub(crate) platform: Option<Platform>,
    /// Try these kinds of source, in order.
    #[arg(long)]
    pub(crate) from: Vec<String>,
    /// Which layers count.
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) scope: ScopeName,
    /// Leave out paths that match this pattern.
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Tell paths relative to this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) base_path: Option<PathBuf>,
    /// Name of what is catalogued.
    #[arg(long, value_name = "NAME")]
    pub(crate) source_name: Option<String>,
    /// Version of what is catalogued.
    #[arg(long, value_name = "VERSION")]
    pub(crate) source_version: Option<String>,
    /// Supplier of what is catalogued.
    #[arg(long, value_name = "NAME")]
    pub(crate) source_supplier: Option<String>,
    /// Add (+name), remove (-tag) or keep only (tag) catalogers.
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub(crate) select_catalogers: Vec<String>,
    /// The catalogers to begin with: tags or names.
    #[arg(long, value_name = "TAG")]
    pub(crate) override_default_catalogers: Vec<String>,
    /// Threads.
    #[arg(long, value_name = "N")]
    pub(crate) parallelism: Option<usize>,
    /// Neither read nor keep facts of layers.
    #[arg(long)]
    pub(crate) no_cache: bool,
}

/// Which layers count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeName {
    /// What a container would see.
    #[default]
    Squashed,
    /// Every file of every layer.
    AllLayers,
    /// What a container would see, with its locations in every layer.
    DeepSquashed,
}

/// `palisade sbom`
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// An image reference, dir:PATH, file:PATH, oci-dir:PATH, docker-archive:PATH, ...
    source: Option<String>,
    /// FORMAT or FORMAT=FILE; may be repeated.
    #[arg(short, long, default_value = "table")]
    output: Vec<String>,
    #[command(flatten)]
    catalog: CatalogArgs,
}

impl Args {
    /// Was something to look at named?
    pub(crate) fn has_source(&self) -> bool {
        self.source.is_some()
    }
}

/// Runs it.
pub(crate) fn run(args: &Args, global: Global) -> Outcome {
    run_as(args, global, "palisade")
}

/// Runs it; `tool` is the name in the documents.
pub(crate) fn run_as(args: &Args, global: Global, tool: &str) -> Outcome {
    let outputs = args.output.iter().map(|output| Target::parse(output)).collect::<anyhow::Result<Vec<_>>>()?;
    let source = args.source.as_deref().ok_or_else(|| {
        advised("nothing to look at", "name an image, a folder or a file; `palisade sbom --help` has examples")
    })?;
    let mut document = catalogue(source, &args.catalog, global, FileSelection::OwnedByPackage)?;
    tool.clone_into(&mut document.descriptor.name);
    write(&document, &outputs)?;
    // The process ends: freeing a million strings one by one would take as long as a table.
    std::mem::forget(document);
    Ok(OK)
}

/// Where one format goes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) format: Format,
    pub(crate) file: Option<PathBuf>,
}

impl Target {
    /// `FORMAT` or `FORMAT=FILE`.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let (name, file) = match text.split_once('=') {
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let format = Format::parse(name)
            .ok_or_else(|| advised(format!("unknown output format {name:?}"), "see `palisade sbom --help`"))?;
        Ok(Self { format, file })
    }
}

/// Writes the document in every format asked for.
pub(crate) fn write(document: &Document, targets: &[Target]) -> anyhow::Result<()> {
    let options = EncodeOptions { pretty: true, reproducible: output::is_reproducible(), color: false };
    for target in targets {
        let encode = |out: &mut dyn std::io::Write| Ok(sbom::encode(document, target.format, options, out)?);
        match &target.file {
            Some(path) => output::to_file(path, encode)?,
            None => output::to_stdout(encode)?,
        }
    }
    Ok(())
}

/// Opens the source and takes its inventory.
pub(crate) fn catalogue(
    input: &str,
    args: &CatalogArgs,
    global: Global,
    files: FileSelection,
) -> anyhow::Result<Document> {
    let options = SourceOptions { from: args.from.clone(), platform: args.platform.clone() };
    let opened = open(input, &options)?;
    let selection =
        Selection { base: args.override_default_catalogers.clone(), changes: args.select_catalogers.clone() };
    let plan = Plan::new(select(&selection, matches!(opened, Opened::Image { .. }))?);
    let cache = inventory::cache_home()
        .filter(|_| !args.no_cache)
        .map(|home| Cache::new(&home.join("palisade"), &plan, files != FileSelection::None));
    let scope = match args.scope {
        ScopeName::Squashed => Scope::Squashed,
        ScopeName::AllLayers => Scope::AllLayers,
        ScopeName::DeepSquashed => Scope::DeepSquashed,
    };
    let threads = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let inventory = Inventory {
        plan,
        options: AssembleOptions { scope, files },
        cache,
        parallelism: args.parallelism.filter(|count| *count > 0).unwrap_or_else(threads),
        exclude: args.exclude.iter().map(|pattern| pattern.trim_start_matches("./").to_owned()).collect(),
        progress: Box::new(Bar::new(global.quiet)),
    };
    let mut document = match &opened {
        Opened::Image { image, user_input } => inventory.image(image, user_input)?,
        Opened::Directory(path) => inventory.folder(path, args.base_path.as_deref())?,
        Opened::File(path) => inventory.file(path)?,
    };
    let source = &mut document.source;
    source.name = args.source_name.clone().unwrap_or_else(|| std::mem::take(&mut source.name));
    source.version = args.source_version.clone().unwrap_or_else(|| std::mem::take(&mut source.version));
    source.supplier = args.source_supplier.clone().unwrap_or_default();
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
