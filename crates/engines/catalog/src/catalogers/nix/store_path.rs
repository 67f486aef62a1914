//! The name of a path in the store: digest, name, version and, where it is not the usual one, output.

use regex::Regex;
use std::sync::LazyLock;

/// The parts of `h0cn...-glibc-2.34-210-bin`.
#[derive(Debug, PartialEq)]
pub(super) struct StorePath<'a> {
    pub(super) hash: &'a str,
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) output: &'a str,
}

impl<'a> StorePath<'a> {
    /// `None` for derivations and for what has no version.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
            let (numbers, words) = (r"[0-9][a-zA-Z0-9]*(?:\.[0-9][a-zA-Z0-9]*)?", "[.0-9a-zA-Z-]");
            let more = r"(?:\.(?:0|[1-9][a-zA-Z0-9]*)){0,3}";
            Regex::new(&format!(r"-({numbers}{more}(?:-({words}*))?(?:\+{words}+)?)")).ok()
        });
        static UNSTABLE: LazyLock<Option<Regex>> =
            LazyLock::new(|| Regex::new(r"-(unstable-[0-9]{4}-[0-9]{2}-[0-9]{2})$").ok());
        let source = path.rsplit('/').next().filter(|source| !source.ends_with(".drv"))?;
        let unstable = UNSTABLE.as_ref()?.captures(source);
        let found = unstable.or_else(|| VERSION.as_ref()?.captures(source))?;
        let whole = found.get(1)?;
        let (hash, name) = source.get(..whole.start())?.strip_suffix('-')?.split_once('-')?;
        // The last word behind the numbers is the output, unless it is a number itself.
        let last = found.get(2).map_or("", |words| words.as_str().rsplit('-').next().unwrap_or_default());
        let (version, output) = match whole.as_str().strip_suffix(last).and_then(|rest| rest.strip_suffix('-')) {
            Some(version) if !last.contains(|c: char| c.is_ascii_digit()) => (version, last),
            _ => (whole.as_str(), ""),
        };
        (!name.is_empty() && !version.is_empty()).then_some(Self { hash, name, version, output })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        fn check(path: &str, expected: Option<[&str; 4]>) {
            let found = StorePath::parse(path).map(|path| [path.hash, path.name, path.version, path.output]);
            assert_eq!(found, expected, "{path}");
        }
        check("/nix/store/h0-glibc-2.34-210-bin", Some(["h0", "glibc", "2.34-210", "bin"]));
        check("/nix/store/h0-glibc-2.34-210", Some(["h0", "glibc", "2.34-210", ""]));
        check("/nix/store/h0-python3.11-requests-2.31.0", Some(["h0", "python3.11-requests", "2.31.0", ""]));
        check("/nix/store/h0-util-linux-2.39.3-man", Some(["h0", "util-linux", "2.39.3", "man"]));
        check("/nix/store/h0-thing-unstable-2023-01-02", Some(["h0", "thing", "unstable-2023-01-02", ""]));
        check("/nix/store/h0-bash-5.2.drv", None);
        check("/nix/store/h0-source", None);
        check("/nix/store/2.0", None);
    }
}
