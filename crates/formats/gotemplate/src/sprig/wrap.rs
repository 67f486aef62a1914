//! Texts over lines (goutils, `WrapCustom`).

use super::strings::bounded;
use crate::builtins::bytes_of;
use crate::function::{Function, Type};
use Type::{Int, Text};

pub(super) const ALL: &[Function] = &[
    Function::new("wrap", &[Int, Text], |given| Ok(wrap(given.text(1), given.int(0), "\n", false)?.into())),
    Function::new("wrapWith", &[Int, Text, Text], |given| {
        let separator = if given.text(1).is_empty() { "\n" } else { given.text(1) };
        Ok(wrap(given.text(2), given.int(0), separator, true)?.into())
    }),
];

fn wrap(text: &str, width: i64, separator: &str, cut_words: bool) -> Result<String, String> {
    let width = usize::try_from(width).unwrap_or(1).max(1);
    bounded(text.len().saturating_add((text.len() / width + 1).saturating_mul(separator.len())))?;
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut offset = 0;
    while bytes.len() - offset > width {
        if bytes.get(offset) == Some(&b' ') {
            offset += 1;
            continue;
        }
        let line = bytes.get(offset..=offset + width).unwrap_or_default();
        let end = match line.iter().rposition(|byte| *byte == b' ') {
            Some(space) => (offset + space, 1),
            None if cut_words => (offset + width, 0),
            // A long word stands over.
            None => match bytes.iter().skip(offset + width).position(|byte| *byte == b' ') {
                Some(space) => (offset + width + space, 1),
                None => break,
            },
        };
        out.push_str(&bytes_of(text, offset, end.0));
        out.push_str(separator);
        offset = end.0 + end.1;
    }
    out.push_str(&bytes_of(text, offset, text.len()));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks() {
        let check = |text, width, cut, want: &str| assert_eq!(wrap(text, width, "\n", cut).unwrap(), want);
        check("one two three", 7, false, "one two\nthree");
        check("abcdefghij k", 4, false, "abcdefghij\nk");
        check("abcdefghij k", 4, true, "abcd\nefgh\nij k");
    }
}
