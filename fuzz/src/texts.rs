//! Short texts: names, versions, licences, templates.

use gotemplate::{Functions, Limits, Template, Value};
use oci::Reference;
use purl::PackageUrl;
use purl::cpe::Cpe;
use std::cmp::Ordering;
use std::io;
use versions::constraint::Constraint;
use versions::range::complement;
use versions::{MissingEpoch, Scheme, compare, parse_check, relate};

/// What is printed is read as the same.
pub(crate) fn purl(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(read) = text.parse::<PackageUrl>() {
        assert_eq!(read.to_string().parse::<PackageUrl>().as_ref(), Ok(&read));
    }
}

/// What is printed is read as the same; a name is equal to itself.
pub(crate) fn cpe(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (one, other) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(one) = one.parse::<Cpe>() else { return };
    assert_eq!(one.to_string().parse::<Cpe>().as_ref(), Ok(&one));
    let _ = one.to_uri().parse::<Cpe>();
    if let Ok(other) = other.parse::<Cpe>() {
        let _ = (one.compare(&other), one.matches(&other));
    }
}

/// Licences as people write them, and CVSS vectors.
pub(crate) fn licence(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let normal = sbom::license::normalize(&text);
    if !normal.is_empty() {
        assert_eq!(sbom::license::normalize(&normal), normal, "from {text:?}");
    }
    let _ = sbom::license::reference(&text);
    let _ = advisory::cvss::base_score(&text);
}

/// Names of images.
pub(crate) fn reference(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(read) = text.parse::<Reference>() {
        let printed = read.to_string();
        assert_eq!(printed.parse::<Reference>().map(|read| read.to_string()).ok(), Some(printed));
    }
}

/// Three versions, a line each: every scheme's order is total.
pub(crate) fn version(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let [a, b, c] = [(); 3].map(|()| lines.next().unwrap_or_default());
    for scheme in Scheme::ALL {
        assert_eq!(compare(scheme, a, a), Ordering::Equal, "{scheme}");
        for (a, b, c) in [(a, b, c), (b, c, a), (c, a, b)] {
            let _ = (parse_check(scheme, a), relate(scheme, a, b, MissingEpoch::Auto));
            let (first, second, whole) = (compare(scheme, a, b), compare(scheme, b, c), compare(scheme, a, c));
            assert_eq!(first, compare(scheme, b, a).reverse(), "{scheme}: {a:?} {b:?}");
            if first == second || second == Ordering::Equal {
                assert_eq!(whole, first, "{scheme}: {a:?} {b:?} {c:?}");
            }
        }
    }
}

/// A version in the first line, then a constraint.
pub(crate) fn version_range(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (version, constraint) = text.split_once('\n').unwrap_or((&text, ""));
    for scheme in Scheme::ALL {
        if let Ok(read) = Constraint::parse(scheme, constraint) {
            let _ = read.satisfied(version);
            let _ = complement(scheme, read.ranges());
        }
    }
}

/// A template, carried out on a small value.
pub(crate) fn template(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let functions = Functions::go().with_sprig().with_sprig_dates();
    if let Ok(template) = Template::parse("fuzz", &text, &functions) {
        let data = Value::from_json(&serde_json::json!({"a": [1, 2.5, "x"], "b": {"c": null, "d": true}, "e": "text"}));
        let limits = Limits { output_bytes: 1 << 20, steps: 10_000, ..Limits::default() };
        let _ = template.execute(&data, limits, &mut io::sink());
    }
}
