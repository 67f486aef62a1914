//! `palisade sbom`: what is in an image, a folder or a file.

use crate::catalogue::{CatalogArgs, CatalogOptions, catalogue};
use crate::cli::Global;
use crate::outcome::{OK, Outcome, advised};
use crate::settings::Settings;
use crate::{output, template};
use gotemplate::{Arguments, Function, Functions, Type, Value};
use sbom::{Document, EncodeOptions, Format};
use std::path::PathBuf;

/// `palisade sbom`
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// An image reference, dir:PATH, file:PATH, oci-dir:PATH, docker-archive:PATH, ...
    source: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    /// Ask networks for more about packages; accepted, and without effect.
    #[arg(long, hide = true)]
    enrich: Vec<String>,
    #[command(flatten)]
    catalog: CatalogArgs,
}

/// Where documents go.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct OutputArgs {
    /// FORMAT or FORMAT=FILE; may be repeated.
    #[arg(short, long)]
    output: Vec<String>,
    /// Write the document here instead of to standard output.
    #[arg(long, hide = true, value_name = "FILE")]
    file: Option<String>,
    /// A Go template, for `-o template`.
    #[arg(short, long, value_name = "FILE")]
    template: Option<String>,
}

impl OutputArgs {
    /// Puts what was given into the settings.
    pub(crate) fn apply(&self, settings: &mut Settings) {
        settings.flags("output", &self.output);
        settings.flag("legacyFile", self.file.clone());
        settings.flag("format.template.path", self.template.clone());
    }
}

impl Args {
    /// Was something to look at named?
    pub(crate) fn has_source(&self) -> bool {
        self.source.is_some()
    }
}

/// Runs it; `tool` is the name in the documents.
pub(crate) fn run(args: &Args, mut settings: Settings, global: Global, tool: &str) -> Outcome {
    args.output.apply(&mut settings);
    args.catalog.apply(&mut settings);
    let outputs = Outputs::new(&settings, "table", tool)?;
    let source = args.source.as_deref().ok_or_else(|| {
        advised("nothing to look at", "name an image, a folder or a file; `palisade sbom --help` has examples")
    })?;
    let mut document = catalogue(source, &CatalogOptions::new(&settings)?, outputs.with_files(), global)?;
    tool.clone_into(&mut document.descriptor.name);
    outputs.write(&document)?;
    // The process ends: freeing a million strings one by one would take as long as a table.
    std::mem::forget(document);
    Ok(OK)
}

/// A document's form.
#[derive(Debug, Clone)]
enum Form {
    Format(Format),
    Template(PathBuf),
}

/// The formats asked for, settled before anything is read.
#[derive(Debug)]
pub(crate) struct Outputs {
    targets: Vec<(Form, Option<PathBuf>)>,
    /// Whether a format is indented where nothing says so.
    pretty: bool,
    settings: Settings,
}

impl Outputs {
    /// What the settings ask for; `default` where they say nothing.
    ///
    /// # Errors
    /// Where a format is not known, and where a template is asked for but not named.
    pub(crate) fn new(settings: &Settings, default: &str, tool: &str) -> anyhow::Result<Self> {
        let words = settings.list("output");
        let words = if settings.is_set("output") && !words.is_empty() { words } else { vec![default.to_owned()] };
        let mut targets = Vec::new();
        for word in &words {
            let (name, file) = match word.trim().split_once('=') {
                Some((name, file)) => (name, Some(crate::settings::expand(file))),
                None => (word.trim(), settings.path("legacyFile")),
            };
            targets.push((form(name, settings)?, file));
        }
        // The peers write for machines unless asked otherwise.
        Ok(Self { targets, pretty: tool == "palisade", settings: settings.clone() })
    }

    /// Whether any of them tells of files, not only of packages.
    pub(crate) fn with_files(&self) -> bool {
        let only_packages = |form: &Form| matches!(form, Form::Format(Format::Table | Format::Text | Format::Purls));
        !self.targets.iter().all(|(form, _)| only_packages(form))
    }

    /// Writes the document in every format asked for.
    pub(crate) fn write(&self, document: &Document) -> anyhow::Result<()> {
        for (form, file) in &self.targets {
            match form {
                Form::Format(format) => self.encode(document, *format, file.as_ref())?,
                Form::Template(path) => {
                    template::write(&template::render(path, &functions(), &model(document)?)?, file.as_deref())?;
                }
            }
        }
        Ok(())
    }

    fn encode(&self, document: &Document, format: Format, file: Option<&PathBuf>) -> anyhow::Result<()> {
        let key = match format {
            Format::SyftJson => "format.json.pretty",
            Format::SpdxJson(_) => "format.spdx-json.pretty",
            Format::CycloneDxJson(_) => "format.cyclonedx-json.pretty",
            Format::CycloneDxXml(_) => "format.cyclonedx-xml.pretty",
            _ => "format.pretty",
        };
        let pretty = self.settings.maybe(key).or_else(|| self.settings.maybe("format.pretty")).unwrap_or(self.pretty);
        let options = EncodeOptions { pretty, reproducible: output::is_reproducible(), color: false };
        let encode = |out: &mut dyn std::io::Write| Ok(sbom::encode(document, format, options, out)?);
        match file {
            Some(path) => output::to_file(path, encode),
            None => output::to_stdout(encode),
        }
    }
}

fn form(name: &str, settings: &Settings) -> anyhow::Result<Form> {
    if name.eq_ignore_ascii_case("template") {
        if settings.bool("format.template.legacy") {
            return Err(advised(
                "format.template.legacy is not supported",
                "write the template against Syft's JSON: .artifacts, not .Artifacts",
            ));
        }
        return template::named(settings.path("format.template.path")).map(Form::Template);
    }
    Format::parse(name).map(Form::Format).ok_or_else(|| {
        advised(format!("unsupported output format {name:?}"), format!("use one of {}", FORMATS.join(", ")))
    })
}

const FORMATS: [&str; 10] = [
    "cyclonedx-json",
    "cyclonedx-xml",
    "github-json",
    "purls",
    "spdx-json",
    "spdx-tag-value",
    "syft-json",
    "syft-table",
    "syft-text",
    "template",
];

/// What the peer hands to templates: its JSON, as Go reads it into an `any` (syft/format/template, 1.57).
fn model(document: &Document) -> anyhow::Result<Value> {
    let mut bytes = Vec::new();
    let options = EncodeOptions { pretty: false, reproducible: output::is_reproducible(), color: false };
    sbom::encode(document, Format::SyftJson, options, &mut bytes)?;
    Ok(Value::from_json(&serde_json::from_slice(&bytes)?))
}

fn functions() -> Functions {
    Functions::go().with_sprig().with_sprig_dates().with(&[
        Function::new("getLastIndex", &[Type::Any], |given: &Arguments<'_>| {
            Ok(Value::int(match given.value(0) {
                Value::List(list) => list.items.len() as i64 - 1,
                _ => 0,
            }))
        }),
        // The peer's function is for structures, of which its own document has none.
        Function::new("hasField", &[Type::Any, Type::Text], |given: &Arguments<'_>| {
            Err(format!("reflect: FieldByName of non-struct type {}", given.value(0).type_name()))
        }),
    ])
}
