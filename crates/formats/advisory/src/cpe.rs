//! CPE 2.3 names, as NVD and CVE records write them.

use crate::record::{Ecosystem, PackageName};

/// The parts of a formatted string: `cpe:2.3:part:vendor:product:version:update:edition:language:sw_edition:
/// target_sw:target_hw:other`, each as written, escapes included.
pub(crate) struct Cpe<'a> {
    parts: [&'a str; 11],
}

impl<'a> Cpe<'a> {
    /// Reads a formatted string of version 2.3; `None` when it is none.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut rest = text.strip_prefix("cpe:2.3:")?;
        let mut parts = [""; 11];
        for (index, part) in parts.iter_mut().enumerate() {
            let end = unescaped_colon(rest);
            match (end, index) {
                (Some(end), 0..=9) => {
                    *part = rest.get(..end)?;
                    rest = rest.get(end + 1..)?;
                }
                (None, 10) => *part = rest,
                _ => return None,
            }
        }
        let [part, vendor, product, ..] = parts;
        (matches!(part, "a" | "o" | "h") && !vendor.is_empty() && !product.is_empty()).then_some(Self { parts })
    }

    /// The version; `None` for any (`*`) and for none (`-`).
    pub(crate) fn version(&self) -> Option<&'a str> {
        let [_, _, _, version, ..] = self.parts;
        Some(version).filter(|version| !matches!(*version, "*" | "-" | ""))
    }

    /// The version as Grype compares it: with the update behind it, without escapes.
    pub(crate) fn exact_version(&self) -> Option<String> {
        let [_, _, _, _, update, ..] = self.parts;
        let version = self.version()?;
        let text = match update {
            "*" | "-" | "" => version.to_owned(),
            update => format!("{version}-{update}"),
        };
        Some(text.replace('\\', ""))
    }

    /// The name of the package: the criterion with any version and update.
    pub(crate) fn package(&self) -> PackageName {
        let [part, vendor, product, _, _, rest @ ..] = self.parts;
        PackageName {
            ecosystem: Ecosystem::Cpe,
            name: format!("{part}:{vendor}:{product}"),
            cpe: format!("cpe:2.3:{part}:{vendor}:{product}:*:*:{}", rest.join(":")),
        }
    }
}

fn unescaped_colon(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|b| {
        let found = b == b':' && !escaped;
        escaped = b == b'\\' && !escaped;
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, Option<&str>)>) {
        let found = Cpe::parse(text).map(|cpe| (cpe.package().name, cpe.exact_version()));
        let found = found.as_ref().map(|(name, version)| (name.as_str(), version.as_deref()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn reads_names() {
        check("cpe:2.3:a:f5:nginx:1.2:*:*:*:*:*:*:*", Some(("a:f5:nginx", Some("1.2"))));
        check("cpe:2.3:a:f5:nginx:1.2:rc1:*:*:*:*:*:*", Some(("a:f5:nginx", Some("1.2-rc1"))));
        check("cpe:2.3:o:a\\:b:c:-:*:*:*:*:*:*:*", Some(("o:a\\:b:c", None)));
        check("cpe:2.3:a:x:y:1\\+2:-:*:*:*:*:*:*", Some(("a:x:y", Some("1+2"))));
        check("cpe:/o:redhat:enterprise_linux:9", None);
        check("cpe:2.3:a:f5:nginx:1.2", None);
        check("cpe:2.3:z:f5:nginx:1.2:*:*:*:*:*:*:*", None);
        check("cpe:2.3:a:f5:nginx:1.2:*:*:*:*:*:*:*:*", None);
    }
}
