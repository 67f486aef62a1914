//! Files that catalogers read, by the way that the files of a layer go.

use catalog::{AssembleOptions, Budget, FileDigests, LayerOptions, LayerScanner, Plan, assemble};
use sbom::{FileFact, Source};
use std::io::{Cursor, Write};
use std::sync::OnceLock;
use zip::write::SimpleFileOptions;

/// Every cataloger.
pub(crate) fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| Plan::new(catalog::catalogers::ALL.to_vec()))
}

/// A path in the first line, and the file's content: whatever cataloger wants it, gets it.
pub(crate) fn file(bytes: &[u8]) {
    let (path, content) = crate::first_line(bytes);
    catalogue(&String::from_utf8_lossy(path), content);
}

/// ELF, PE and Mach-O.
pub(crate) fn executable(bytes: &[u8]) {
    catalogue("/usr/bin/program", bytes);
}

/// The three forms of rpm's database.
pub(crate) fn rpm_database(bytes: &[u8]) {
    let name = match bytes {
        [b'S', b'Q', b'L', ..] => "rpmdb.sqlite",
        [b'R', b'p', b'm', ..] => "Packages.db",
        _ => "Packages",
    };
    catalogue(&format!("/var/lib/rpm/{name}"), bytes);
}

/// A zip, as it is.
pub(crate) fn archive(bytes: &[u8]) {
    catalogue("/app/program.jar", bytes);
}

/// The members of a zip, each a line with its name and then its content, with a NUL between them: checksums and lengths
/// are set right, so that the content is reached.
pub(crate) fn archive_members(bytes: &[u8]) {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for member in bytes.split(|byte| *byte == 0) {
        let (name, content) = crate::first_line(member);
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        // The writer refuses names that come twice.
        if zip.start_file(String::from_utf8_lossy(name), options).and_then(|()| Ok(zip.write_all(content)?)).is_err() {
            return;
        }
    }
    if let Ok(zip) = zip.finish() {
        catalogue("/app/program-1.0.war", zip.get_ref());
    }
}

fn catalogue(path: &str, bytes: &[u8]) {
    let budget = Budget::new(1 << 30);
    let mut scanner =
        LayerScanner::new(plan(), LayerOptions { file_digests: FileDigests::NONE, ..LayerOptions::new(&budget) });
    let fact = FileFact { path: path.to_owned(), mode: 0o755, size_bytes: bytes.len() as u64, ..FileFact::default() };
    if scanner.wants(path, bytes) && scanner.file(fact, bytes).is_ok() {
        let document = assemble(Source::default(), &[scanner.finish()], plan(), AssembleOptions::default());
        crate::documents::write(&document, bytes);
    }
}
