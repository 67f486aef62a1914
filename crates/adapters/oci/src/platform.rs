//! Choosing one image of several.

use crate::OciError;
use crate::manifest::{Descriptor, PlatformFields};
use std::fmt;
use std::str::FromStr;

/// `os/architecture[/variant]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
    /// `v7`; empty: any.
    pub variant: String,
}

impl Platform {
    /// Linux on this machine's architecture.
    #[must_use]
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            other => other,
        };
        Self { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: String::new() }
    }

    fn accepts(&self, other: &PlatformFields) -> bool {
        self.os == other.os
            && self.architecture == other.architecture
            && (self.variant.is_empty() || other.variant.is_empty() || self.variant == other.variant)
    }

    /// The entry of an index for this platform; the first where several fit. Entries without a platform (and
    /// `unknown/unknown`, which are attestations) are never chosen.
    ///
    /// # Errors
    /// Where there is none.
    pub fn choose<'a>(&self, entries: &'a [Descriptor]) -> Result<&'a Descriptor, OciError> {
        let fits = |entry: &&Descriptor| entry.platform.as_ref().is_some_and(|platform| self.accepts(platform));
        let names = || {
            let name = |entry: &Descriptor| match &entry.platform {
                Some(p) if p.variant.is_empty() => format!("{}/{}", p.os, p.architecture),
                Some(p) => format!("{}/{}/{}", p.os, p.architecture, p.variant),
                None => "unnamed".to_owned(),
            };
            entries.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        entries.iter().find(fits).ok_or_else(|| OciError::NoPlatform { wanted: self.to_string(), available: names() })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

impl FromStr for Platform {
    type Err = OciError;

    /// `linux/arm64/v8`, or only an architecture as the peers accept.
    fn from_str(text: &str) -> Result<Self, OciError> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts.as_slice() {
            [architecture] if !architecture.is_empty() => ("linux", *architecture, ""),
            [os, architecture] => (*os, *architecture, ""),
            [os, architecture, variant] => (*os, *architecture, *variant),
            _ => return Err(OciError::malformed("platform", format!("{text:?} is not os/architecture[/variant]"))),
        };
        let architecture = match architecture {
            "x86_64" | "x86-64" => "amd64",
            "aarch64" => "arm64",
            "armhf" => "arm",
            other => other,
        };
        Ok(Self { os: os.to_owned(), architecture: architecture.to_owned(), variant: variant.to_owned() })
    }
}
