//! CPE 2.3 names: parsing and printing of both bindings (NISTIR 7695), and matching (NISTIR 7696).
//!
//! ```
//! use purl::cpe::{Cpe, Relation};
//!
//! let any: Cpe = "cpe:2.3:a:apache:log4j:2.*:*:*:*:*:*:*:*".parse()?;
//! let one: Cpe = "cpe:/a:apache:log4j:2.14.1".parse()?;
//! assert_eq!(one.to_string(), "cpe:2.3:a:apache:log4j:2.14.1:*:*:*:*:*:*:*");
//! assert_eq!(any.compare(&one), Some(Relation::Superset));
//! # Ok::<(), purl::cpe::ParseError>(())
//! ```

mod attribute;
mod uri;

pub use attribute::{Attribute, Relation};

use std::fmt;
use std::str::FromStr;

/// Longest text that is read, in bytes.
pub const MAX_LENGTH_BYTES: usize = 4096;

const FORMATTED_PREFIX: &str = "cpe:2.3:";
const URI_PREFIX: &str = "cpe:/";

/// A CPE name: eleven attributes.
///
/// `Display` gives the formatted string (`cpe:2.3:...`); [`Cpe::to_uri`] the URI of CPE 2.2. `FromStr` reads either.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpe {
    /// `a` application, `o` operating system, `h` hardware.
    pub part: Attribute,
    /// Who made it.
    pub vendor: Attribute,
    /// Its name.
    pub product: Attribute,
    /// The vendor's version.
    pub version: Attribute,
    /// Update, service pack or point release.
    pub update: Attribute,
    /// Legacy edition of CPE 2.2.
    pub edition: Attribute,
    /// Language tag of RFC 5646.
    pub language: Attribute,
    /// How it is tailored to a market.
    pub sw_edition: Attribute,
    /// The software environment it runs in.
    pub target_sw: Attribute,
    /// The instruction set it runs on.
    pub target_hw: Attribute,
    /// Anything else.
    pub other: Attribute,
}

/// Why a text is no CPE name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// It is longer than [`MAX_LENGTH_BYTES`].
    #[error("CPE of {0} bytes is too long")]
    TooLong(usize),
    /// It begins neither with `cpe:2.3:` nor with `cpe:/`.
    #[error("CPE begins neither with \"cpe:2.3:\" nor with \"cpe:/\"")]
    Prefix,
    /// It has more than eleven attributes (seven in a URI).
    #[error("CPE has too many attributes; a \":\" inside one must be escaped")]
    TooManyAttributes,
    /// The part is none of `a`, `o`, `h`, `*`, `-`.
    #[error("CPE part {0:?} is none of a, o, h")]
    Part(String),
    /// An attribute is empty, has a wildcard in its middle, a broken escape or a character that is not printable ASCII.
    #[error("CPE attribute {0:?} is malformed")]
    Attribute(String),
}

impl Cpe {
    /// The attributes in the order of the formatted string.
    #[must_use]
    pub fn attributes(&self) -> [&Attribute; 11] {
        [
            &self.part,
            &self.vendor,
            &self.product,
            &self.version,
            &self.update,
            &self.edition,
            &self.language,
            &self.sw_edition,
            &self.target_sw,
            &self.target_hw,
            &self.other,
        ]
    }

    /// How the set of products that this name stands for relates to that of `target` (NISTIR 7696, table 6-4).
    ///
    /// `None` where the specification leaves it open: wildcards in the target, or some attributes wider and others
    /// narrower.
    #[must_use]
    pub fn compare(&self, target: &Self) -> Option<Relation> {
        let mut overall = Some(Relation::Equal);
        for (ours, theirs) in self.attributes().into_iter().zip(target.attributes()) {
            let relation = ours.compare(theirs);
            overall = match (overall, relation) {
                (_, Some(Relation::Disjoint)) => return Some(Relation::Disjoint),
                (Some(Relation::Equal), relation) => relation,
                (overall, Some(Relation::Equal)) => overall,
                (overall, relation) if overall == relation => overall,
                _ => None,
            };
        }
        overall
    }

