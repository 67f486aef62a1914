//! JSON with comments and trailing commas, made plain.

/// Blanks out `//` and `/* */` comments and commas before a closing bracket; texts stay as they are.
pub(super) fn plain(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    blank_comments(&mut bytes);
    blank_trailing_commas(&mut bytes);
    // Only whole ASCII characters and whole comments were replaced.
    String::from_utf8(bytes).unwrap_or_default()
}

fn blank_comments(bytes: &mut [u8]) {
    let mut rest = bytes;
    while let Some(at) = next_outside_text(rest, |here| here.starts_with(b"//") || here.starts_with(b"/*")) {
        let (_, comment) = rest.split_at_mut(at);
        let length = if comment.starts_with(b"//") {
            memchr::memchr(b'\n', comment)
        } else {
            memchr::memmem::find(comment.get(2..).unwrap_or_default(), b"*/").map(|end| end + 4)
        };
        let (comment, after) = comment.split_at_mut(length.unwrap_or(comment.len()));
        comment.fill(b' ');
        rest = after;
    }
}

fn blank_trailing_commas(bytes: &mut [u8]) {
    let closes = |rest: &[u8]| {
        let next = rest.iter().find(|byte| !byte.is_ascii_whitespace());
        matches!(next, Some(b']' | b'}'))
    };
    let mut rest = bytes;
    while let Some(at) = next_outside_text(rest, |here| here.starts_with(b",")) {
        let (_, here) = rest.split_at_mut(at);
        let Some((comma, after)) = here.split_first_mut() else { return };
        if closes(after) {
            *comma = b' ';
        }
        rest = after;
    }
}

/// Position of the first place outside of texts for which `is` holds.
fn next_outside_text(bytes: &[u8], is: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let mut at = 0;
    let mut in_text = false;
    while let Some(here) = bytes.get(at..).filter(|here| !here.is_empty()) {
        match here {
            [b'\\', _, ..] if in_text => at += 1,
            [b'"', ..] => in_text = !in_text,
            _ if !in_text && is(here) => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        for (text, expected) in [
            (r#"{"a":[1,2,],}"#, r#"{"a":[1,2],}"#.replace("],", "] ").replace("2]", "2 ]")),
            ("[1 // c\n, /* d */ ]", "[1     \n          ]".to_owned()),
            (r#"["// no", "a\",]",]"#, r#"["// no", "a\",]" ]"#.to_owned()),
            ("/* open", "       ".to_owned()),
            ("[\"\u{e9}\", ] // \u{e9}", "[\"\u{e9}\"  ]      ".to_owned()),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn plain_json_stays(text in "[\\[\\]{}\",:/*\\\\a1 \n]{0,80}") {
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                proptest::prop_assert_eq!(plain(&text), text);
            }
        }
    }
}
