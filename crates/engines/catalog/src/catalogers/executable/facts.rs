//! What executables say of themselves, for `files[].executable` of the document.
//!
//! Follows Syft 1.57 (`syft/file/cataloger/executable`).

use super::{Executable, elf, imported_libraries, macho, parts, pe};
use crate::catalogers::license_files::hex;
use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want};
use serde::Serialize;
use std::collections::BTreeSet;

/// The name under which the facts are kept.
pub(crate) const NAME: &str = "file-executable-cataloger";

/// Keeps one JSON object in the shape of Syft's `files[].executable`. Not a cataloger of packages, but the same kind
/// of work.
pub(crate) struct ExecutableFacts;

/// The peer looks at no smaller file.
const MIN_BYTES: usize = 512;

impl Cataloger for ExecutableFacts {
    fn name(&self) -> &'static str {
        NAME
    }

    fn tags(&self) -> &'static [&'static str] {
        &[]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Executable]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if file.bytes.len() < MIN_BYTES {
            return Ok(());
        }
        let facts = match file.bytes {
            [0x7f, b'E', b'L', b'F', ..] => of_elf(file.bytes),
            [b'M', b'Z', ..] => of_pe(file.bytes),
            bytes => of_mach_o(bytes),
        };
        // What can't be read is told by the catalogers that look for packages.
        if let Some(facts) = facts {
            serde_json::to_writer(&mut out.kept, &facts)?;
        }
        Ok(())
    }

    fn assemble(&self, _view: &View<'_>, _out: &mut Assembly) {}
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Facts {
    format: &'static str,
    has_exports: bool,
    has_entrypoint: bool,
    imported_libraries: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elf_security_features: Option<Security>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifiers: Vec<Identifier>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Security {
    symbol_table_stripped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_canary: Option<bool>,
    nx: bool,
    #[serde(rename = "relRO")]
    rel_ro: &'static str,
    pie: bool,
    dso: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    safe_stack: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cfi: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fortify: Option<bool>,
}

#[derive(Serialize, PartialEq)]
struct Identifier {
    kind: &'static str,
    value: String,
}

fn of_elf(bytes: &[u8]) -> Option<Facts> {
    let features = elf::features(bytes)?;
    let rel_ro = match (features.has_relro, features.binds_now) {
        (true, true) => "full",
        (true, false) => "partial",
        (false, _) => "none",
    };
    Some(Facts {
        format: "elf",
        has_exports: features.has_exports,
        has_entrypoint: features.has_entrypoint,
        imported_libraries: imported_libraries(bytes),
        elf_security_features: Some(Security {
            symbol_table_stripped: !features.has_symbol_table,
            stack_canary: features.has_stack_canary,
            nx: features.is_stack_not_executable,
            rel_ro,
            pie: features.is_pie,
            dso: features.is_shared_object,
            safe_stack: features.has_safe_stack,
            cfi: features.has_cfi,
            fortify: features.is_fortified,
        }),
        identifiers: identifiers(bytes),
    })
}

/// The notes by which linkers name a build.
fn identifiers(bytes: &[u8]) -> Vec<Identifier> {
    /// Such a section holds one note.
    const MAX_SECTION_BYTES: usize = 64 << 10;
    let Some(executable) = Executable::parse(bytes) else { return Vec::new() };
    let is_big_endian = bytes.get(5) == Some(&2);
    let mut found: Vec<Identifier> = Vec::new();
    for (section, owner, number, kind) in
        [(".note.gnu.build-id", &b"GNU"[..], 3, "elf-gnu-build-id"), (".note.go.buildid", &b"Go"[..], 4, "go-build-id")]
    {
        let content = executable.section(section).map_or(&[][..], |section| section.bytes);
        for note in notes(content.get(..MAX_SECTION_BYTES).unwrap_or(content), is_big_endian) {
            let value = match kind {
                "go-build-id" => std::str::from_utf8(note.content).unwrap_or_default().to_owned(),
                _ => hex(note.content),
            };
            let identifier = Identifier { kind, value };
            if note.owner == owner
                && note.number == number
                && !identifier.value.is_empty()
                && !found.contains(&identifier)
            {
                found.push(identifier);
            }
        }
    }
    found
}

struct Note<'a> {
    owner: &'a [u8],
    number: u32,
    content: &'a [u8],
}

/// The notes of a section (System V gABI, "Note Section"), up to the first that is not whole.
fn notes(mut rest: &[u8], is_big_endian: bool) -> Vec<Note<'_>> {
    let word = |bytes: &[u8], at: usize| {
        let word = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if is_big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
    };
    let mut notes = Vec::new();
    while let (Some(name_bytes), Some(content_bytes), Some(number)) = (word(rest, 0), word(rest, 4), word(rest, 8)) {
        let note = || {
            let name_end = 12_usize.checked_add(usize::try_from(name_bytes).ok()?)?;
            let start = name_end.checked_next_multiple_of(4)?;
            let end = start.checked_add(usize::try_from(content_bytes).ok()?)?;
            let (name, content) = (rest.get(12..name_end)?, rest.get(start..end)?);
            let owner = name.split(|byte| *byte == 0).next().unwrap_or_default();
            Some((Note { owner, number, content }, rest.get(end.checked_next_multiple_of(4)?..).unwrap_or_default()))
        };
        let Some((note, after)) = note() else { break };
        notes.push(note);
        rest = after;
    }
    notes
}