    /// Whether no attribute rules the other name out.
    ///
    /// An attribute with wildcards in `target` matches only the same spelling or ANY.
    #[must_use]
    pub fn matches(&self, target: &Self) -> bool {
        self.attributes().into_iter().zip(target.attributes()).all(|(ours, theirs)| ours.matches(theirs))
    }

    /// The URI of CPE 2.2; attributes that it lacks are packed into the edition (NISTIR 7695, 6.1.2).
    #[must_use]
    pub fn to_uri(&self) -> String {
        uri::bind(self)
    }

    fn from_attributes(values: [Attribute; 11]) -> Result<Self, ParseError> {
        let [part, vendor, product, version, update, edition, language, sw_edition, target_sw, target_hw, other] =
            values;
        match part.text().as_deref() {
            None | Some("a" | "o" | "h") => {}
            Some(text) => return Err(ParseError::Part(text.to_owned())),
        }
        Ok(Self { part, vendor, product, version, update, edition, language, sw_edition, target_sw, target_hw, other })
    }
}

impl fmt::Display for Cpe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cpe:2.3")?;
        self.attributes().into_iter().try_for_each(|attribute| write!(f, ":{attribute}"))
    }
}

impl FromStr for Cpe {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.len() > MAX_LENGTH_BYTES {
            return Err(ParseError::TooLong(text.len()));
        }
        if let Some(rest) = strip_prefix_ignore_case(text, FORMATTED_PREFIX) {
            unbind_formatted(rest)
        } else if let Some(rest) = strip_prefix_ignore_case(text, URI_PREFIX) {
            uri::unbind(rest)
        } else {
            Err(ParseError::Prefix)
        }
    }
}

fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Reads the attributes of a formatted string. Missing ones at the end are ANY, as for Syft.
fn unbind_formatted(text: &str) -> Result<Cpe, ParseError> {
    let mut values = [const { Attribute::Any }; 11];
    let mut slots = values.iter_mut();
    for field in split_unescaped(text) {
        *slots.next().ok_or(ParseError::TooManyAttributes)? = Attribute::from_formatted(field)?;
    }
    Cpe::from_attributes(values)
}

