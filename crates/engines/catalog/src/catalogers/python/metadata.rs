//! `METADATA` and `PKG-INFO` (packaging.python.org, "Core metadata specifications").

use crate::ParseError;
use serde::{Deserialize, Serialize};

const MAX_FIELDS: usize = 100_000;

/// The fields that count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fields {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) author: String,
    pub(super) author_email: String,
    pub(super) platform: String,
    pub(super) license: String,
    pub(super) license_expression: String,
    pub(super) license_file: String,
    pub(super) requires_python: String,
    pub(super) requires_dist: Vec<String>,
    pub(super) provides_extra: Vec<String>,
}

impl Fields {
    /// Reads the header; the description behind the first blank line does not count. Many files break the
    /// specification, so a line that makes no sense is left out.
    ///
    /// # Errors
    /// Where the first line that counts continues another one.
    pub(super) fn parse(text: &str) -> Result<Self, ParseError> {
        let mut fields = Self::default();
        let mut key = String::new();
        let mut count = 0;
        for line in text.lines() {
            if line.is_empty() {
                if count > 0 {
                    break;
                }
                continue;
            }
            if line.starts_with(' ') {
                if key.is_empty() {
                    return Err(ParseError::malformed("the metadata begins with a continuation"));
                }
                if let Some(value) = fields.last_value(&key) {
                    value.push_str("\n ");
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':').filter(|(name, _)| !name.is_empty()) {
                count += 1;
                if count > MAX_FIELDS {
                    return Err(ParseError::Limit { what: "fields of metadata", limit: MAX_FIELDS as u64 });
                }
                key = name.trim().to_ascii_lowercase();
                fields.set(&key, value.trim());
            }
        }
        Ok(fields)
    }

    fn set(&mut self, key: &str, value: &str) {
        if let Some(list) = self.list(key) {
            list.push(value.to_owned());
        } else if let Some(field) = self.single(key) {
            value.clone_into(field);
        }
    }

    fn last_value(&mut self, key: &str) -> Option<&mut String> {
        if matches!(key, "requires-dist" | "provides-extra") {
            return self.list(key).and_then(|list| list.last_mut());
        }
        self.single(key)
    }

    fn list(&mut self, key: &str) -> Option<&mut Vec<String>> {
        match key {
            "requires-dist" => Some(&mut self.requires_dist),
            "provides-extra" => Some(&mut self.provides_extra),
            _ => None,
        }
    }

    fn single(&mut self, key: &str) -> Option<&mut String> {
        Some(match key {
            "name" => &mut self.name,
            "version" => &mut self.version,
            "author" => &mut self.author,
            "author-email" => &mut self.author_email,
            "platform" => &mut self.platform,
            "license" => &mut self.license,
            "license-expression" => &mut self.license_expression,
            "license-file" => &mut self.license_file,
            "requires-python" => &mut self.requires_python,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let text = "\nMetadata-Version: 2.1\nName: A_b\nversion: 1\nLicense: MIT\n  text\nRequires-Dist: c (>=1)\n       more\nRequires-Dist: d\nlost\n:x\nPlatform: a\nPlatform: b\n\nName: not\n";
        let fields = Fields::parse(text).unwrap();
        assert_eq!((fields.name.as_str(), fields.version.as_str(), fields.platform.as_str()), ("A_b", "1", "b"));
        assert_eq!(fields.license, "MIT\n text");
        assert_eq!(fields.requires_dist, ["c (>=1)\n more", "d"]);
        assert!(Fields::parse(" x\nName: y\n").is_err());
        assert_eq!(Fields::parse("").unwrap(), Fields::default());
    }
}
