//! A JSON writer that streams: documents reach tens of megabytes and are never held whole.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{self, Write};

/// How much is gathered before it goes to the destination.
const CHUNK_BYTES: usize = 64 * 1024;

/// Writes one JSON value, member by member.
///
/// Errors of the destination are kept and answered by [`JsonWriter::finish`]; nothing is written after the first.
pub(crate) struct JsonWriter<'w> {
    out: &'w mut dyn Write,
    buffer: Vec<u8>,
    /// One level of indentation; `None` writes no white space at all.
    indent: Option<&'static str>,
    depth: usize,
    /// Nothing was written yet into the innermost object or array.
    empty: bool,
    failed: Option<io::Error>,
}

impl<'w> JsonWriter<'w> {
    pub(crate) fn new(out: &'w mut dyn Write, indent: Option<&'static str>) -> Self {
        Self { out, buffer: Vec::with_capacity(2 * CHUNK_BYTES), indent, depth: 0, empty: true, failed: None }
    }

    /// Ends the document with a line feed and hands everything over.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.buffer.push(b'\n');
        self.flush();
        match self.failed {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Begins a member of an object; the value must follow.
    pub(crate) fn member(&mut self, name: &str) -> &mut Self {
        self.separate();
        self.quoted(name);
        self.buffer.extend_from_slice(if self.indent.is_some() { b": " } else { b":" });
        self
    }

    /// Begins an element of an array; the value must follow.
    pub(crate) fn element(&mut self) -> &mut Self {
        self.separate();
        self
    }

    pub(crate) fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        self.container(b'{', b'}', fill);
    }

    pub(crate) fn array(&mut self, fill: impl FnOnce(&mut Self)) {
        self.container(b'[', b']', fill);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.quoted(value);
        self.spill();
    }

    pub(crate) fn number(&mut self, value: impl Into<i128>) {
        // Writing to a String cannot fail.
        let mut digits = String::new();
        let _ = write!(digits, "{}", value.into());
        self.buffer.extend_from_slice(digits.as_bytes());
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.buffer.extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(crate) fn null(&mut self) {
        self.buffer.extend_from_slice(b"null");
    }

    /// A value that is JSON text already, compact.
    pub(crate) fn raw(&mut self, json: &str) {
        match self.indent {
            None => self.buffer.extend_from_slice(json.as_bytes()),
            Some(indent) => lay_out(json, indent, self.depth, &mut self.buffer),
        }
        self.spill();
    }

    /// A member that is a text.
    pub(crate) fn text_member(&mut self, name: &str, value: &str) {
        self.member(name).text(value);
    }

    /// A member that is a text, left out where that is empty.
    pub(crate) fn optional_text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text_member(name, value);
        }
    }

    /// A member that is an array of texts.
    pub(crate) fn texts(&mut self, name: &str, values: impl IntoIterator<Item = impl AsRef<str>>) {
        self.member(name).array(|json| {
            for value in values {
                json.element().text(value.as_ref());
            }
        });
    }

    /// A member that is an array of objects.
    pub(crate) fn objects<T>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(&mut Self, T),
    ) {
        self.member(name).array(|json| {
            for value in values {
                json.element().object(|json| fill(json, value));
            }
        });
    }

    fn container(&mut self, open: u8, close: u8, fill: impl FnOnce(&mut Self)) {
        self.buffer.push(open);
        self.depth += 1;
        self.empty = true;
        fill(self);
        self.depth -= 1;
        if !self.empty {
            self.line();
        }
        self.buffer.push(close);
        self.empty = false;
        self.spill();
    }

    fn separate(&mut self) {
        if !self.empty {
            self.buffer.push(b',');
        }
        self.empty = false;
        self.line();
    }

    fn line(&mut self) {
        if let Some(indent) = self.indent {
            new_line(indent, self.depth, &mut self.buffer);
        }
    }

    fn quoted(&mut self, value: &str) {
        if let Err(error) = serde_json::to_writer(&mut self.buffer, value) {
            self.failed.get_or_insert(error.into());
        }
    }

    fn spill(&mut self) {
        if self.buffer.len() >= CHUNK_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none()
            && let Err(error) = self.out.write_all(&self.buffer)
        {
            self.failed = Some(error);
        }
        self.buffer.clear();
    }
}