/// Splits at every `:` that no backslash escapes.
fn split_unescaped(text: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |c: char| {
        let separates = c == ':' && !escaped;
        escaped = c == '\\' && !escaped;
        separates
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, formatted: &str, uri: &str) {
        let cpe: Cpe = text.parse().unwrap();
        assert_eq!(cpe.to_string(), formatted);
        assert_eq!(cpe.to_uri(), uri);
        assert_eq!(formatted.parse(), Ok(cpe.clone()));
        assert_eq!(uri.parse(), Ok(cpe));
    }

    #[test]
    fn both_bindings() {
        check(
            "cpe:/a:10web:form_maker:1.0.0::~~~wordpress~~",
            "cpe:2.3:a:10web:form_maker:1.0.0:*:*:*:*:wordpress:*:*",
            "cpe:/a:10web:form_maker:1.0.0::~~~wordpress~~",
        );
        check(
            "cpe:/a:7-zip:7-zip:4.56:beta:~~~windows~~",
            "cpe:2.3:a:7-zip:7-zip:4.56:beta:*:*:*:windows:*:*",
            "cpe:/a:7-zip:7-zip:4.56:beta:~~~windows~~",
        );
        check(
            "cpe:/a:%240.99_kindle_books_project:%240.99_kindle_books:6::~~~android~~",
            r"cpe:2.3:a:\$0.99_kindle_books_project:\$0.99_kindle_books:6:*:*:*:*:android:*:*",
            "cpe:/a:%240.99_kindle_books_project:%240.99_kindle_books:6::~~~android~~",
        );
        check(
            r"cpe:2.3:a:foo\\bar:big\$money_2010:1\:3.2:*:-:en-us:special:ipod_touch:80gb:*",
            r"cpe:2.3:a:foo\\bar:big\$money_2010:1\:3.2:*:-:en-us:special:ipod_touch:80gb:*",
            "cpe:/a:foo%5cbar:big%24money_2010:1%3a3.2::~-~special~ipod_touch~80gb~:en-us",
        );
        check(
            "cpe:2.3:a:microsoft:internet_explorer:8.*:sp?:*:*:*:*:*:*",
            "cpe:2.3:a:microsoft:internet_explorer:8.*:sp?:*:*:*:*:*:*",
            "cpe:/a:microsoft:internet_explorer:8.%02:sp%01",
        );
        check("cpe:2.3:h:-", "cpe:2.3:h:-:*:*:*:*:*:*:*:*:*", "cpe:/h:-");
        check(
            "cpe:2.3:a:some-vendor:name:1 2:*:*:*:*:*:*:*",
            "cpe:2.3:a:some-vendor:name:1_2:*:*:*:*:*:*:*",
            "cpe:/a:some-vendor:name:1_2",
        );
        check(
            "cpe:2.3:a:some-vendor:n++:1+b~1",
            r"cpe:2.3:a:some-vendor:n\+\+:1\+b\~1:*:*:*:*:*:*:*",
            "cpe:/a:some-vendor:n%2b%2b:1%2bb%7e1",
        );
    }

    #[test]
    fn rejects() {
        for text in [
            "",
            "cpe",
            "cpe:2.3",
            "cpe:2.2:a:b",
            "cpe:2.3:x:b",
            "cpe:2.3:a:some-vendor:name:::*:*:*:*:*:*:*",
            "cpe:2.3:a:b:c:1:*:*:*:*:*:*:*:too_many",
            "cpe:2.3:a:b:c*d",
            "cpe:2.3:a:b:c?d",
            "cpe:2.3:a:b:*?d",
            "cpe:2.3:a:b:**",
            r"cpe:2.3:a:b:c\",
            "cpe:2.3:a:oracle:openjdk:11.0.22+7\0-J-ms8m:*:*:*:*:*:*:*",
            "cpe:2.3:a:b:é",
            "cpe:/a:b:c%0",
            "cpe:/a:b:c%00",
            "cpe:/a:b:c%02d",
            "cpe:/a:b:c:1:2:3:en:more",
            "cpe:/a:b:c:1:2:~1~2~3~4~5~6",
        ] {
            assert!(text.parse::<Cpe>().is_err(), "{text:?}");
        }
        assert_eq!("x".repeat(MAX_LENGTH_BYTES + 1).parse::<Cpe>(), Err(ParseError::TooLong(4097)));
    }

    #[track_caller]
    fn check_relation(source: &str, target: &str, expected: Option<Relation>) {
        let name = |fields: &str| format!("cpe:2.3:a:{fields}").parse::<Cpe>().unwrap();
        let (source, target) = (name(source), name(target));
        assert_eq!(source.compare(&target), expected, "{source} {target}");
        assert_eq!(source.matches(&target), expected != Some(Relation::Disjoint), "{source} {target}");
    }

    #[test]
    fn relations_of_names() {
        check_relation("v:p:1", "v:p:1", Some(Relation::Equal));
        check_relation("v:p:*", "v:p:1", Some(Relation::Superset));
        check_relation("v:p:1", "v:p:*", Some(Relation::Subset));
        check_relation("v:p:1", "v:p:2", Some(Relation::Disjoint));
        check_relation("v:*:1", "v:p:*", None);
        check_relation("v:*:1", "w:p:*", Some(Relation::Disjoint));
        check_relation("V:P:1.*", "v:p:1.5", Some(Relation::Superset));
    }

    proptest! {
        #[test]
        fn never_panics(text in "(cpe:2[.]3:|cpe:/)?.{0,80}") {
            let _ = text.parse::<Cpe>();
        }

        #[test]
        fn prints_what_it_read(
            fields in proptest::collection::vec(r"[*]?([a-z0-9_.-]|\\[!-/:-@\[-`{-~]){1,8}[?]{0,2}|[*-]", 0..10),
        ) {
            let text = fields.iter().fold("cpe:2.3:a".to_owned(), |text, field| text + ":" + field);
            let cpe: Cpe = text.parse().unwrap();
            prop_assert_eq!(cpe.to_string().parse(), Ok(cpe.clone()));
            prop_assert_eq!(cpe.to_uri().parse(), Ok(cpe));
        }
    }
}
