//! Every order is total, whatever the text.

use std::cmp::Ordering;

use proptest::prelude::*;
use versions::constraint::Constraint;
use versions::range::{RangeSyntax, VersionRange, complement};
use versions::{MissingEpoch, Scheme, compare, parse_check, relate};

/// Pieces that schemes give a meaning to, and some that none does.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            ".", "..", "-", "_", "+", "~", "^", ":", "!", " ", "#", "/", "v", "V", "go", "1.", "0", "00", "01", "10", "1:",
        ]).prop_map(str::to_owned),
        3 => prop::sample::select(vec![
            "a", "b", "m", "p", "r", "u", "alpha", "ALPHA", "beta", "rc", "RC", "cr", "pre", "dev", "post", "snapshot",
            "final", "ga", "sp", "_p1", "_rc", "-r0", "-r", "-b08", "-update_3", "foo", "Foo", ".jre8", "-x86", "git",
        ]).prop_map(str::to_owned),
        4 => (0_u32..12).prop_map(|n| n.to_string()),
        1 => "[0-9]{18,40}",
        1 => any::<char>().prop_map(String::from),
        1 => prop::sample::select(vec!["α", "β", "é", "１", "\u{0}"]).prop_map(str::to_owned),
    ]
}

fn version() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.concat()),
        2 => "[0-2](\\.[0-2]){0,3}([-_.+~]?(alpha|beta|rc|a|p|r)[0-2]?){0,2}",
    ]
}

fn scheme() -> impl Strategy<Value = Scheme> {
    prop::sample::select(Scheme::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn reflexive_and_antisymmetric(scheme in scheme(), a in version(), b in version()) {
        prop_assert_eq!(compare(scheme, &a, &a), Ordering::Equal);
        prop_assert_eq!(compare(scheme, &a, &b), compare(scheme, &b, &a).reverse());
    }

    #[test]
    fn transitive(scheme in scheme(), a in version(), b in version(), c in version()) {
        let mut sorted = [&a, &b, &c];
        // Three by hand: a sort may rely on what is to be shown.
        for (i, j) in [(0, 1), (1, 2), (0, 1)] {
            if compare(scheme, sorted[i], sorted[j]) == Ordering::Greater {
                sorted.swap(i, j);
            }
        }
        let [low, middle, high] = sorted;
        let (first, second) = (compare(scheme, low, middle), compare(scheme, middle, high));
        prop_assert_ne!(first, Ordering::Greater);
        prop_assert_ne!(second, Ordering::Greater);
        let expected = first.then(second);
        prop_assert_eq!(compare(scheme, low, high), expected, "{} {} {}", low, middle, high);
    }

    #[test]
    fn relations_and_checks_never_panic(scheme in scheme(), a in version(), b in version()) {
        let _ = parse_check(scheme, &a);
        for missing in [MissingEpoch::Auto, MissingEpoch::Zero] {
            prop_assert_eq!(relate(scheme, &a, &a, missing), Ordering::Equal);
            let _ = relate(scheme, &a, &b, missing);
        }
    }
}

fn range_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        2 => prop::sample::select(vec![
            ">=", "<=", "<", ">", "=", "==", "!=", "~>", "~=", "^", "~", "||", "|", ",", " ", " - ", "[", "]", "(", ")",
            "*", ".x", "'", "\"",
        ]).prop_map(str::to_owned),
        1 => version(),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn syntax() -> impl Strategy<Value = RangeSyntax> {
    prop::sample::select(vec![
        RangeSyntax::Plain,
        RangeSyntax::Npm,
        RangeSyntax::Gem,
        RangeSyntax::Composer,
        RangeSyntax::Python,
        RangeSyntax::Intervals,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn ranges_never_panic(syntax in syntax(), scheme in scheme(), text in range_text(), version in version()) {
        if let Ok(ranges) = syntax.parse(scheme, &text) {
            let _ = Constraint::of_ranges(scheme, ranges).satisfied(&version);
        }
    }

    /// By an order, a version is in a range or in what is left over, never in both.
    #[test]
    fn a_complement_is_all_the_rest(
        syntax in syntax(),
        scheme in prop::sample::select(vec![Scheme::Semver, Scheme::Gem, Scheme::Apk, Scheme::Deb]),
        text in range_text(),
        version in version(),
    ) {
        if let Ok(ranges) = syntax.parse(scheme, &text) {
            let inside = |ranges: &[VersionRange]| {
                ranges.iter().any(|range| range.contains(scheme, &version, MissingEpoch::Zero))
            };
            prop_assert_ne!(inside(&ranges), inside(&complement(scheme, &ranges)));
        }
    }
}

#[test]
fn long_versions_are_compared_in_linear_time() {
    let started = std::time::Instant::now();
    for unit in ["1", "0", "0.", "a", ".", "1a", "-0", "~", "_p", "é", "a1"] {
        let a = format!("1.0{}", unit.repeat((1 << 18) / unit.len()));
        let b = format!("{a}1");
        for scheme in Scheme::ALL {
            assert_eq!(compare(scheme, &a, &b), compare(scheme, &b, &a).reverse());
            let _ = relate(scheme, &a, &b, MissingEpoch::Auto);
            let _ = parse_check(scheme, &a);
        }
    }
    // About 800 passes over 256 KiB; anything quadratic takes hours.
    assert!(started.elapsed().as_secs() < 120, "{:?}", started.elapsed());
}