fn new_line(indent: &str, depth: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    for _ in 0..depth {
        out.extend_from_slice(indent.as_bytes());
    }
}

/// Copies compact JSON with the white space of an indented document.
fn lay_out(json: &str, indent: &str, mut depth: usize, out: &mut Vec<u8>) {
    let mut quoted = false;
    let mut escaped = false;
    let mut previous = b' ';
    for &byte in json.as_bytes() {
        if quoted {
            out.push(byte);
            quoted = byte != b'"' || escaped;
            escaped = byte == b'\\' && !escaped;
            previous = byte;
            continue;
        }
        let opened = matches!(previous, b'{' | b'[');
        match byte {
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if !opened {
                    new_line(indent, depth, out);
                }
                out.push(byte);
            }
            b' ' | b'\n' | b'\r' | b'\t' => continue,
            _ => {
                if opened {
                    new_line(indent, depth, out);
                }
                out.push(byte);
                match byte {
                    b'{' | b'[' => depth += 1,
                    b',' => new_line(indent, depth, out),
                    b':' => out.push(b' '),
                    b'"' => quoted = true,
                    _ => {}
                }
            }
        }
        previous = byte;
    }
}

/// JSON text without white space between its tokens.
pub(crate) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut quoted = false;
    let mut escaped = false;
    for character in json.chars() {
        if quoted {
            quoted = character != '"' || escaped;
            escaped = character == '\\' && !escaped;
        } else if character.is_ascii_whitespace() {
            continue;
        } else {
            quoted = character == '"';
        }
        out.push(character);
    }
    out
}

/// A text that is read, borrowed where it can be; null is empty, as in Go.
#[derive(Default)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsText;
        impl<'de> Visitor<'de> for AsText {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or null")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
        }
        deserializer.deserialize_any(AsText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(indent: Option<&'static str>, fill: impl FnOnce(&mut JsonWriter<'_>), expected: &str) {
        let mut out = Vec::new();
        let mut json = JsonWriter::new(&mut out, indent);
        fill(&mut json);
        json.finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    fn sample(json: &mut JsonWriter<'_>) {
        json.object(|json| {
            json.text_member("a", "x\"\n");
            json.optional_text("absent", "");
            json.texts("none", [""; 0]);
            json.member("raw").raw(r#"{"k":[1,{"z":"a:[\"]"}],"e":{},"f":[]}"#);
            json.objects("list", [1_u32, 2], |json, value| json.member("n").number(value));
        });
    }

    #[test]
    fn compact() {
        check(
            None,
            sample,
            "{\"a\":\"x\\\"\\n\",\"none\":[],\"raw\":{\"k\":[1,{\"z\":\"a:[\\\"]\"}],\"e\":{},\"f\":[]},\
             \"list\":[{\"n\":1},{\"n\":2}]}\n",
        );
    }

    #[test]
    fn indented_like_a_serializer_would() {
        let mut compact = Vec::new();
        let mut json = JsonWriter::new(&mut compact, None);
        sample(&mut json);
        json.finish().unwrap();
        let value: serde_json::Value = serde_json::from_slice(&compact).unwrap();
        let mut laid_out = Vec::new();
        let mut json = JsonWriter::new(&mut laid_out, Some("  "));
        sample(&mut json);
        json.finish().unwrap();
        assert_eq!(value, serde_json::from_slice::<serde_json::Value>(&laid_out).unwrap());
        let expected = "  \"raw\": {\n    \"k\": [\n      1,\n      {\n        \"z\": \"a:[\\\"]\"\n      }\n    ],\n    \
                        \"e\": {},\n    \"f\": []\n  },\n";
        assert!(String::from_utf8(laid_out).unwrap().contains(expected));
    }

    #[test]
    fn an_error_of_the_destination_is_answered() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut out = Full;
        let mut json = JsonWriter::new(&mut out, None);
        sample(&mut json);
        assert_eq!(json.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
