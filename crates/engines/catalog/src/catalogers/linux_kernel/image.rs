//! The head of an x86 kernel image (Linux, `Documentation/arch/x86/boot.rst`), as file(1) tells it.

use super::purl;
use crate::ParseError;
use purl::cpe::Attribute;
use sbom::{Component, Cpe, CpeSource, Language, PackageType};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    /// Always empty, as the peer leaves it.
    name: &'static str,
    architecture: &'static str,
    version: &'a str,
    extended_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    format: &'static str,
    #[serde(rename = "rwRootFS", skip_serializing_if = "std::ops::Not::not")]
    is_root_writable: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    video_mode: String,
}

/// Offsets of fields.
const ROOT_FLAGS: usize = 498;
const VIDEO_MODE: usize = 506;
const BOOT_FLAG: usize = 510;
const MAGIC: usize = 514;
const PROTOCOL: usize = 518;
const VERSION: usize = 526;
const LOAD_FLAGS: usize = 529;

/// The version's place counts from here.
const SETUP: usize = 0x200;
const MAX_VERSION_BYTES: usize = 1024;

/// The kernel and its version; none for other files, whose names are the same by chance, and for other processors.
///
/// # Errors
/// Never for these types; passed on from the JSON printer.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Component, String)>, ParseError> {
    let Some((record, extended)) = head(bytes) else {
        return Ok(None);
    };
    let Some(version) = extended.split_whitespace().next() else {
        return Ok(None);
    };
    let mut component = Component::new(PackageType::LinuxKernel, Language::Unknown, "linux-kernel", version);
    component.set_metadata("linux-kernel-archive", &Record { version, extended_version: &extended, ..record })?;
    component.purl = purl("linux-kernel", version);
    if let Ok(attribute) = Attribute::from_formatted(version) {
        let name = format!("cpe:2.3:o:linux:linux_kernel:{attribute}:*:*:*:*:*:*:*");
        component.cpes.push(Cpe { name, source: CpeSource::NvdDictionary });
    }
    Ok(Some((component, version.to_owned())))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The record without its versions, and the extended version.
fn head(bytes: &[u8]) -> Option<(Record<'static>, String)> {
    let is_kernel = bytes.get(MAGIC..)?.starts_with(b"HdrS") && u16_at(bytes, BOOT_FLAG)? == 0xaa55;
    let has_version = u16_at(bytes, PROTOCOL)? > 0x1ff;
    if !is_kernel || !has_version {
        return None;
    }
    let text = bytes.get(usize::from(u16_at(bytes, VERSION)?) + SETUP..)?;
    let text = text.get(..MAX_VERSION_BYTES).unwrap_or(text).split(|byte| *byte == 0).next()?;
    let record = Record {
        name: "",
        architecture: "x86",
        version: "",
        extended_version: "",
        format: match *bytes.get(LOAD_FLAGS)? {
            0 => "zImage",
            1 => "bzImage",
            _ => "",
        },
        is_root_writable: u16_at(bytes, ROOT_FLAGS)? == 0,
        video_mode: video_mode(bytes)?,
    };
    Some((record, String::from_utf8_lossy(text).into_owned()))
}

/// The peer's last words on it. It prints the number with the two bytes that follow, the root device.
fn video_mode(bytes: &[u8]) -> Option<String> {
    if u16_at(bytes, VIDEO_MODE)? == 0 {
        return Some(String::new());
    }
    Some(format!("Video mode {}", i32::from_le_bytes(*bytes.get(VIDEO_MODE..)?.first_chunk()?)))
}
