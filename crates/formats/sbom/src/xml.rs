//! An XML writer that streams.

use std::io::{self, Write};

const CHUNK_BYTES: usize = 64 * 1024;

/// Writes one XML document, element by element. Errors of the destination are kept and answered by
/// [`XmlWriter::finish`].
pub(crate) struct XmlWriter<'w> {
    out: &'w mut dyn Write,
    buffer: String,
    pretty: bool,
    depth: usize,
    /// The innermost element has elements in it, so its end stands on a line of its own.
    nested: bool,
    failed: Option<io::Error>,
}

impl<'w> XmlWriter<'w> {
    pub(crate) fn new(out: &'w mut dyn Write, pretty: bool) -> Self {
        let buffer = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        Self { out, buffer, pretty, depth: 0, nested: false, failed: None }
    }

    /// Hands everything over.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush();
        match self.failed {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// An element with what `fill` writes in it. Attributes with no value are left out.
    pub(crate) fn element(&mut self, name: &str, attributes: &[(&str, &str)], fill: impl FnOnce(&mut Self)) {
        if self.depth > 0 {
            self.line();
        }
        self.buffer.push('<');
        self.buffer.push_str(name);
        for (key, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            self.buffer.push(' ');
            self.buffer.push_str(key);
            self.buffer.push_str("=\"");
            escape(value, &mut self.buffer);
            self.buffer.push('"');
        }
        self.buffer.push('>');
        self.depth += 1;
        self.nested = false;
        fill(self);
        self.depth -= 1;
        if self.nested {
            self.line();
        }
        self.buffer.push_str("</");
        self.buffer.push_str(name);
        self.buffer.push('>');
        self.nested = true;
        if self.buffer.len() >= CHUNK_BYTES {
            self.flush();
        }
    }

    /// Text in the innermost element.
    pub(crate) fn text(&mut self, text: &str) {
        escape(text, &mut self.buffer);
    }

    /// An element with nothing but text, left out where that is empty.
    pub(crate) fn optional(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.element(name, &[], |xml| xml.text(text));
        }
    }

    /// An element that holds one element for each value, left out where there are none.
    pub(crate) fn list<T>(&mut self, name: &str, values: &[T], mut fill: impl FnMut(&mut Self, &T)) {
        if !values.is_empty() {
            self.element(name, &[], |xml| values.iter().for_each(|value| fill(xml, value)));
        }
    }

    fn line(&mut self) {
        if self.pretty {
            self.buffer.push('\n');
            (0..self.depth).for_each(|_| self.buffer.push_str("  "));
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none()
            && let Err(error) = self.out.write_all(self.buffer.as_bytes())
        {
            self.failed = Some(error);
        }
        self.buffer.clear();
    }
}

/// Escapes as Go's `encoding/xml` does; characters that XML 1.0 does not have become U+FFFD.
fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pretty: bool, expected: &str) {
        let mut out = Vec::new();
        let mut xml = XmlWriter::new(&mut out, pretty);
        xml.element("a", &[("x", "<1>"), ("y", "")], |xml| {
            xml.optional("b", "t\"'&\n\u{1}");
            xml.optional("c", "");
            xml.list("ds", &[1, 2], |xml, number| xml.element("d", &[], |xml| xml.text(&number.to_string())));
        });
        xml.finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{expected}"));
    }

    #[test]
    fn compact() {
        check(false, "<a x=\"&lt;1&gt;\"><b>t&#34;&#39;&amp;&#xA;\u{fffd}</b><ds><d>1</d><d>2</d></ds></a>");
    }

    #[test]
    fn indented() {
        check(
            true,
            "<a x=\"&lt;1&gt;\">\n  <b>t&#34;&#39;&amp;&#xA;\u{fffd}</b>\n  <ds>\n    <d>1</d>\n    <d>2</d>\n  </ds>\n</a>",
        );
    }
}
