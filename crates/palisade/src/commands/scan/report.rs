//! What a scan writes, and where.

use super::config::Config;
use super::input::{Input, Kind};
use super::{Args, sort_by};
use crate::outcome::advised;
use crate::{output, style};
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

/// The formats asked for, settled before anything is read.
pub(crate) struct Plan {
    outputs: Vec<(Format, Option<PathBuf>)>,
    sort_by: SortBy,
    show_suppressed: bool,
}

/// What a report is made of.
pub(crate) struct Made<'a> {
    pub(crate) input: &'a Input,
    pub(crate) findings: &'a Findings,
    pub(crate) database: &'a Database<'a>,
    pub(crate) tool: &'a str,
    pub(crate) args: &'a Args,
}

impl Plan {
    /// Understands `-o`, `--file` and `-t`.
    pub(crate) fn new(args: &Args, settings: &Config) -> anyhow::Result<Self> {
        let words = if args.output.is_empty() { &settings.output } else { &args.output };
        let mut outputs = words.iter().map(|word| parse(word)).collect::<anyhow::Result<Vec<_>>>()?;
        if outputs.is_empty() {
            outputs.push((Format::Table, None));
        }
        for (_, file) in outputs.iter_mut().filter(|(_, file)| file.is_none()) {
            file.clone_from(&args.file);
        }
        let show_suppressed = args.show_suppressed || settings.show_suppressed;
        Ok(Self { outputs, sort_by: sort_by(args, settings)?, show_suppressed })
    }

    /// Writes every format.
    pub(crate) fn write(&self, made: &Made<'_>) -> anyhow::Result<()> {
        let scanned = match &made.input.kind {
            Kind::Source => Scanned::Source,
            Kind::SbomFile(path) => Scanned::SbomFile(path),
            Kind::Purl(purl) => Scanned::Purl(purl),
            Kind::Cpe(cpe) => Scanned::Cpe(cpe),
        };
        let timestamp = crate::commands::sbom::now()?;
        let database_path = made.args.db.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
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
        for (format, file) in &self.outputs {
            let write = |out: &mut dyn Write| self.format(*format, &report, file.is_none(), out);
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
            Format::Json => report::write_json(&report.document, true, out)?,
            Format::CycloneDxXml => report::write_cyclonedx_xml(report, options, out)?,
            Format::CycloneDxJson => report::write_cyclonedx_json(report, options, out)?,
            Format::Sarif => report::write_sarif(report, out)?,
        }
        Ok(())
    }
}

fn parse(word: &str) -> anyhow::Result<(Format, Option<PathBuf>)> {
    let (name, file) = match word.split_once('=') {
        Some((name, file)) => (name, Some(PathBuf::from(file))),
        None => (word, None),
    };
    let format = match name.to_ascii_lowercase().as_str() {
        "table" | "" => Format::Table,
        "json" => Format::Json,
        "cyclonedx" | "cyclonedx-xml" | "embedded-cyclonedx-vex-xml" => Format::CycloneDxXml,
        "cyclonedx-json" | "embedded-cyclonedx-vex-json" => Format::CycloneDxJson,
        "sarif" => Format::Sarif,
        other => {
            return Err(advised(
                format!("unknown output format {other:?}"),
                "use table, json, cyclonedx, cyclonedx-json or sarif",
            ));
        }
    };
    Ok((format, file))
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
