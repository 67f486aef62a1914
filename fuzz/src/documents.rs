//! Documents: SBOMs, advisories and their database, VEX.

use advisory::Record;
use aws_lc_rs::digest::{SHA256, digest};
use matching::database::{Builder, Database, DatabaseError};
use matching::options::Options;
use matching::vex::{VexProduct, VexStatement, VexStatus};
use sbom::{CycloneDxVersion, Document, EncodeOptions, Format, SpdxVersion};
use std::path::Path;
use std::sync::OnceLock;

/// In memory where there is such a place.
pub(crate) fn scratch() -> &'static Path {
    static PLACE: OnceLock<std::path::PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() }
    })
}

/// What is read can be written, whatever the format.
pub(crate) fn sbom(bytes: &[u8]) {
    if let Ok(document) = sbom::decode(bytes) {
        write(&document, bytes);
        let database = known();
        if let Ok(database) = Database::open(database) {
            let _ = matching::find(&database, &document, &options());
        }
    }
}

/// Writes a document in one of the formats, which `input` decides; what the product wrote, it must read.
pub(crate) fn write(document: &Document, input: &[u8]) {
    const FORMATS: [Format; 10] = [
        Format::SyftJson,
        Format::CycloneDxJson(CycloneDxVersion::V1_6),
        Format::CycloneDxXml(CycloneDxVersion::V1_6),
        Format::SpdxJson(SpdxVersion::V2_3),
        Format::SpdxJson(SpdxVersion::V3_0),
        Format::SpdxTagValue(SpdxVersion::V2_3),
        Format::GithubJson,
        Format::Purls,
        Format::Table,
        Format::Text,
    ];
    let sum: usize = input.iter().map(|byte| usize::from(*byte)).sum();
    let Some(&format) = FORMATS.get(sum % FORMATS.len()) else { return };
    let options = EncodeOptions { pretty: false, reproducible: true, color: false };
    let mut out = Vec::new();
    let written = sbom::encode(document, format, options, &mut out);
    assert!(written.is_ok(), "{format:?}: {written:?}");
    if !matches!(format, Format::GithubJson | Format::Purls | Format::Table | Format::Text) {
        let read = sbom::decode(&out);
        assert!(read.is_ok(), "{format:?}: {:?}\n{}", read.err(), String::from_utf8_lossy(&out));
    }
}

/// The name of a publisher's format in the first line, then a document.
pub(crate) fn advisory(bytes: &[u8]) {
    let (format, document) = crate::first_line(bytes);
    let mut records: Vec<Record> = Vec::new();
    let one = |record: Result<Record, _>| record.ok().into_iter().collect();
    let mut many = |record: Result<Record, _>| records.extend(record.ok());
    let read: Vec<Record> = match format {
        b"cve5" => one(advisory::cve5::parse(document)),
        b"friendsofphp" => one(advisory::friendsofphp::parse(document)),
        b"gitlab" => one(advisory::gitlab::parse(document)),
        b"osv" => one(advisory::osv::parse(document)),
        b"rubysec" => one(advisory::rubysec::parse(document)),
        b"redhat" => advisory::redhat::parse(document).unwrap_or_default(),
        format => {
            let _ = match format {
                b"debian-advisories" => advisory::debian::parse_advisories(document, &mut many),
                b"debian-cves" => advisory::debian::parse_cves(document, &mut many),
                b"debian-tracker" => advisory::debian::parse_tracker(document, &mut many),
                b"epss" => advisory::epss::parse(document, &mut |_| ()),
                b"eol" => advisory::eol::parse(document).map(drop),
                b"kev" => advisory::kev::parse(document, &mut |_| ()),
                b"kubernetes" => advisory::kubernetes::parse(document, &mut many),
                b"nvd" => advisory::nvd::parse(document, &mut many),
                b"oval" => advisory::oval::parse(document, &mut many),
                b"secdb" => advisory::secdb::parse(document, &mut many),
                b"wolfi" => advisory::wolfi::parse(document, &mut many),
                _ => return,
            };
            Vec::new()
        }
    };
    records.extend(read);
    let file = build(&records);
    let opened = Database::open(&file);
    assert!(opened.is_ok(), "{:?}", opened.err());
    if let Ok(database) = opened {
        assert_eq!(database.verify().err().map(|error| error.to_string()), None);
        assert_eq!(look_through(&database).err().map(|error| error.to_string()), None);
    }
}

