//! Every range of the shared advisory corpus is read.

use versions::Scheme;
use versions::range::{RangeSyntax, complement};

use crate::order_files::{corpus, read};

/// The strings behind a key, as they are in one line of JSON: `"key":"text"` or `"key":["text","text"]`.
fn strings_of<'a>(line: &'a str, key: &str) -> Vec<&'a str> {
    let Some((_, value)) = line.split_once(&format!("\"{key}\":")) else {
        return Vec::new();
    };
    let list = value.strip_prefix('[').and_then(|list| list.split_once(']')).map_or(value, |(list, _)| list);
    let strings = list.split('"').skip(1).step_by(2);
    if value.starts_with('[') { strings.collect() } else { strings.take(1).collect() }
}

fn lines(file: &str) -> std::io::Result<String> {
    read(&corpus().join(file))
}

/// Typing errors of the publisher; whoever reads the feed reports them.
const NO_RANGES: [&str; 3] = ["maven: (.2.244]", "pypi: (,0)", "pypi: (,0)"];

#[test]
fn gitlab() {
    let text = match lines("gitlab-community/advisories.jsonl.zst") {
        Ok(text) => text,
        Err(error) => {
            eprintln!("ignored: {error}");
            return;
        }
    };
    let (mut count, mut wrong) = (0, Vec::new());
    for line in text.split('\n') {
        let slug = strings_of(line, "package_slug");
        for range in strings_of(line, "affected_range") {
            let package_type = slug.concat().split('/').next().unwrap_or_default().to_owned();
            count += 1;
            match RangeSyntax::of_gitlab(&package_type).parse(Scheme::of_name(&package_type), range) {
                Ok(ranges) if !ranges.is_empty() => {}
                _ => wrong.push(format!("{package_type}: {range}")),
            }
        }
    }
    wrong.sort_unstable();
    assert_eq!(wrong, NO_RANGES);
    assert!(count > 13_000, "only {count} ranges");
}

#[test]
fn rubysec() {
    let text = match lines("rubygems/ruby-advisory-db.jsonl.zst") {
        Ok(text) => text,
        Err(error) => {
            eprintln!("ignored: {error}");
            return;
        }
    };
    let mut count = 0;
    for line in text.split('\n') {
        let mut good = strings_of(line, "patched_versions");
        good.extend(strings_of(line, "unaffected_versions"));
        let ranges = RangeSyntax::Gem.parse(Scheme::Gem, &good.join(" || ")).unwrap();
        count += good.len();
        let hit = complement(Scheme::Gem, &ranges);
        assert!(hit.iter().all(|range| !range.is_empty(Scheme::Gem)), "{line}");
    }
    assert!(count > 2_000, "only {count} ranges");
}

#[test]
fn friends_of_php() {
    let text = match lines("php/friendsofphp.jsonl.zst") {
        Ok(text) => text,
        Err(error) => {
            eprintln!("ignored: {error}");
            return;
        }
    };
    let mut count = 0;
    for line in text.split('\n') {
        for branch in line.split("\"versions\":").skip(1) {
            let bounds = strings_of(&format!("\"versions\":{branch}"), "versions").join(",");
            let ranges = RangeSyntax::Composer.parse(Scheme::Packagist, &bounds).unwrap();
            assert!(ranges.iter().all(|range| range.upper.is_some()), "{bounds}");
            count += ranges.len();
        }
    }
    assert!(count > 5_000, "only {count} ranges");
}
