//! Name and namespace of an SPDX document (Syft `document_name.go`, `document_namespace.go`).

use crate::maker::maker;
use crate::{Document, Source, SourceKind};
use std::fmt::Write as _;
use uuid::Uuid;

/// The name of a document is that of its source.
pub(super) fn document_name(source: &Source) -> &str {
    [source.name.as_str(), &source.user_input].into_iter().find(|name| !name.is_empty()).unwrap_or("unknown")
}

/// An address that no other document has. Nothing need be there.
pub(super) fn namespace(document: &Document, uuid: Uuid) -> String {
    let source = &document.source;
    let kind = match source.kind {
        SourceKind::Image => "image",
        SourceKind::Directory => "dir",
        SourceKind::File => "file",
        SourceKind::Document => "unknown-source-type",
    };
    let name = document_name(source).replace(['#', ':'], "-");
    let identifier = match clean(&name).as_str() {
        "" => uuid.to_string(),
        name => format!("{name}-{uuid}"),
    };
    let path = clean(&format!("{}/{kind}/{identifier}", document.descriptor.name));
    format!("{}/{}", maker(&document.descriptor).namespace, escaped(&path))
}

/// The path with no empty parts, no `.` and no `..`.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~$&+,/:;=@".contains(&byte);
        if plain {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Descriptor;

    fn check(tool: &str, kind: SourceKind, name: &str, expected: &str) {
        let source = Source { kind, name: name.to_owned(), ..Source::default() };
        let descriptor = Descriptor { name: tool.to_owned(), ..Descriptor::default() };
        let document = Document { source, descriptor, ..Document::default() };
        assert_eq!(namespace(&document, Uuid::nil()), expected.replace("NIL", &Uuid::nil().to_string()));
    }

    #[test]
    fn shapes() {
        check("syft", SourceKind::Image, "img", "https://anchore.com/syft/image/img-NIL");
        check("syft", SourceKind::Image, "h:5000/a/b", "https://anchore.com/syft/image/h-5000/a/b-NIL");
        check("syft", SourceKind::Directory, ".", "https://anchore.com/syft/dir/NIL");
        check("syft", SourceKind::Directory, "/a//b/../c d#e", "https://anchore.com/syft/dir/a/c%20d-e-NIL");
        check("palisade", SourceKind::File, "./a.jar", "https://spdx.org/spdxdocs/palisade/file/a.jar-NIL");
        check(
            "palisade",
            SourceKind::Document,
            "",
            "https://spdx.org/spdxdocs/palisade/unknown-source-type/unknown-NIL",
        );
    }
}
