//! The form of the table: what a classifier looks at, and what it concludes.

/// Recognises one kind of binary.
#[derive(Debug)]
pub(super) struct Classifier {
    /// The peer's name for it, for example `redis-binary`.
    pub(super) class: &'static str,
    /// Paths that it looks at; empty within [`Evidence::FirstOf`].
    pub(super) files: &'static str,
    pub(super) evidence: Evidence,
    pub(super) package: Package,
}

/// What a match means.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: &'static str,
    /// Without version; empty for `pkg:generic/NAME`.
    pub(super) purl: &'static str,
    /// Vendor and product.
    pub(super) cpes: &'static [(&'static str, &'static str)],
    /// The peer guessed the CPEs; else they are from NVD's dictionary.
    pub(super) is_guessed: bool,
    /// The CPE's version is the group `primary`, its update the group `update`.
    pub(super) has_update: bool,
}

/// What must be there. The patterns are regular expressions over bytes, where `\d`, `\w`, `\s` and `.` mean single
/// bytes. Their named groups: `version`, and `primary` and `update` for [`Package::has_update`].
#[derive(Debug)]
pub(super) enum Evidence {
    /// Content that matches.
    Text(&'static str),
    /// Content that matches the second, of which one of the first is a part, not far from its ends. The same as
    /// [`Evidence::Text`], but faster for patterns whose beginning is everywhere in a binary.
    Near(&'static [&'static str], &'static str),
    /// Content that matches each.
    Texts(&'static [&'static str]),
    /// A path that matches `path`, and content that matches `text` with the path's group `version` for `{version}`.
    ByName { path: &'static str, text: &'static str },
    /// A path like this glob. No version follows from it.
    Path(&'static str),
    /// A path unlike this glob.
    NotPath(&'static str),
    /// The first that holds.
    Any(&'static [Evidence]),
    /// All hold; the last that gives a version counts.
    All(&'static [Evidence]),
    /// A shared library that the file imports by a name like the expression `names` holds to `evidence`. `files` is a
    /// glob for such libraries.
    Library { names: &'static str, files: &'static str, evidence: &'static Evidence },
    /// A file at this glob, relative to the file's folder, holds to `evidence`.
    Beside { file: &'static str, evidence: &'static Evidence },
    /// The first classifier that finds a package.
    FirstOf(&'static [Classifier]),
}

impl Classifier {
    /// A classifier of a package of its own, CPEs from NVD's dictionary.
    pub(super) const fn new(
        class: &'static str,
        files: &'static str,
        name: &'static str,
        cpes: &'static [(&'static str, &'static str)],
        evidence: Evidence,
    ) -> Self {
        let package = Package { name, purl: "", cpes, is_guessed: false, has_update: false };
        Self { class, files, evidence, package }
    }

    /// A classifier that leaves the conclusion to the first of `branches` that finds a package.
    pub(super) const fn branching(files: &'static str, branches: &'static [Self]) -> Self {
        Self::new("", files, "", &[], Evidence::FirstOf(branches))
    }

    pub(super) const fn purl(mut self, purl: &'static str) -> Self {
        self.package.purl = purl;
        self
    }

    pub(super) const fn guessed(mut self) -> Self {
        self.package.is_guessed = true;
        self
    }

    pub(super) const fn with_update(mut self) -> Self {
        self.package.has_update = true;
        self
    }
}
