//! Go modules, as both go.mod files and Go programs name them.

use purl::PackageUrl;

/// A module and what is used in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Module {
    pub(super) path: String,
    pub(super) version: String,
    /// `h1:...`; empty for modules from a folder.
    pub(super) sum: String,
    pub(super) replacement: Option<Box<Module>>,
}

impl Module {
    /// The module whose code is used.
    pub(super) fn used(&self) -> &Self {
        self.replacement.as_deref().unwrap_or(self)
    }

    /// The path to know it by: that of the replacement, unless that is only a folder.
    pub(super) fn final_path(&self) -> &str {
        let path = &self.used().path;
        if is_folder(path) { &self.path } else { path }
    }
}

/// Does a replacement name a folder, not a module?
pub(super) fn is_folder(path: &str) -> bool {
    path.starts_with(['.', '/'])
}

/// `pkg:golang/...` of a module; the spelling of the path is kept, as Syft 1.57 does.
pub(super) fn purl(path: &str, version: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    let (namespace, name) = match path.rsplit_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => (namespace, name),
        _ => ("", path),
    };
    PackageUrl::new("golang", name).namespace(namespace).version(version).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls() {
        for (path, version, expected) in [
            ("github.com/BurntSushi/toml", "v1.6.0", "pkg:golang/github.com/BurntSushi/toml@v1.6.0"),
            ("github.com/cli/cli/v2", "v2.63.0", "pkg:golang/github.com/cli/cli/v2@v2.63.0"),
            (
                "github.com/docker/cli",
                "v29.9.2+incompatible",
                "pkg:golang/github.com/docker/cli@v29.9.2%2Bincompatible",
            ),
            ("stdlib", "1.22", "pkg:golang/stdlib@1.22"),
            ("app", "", "pkg:golang/app"),
            ("", "v1", ""),
        ] {
            assert_eq!(purl(path, version), expected);
        }
    }

    #[test]
    fn replacements() {
        let module = |path: &str| Module { path: path.to_owned(), ..Module::default() };
        let replaced = |by: &str| Module { replacement: Some(Box::new(module(by))), ..module("a/b") };
        assert_eq!(module("a/b").final_path(), "a/b");
        assert_eq!(replaced("c/d").final_path(), "c/d");
        assert_eq!(replaced("../d").final_path(), "a/b");
        assert_eq!(replaced("/d").final_path(), "a/b");
    }
}
