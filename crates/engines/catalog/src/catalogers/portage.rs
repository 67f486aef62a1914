//! Gentoo packages: the database of portage, one folder for each package.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/gentoo`).

mod license;

use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, View, Want};
use license::Groups;
use purl::PackageUrl;
use sbom::{Component, Language, License, Location, PackageType};
use serde::{Deserialize, Serialize};

/// Finds what portage installed.
pub(crate) struct Portage;

const GROUPS: &str = "/etc/portage/license_groups";

/// Files of one package.
const MAX_FILES: usize = 500_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    installed_size: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    licenses: &'a str,
    files: Vec<OwnedFile<'a>>,
}

#[derive(Serialize)]
struct OwnedFile<'a> {
    path: &'a str,
    digest: OwnedDigest<'a>,
}

#[derive(Serialize)]
struct OwnedDigest<'a> {
    algorithm: &'static str,
    value: &'a str,
}

/// A regular file: path and MD5.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileLine<'a>(&'a str, &'a str);

impl Cataloger for Portage {
    fn name(&self) -> &'static str {
        "portage-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "os", "linux", "portage", "gentoo"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/var/db/pkg/*/*/{CONTENTS,LICENSE,SIZE}"), Want::Glob("etc/portage/license_groups")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if file.name() != "CONTENTS" {
            out.kept = file.bytes.to_vec();
            return Ok(());
        }
        if package(file.path).is_none() {
            return Err(ParseError::malformed("failed to match package and version"));
        }
        let text = file.text();
        let files: Vec<FileLine<'_>> = text.lines().filter_map(regular_file).take(MAX_FILES).collect();
        out.kept = postcard::to_allocvec(&files).map_err(|error| ParseError::malformed(error.to_string()))?;
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        for found in view.extractions() {
            let Some((name, version)) = package(&found.file.path) else {
                continue;
            };
            let Ok(files) = postcard::from_bytes::<Vec<FileLine<'_>>>(&found.body.kept) else {
                continue;
            };
            match component(view, &found, (name, version), &files) {
                Ok(component) => {
                    out.add(component);
                }
                Err(error) => out.unknown(&found, error.to_string()),
            }
        }
    }
}

/// The path and digest of an `obj PATH MD5 TIME` line. As with the peer, a blank in a path ends it.
fn regular_file(line: &str) -> Option<FileLine<'_>> {
    let mut fields = line.strip_prefix("obj ")?.split(' ');
    Some(FileLine(fields.next()?, fields.next()?))
}

