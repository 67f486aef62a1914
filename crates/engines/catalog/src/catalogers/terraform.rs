//! Terraform: `.terraform.lock.hcl`, as Syft 1.57 reads it (`syft/pkg/cataloger/terraform`).

use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use sbom::{Component, Language, PackageType};
use serde::Serialize;

/// Finds the providers that a configuration locks.
pub(super) struct TerraformLock;

/// The `terraform-lock-provider-entry` record of Syft's JSON schema 16.
#[derive(Serialize, Default)]
struct Record {
    url: String,
    constraints: String,
    version: String,
    hashes: Vec<String>,
}

impl Cataloger for TerraformLock {
    fn name(&self) -> &'static str {
        "terraform-lock-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "terraform"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/.terraform.lock.hcl")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let text = file.text();
        let mut reader = Reader { rest: &text };
        while let Some(token) = reader.next()? {
            if token != Token::Word("provider") {
                return Err(reader.wrong());
            }
            let record = reader.provider()?;
            // Package URLs have no type for providers.
            let mut component = Component::new(PackageType::Terraform, Language::Go, &record.url, &record.version);
            component.set_metadata("terraform-lock-provider-entry", &record)?;
            out.add(component);
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Mark(char),
}

/// The little of HCL that Terraform writes into this file: blocks, attributes, texts without escapes, lists.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn wrong(&self) -> ParseError {
        ParseError::malformed("not a lock file of Terraform")
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, ParseError> {
        loop {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with('#') && !self.rest.starts_with("//") {
                break;
            }
            self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let rest = self.rest;
        let (token, length) = if first == '"' {
            let inside = rest.get(1..).unwrap_or_default();
            let (text, _) =
                inside.split_once('"').filter(|(text, _)| !text.contains(['\n', '\\'])).ok_or(self.wrong())?;
            (Token::Text(text), text.len() + 2)
        } else if is_word(first) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            (Token::Word(rest.get(..length).unwrap_or_default()), length)
        } else {
            (Token::Mark(first), first.len_utf8())
        };
        self.rest = rest.get(length..).unwrap_or_default();
        Ok(Some(token))
    }

    fn some(&mut self) -> Result<Token<'a>, ParseError> {
        self.next()?.ok_or_else(|| self.wrong())
    }

    fn mark(&mut self, mark: char) -> Result<(), ParseError> {
        if self.some()? == Token::Mark(mark) { Ok(()) } else { Err(self.wrong()) }
    }

    fn text(&mut self) -> Result<String, ParseError> {
        if let Token::Text(text) = self.some()? { Ok(text.to_owned()) } else { Err(self.wrong()) }
    }

    /// `"ADDRESS" { attributes }`.
    fn provider(&mut self) -> Result<Record, ParseError> {
        let mut record = Record { url: self.text()?, ..Record::default() };
        self.mark('{')?;
        loop {
            let name = match self.some()? {
                Token::Mark('}') => return Ok(record),
                Token::Word(name) => name,
                _ => return Err(self.wrong()),
            };
            self.mark('=')?;
            match name {
                "version" => record.version = self.text()?,
                "constraints" => record.constraints = self.text()?,
                "hashes" => record.hashes = self.list()?,
                _ => return Err(self.wrong()),
            }
        }
    }

    fn list(&mut self) -> Result<Vec<String>, ParseError> {
        let mut list = Vec::new();
        self.mark('[')?;
        loop {
            match self.some()? {
                Token::Mark(']') => return Ok(list),
                Token::Mark(',') => {}
                Token::Text(text) => list.push(text.to_owned()),
                _ => return Err(self.wrong()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TerraformLock;
    use crate::catalogers::testing::{catalogue, record, unknowns};

    #[test]
    fn locks() {
        let lock = b"# This file is maintained automatically.\n\nprovider \"registry.terraform.io/hashicorp/aws\" {\n  version     = \"5.72.1\"\n  constraints = \"> 5.0.0\"\n  hashes = [\n    \"h1:x=\",\n    \"zh:0d\",\n  ]\n}\n";
        let files: [(&str, &[u8]); 4] = [
            ("/.terraform.lock.hcl", lock),
            ("/a/.terraform.lock.hcl", b""),
            ("/b/.terraform.lock.hcl", b"provider \"x\" {\n  version = "),
            ("/c/.terraform.lock.hcl", b"variable \"x\" {}"),
        ];
        let document = catalogue(&TerraformLock, &files);
        assert_eq!(document.components.len(), 1);
        let expected = r#"{"url":"registry.terraform.io/hashicorp/aws","constraints":"> 5.0.0","version":"5.72.1","hashes":["h1:x=","zh:0d"]}"#;
        assert_eq!(record(&document, "registry.terraform.io/hashicorp/aws"), expected);
        assert_eq!(unknowns(&document).len(), 2);
    }
}
