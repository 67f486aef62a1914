//! Semantic versions and constraints on them (Masterminds/semver 3).

use super::Made;
use crate::function::{Arguments, Function, Type};
use crate::shape::{FieldType, Shape, StructType};
use crate::value::{Struct, Value};
use Type::Text;
use std::cmp::Ordering;
use std::rc::Rc;

pub(super) const ALL: &[Function] =
    &[Function::new("semver", &[Text], semver), Function::new("semverCompare", &[Text, Text], compare)];

const fn field(name: &'static str) -> FieldType {
    FieldType::new(name, "-", Shape::Any)
}

static VERSION: StructType = StructType {
    name: "*semver.Version",
    fields: &[
        field("Major"),
        field("Minor"),
        field("Patch"),
        field("Prerelease"),
        field("Metadata"),
        field("Original"),
        field("String"),
    ],
    shown_as: Some("String"),
};

/// A version, with how many of its numbers were stated.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    numbers: [u64; 3],
    stated: usize,
    prerelease: String,
    metadata: String,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let plain = text.strip_prefix('v').unwrap_or(text);
        let (plain, metadata) = plain.split_once('+').unwrap_or((plain, ""));
        let (plain, prerelease) = plain.split_once('-').unwrap_or((plain, ""));
        let mut numbers = [0; 3];
        let mut stated = 0;
        for part in plain.split('.') {
            let slot = numbers.get_mut(stated)?;
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            *slot = part.parse().ok()?;
            stated += 1;
        }
        let is_word = |text: &str| {
            text.split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        };
        let words_hold = |text: &str| text.is_empty() || is_word(text);
        (words_hold(prerelease) && words_hold(metadata)).then(|| Self {
            numbers,
            stated,
            prerelease: prerelease.to_owned(),
            metadata: metadata.to_owned(),
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| prerelease_order(&self.prerelease, &other.prerelease))
    }

    fn with(numbers: [u64; 3]) -> Self {
        Self { numbers, stated: 3, prerelease: String::new(), metadata: String::new() }
    }
}

fn prerelease_order(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(two)) => match (one.parse::<u64>(), two.parse::<u64>()) {
                (Ok(one), Ok(two)) => one.cmp(&two),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => one.cmp(two),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn semver(given: &Arguments<'_>) -> Made {
    let text = given.text(0);
    let version = Version::parse(text).ok_or("invalid semantic version")?;
    let number = |number: u64| Value::int64(i64::try_from(number).unwrap_or(i64::MAX));
    let [major, minor, patch] = version.numbers;
    let mut shown = format!("{major}.{minor}.{patch}");
    for (mark, part) in [('-', &version.prerelease), ('+', &version.metadata)] {
        if !part.is_empty() {
            shown.push(mark);
            shown.push_str(part);
        }
    }
    let values = vec![
        number(major),
        number(minor),
        number(patch),
        version.prerelease.into(),
        version.metadata.into(),
        text.into(),
        shown.into(),
    ];
    Ok(Value::Struct(Rc::new(Struct { of: &VERSION, values })))
}

fn compare(given: &Arguments<'_>) -> Made {
    let text = given.text(0);
    let improper = || format!("improper constraint: {text}");
    let mut alternatives = Vec::new();
    for alternative in text.split("||") {
        alternatives.push(comparators(alternative).ok_or_else(improper)?);
    }
    let version = Version::parse(given.text(1)).ok_or("invalid semantic version")?;
    let holds = |all: &Vec<Comparator>| all.iter().all(|comparator| comparator.holds(&version));
    Ok(alternatives.iter().any(holds).into())
}

/// `>= 1.2`, `~1`, `^0.3.x`.
#[derive(Debug)]
struct Comparator {
    operator: &'static str,
    version: Version,
}

const OPERATORS: &[(&str, &str)] = &[
    ("!=", "!="),
    (">=", ">="),
    ("=>", ">="),
    ("<=", "<="),
    ("=<", "<="),
    ("~>", "~"),
    ("=", "="),
    (">", ">"),
    ("<", "<"),
    ("~", "~"),
    ("^", "^"),
];

fn comparators(text: &str) -> Option<Vec<Comparator>> {
    let mut all = Vec::new();
    let mut rest = text.trim();
    // `1.2 - 3` is a range.
    if let Some((low, high)) = rest.split_once(" - ") {
        all.push(Comparator { operator: ">=", version: partial(low.trim())? });
        all.push(Comparator { operator: "<=", version: partial(high.trim())? });
        return Some(all);
    }
    while !rest.is_empty() {
        let found = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign));
        let (operator, after) = match found {
            Some((sign, operator)) => (*operator, rest.get(sign.len()..)?.trim_start()),
            None => ("=", rest),
        };
        let end = after.find([' ', ',']).unwrap_or(after.len());
        let (version, tail) = after.split_at(end);
        all.push(Comparator { operator, version: partial(version)? });
        rest = tail.trim_start_matches([' ', ',']);
    }
    (!all.is_empty()).then_some(all)
}

