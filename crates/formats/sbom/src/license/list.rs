//! The SPDX licence list as a table, and the spellings of its identifiers that packages use.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Version of the list.
pub const LIST_VERSION: &str = "3.29.0";

/// Identifier, marks (`d` deprecated, `o` approved by the OSI, `f` free by the FSF), name, addresses; tabs between.
/// In byte order of the identifiers.
const LICENSES: &str = include_str!("licenses.tsv");

/// Identifier, marks (`d` deprecated), name; tabs between.
const EXCEPTIONS: &str = include_str!("exceptions.tsv");

/// One licence of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedLicense {
    /// Its identifier.
    pub id: &'static str,
    /// Its full name.
    pub name: &'static str,
    /// Whether the identifier is no longer to be used.
    pub deprecated: bool,
    /// Whether the Open Source Initiative approved it.
    pub osi_approved: bool,
    /// Whether the Free Software Foundation calls it free.
    pub fsf_libre: bool,
    addresses: &'static str,
}

struct Tables {
    /// By lower-case identifier.
    licenses: HashMap<String, ListedLicense>,
    /// By lower-case identifier.
    exceptions: HashMap<String, &'static str>,
    /// Identifiers by every spelling that is taken for them, lower case, without hyphens.
    spellings: HashMap<String, &'static str>,
    /// Identifiers by address without scheme.
    addresses: HashMap<&'static str, &'static str>,
    /// Identifiers by address at opensource.org in one common form.
    osi_addresses: HashMap<String, &'static str>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(build);

/// The licence of an identifier on the list, in whatever letter case, deprecated ones too.
#[must_use]
pub fn listed(id: &str) -> Option<&'static ListedLicense> {
    TABLES.licenses.get(&id.to_ascii_lowercase())
}

/// The identifier of a licence exception, in whatever letter case it is given.
#[must_use]
pub fn exception(id: &str) -> Option<&'static str> {
    TABLES.exceptions.get(&id.to_ascii_lowercase()).copied()
}

/// The identifier that a spelling stands for: case and hyphens do not count, trailing `.0` of the version may be missing
/// or too many, `+` means or later, and an identifier that was replaced gives its replacement.
#[must_use]
pub fn spdx_id(spelling: &str) -> Option<&'static str> {
    TABLES.spellings.get(&clean(spelling.trim())).copied()
}

/// The identifier of the licence found at an address, with or without scheme. At opensource.org case, `www.`, `licenses`
/// for `license` and a trailing `/` do not count.
#[must_use]
pub fn id_for_url(url: &str) -> Option<&'static str> {
    let url = without_scheme(url.trim());
    let exact = TABLES.addresses.get(url);
    exact.or_else(|| TABLES.osi_addresses.get(&osi_form(url)?)).copied()
}

fn build() -> Tables {
    let list: Vec<ListedLicense> = LICENSES.lines().filter_map(read_license).collect();
    let mut spellings = HashMap::new();
    let mut addresses = HashMap::new();
    let current: HashSet<&str> = list.iter().filter(|license| !license.deprecated).map(|license| license.id).collect();
    for license in &list {
        let successor = license.deprecated.then(|| replacement(license.id, &current)).flatten();
        for spelling in permutations(&clean(license.id)) {
            spellings.entry(spelling).or_insert_with(|| successor.unwrap_or(license.id));
        }
        let target = if license.deprecated { successor } else { Some(license.id) };
        for address in license.addresses.split(' ').filter(|address| !address.is_empty()) {
            target.map(|id| addresses.insert(without_scheme(address), id));
        }
    }
    let exceptions = EXCEPTIONS.lines().filter_map(|line| line.split('\t').next());
    Tables {
        licenses: list.into_iter().map(|license| (license.id.to_ascii_lowercase(), license)).collect(),
        exceptions: exceptions.map(|id| (id.to_ascii_lowercase(), id)).collect(),
        osi_addresses: osi_addresses(&addresses),
        spellings,
        addresses,
    }
}

fn read_license(line: &'static str) -> Option<ListedLicense> {
    let mut columns = line.split('\t');
    let (id, marks, name) = (columns.next()?, columns.next()?, columns.next()?);
    Some(ListedLicense {
        id,
        name,
        deprecated: marks.contains('d'),
        osi_approved: marks.contains('o'),
        fsf_libre: marks.contains('f'),
        addresses: columns.next().unwrap_or_default(),
    })
}

