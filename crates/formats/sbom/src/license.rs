//! SPDX licences: the list, expressions, and what a package's own words mean in them.
//!
//! Facts of the SPDX licence list 3.29.0, the one that Syft 1.57 uses. What is taken as an identifier follows
//! `internal/spdxlicense` and `syft/license` of Syft 1.57.
//!
//! ```
//! use sbom::license::normalize;
//!
//! assert_eq!(normalize("apache 2.0"), "");
//! assert_eq!(normalize("apache-2"), "Apache-2.0");
//! assert_eq!(normalize("GPL-2+"), "GPL-2.0-or-later");
//! assert_eq!(normalize("https://opensource.org/licenses/MIT"), "MIT");
//! assert_eq!(normalize("MIT OR Apache-2.0"), "MIT OR Apache-2.0");
//! ```

mod expression;
mod list;

pub use expression::{Expression, ExpressionError, MAX_DEPTH, MAX_LENGTH_BYTES};
pub use list::{LIST_VERSION, ListedLicense, exception, id_for_url, listed, spdx_id};

/// What begins the identifier of a licence that is not on the list.
pub const REFERENCE_PREFIX: &str = "LicenseRef-";

/// Endings of file names that addresses of licences may carry.
const FILE_SUFFIXES: [&str; 13] =
    [".txt", ".pdf", ".html", ".htm", ".md", ".markdown", ".rst", ".doc", ".docx", ".rtf", ".tex", ".xml", ".json"];

/// The SPDX expression that a package's licence statement means; empty when it means none.
///
/// An identifier in any of its common spellings gives the identifier, an address on the list its licence. A valid
/// expression is given back as it was written.
#[must_use]
pub fn normalize(value: &str) -> String {
    if let Some(id) = spdx_id(value).or_else(|| id_for_url(value)).or_else(|| id_for_url(without_file_suffix(value)?)) {
        return id.to_owned();
    }
    match value.parse::<Expression>() {
        Ok(_) => value.to_owned(),
        Err(_) => String::new(),
    }
}

fn without_file_suffix(value: &str) -> Option<&str> {
    FILE_SUFFIXES.iter().find_map(|suffix| {
        let (stem, end) = value.split_at_checked(value.len().checked_sub(suffix.len())?)?;
        end.eq_ignore_ascii_case(suffix).then_some(stem)
    })
}

/// The identifier in an SPDX document of a licence that means no SPDX expression.
///
/// Every character that SPDX does not allow becomes a hyphen. The mark of a hash (`sha256:`), which stands for
/// a licence known only by its text, is left out.
#[must_use]
pub fn reference(value: &str) -> String {
    let value = value.replace("sha256:", "");
    let name = value.strip_prefix(REFERENCE_PREFIX).unwrap_or(&value);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let mut id = REFERENCE_PREFIX.to_owned();
    id.extend(name.chars().map(|c| if allowed(c) { c } else { '-' }));
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        assert_eq!(normalize(value), expected, "{value}");
    }

    #[test]
    fn identifiers() {
        check("mit", "MIT");
        check(" BSD-3-clause ", "BSD-3-Clause");
        check("GPL-1-only", "GPL-1.0-only");
        check("gpl1", "GPL-1.0-only");
        check("GPL-2", "GPL-2.0-only");
        check("GPL-2.0", "GPL-2.0-only");
        check("GPL-2+", "GPL-2.0-or-later");
        check("LGPLv2+", "");
        check("GPL-3.0.0-or-later", "GPL-3.0-or-later");
        check("GPL-3-with-autoconf-exception", "GPL-3.0-with-autoconf-exception");
        check("CC-by-nc-3-de", "CC-BY-NC-3.0-DE");
        check("unicode-dfs-2015.0.0", "Unicode-DFS-2015");
        check("BSD-2-Clause-NetBSD", "BSD-2-Clause");
        check("AFL-1", "AFL-1.1");
        check("Unknown", "");
        check("   ", "");
        check("", "");
    }

    #[test]
    fn addresses() {
        check("https://opensource.org/licenses/MIT", "MIT");
        check("http://www.opensource.org/licenses/mit/", "MIT");
        check("http://www.apache.org/licenses/LICENSE-2.0", "Apache-2.0");
        check("http://www.apache.org/licenses/LICENSE-2.0.txt", "Apache-2.0");
        check("https://example.org/licenses/MIT", "");
    }

    #[test]
    fn expressions_stay_as_written() {
        check("MIT OR Apache-2.0", "MIT OR Apache-2.0");
        check("(mit OR apache-2.0)", "(mit OR apache-2.0)");
        check("GPL-2.0 WITH Classpath-exception-2.0", "GPL-2.0 WITH Classpath-exception-2.0");
        check("LicenseRef-mine AND MIT", "LicenseRef-mine AND MIT");
        check("MIT OR Apache-2.0 OR invalid", "");
        check("mit or apache-2.0", "");
        check("MIT, BSD", "");
    }

    #[test]
    fn references() {
        assert_eq!(reference("Public Domain, mostly"), "LicenseRef-Public-Domain--mostly");
        assert_eq!(reference("sha256:0a1b"), "LicenseRef-0a1b");
        assert_eq!(reference("LicenseRef-a_b"), "LicenseRef-a-b");
    }

    proptest! {
        #[test]
        fn never_panics(value in "[ ()+:A-Za-z0-9.-]{0,40}|.{0,40}") {
            let _ = normalize(&value);
            prop_assert!(reference(&value).parse::<Expression>().is_ok() || value.is_empty());
        }
    }
}
