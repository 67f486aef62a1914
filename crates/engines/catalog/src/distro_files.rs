//! Keeps the small files that tell the distribution, for [`crate::distro`].

use crate::{Cataloger, Extraction, File, ParseError, Want};

/// The name under which the files are kept.
pub(crate) const NAME: &str = "os-release";

/// Not a cataloger of packages, but the same kind of work.
pub(crate) struct DistroFiles;

/// Whole files up to this size are kept.
const MAX_KEPT: usize = 256 << 10;

impl Cataloger for DistroFiles {
    fn name(&self) -> &'static str {
        NAME
    }

    fn tags(&self) -> &'static [&'static str] {
        &[]
    }

    fn wants(&self) -> &'static [Want] {
        const WANTS: &[Want] = &[
            Want::Glob("etc/os-release"),
            Want::Glob("usr/lib/os-release"),
            Want::Glob("etc/system-release-cpe"),
            Want::Glob("etc/*-release"),
            Want::Glob("etc/debian_version"),
            Want::Glob("{bin,usr/bin}/busybox"),
            Want::Glob("root/buildinfo/content_manifests/*.json"),
            Want::Glob("etc/apt/sources.list.d/*"),
            Want::Glob("etc/apt/auth.conf.d/90ubuntu-advantage"),
            Want::Glob("var/lib/ubuntu-advantage/status.json"),
        ];
        WANTS
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        out.kept = if file.name() == "busybox" { banner(file.bytes) } else { file.bytes.to_vec() };
        out.kept.truncate(MAX_KEPT);
        Ok(())
    }

    fn assemble(&self, _view: &crate::View<'_>, _out: &mut crate::Assembly) {}
}

/// The words `BusyBox v1.36.1 ...` out of the binary.
fn banner(bytes: &[u8]) -> Vec<u8> {
    const MARK: &[u8] = b"BusyBox v";
    const LENGTH: usize = 64;
    match memchr::memmem::find(bytes, MARK) {
        Some(at) => bytes.get(at..(at + LENGTH).min(bytes.len())).unwrap_or_default().to_vec(),
        None => Vec::new(),
    }
}