/// The identifier to use in place of a deprecated one.
fn replacement(deprecated: &str, current: &HashSet<&'static str>) -> Option<&'static str> {
    let by_name = match deprecated {
        "BSD-2-Clause-NetBSD" => "BSD-2-Clause".to_owned(),
        "BSD-2-Clause-FreeBSD" => "BSD-2-Clause-Views".to_owned(),
        "bzip2-1.0.5" => "bzip2-1.0.6".to_owned(),
        "StandardML-NJ" => "SMLNJ".to_owned(),
        id => match id.strip_suffix('+') {
            Some(base) => format!("{base}-or-later"),
            None => format!("{id}-only"),
        },
    };
    current.get(by_name.as_str()).copied()
}

fn clean(id: &str) -> String {
    id.to_lowercase().replace('-', "")
}

/// Every spelling of a cleaned identifier: with one, two and three parts of its version, and `+` for `orlater`.
fn permutations(id: &str) -> Vec<String> {
    let mut all = vec![id.to_owned()];
    let version = first_version(id);
    if version.is_empty() {
        return all;
    }
    let written = version.join(".");
    let padded = version.iter().copied().chain(["0"; 3]);
    for length in 1..=3 {
        let spelled = padded.clone().take(length).collect::<Vec<_>>().join(".");
        if spelled.bytes().all(|b| matches!(b, b'0' | b'.')) {
            continue;
        }
        if let Some(base) = id.strip_suffix("orlater") {
            all.push(base.replacen(&written, &format!("{spelled}+"), 1));
        }
        all.push(id.replacen(&written, &spelled, 1));
    }
    all
}

/// The first run of up to three numbers with dots between them.
fn first_version(id: &str) -> Vec<&str> {
    let start = id.find(|c: char| c.is_ascii_digit()).unwrap_or(id.len());
    let (_, rest) = id.split_at(start);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (run, _) = rest.split_at(end);
    run.split('.').take(3).take_while(|part| !part.is_empty()).collect()
}

fn without_scheme(url: &str) -> &str {
    let url = url.strip_prefix("https://").unwrap_or(url);
    url.strip_prefix("http://").unwrap_or(url)
}

fn osi_form(url: &str) -> Option<String> {
    let url = url.to_lowercase();
    let url = url.strip_prefix("www.").unwrap_or(&url);
    let path = url.strip_prefix("opensource.org/")?;
    let path = path.strip_prefix("licenses/").map_or_else(|| path.to_owned(), |name| format!("license/{name}"));
    Some(path.strip_suffix('/').unwrap_or(&path).to_owned())
}

/// Leaves out forms that stand for more than one licence.
fn osi_addresses(addresses: &HashMap<&'static str, &'static str>) -> HashMap<String, &'static str> {
    let mut meanings: HashMap<String, Option<&'static str>> = HashMap::new();
    for (address, id) in addresses {
        let Some(form) = osi_form(address) else { continue };
        let meaning = meanings.entry(form).or_insert(Some(id));
        *meaning = meaning.filter(|known| known == id);
    }
    meanings.into_iter().filter_map(|(form, meaning)| Some((form, meaning?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_whole() {
        assert_eq!(TABLES.licenses.len(), 740);
        assert_eq!(TABLES.exceptions.len(), 86);
        assert!(TABLES.licenses.values().all(|license| !license.id.is_empty() && !license.name.is_empty()));
        assert_eq!(listed("gpl-2.0").map(|license| license.deprecated), Some(true));
        assert_eq!(listed("mit").map(|license| license.name), Some("MIT License"));
        assert_eq!(exception("classpath-EXCEPTION-2.0"), Some("Classpath-exception-2.0"));
    }

    #[track_caller]
    fn check(id: &str, expected: &[&str]) {
        let mut all = permutations(&clean(id));
        all.sort();
        all.dedup();
        assert_eq!(all, expected, "{id}");
    }

    #[test]
    fn spellings() {
        check("GPL-1-only", &["gpl1.0.0only", "gpl1.0only", "gpl1only"]);
        check("GPL-2.0+", &["gpl2+", "gpl2.0+", "gpl2.0.0+"]);
        check(
            "GPL-3.0-or-later",
            &["gpl3+", "gpl3.0+", "gpl3.0.0+", "gpl3.0.0orlater", "gpl3.0orlater", "gpl3orlater"],
        );
        check("OLDAP-0.3", &["oldap0.3", "oldap0.3.0"]);
        check("MIT", &["mit"]);
    }
}