/// The peer reads no imports of a PE file, and takes it for a program only where symbols say so.
fn of_pe(bytes: &[u8]) -> Option<Facts> {
    let [exports] = pe::directories(bytes, [0])?;
    let executable = Executable::parse(bytes)?;
    let has_any = |names: &[&str]| names.iter().any(|name| executable.symbols.iter().any(|table| table.has(name)));
    let is_program = has_any(&["main", "WinMain", "wWinMain"]);
    let is_library = has_any(&["DllMain", "_DllMainCRTStartup@12", "CRT_INIT"]);
    Some(Facts {
        format: "pe",
        has_exports: exports.is_some(),
        has_entrypoint: is_program && !is_library,
        ..Facts::default()
    })
}

fn of_mach_o(bytes: &[u8]) -> Option<Facts> {
    let mut facts = Facts { format: "macho", ..Facts::default() };
    let mut libraries = BTreeSet::new();
    for part in parts(bytes) {
        let features = macho::features(part)?;
        facts.has_exports |= features.has_exports;
        facts.has_entrypoint |= features.has_entrypoint;
        libraries.extend(features.libraries);
    }
    facts.imported_libraries = libraries.into_iter().collect();
    Some(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts(bytes: &[u8]) -> String {
        let mut out = Extraction::default();
        ExecutableFacts.extract(&File { path: "/x", mode: 0o755, bytes }, &mut out).unwrap();
        String::from_utf8(out.kept).unwrap()
    }

    #[test]
    fn own_program() {
        let facts = facts(&std::fs::read(std::env::current_exe().unwrap()).unwrap());
        for part in [
            r#"{"format":"elf","hasExports":"#,
            r#""hasEntrypoint":true"#,
            r#""libc.so.6""#,
            r#""symbolTableStripped":false"#,
            r#""nx":true,"relRO":"full","pie":true,"dso":true"#,
            r#"{"kind":"elf-gnu-build-id","value":""#,
        ] {
            assert!(facts.contains(part), "{part} in {facts}");
        }
    }

    #[test]
    fn what_is_not_told() {
        assert_eq!(facts(b"\x7fELF"), "");
        assert_eq!(facts(&[&b"\x7fELF\x02\x01\x01"[..], &[0xff; 600]].concat()), "");
    }

    proptest! {
        #[test]
        fn never_panics(magic in 0..5_usize, noise in proptest::collection::vec(any::<u8>(), 600..900)) {
            let magics: [&[u8]; 5] =
                [b"\x7fELF\x02\x01\x01", b"\x7fELF\x01\x02\x01", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x02"];
            facts(&[magics[magic], &noise].concat());
        }

        #[test]
        fn survives_damage(at in 0..8192_usize, noise in proptest::collection::vec(any::<u8>(), 1..64)) {
            let mut bytes = std::fs::read("/bin/sh").unwrap_or_default();
            if let Some(place) = bytes.get_mut(at..at + noise.len()) {
                place.copy_from_slice(&noise);
            }
            facts(&bytes);
            notes(&noise, true);
        }
    }
}