fn component(
    view: &View<'_>,
    found: &Found<'_>,
    (name, version): (&str, &str),
    files: &[FileLine<'_>],
) -> Result<Component, serde_json::Error> {
    let folder = found.file.path.strip_suffix("CONTENTS").unwrap_or_default();
    let beside = |name: &str| {
        let path = format!("{folder}{name}");
        let file = view.beside(found, &path)?;
        let text = String::from_utf8_lossy(&file.body.kept);
        Some((text, Location { access_path: path, ..file.supporting() }))
    };
    let (license, size) = (beside("LICENSE"), beside("SIZE"));
    let stated = license.as_ref().map_or("", |(text, _)| text.trim());
    let numbers = size.as_ref().and_then(|(text, _)| text.lines().rev().find_map(|line| line.parse().ok()));

    let mut component = Component::new(PackageType::Portage, Language::Unknown, name, version);
    component.set_metadata(
        "portage-db-entry",
        &Record {
            installed_size: numbers.unwrap_or_default(),
            licenses: stated,
            files: files.iter().map(|FileLine(path, md5)| owned_file(path, md5)).collect(),
        },
    )?;
    component.purl = PackageUrl::new("ebuild", name).version(version).to_string();
    component.owned_files = files.iter().map(|FileLine(path, _)| (*path).to_owned()).collect();
    if let Some((_, place)) = &license {
        let groups = view.beside(found, GROUPS).filter(|_| stated.contains('@'));
        let groups = groups.and_then(|groups| Groups::parse(&String::from_utf8_lossy(&groups.body.kept)));
        let expression = license::expression(stated, groups.as_ref());
        let location = Some(place.clone());
        component
            .licenses
            .extend((!expression.is_empty()).then(|| License { location, ..License::declared(expression) }));
    }
    component.locations.push(found.location());
    component.locations.extend([license, size].into_iter().flatten().map(|(_, place)| place));
    Ok(component)
}

fn owned_file<'a>(path: &'a str, md5: &'a str) -> OwnedFile<'a> {
    OwnedFile { path, digest: OwnedDigest { algorithm: "md5", value: md5 } }
}

/// Category with name, and version, from `.../app-shells/bash-5.1_p16-r2/CONTENTS` (PMS 8, sections 3.1 and 3.2).
fn package(path: &str) -> Option<(&str, &str)> {
    let folder = path.strip_suffix("/CONTENTS")?;
    let name_at = folder.rfind('/')?;
    let category_at = folder.get(..name_at)?.rfind('/')?;
    let hyphens = folder.match_indices('-').map(|(at, _)| at).filter(|at| *at > name_at);
    // The longest version wins: names may not end in what looks like one.
    hyphens.into_iter().find_map(|at| {
        let (name, version) = (folder.get(category_at + 1..at)?, folder.get(at + 1..)?);
        let own_name = folder.get(name_at + 1..at)?;
        (is_name(own_name) && is_version(version)).then_some((name, version))
    })
}

fn is_name(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '+';
    name.starts_with(is_word) && name.chars().all(|c| is_word(c) || c == '-')
}

/// Digits with points, perhaps a letter, suffixes such as `_rc1`, a revision such as `-r2`.
fn is_version(version: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (version, revision) = version.split_once("-r").map_or((version, None), |(version, r)| (version, Some(r)));
    let mut parts = version.split('_');
    let numbers = parts.next().unwrap_or_default();
    let numbers = numbers.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(numbers);
    let suffixes = ["pre", "p", "beta", "alpha", "rc"];
    numbers.split('.').all(is_number)
        && parts.all(|part| suffixes.iter().any(|suffix| part.strip_prefix(suffix).is_some_and(is_digits)))
        && revision.is_none_or(is_number)
}

#[cfg(test)]
mod tests {
    use super::{Portage, package};
    use crate::catalogers::testing::{catalogue, purls, record};

    #[test]
    fn packages() {
        for (path, expected) in [
            ("/var/db/pkg/app-shells/bash-5.1_p16-r2/CONTENTS", Some(("app-shells/bash", "5.1_p16-r2"))),
            ("/var/db/pkg/dev-libs/gtk+-2.24.33/CONTENTS", Some(("dev-libs/gtk+", "2.24.33"))),
            ("/var/db/pkg/a/font-adobe-100dpi-1.0.3b/CONTENTS", Some(("a/font-adobe-100dpi", "1.0.3b"))),
            ("/var/db/pkg/a/noversion/CONTENTS", None),
            ("/var/db/pkg/a/x-1.2_zz/CONTENTS", None),
        ] {
            assert_eq!(package(path), expected, "{path}");
        }
    }

    #[test]
    fn database() {
        let folder = "/var/db/pkg/app-misc/tool-1.0-r1";
        let document = catalogue(
            &Portage,
            &[
                (&format!("{folder}/CONTENTS"), b"dir /usr\nobj /usr/bin/tool abcd 1609\nsym /a -> /b 1\n"),
                (&format!("{folder}/LICENSE"), b"GPL-2 || ( MIT BSD ) test? ( Extra )\n"),
                (&format!("{folder}/SIZE"), b"1234\n"),
            ],
        );
        assert_eq!(purls(&document), ["pkg:ebuild/app-misc%2Ftool@1.0-r1"]);
        assert_eq!(
            record(&document, "app-misc/tool"),
            "{\"installedSize\":1234,\"licenses\":\"GPL-2 || ( MIT BSD ) test? ( Extra )\",\
             \"files\":[{\"path\":\"/usr/bin/tool\",\"digest\":{\"algorithm\":\"md5\",\"value\":\"abcd\"}}]}"
        );
        assert_eq!(document.components[0].licenses[0].value, "GPL-2 AND (MIT OR BSD)");
        assert_eq!(document.components[0].locations.len(), 3);
    }
}
