//! SPDX 2 tag-value to parts.

use super::raw::{Parts, RawAnnotation, RawChecksum, RawFile, RawLicense, RawPackage, RawRelationship};
use crate::decode::DecodeError;

/// How far into a text the version is looked for.
const MAX_HEADER_LINES: usize = 200;

/// The version that a tag-value document states.
pub(crate) fn version(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|byte| *byte == b'\n').take(MAX_HEADER_LINES) {
        let line = std::str::from_utf8(line).ok()?.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(version) = line.strip_prefix("SPDXVersion:") {
            return Some(version.trim().trim_start_matches("SPDX-").to_owned());
        }
        // The version may come after other tags, but not after anything that is none.
        line.split_once(':')?;
    }
    None
}

/// What the tags that follow belong to.
#[derive(Clone, Copy, PartialEq)]
enum Section {
    Document,
    Package,
    File,
    License,
    Relationship,
    Annotation,
    /// Snippets and reviews are passed over.
    Other,
}

struct Reading {
    parts: Parts,
    section: Section,
    /// A package was begun, so files belong to it.
    in_package: bool,
}

pub(super) fn parts(bytes: &[u8]) -> Result<Parts, DecodeError> {
    let text = std::str::from_utf8(bytes)?;
    let mut reading = Reading { parts: Parts::default(), section: Section::Document, in_package: false };
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let cause = "neither a tag with a value nor a comment";
        let (tag, value) = line.split_once(':').ok_or(DecodeError::Line { line: number + 1, cause })?;
        let value = value.trim();
        let Some(begun) = value.strip_prefix("<text>") else {
            reading.tag(tag.trim(), value);
            continue;
        };
        let mut enclosed = String::new();
        let mut rest = begun;
        loop {
            if let Some((end, _)) = rest.split_once("</text>") {
                enclosed.push_str(end);
                break;
            }
            enclosed.push_str(rest);
            enclosed.push('\n');
            let cause = "a <text> that does not end";
            rest = lines.next().ok_or(DecodeError::Line { line: number + 1, cause })?.1;
        }
        reading.tag(tag.trim(), &enclosed);
    }
    Ok(reading.parts)
}

impl Reading {
    fn tag(&mut self, tag: &str, value: &str) {
        match tag {
            "PackageName" => {
                self.section = Section::Package;
                self.in_package = true;
                self.parts.packages.push(RawPackage { name: value.to_owned(), ..RawPackage::default() });
            }
            "FileName" => {
                self.section = Section::File;
                self.parts.files.push(RawFile { name: value.to_owned(), ..RawFile::default() });
            }
            "LicenseID" => {
                self.section = Section::License;
                self.parts.licenses.push(RawLicense { id: value.to_owned(), ..RawLicense::default() });
            }
            "Relationship" => self.relationship(value),
            "Annotator" => {
                self.section = Section::Annotation;
                self.parts.annotations.push(RawAnnotation { annotator: value.to_owned(), ..RawAnnotation::default() });
            }
            "SnippetSPDXID" | "SnippetSPDXIdentifier" | "Reviewer" => self.section = Section::Other,
            _ => match self.section {
                Section::Document => self.document(tag, value),
                Section::Package => self.package(tag, value),
                Section::File => self.file(tag, value),
                Section::License => self.license(tag, value),
                Section::Relationship => {
                    if let (Some(last), "RelationshipComment") = (self.parts.relationships.last_mut(), tag) {
                        value.clone_into(&mut last.comment);
                    }
                }
                Section::Annotation => self.annotation(tag, value),
                Section::Other => {}
            },
        }
    }

    fn document(&mut self, tag: &str, value: &str) {
        match tag {
            "DocumentName" => value.clone_into(&mut self.parts.name),
            "DocumentNamespace" => value.clone_into(&mut self.parts.namespace),
            "Created" => value.clone_into(&mut self.parts.created),
            "Creator" => self.parts.creators.push(value.to_owned()),
            _ => {}
        }
    }

    fn relationship(&mut self, value: &str) {
        self.section = Section::Relationship;
        let mut words = value.split_whitespace().map(str::to_owned);
        if let (Some(from), Some(kind), Some(to)) = (words.next(), words.next(), words.next()) {
            self.parts.relationships.push(RawRelationship { from, kind, to, comment: String::new() });
        }
    }

