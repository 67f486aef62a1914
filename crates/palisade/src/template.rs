//! `-o template`: a Go template in place of a format.

use crate::outcome::advised;
use anyhow::Context;
use gotemplate::{Functions, Limits, Template, Value};
use std::path::{Path, PathBuf};

/// Templates are for people; larger ones are a mistake.
const MAX_TEMPLATE_BYTES: u64 = 16 << 20;

/// The file of a template that was asked for.
///
/// # Errors
/// Where none was named.
pub(crate) fn named(path: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    path.ok_or_else(|| {
        advised(r#"must specify path to template file when using "template" output format"#, "name it with --template")
    })
}

/// What the template at `path` makes of `data`.
///
/// # Errors
/// Where the file can't be read, is no template, or can't be carried out.
pub(crate) fn render(path: &Path, functions: &Functions, data: &Value) -> anyhow::Result<String> {
    let name = path.display().to_string();
    let unable = || format!("unable to get template content: {name}");
    let size = std::fs::metadata(path).with_context(unable)?.len();
    anyhow::ensure!(size <= MAX_TEMPLATE_BYTES, "{name} has more than {MAX_TEMPLATE_BYTES} bytes");
    let text = std::fs::read_to_string(path).with_context(unable)?;
    let template = Template::parse(&name, &text, functions).context("unable to parse template")?;
    let mut out = Vec::new();
    template.execute(data, Limits { output_bytes: 1 << 30, ..Limits::default() }, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Writes what a template made: a file as it is; on standard output with one line end, as the peers do.
pub(crate) fn write(text: &str, file: Option<&Path>) -> anyhow::Result<()> {
    match file {
        Some(path) => crate::output::to_file(path, |out| Ok(out.write_all(text.as_bytes())?)),
        None => crate::output::to_stdout(|out| match text.trim_end_matches(['\n', ' ']) {
            "" => Ok(()),
            text => Ok(writeln!(out, "{text}")?),
        }),
    }
}
