//! `palisade db`: the advisory database.

mod build;
mod origin;
mod search;
mod update;

use crate::cli::Global;
use crate::outcome::{OK, Outcome, advised};
use crate::output;
use anyhow::Context;
use clap::Subcommand;
use mapped::MappedFile;
use matching::database::Database;
use origin::OriginArgs;
use std::fs;
use std::path::{Path, PathBuf};

/// `palisade db`
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Make a database from a folder of the publishers' feeds, or from the publishers themselves.
    Build(build::Args),
    /// Fetch what the publishers have that is new, and make the database of it; the old one stays until then.
    Update(update::UpdateArgs),
    /// Which database there is, and whether it is whole.
    Status(StatusArgs),
    /// Is there a newer database? Code 100 when there is.
    Check(update::CheckArgs),
    /// The publishers in the database, with licence and number of advisories.
    #[command(alias = "providers")]
    List(StatusArgs),
    /// Advisories by identifier or package.
    Search(Box<search::Args>),
    /// Put a database file in place.
    Import(ImportArgs),
    /// Remove the database.
    Delete(PlaceArgs),
}

/// Which database.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct PlaceArgs {
    /// The database; the one in the cache folder otherwise.
    #[arg(long, value_name = "FILE", env = "PALISADE_DB")]
    pub(crate) db: Option<PathBuf>,
}

/// `palisade db status` and `list`
#[derive(Debug, Clone, clap::Args)]
struct StatusArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// text or json.
    #[arg(short, long, default_value = "text")]
    output: Format,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[value(aliases = ["table", "raw"])]
    Text,
    Json,
}

/// `palisade db import`
#[derive(Debug, Clone, clap::Args)]
struct ImportArgs {
    /// A file that `palisade db build` made, or its address; `?checksum=sha256:...` is held against it.
    file: String,
    #[command(flatten)]
    place: PlaceArgs,
}

/// What to do without a database.
pub(crate) const HOW_TO_GET_ONE: &str =
    "run `palisade db update`, or `palisade db build --from DIR`, or set PALISADE_ADVISORIES to a folder of feeds";

/// Runs it.
pub(crate) fn run(args: &Args, global: Global) -> Outcome {
    match &args.command {
        Command::Build(args) => build::run(args, global),
        Command::Update(args) => update::update(args, global),
        Command::Status(args) => status(args),
        Command::Check(args) => update::check(args, global),
        Command::List(args) => list(args),
        Command::Search(args) => search::run(args),
        Command::Import(args) => import(args),
        Command::Delete(place) => delete(place),
    }
}

impl Args {
    /// Means the database at `place` where the command line names none.
    pub(crate) fn place_by_default(&mut self, place: PathBuf) {
        let path = match &mut self.command {
            Command::Build(args) => &mut args.out,
            Command::Search(args) => &mut args.place.db,
            Command::Status(args) | Command::List(args) => &mut args.place.db,
            Command::Check(args) => &mut args.place.db,
            Command::Update(args) => &mut args.place.db,
            Command::Import(args) => &mut args.place.db,
            Command::Delete(args) => &mut args.db,
        };
        path.get_or_insert(place);
    }
}

impl PlaceArgs {
    /// The file meant.
    pub(crate) fn path(&self) -> anyhow::Result<PathBuf> {
        if let Some(path) = &self.db {
            return Ok(path.clone());
        }
        let home = inventory::cache_home().ok_or_else(|| advised("no cache folder", "set HOME, or name --db FILE"))?;
        Ok(home.join("palisade/advisories.db"))
    }
}

/// Opens the database; where there is none yet, makes it first from where the user said that advisories are.
pub(crate) fn open_or_build(db: Option<&Path>, global: Global) -> anyhow::Result<MappedFile> {
    let place = PlaceArgs { db: db.map(Path::to_path_buf) };
    let path = place.path()?;
    if !path.exists() {
        let origin = OriginArgs::of_environment();
        if !origin.is_configured() {
            return Err(advised(format!("there is no advisory database at {}", path.display()), HOW_TO_GET_ONE));
        }
        update::bring(&origin.sources()?, &path, global).context("cannot make the advisory database")?;
    }
    open(&path)
}

fn open(path: &Path) -> anyhow::Result<MappedFile> {
    match MappedFile::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(advised(format!("there is no advisory database at {}", path.display()), HOW_TO_GET_ONE))
        }
        opened => opened.with_context(|| format!("cannot open {}", path.display())),
    }
}

fn status(args: &StatusArgs) -> Outcome {
    let path = args.place.path()?;
    let file = open(&path)?;
    let database = Database::open(file.bytes()).with_context(|| format!("cannot use {}", path.display()))?;
    let verified = database.verify();
    let facts = database.facts();
    output::to_stdout(|out| {
        if args.output == Format::Json {
            let error = verified.as_ref().err().map(ToString::to_string);
            let value = serde_json::json!({
                "path": path, "built": facts.built, "checksum": database.digest(), "valid": error.is_none(),
                "error": error, "records": facts.records, "packages": facts.packages, "sizeBytes": file.bytes().len(),
            });
            serde_json::to_writer_pretty(&mut *out, &value)?;
            return Ok(writeln!(out)?);
        }
        writeln!(out, "Path:      {}", path.display())?;
        writeln!(out, "Built:     {}", facts.built)?;
        writeln!(out, "Checksum:  {}", database.digest())?;
        writeln!(out, "Size:      {} bytes", file.bytes().len())?;
        writeln!(out, "Records:   {} advisories on {} packages", facts.records, facts.packages)?;
        writeln!(out, "Status:    {}", if verified.is_ok() { "valid" } else { "invalid" })?;
        Ok(())
    })?;
    verified.map(|()| OK).context("the database is damaged; build it anew")
}

fn list(args: &StatusArgs) -> Outcome {
    let file = open(&args.place.path()?)?;
    let sources = Database::open(file.bytes())?.sources()?;
    output::to_stdout(|out| {
        if args.output == Format::Json {
            let list: Vec<_> = sources
                .iter()
                .map(|source| {
                    serde_json::json!({
                        "name": source.name, "licence": source.licence, "records": source.records,
                        "captured": source.captured, "skipped": source.skipped,
                    })
                })
                .collect();
            serde_json::to_writer_pretty(&mut *out, &list)?;
            return Ok(writeln!(out)?);
        }
        let rows: Vec<Vec<String>> = sources
            .iter()
            .map(|source| {
                let skipped = source.skipped.len();
                let note = if skipped == 0 { String::new() } else { format!("; {skipped} not read") };
                vec![source.name.clone(), format!("{:>7}", source.records), format!("{}{note}", source.licence)]
            })
            .collect();
        output::table(out, &rows)
    })?;
    Ok(OK)
}

fn import(args: &ImportArgs) -> Outcome {
    update::import(&args.file, &args.place.path()?)?;
    output::to_stdout(|out| Ok(writeln!(out, "Vulnerability database imported")?))?;
    Ok(OK)
}

fn delete(place: &PlaceArgs) -> Outcome {
    let path = place.path()?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => output::to_stdout(|out| Ok(writeln!(out, "Vulnerability database deleted")?)).map(|()| OK),
    }
}
