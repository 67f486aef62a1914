//! One fuzz target for each parser of untrusted bytes.
//!
//! A [`Target`] takes any bytes. It must come back soon, with memory in proportion to what it was given, and without a
//! panic; what else it claims, it asserts. `cargo xtask fuzz` lets libFuzzer look for bytes that break this. The kept
//! inputs in `corpus/` are replayed by this crate's tests.

mod documents;
mod engines;
mod files;
mod images;
mod issuance;
mod logs;
mod secrets;
mod signatures;
mod texts;

/// A parser, or several that read the same kind of bytes.
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// Feeds it.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "advisory", run: documents::advisory },
    Target { name: "archive", run: files::archive },
    Target { name: "archive-members", run: files::archive_members },
    Target { name: "audit-log", run: secrets::audit_log },
    Target { name: "bundle", run: signatures::bundle },
    Target { name: "certificate", run: signatures::certificate },
    Target { name: "checkpoint", run: logs::checkpoint },
    Target { name: "connection-string", run: secrets::connection_string },
    Target { name: "cpe", run: texts::cpe },
    Target { name: "database", run: documents::database },
    Target { name: "engine-request", run: engines::request },
    Target { name: "executable", run: files::executable },
    Target { name: "feed", run: documents::feed },
    Target { name: "file", run: files::file },
    Target { name: "image", run: images::image },
    Target { name: "image-archive", run: images::archive },
    Target { name: "issuer", run: issuance::issuer },
    Target { name: "key", run: signatures::key },
    Target { name: "layer", run: images::layer },
    Target { name: "licence", run: texts::licence },
    Target { name: "policy", run: secrets::policy },
    Target { name: "possession", run: issuance::possession },
    Target { name: "proof", run: logs::proof },
    Target { name: "purl", run: texts::purl },
    Target { name: "reference", run: texts::reference },
    Target { name: "rpm-database", run: files::rpm_database },
    Target { name: "sbom", run: documents::sbom },
    Target { name: "statement", run: secrets::statement },
    Target { name: "template", run: texts::template },
    Target { name: "tile", run: logs::tile },
    Target { name: "timestamp", run: signatures::timestamp },
    Target { name: "timestamp-request", run: issuance::timestamp_request },
    Target { name: "token", run: issuance::token },
    Target { name: "trusted-root", run: signatures::trusted_root },
    Target { name: "tuf", run: issuance::tuf },
    Target { name: "version", run: texts::version },
    Target { name: "version-range", run: texts::version_range },
    Target { name: "vex", run: documents::vex },
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// What stands before and after the first line break.
fn first_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.and_then(|end| Some((bytes.get(..end)?, bytes.get(end + 1..)?))).unwrap_or((bytes, &[]))
}