    fn package(&mut self, tag: &str, value: &str) {
        let Some(package) = self.parts.packages.last_mut() else { return };
        let field = match tag {
            "SPDXID" => &mut package.id,
            "PackageVersion" => &mut package.version,
            "PackageSupplier" => &mut package.supplier,
            "PackageOriginator" => &mut package.originator,
            "PackageHomePage" => &mut package.homepage,
            "PackageSourceInfo" => &mut package.source_info,
            "PackageDescription" => &mut package.description,
            "PackageLicenseConcluded" => &mut package.license_concluded,
            "PackageLicenseDeclared" => &mut package.license_declared,
            "PrimaryPackagePurpose" => &mut package.purpose,
            "PackageChecksum" => return package.checksums.extend(checksum(value)),
            "ExternalRef" => {
                let mut words = value.split_whitespace().skip(1).map(str::to_owned);
                if let (Some(kind), Some(locator)) = (words.next(), words.next()) {
                    package.references.push((kind, locator));
                }
                return;
            }
            _ => return,
        };
        value.clone_into(field);
    }

    fn file(&mut self, tag: &str, value: &str) {
        let Some(file) = self.parts.files.last_mut() else { return };
        match tag {
            "SPDXID" => {
                value.clone_into(&mut file.id);
                if let Some(package) = self.parts.packages.last_mut().filter(|_| self.in_package) {
                    package.files.push(value.to_owned());
                }
            }
            "FileComment" => value.clone_into(&mut file.comment),
            "FileType" => file.types.push(value.to_owned()),
            "FileChecksum" => file.checksums.extend(checksum(value)),
            _ => {}
        }
    }

    fn license(&mut self, tag: &str, value: &str) {
        let Some(license) = self.parts.licenses.last_mut() else { return };
        match tag {
            "LicenseName" => value.clone_into(&mut license.name),
            "ExtractedText" => value.clone_into(&mut license.text),
            _ => {}
        }
    }

    fn annotation(&mut self, tag: &str, value: &str) {
        let Some(annotation) = self.parts.annotations.last_mut() else { return };
        match tag {
            "SPDXREF" => value.clone_into(&mut annotation.subject),
            "AnnotationComment" => value.clone_into(&mut annotation.text),
            _ => {}
        }
    }
}

fn checksum(value: &str) -> Option<RawChecksum> {
    let (algorithm, value) = value.split_once(':')?;
    Some(RawChecksum { algorithm: algorithm.trim().to_owned(), value: value.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_version(text: &str, expected: Option<&str>) {
        assert_eq!(version(text.as_bytes()).as_deref(), expected, "{text:?}");
    }

    #[test]
    fn versions() {
        check_version("SPDXVersion: SPDX-2.3\n", Some("2.3"));
        check_version("# made by hand\n\nDataLicense: CC0-1.0\nSPDXVersion: SPDX-2.2", Some("2.2"));
        check_version("not a tag\nSPDXVersion: SPDX-2.3\n", None);
        check_version("", None);
    }

    #[test]
    fn texts_run_over_lines() {
        let parts =
            parts(b"PackageName: a\nPackageDescription: <text>one: x\n two</text>\nPackageVersion: 1\n").unwrap();
        let package = parts.packages.first().unwrap();
        assert_eq!((package.description.as_str(), package.version.as_str()), ("one: x\n two", "1"));
    }

    #[test]
    fn errors_say_where() {
        for (text, line) in [("PackageName: a\nodd\n", 2), ("PackageName: <text>a\nb\n", 1)] {
            assert!(matches!(parts(text.as_bytes()), Err(DecodeError::Line { line: found, .. }) if found == line));
        }
    }

    #[test]
    fn files_after_a_package_are_its_files() {
        let parts = parts(b"FileName: x\nSPDXID: X\nPackageName: a\nSPDXID: A\nFileName: y\nSPDXID: Y\n").unwrap();
        assert_eq!(parts.packages.first().unwrap().files, ["Y"]);
    }
}