/// A folder with one feed, its name in the first line: plain, compressed or packed.
pub(crate) fn feed(bytes: &[u8]) {
    let (name, content) = crate::first_line(bytes);
    let name: String = String::from_utf8_lossy(name).chars().filter(char::is_ascii_graphic).take(64).collect();
    let Ok(folder) = tempfile::tempdir_in(scratch()) else { return };
    if std::fs::write(folder.path().join(name.replace('/', "_")), content).is_ok() {
        let _ = feeds::read_folder(folder.path(), &feeds::Config::default(), &mut |_| ());
    }
}

/// A file of the database.
pub(crate) fn database(bytes: &[u8]) {
    let bytes = with_digest(bytes.to_vec());
    if let Ok(database) = Database::open(&bytes) {
        let _ = database.verify();
        let _ = look_through(&database);
        let _ = matching::find(&database, &components(), &options());
    }
}

/// Sets the length and the digest of the header right, so that what is behind it is reached.
fn with_digest(mut file: Vec<u8>) -> Vec<u8> {
    const TABLE: usize = 24;
    const ENTRY: usize = 56;
    let length = (file.len() as u64).to_le_bytes();
    if let Some(field) = file.get_mut(16..TABLE) {
        field.copy_from_slice(&length);
    }
    let count = file.get(12..16).and_then(|field| Some(u32::from_le_bytes(field.try_into().ok()?)));
    let end = TABLE + ENTRY * usize::try_from(count.unwrap_or_default() % 64).unwrap_or_default();
    let sum = file.get(..end).map(|header| digest(&SHA256, header));
    if let (Some(sum), Some(field)) = (sum, file.get_mut(end..end + 32)) {
        field.copy_from_slice(sum.as_ref());
    }
    file
}

fn look_through(database: &Database<'_>) -> Result<(), DatabaseError> {
    for package in database.packages() {
        let (ecosystem, name) = package?;
        for claim in database.claims(ecosystem, name)? {
            claim?;
        }
    }
    let mut texts = database.texts();
    for advisory in database.advisories() {
        texts.of(&advisory?)?;
    }
    database.ends_of_life()?;
    database.sources()?;
    database.ecosystems()?;
    Ok(())
}

/// OpenVEX, CSAF or CycloneDX.
pub(crate) fn vex(bytes: &[u8]) {
    let Ok(document) = advisory::vex::parse(bytes) else { return };
    if let Ok(database) = Database::open(known()) {
        let vex = document.statements.into_iter().map(|statement| VexStatement {
            vulnerabilities: statement.aliases.into_iter().chain([statement.vulnerability]).collect(),
            products: statement
                .products
                .into_iter()
                .map(|product| VexProduct { identifiers: product.identifiers, subcomponents: Vec::new() })
                .collect(),
            status: VexStatus::NotAffected,
            ..VexStatement::default()
        });
        let options = Options { vex: vex.collect(), ..options() };
        let _ = matching::find(&database, &components(), &options);
    }
}

fn options() -> Options {
    Options::new(jiff::civil::date(2026, 1, 2))
}

/// A database of one advisory.
fn known() -> &'static [u8] {
    static DATABASE: OnceLock<Vec<u8>> = OnceLock::new();
    DATABASE.get_or_init(|| {
        let json =
            br#"{"id":"GHSA-jfh8-c2jp-5v3q","aliases":["CVE-2021-44228"],"affected":[{"package":{"ecosystem":"npm",
            "name":"left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2.0.0"}]}]}]}"#;
        build(&advisory::osv::parse(json).ok().into_iter().collect::<Vec<_>>())
    })
}

/// A document of one component that [`known`] speaks of.
fn components() -> Document {
    sbom::decode(b"pkg:npm/left@1.0.0\n").unwrap_or_default()
}

fn build(records: &[Record]) -> Vec<u8> {
    let mut builder = Builder::new("2026-01-02T03:04:05Z");
    let mut file = Vec::new();
    for record in records {
        let _ = builder.add(record);
    }
    let built = builder.finish(&mut file);
    assert!(built.is_ok(), "{built:?}");
    file
}