/// A version of which parts may be left open: `1`, `1.x`, `*`.
fn partial(text: &str) -> Option<Version> {
    let plain = text.strip_prefix('v').unwrap_or(text);
    let is_open = |part: &str| matches!(part, "x" | "X" | "*");
    let kept: Vec<&str> = plain.split('.').take_while(|part| !is_open(part)).collect();
    if kept.is_empty() {
        return Some(Version { stated: 0, ..Version::with([0; 3]) });
    }
    Version::parse(&kept.join("."))
}

impl Comparator {
    fn holds(&self, version: &Version) -> bool {
        let bound = &self.version;
        // A release before the release counts only where the constraint speaks of one.
        if !version.prerelease.is_empty() && bound.prerelease.is_empty() && self.operator != "!=" {
            return false;
        }
        let order = version.order(bound);
        let is_open = bound.stated < 3;
        let same = |count: usize| version.numbers.iter().zip(&bound.numbers).take(count).all(|(one, two)| one == two);
        match self.operator {
            "=" if is_open => same(bound.stated),
            "=" => order == Ordering::Equal,
            "!=" if is_open => !same(bound.stated),
            "!=" => order != Ordering::Equal,
            ">" if is_open => order == Ordering::Greater && !same(bound.stated),
            ">" => order == Ordering::Greater,
            ">=" => order != Ordering::Less,
            "<" => order == Ordering::Less,
            "<=" if is_open => order != Ordering::Greater || same(bound.stated),
            "<=" => order != Ordering::Greater,
            "~" => order != Ordering::Less && same(bound.stated.min(2)),
            _ => order != Ordering::Less && same(self.fixed_by_caret()),
        }
    }

    /// How many numbers `^` holds: up to the first that is not 0.
    fn fixed_by_caret(&self) -> usize {
        let [major, minor, _] = self.version.numbers;
        match (major, minor) {
            (1.., _) => 1,
            (0, 1..) => 2,
            _ => self.version.stated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_masterminds() {
        for (constraint, version, want) in [
            ("^1.2.0", "1.9.3", true),
            ("^1.2.0", "2.0.0", false),
            ("^0.2.3", "0.2.9", true),
            ("^0.2.3", "0.3.0", false),
            ("~1.2.3", "1.2.9", true),
            ("~1", "1.9.0", true),
            ("~1.2.3", "1.3.0", false),
            (">=1.0, <2.0 || 3.x", "3.4.5", true),
            (">=1.0, <2.0 || 3.x", "2.4.5", false),
            ("1.2 - 1.4.5", "1.4.5", true),
            ("*", "1.2.3", true),
            (">=1.0.0", "1.1.0-beta", false),
            (">=1.0.0-0", "1.1.0-beta", true),
            ("!=1.2.x", "1.2.3", false),
            (">1.2", "1.2.5", false),
        ] {
            let values = [constraint.into(), version.into()];
            let got = compare(&Arguments { values: &values }).unwrap();
            assert!(got.deep_equal(&want.into()), "{constraint} {version}");
        }
        assert!(compare(&Arguments { values: &["nonsense".into(), "1".into()] }).is_err());
    }
}
