//! `ruby-gemfile-cataloger`: `Gemfile.lock`.

use super::component;
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};

/// Finds the gems that Bundler locked.
pub(crate) struct GemfileLock;

/// The sections that list resolved gems; `DEPENDENCIES` and the rest only ask for them.
const SECTIONS: [&str; 4] = ["GEM", "GIT", "PATH", "PLUGIN SOURCE"];

impl Cataloger for GemfileLock {
    fn name(&self) -> &'static str {
        "ruby-gemfile-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "language", "ruby", "gem"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/Gemfile.lock"), Want::Glob("**/Gemfile.next.lock")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let mut section = String::new();
        for line in file.text().lines() {
            if line.len() > 1 && !line.starts_with(' ') {
                line.trim().clone_into(&mut section);
            } else if SECTIONS.contains(&section.as_str())
                && let Some((name, version)) = locked_gem(line)
            {
                out.add(component(name, version));
            }
        }
        if out.components.is_empty() {
            return Err(ParseError::malformed("unable to determine packages"));
        }
        Ok(())
    }
}

/// `    name (version)`, indented by four; what it needs is indented by six, and says a range.
fn locked_gem(line: &str) -> Option<(&str, &str)> {
    if line.bytes().take(5).filter(|byte| *byte == b' ').count() != 4 || line.len() < 5 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (name, version) = (words.next()?, words.next()?);
    words.next().is_none().then_some((name, version.trim_matches(['(', ')'])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogers::testing::{catalogue, purls, unknowns};

    #[test]
    fn sections() {
        let text = "GIT\n  remote: https://example.com/a.git\n  specs:\n    a (1.0.0)\n      b (>= 1)\n\n\
                    GEM\n  remote: https://example.com/\n  specs:\n    b (2.0.0-java)\n    c (1.0)\n      b (~> 2, != 3)\n\n\
                    PLATFORMS\n    ruby (1)\n\nDEPENDENCIES\n  a!\n\nBUNDLED WITH\n   2.3.4\n";
        let document = catalogue(&GemfileLock, &[("/Gemfile.lock", text.as_bytes())]);
        assert_eq!(purls(&document), ["pkg:gem/a@1.0.0", "pkg:gem/b@2.0.0-java", "pkg:gem/c@1.0"]);
        assert!(document.components.iter().all(|component| component.metadata.is_none()));
    }

    #[test]
    fn nothing_locked() {
        let document = catalogue(&GemfileLock, &[("/Gemfile.lock", b"GEM\n")]);
        assert_eq!(unknowns(&document), [("/Gemfile.lock", "unable to determine packages")]);
    }
}
