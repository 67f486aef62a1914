//! Package files, `*.rpm`: a lead, a header with signatures, the package's header, the payload.

use super::package::{ARCHIVE, Package};
use crate::rpmdb::Signature;
use crate::rpmdb::header::{Header, tag};
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};

/// Reads package files.
pub(crate) struct RpmArchive;

const LEAD_MAGIC: &[u8] = &[0xed, 0xab, 0xee, 0xdb];
const LEAD_BYTES: usize = 96;
const HEADER_MAGIC: &[u8] = &[0x8e, 0xad, 0xe8];
/// Magic, version and reserved bytes.
const PREFIX_BYTES: usize = 8;

impl Cataloger for RpmArchive {
    fn name(&self) -> &'static str {
        "rpm-archive-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "os", "linux", "rpm", "redhat"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/*.rpm")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let not_one = || ParseError::malformed("not a package file");
        let body = file.bytes.get(LEAD_BYTES..).filter(|_| file.bytes.starts_with(LEAD_MAGIC)).ok_or_else(not_one)?;
        let signatures = header(body)?;
        // The first header is filled up to a multiple of eight.
        let next = (PREFIX_BYTES + signatures.len()).next_multiple_of(8);
        let header = header(body.get(next..).ok_or_else(not_one)?)?;
        let package = package(&header, &signatures);
        if package.name.is_empty() {
            return Err(ParseError::malformed("a package without a name"));
        }
        out.add(package.component(ARCHIVE, None)?);
        Ok(())
    }
}

fn header(bytes: &[u8]) -> Result<Header<'_>, ParseError> {
    let rest = bytes.get(PREFIX_BYTES..).filter(|_| bytes.starts_with(HEADER_MAGIC));
    Header::parse(rest.ok_or_else(|| ParseError::malformed("a package header that is damaged"))?)
}

/// The peer states an epoch always and leaves out what concerns an installation.
fn package<'a>(header: &Header<'a>, signatures: &Header<'_>) -> Package<'a> {
    let package = Package::new(header);
    let tags = [tag::RSA_HEADER, tag::FILE_PGP];
    let mut signed: Vec<Signature> = tags.iter().filter_map(|tag| Signature::parse(signatures.binary(*tag))).collect();
    signed.sort_by(|a, b| (&a.created, &a.issuer).cmp(&(&b.created, &b.issuer)));
    signed.dedup();
    Package {
        epoch: package.epoch.or(Some(0)),
        signatures: signed,
        modularity_label: None,
        provides: Vec::new(),
        requires: Vec::new(),
        files: package.files.filter(|files| !files.is_empty()),
        ..package
    }
}
