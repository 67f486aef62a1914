//! Reads a document from standard input and writes it to standard output in another format:
//! `cargo run -p sbom --example convert -- cyclonedx-json@1.6 < sbom.syft.json`. A second argument `reproducible` derives
//! what is random otherwise; `SOURCE_DATE_EPOCH` is not read here.

use std::io::{self, Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut cause = Some(error.as_ref() as &dyn std::error::Error);
            while let Some(error) = cause {
                let _ = writeln!(io::stderr(), "{error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("which format?")?;
    let format = sbom::Format::parse(&name).ok_or("no such format")?;
    let mut options = sbom::EncodeOptions::default();
    for argument in arguments {
        options.pretty |= argument == "pretty";
        options.reproducible |= argument == "reproducible";
    }
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let mut document = sbom::decode(&bytes)?;
    if document.descriptor.created.is_empty() {
        document.descriptor.created = "2026-01-01T00:00:00Z".to_owned();
    }
    sbom::encode(&document, format, options, &mut io::stdout().lock())?;
    Ok(())
}
