//! Licences from declarations and from licence texts, as the catalogers of languages need them
//! (Syft 1.57, `pkg/license.go`, `cataloger/internal/licenses`).

use super::license_text;
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, View, Want};
use aws_lc_rs::digest;
use sbom::{License, LicenseOrigin};
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// The name under which [`LicenseFiles`] keeps them.
const NAME: &str = "license-files";

/// Keeps the licence files for [`Beside`]. Not a cataloger of packages, but the same kind of work.
pub(crate) struct LicenseFiles;

impl Cataloger for LicenseFiles {
    fn name(&self) -> &'static str {
        NAME
    }

    fn tags(&self) -> &'static [&'static str] {
        &[]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob(
            "**/{LICENSE,LICENCE,License,Licence,license,licence,MIT-LICENSE,UNLICENSE,COPYING,copying,NOTICE,notice}*",
        )]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        if is_license_file(file.name()) { keep(file, out) } else { Ok(()) }
    }

    fn assemble(&self, _view: &View<'_>, _out: &mut Assembly) {}
}

/// A longer text is known by its digest only.
const MAX_TEXT: usize = 256 << 10;

/// A licence file, to be looked at when somebody asks: few packages leave the licence to the text.
#[derive(Serialize, Deserialize)]
struct Text {
    text: Vec<u8>,
    digest: String,
}

/// Does a file of this name hold a licence?
pub(crate) fn is_license_file(name: &str) -> bool {
    const STARTS: [&str; 8] =
        ["license", "licence", "unlicense", "unlicence", "mit-license", "mit-licence", "copying", "notice"];
    const WHOLE: [&str; 4] = ["al2.0", "lgpl2.1", "mit_license", "mit_licence"];
    let starts = |start: &&str| name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    STARTS.iter().any(starts) || WHOLE.iter().any(|whole| name.eq_ignore_ascii_case(whole))
}

/// A declared licence. A value of several lines is a licence text.
pub(crate) fn declared(value: &str) -> Vec<License> {
    if value.contains('\n') {
        return from_text(value.as_bytes(), LicenseOrigin::Declared);
    }
    match value.trim() {
        "" => Vec::new(),
        value => vec![License::declared(value)],
    }
}

/// A declared licence with its address. Either may be empty.
pub(crate) fn declared_with_url(value: &str, url: &str) -> Vec<License> {
    if value.contains('\n') {
        return declared(value);
    }
    let (value, url) = (value.trim(), url.trim());
    let urls: Vec<String> = is_address(url).then(|| url.to_owned()).into_iter().collect();
    if value.is_empty() && urls.is_empty() { Vec::new() } else { vec![License { urls, ..License::declared(value) }] }
}

fn is_address(url: &str) -> bool {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let has_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    (has_scheme || url.starts_with('/')) && !url.contains(|c: char| c.is_control() || c == ' ')
}

/// The licences whose texts a file holds; its digest where no text is known.
pub(crate) fn concluded(text: &[u8]) -> Vec<License> {
    from_text(text, LicenseOrigin::Concluded)
}

fn from_text(text: &[u8], origin: LicenseOrigin) -> Vec<License> {
    let known = license_text::identify(text);
    let license = |value: String| License { origin, ..License::declared(value) };
    if known.is_empty() {
        return vec![license(format!("sha256:{}", sha256(text)))];
    }
    known.into_iter().map(|name| license(name.to_owned())).collect()
}

fn sha256(text: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, text).as_ref())
}

/// Is the licence known by name, rather than by the digest of its text?
pub(crate) fn is_recognised(license: &License) -> bool {
    !license.value.starts_with("sha256:")
}

/// Keeps a licence file for [`kept`].
///
/// # Errors
/// Where it can't be kept, which is a bug.
pub(crate) fn keep(file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
    let text = if file.bytes.len() <= MAX_TEXT { file.bytes.to_vec() } else { Vec::new() };
    let text = Text { text, digest: sha256(file.bytes) };
    out.kept = postcard::to_stdvec(&text).map_err(|error| ParseError::malformed(error.to_string()))?;
    Ok(())
}

/// The licence files of each folder, gathered when somebody first asks.
pub(crate) struct Beside<'v, 'a> {
    view: &'v View<'a>,
    by_folder: OnceCell<BTreeMap<&'a str, Vec<Found<'a>>>>,
}

impl<'v, 'a> Beside<'v, 'a> {
    /// The licence files that `view` shows.
    pub(crate) fn new(view: &'v View<'a>) -> Self {
        Self { view, by_folder: OnceCell::new() }
    }

    /// The licences in the folder of `found`.
    pub(crate) fn of(&self, found: &Found<'_>) -> Vec<License> {
        let folder = found.file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let by_folder = self.by_folder.get_or_init(|| {
            let mut by_folder: BTreeMap<&'a str, Vec<Found<'a>>> = BTreeMap::new();
            for found in self.view.extractions_of(NAME) {
                let folder = found.file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                by_folder.entry(folder).or_default().push(found);
            }
            by_folder
        });
        by_folder.get(folder).into_iter().flatten().flat_map(kept).collect()
    }
}

/// Adds what was extracted; what has no licence of its own has those of the files beside.
pub(crate) fn assemble(view: &View<'_>, out: &mut Assembly) {
    let beside = Beside::new(view);
    for found in view.extractions() {
        let mut body = found.body.clone();
        for component in body.components.iter_mut().filter(|component| component.licenses.is_empty()) {
            component.licenses = beside.of(&found);
        }
        out.add_extracted(&Found { body: &body, ..found });
    }
}

/// The licences of one licence file, each with the file as its place.
pub(crate) fn kept(found: &Found<'_>) -> Vec<License> {
    let Ok(Text { text, digest }) = postcard::from_bytes(&found.body.kept) else { return Vec::new() };
    let licenses = if text.is_empty() {
        vec![License { origin: LicenseOrigin::Concluded, ..License::declared(format!("sha256:{digest}")) }]
    } else {
        concluded(&text)
    };
    let location = found.unannotated();
    licenses.into_iter().map(|license| License { location: Some(location.clone()), ..license }).collect()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [
            ("LICENSE", true),
            ("license.md", true),
            ("Licence-MIT", true),
            ("MIT-LICENSE.txt", true),
            ("mit_license", true),
            ("COPYING.LESSER", true),
            ("NOTICE", true),
            ("AL2.0", true),
            ("UNLICENSE", true),
            ("README", false),
            ("my-license", false),
            ("lic", false),
            ("", false),
        ] {
            assert_eq!(is_license_file(name), expected, "{name}");
        }
    }

    #[test]
    fn declarations() {
        let check = |value: &str, url: &str, expected: &[(&str, &[&str])]| {
            let found = declared_with_url(value, url);
            let found: Vec<_> = found.iter().map(|l| (l.value.as_str(), l.urls.clone())).collect();
            let expected: Vec<_> =
                expected.iter().map(|(value, urls)| (*value, urls.iter().map(|u| u.to_string()).collect())).collect();
            assert_eq!(found, expected, "{value} {url}");
        };
        check(" MIT ", "", &[("MIT", &[])]);
        check("MIT", "https://x/y", &[("MIT", &["https://x/y"])]);
        check("MIT", "not an address", &[("MIT", &[])]);
        check("", "https://x", &[("", &["https://x"])]);
        check("", "", &[]);
        assert!(!is_recognised(&declared("one\ntwo")[0]));
    }
}
