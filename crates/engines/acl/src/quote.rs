use std::fmt::Write as _;

/// A text in quotes as Go's `%q` prints it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        let written = match letter {
            '"' => out.write_str("\\\""),
            '\\' => out.write_str("\\\\"),
            '\x07' => out.write_str("\\a"),
            '\x08' => out.write_str("\\b"),
            '\x0c' => out.write_str("\\f"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            '\x0b' => out.write_str("\\v"),
            '\0'..='\x1f' | '\x7f' => write!(out, "\\x{:02x}", letter as u32),
            _ if !letter.escape_debug().to_string().starts_with("\\u") => out.write_char(letter),
            _ if letter as u32 > 0xffff => write!(out, "\\U{:08x}", letter as u32),
            _ => write!(out, "\\u{:04x}", letter as u32),
        };
        // Writing to a text can't fail.
        let _ = written;
    }
    out.push('"');
    out
}
