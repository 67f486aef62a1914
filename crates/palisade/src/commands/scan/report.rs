//! What a scan writes, and where.

use super::input::{Input, Kind};
use super::sort_by;
use crate::outcome::advised;
use crate::settings::{Settings, expand};
use crate::{output, style, template};
use gotemplate::Functions;
use matching::database::Database;
use matching::finding::Findings;
use matching::report::{self, Report, Scanned, SortBy, TableOptions, Tool};
use sbom::EncodeOptions;
use std::io::Write;
use std::path::PathBuf;

/// A format of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Table,
    Json,
    CycloneDxXml,
    CycloneDxJson,
    Sarif,
}

/// What a report is written as.
#[derive(Debug)]
enum Form {
    Format(Format),
    Template(PathBuf),
}

/// The formats asked for, settled before anything is read.
pub(crate) struct Plan {
    outputs: Vec<(Form, Option<PathBuf>)>,
    sort_by: SortBy,
    show_suppressed: bool,
    pretty: bool,
    timestamp: bool,
}

/// What a report is made of.
pub(crate) struct Made<'a> {
    pub(crate) input: &'a Input,
    pub(crate) findings: &'a Findings,
    pub(crate) database: &'a Database<'a>,
    pub(crate) tool: &'a str,
    /// Where the database is, if the user named it.
    pub(crate) place: Option<PathBuf>,
}

impl Plan {
    /// Understands `-o`, `--file` and `-t`.
    pub(crate) fn new(settings: &Settings, tool: &str) -> anyhow::Result<Self> {
        let words = settings.list("output");
        let mut outputs = words.iter().map(|word| parse(word, settings)).collect::<anyhow::Result<Vec<_>>>()?;
        if outputs.is_empty() {
            outputs.push((Form::Format(Format::Table), None));
        }
        for (_, file) in outputs.iter_mut().filter(|(_, file)| file.is_none()) {
            *file = settings.path("file");
        }
        Ok(Self {
            outputs,
            sort_by: sort_by(settings)?,
            show_suppressed: settings.bool("show-suppressed"),
            // The peer writes for machines unless asked otherwise.
            pretty: settings.bool("pretty") || tool == "palisade",
            timestamp: settings.bool("timestamp"),
        })
    }

    /// Writes every format.
    pub(crate) fn write(&self, made: &Made<'_>) -> anyhow::Result<()> {
        let scanned = match &made.input.kind {
            Kind::Source => Scanned::Source,
            Kind::SbomFile(path) => Scanned::SbomFile(path),
            Kind::Purl(purl) => Scanned::Purl(purl),
            Kind::Cpe(cpe) => Scanned::Cpe(cpe),
        };
        let timestamp = if self.timestamp { crate::catalogue::now()? } else { String::new() };
        let database_path = made.place.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let tool = Tool {
            name: made.tool,
            version: env!("CARGO_PKG_VERSION"),
            uri: "",
            configuration: None,
            timestamp: &timestamp,
            database_path: &database_path,
            database_from: "",
        };
        let report = Report::new(report::Input {
            document: &made.input.document,
            findings: made.findings,
            database: made.database,
            sort_by: self.sort_by,
            scanned,
            distro: None,
            tool,
        })?;
        for (form, file) in &self.outputs {
            let format = match form {
                Form::Format(format) => *format,
                Form::Template(path) => {
                    let functions = Functions::go().with_sprig().with(report::TEMPLATE_FUNCTIONS);
                    let data = report::template_value(&report.document)?;
                    template::write(&template::render(path, &functions, &data)?, file.as_deref())?;
                    continue;
                }
            };
            let write = |out: &mut dyn Write| self.format(format, &report, file.is_none(), out);
            match file {
                Some(path) => output::to_file(path, write)?,
                None => output::to_stdout(write)?,
            }
        }
        Ok(())
    }

    fn format(&self, format: Format, report: &Report<'_>, to_stdout: bool, out: &mut dyn Write) -> anyhow::Result<()> {
        let options = EncodeOptions { pretty: true, reproducible: output::is_reproducible(), color: false };
        match format {
            Format::Table => {
                let color = to_stdout && style::stdout_has_color();
                let options = TableOptions { show_suppressed: self.show_suppressed, color };
                report::write_table(&report.document, options, out)?;
            }
            Format::Json => report::write_json(&report.document, self.pretty, out)?,
            Format::CycloneDxXml => report::write_cyclonedx_xml(report, options, out)?,
            Format::CycloneDxJson => report::write_cyclonedx_json(report, options, out)?,
            Format::Sarif => report::write_sarif(report, out)?,
        }
        Ok(())
    }
}

fn parse(word: &str, settings: &Settings) -> anyhow::Result<(Form, Option<PathBuf>)> {
    let (name, file) = match word.split_once('=') {
        Some((name, file)) => (name, Some(expand(file))),
        None => (word, None),
    };
    let format = match name.to_ascii_lowercase().as_str() {
        "table" | "" => Format::Table,
        "json" => Format::Json,
        "cyclonedx" | "cyclonedx-xml" | "embedded-cyclonedx-vex-xml" => Format::CycloneDxXml,
        "cyclonedx-json" | "embedded-cyclonedx-vex-json" => Format::CycloneDxJson,
        "sarif" => Format::Sarif,
        "template" => return Ok((Form::Template(template::named(settings.path("output-template-file"))?), file)),
        other => {
            return Err(advised(
                format!("unknown output format {other:?}"),
                "use table, json, cyclonedx, cyclonedx-json, sarif or template",
            ));
        }
    };
    Ok((Form::Format(format), file))
}

/// Prints the ways to a flaw.
pub(crate) fn why(input: &Input, findings: &Findings, id: &str) -> anyhow::Result<()> {
    let ways = matching::why::why(&input.document, findings, id);
    if ways.is_empty() {
        return Err(advised(format!("{id} was not found here"), "scan without --why to see what was found"));
    }
    output::to_stdout(|out| {
        for way in &ways {
            if let Some(component) = input.document.components.get(way.component.0 as usize) {
                writeln!(out, "{}", matching::why::describe(way, component))?;
            }
        }
        Ok(())
    })
}
