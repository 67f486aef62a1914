//! The package URL: value, builder, printing.

use crate::parse::ParseError;
use crate::percent::{escape, escape_fragment};
use crate::rules;
use std::fmt;

/// A package URL (purl).
///
/// Every part is plain, decoded text; parts that are absent are empty. Parsing applies the rules of the package type;
/// [`PackageUrl::new`] starts a [`Builder`], which keeps the spelling it is given.
///
/// Printing escapes as packageurl-go 0.2 (Syft) does: everything but letters, digits and `-_.~`, so that `:` becomes
/// `%3A`, `/` in a qualifier `%2F` and a blank `%20`. Qualifiers come in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageUrl {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// Sorted by key, no key twice, no empty value.
    pub(crate) qualifiers: Vec<(String, String)>,
    pub(crate) subpath: String,
}

impl PackageUrl {
    /// Starts a package URL of a type (`deb`, `npm`, ...) and a name.
    #[must_use]
    #[expect(clippy::new_ret_no_self, reason = "setters and getters of the parts share their names")]
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Builder {
        Builder {
            url: Self {
                kind: kind.into(),
                namespace: String::new(),
                name: name.into(),
                version: String::new(),
                qualifiers: Vec::new(),
                subpath: String::new(),
            },
        }
    }

    /// The type, for example `deb`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The namespace, segments with `/` between them; empty when there is none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version; empty when there is none.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Keys and values, in the order of the keys.
    #[must_use]
    pub fn qualifiers(&self) -> &[(String, String)] {
        &self.qualifiers
    }

    /// The value of one qualifier.
    #[must_use]
    pub fn qualifier_value(&self, key: &str) -> Option<&str> {
        self.qualifiers.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// The subpath, segments with `/` between them; empty when there is none.
    #[must_use]
    pub fn subpath(&self) -> &str {
        &self.subpath
    }

    /// A builder that starts from this one, to change parts of it.
    #[must_use]
    pub fn to_builder(&self) -> Builder {
        Builder { url: self.clone() }
    }
}

/// A package URL being put together. Prints like the finished one.
///
/// It keeps the spelling it is given, as Syft's catalogers do (`pkg:golang/github.com/BurntSushi/toml`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builder {
    url: PackageUrl,
}

impl Builder {
    /// Sets the namespace: segments with `/` between them. An empty one changes nothing.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        set(&mut self.url.namespace, namespace.into());
        self
    }

    /// Sets the version. An empty one changes nothing.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        set(&mut self.url.version, version.into());
        self
    }

    /// Sets one qualifier, replacing an earlier one of the same key. An empty value changes nothing.
    #[must_use]
    pub fn qualifier(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), value.into());
        if value.is_empty() {
            return self;
        }
        let list = &mut self.url.qualifiers;
        match list.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(at) => {
                if let Some(slot) = list.get_mut(at) {
                    slot.1 = value;
                }
            }
            Err(at) => list.insert(at, (key, value)),
        }
        self
    }

    /// Sets the subpath: segments with `/` between them. An empty one changes nothing.
    #[must_use]
    pub fn subpath(mut self, subpath: impl Into<String>) -> Self {
        set(&mut self.url.subpath, subpath.into());
        self
    }

    /// The package URL in exactly the spelling given.
    #[must_use]
    pub fn build(self) -> PackageUrl {
        self.url
    }

    /// The package URL in the canonical spelling of its type.
    ///
    /// # Errors
    /// Where the type, a qualifier key or the name is invalid, or the type's own rules are broken.
    pub fn normalized(self) -> Result<PackageUrl, ParseError> {
        let mut url = self.url;
        rules::normalize(&mut url)?;
        Ok(url)
    }
}

fn set(part: &mut String, value: String) {
    if !value.is_empty() {
        *part = value;
    }
}

impl From<Builder> for PackageUrl {
    fn from(builder: Builder) -> Self {
        builder.url
    }
}

impl fmt::Display for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl fmt::Display for PackageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}", self.kind)?;
        for segment in self.namespace.split('/').filter(|segment| !segment.is_empty()) {
            write!(f, "/{}", escape(segment))?;
        }
        write!(f, "/{}", escape(&self.name))?;
        if !self.version.is_empty() {
            write!(f, "@{}", escape(&self.version))?;
        }
        for (at, (key, value)) in self.qualifiers.iter().enumerate() {
            let separator = if at == 0 { '?' } else { '&' };
            write!(f, "{separator}{}={}", escape(key), escape(value))?;
        }
        if !self.subpath.is_empty() {
            write!(f, "#{}", escape_fragment(&self.subpath))?;
        }
        Ok(())
    }
}
