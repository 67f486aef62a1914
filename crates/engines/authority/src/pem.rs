//! PEM: one block a file, or a chain of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One block with lines of 64 characters.
#[must_use]
pub fn encode(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = String::with_capacity(text.len() + text.len() / 64 + 2 * label.len() + 40);
    out.push_str("-----BEGIN ");
    out.push_str(label);
    out.push_str("-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}

/// The content of the first block with this label. Nothing where there is none or its text is no base64.
#[must_use]
pub fn decode(label: &str, text: &str) -> Option<Vec<u8>> {
    let (_, after) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = after.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for size in [0, 1, 47, 48, 49, 500] {
            let bytes = vec![7u8; size];
            assert_eq!(decode("X", &encode("X", &bytes)), Some(bytes));
        }
        assert_eq!(decode("X", "-----BEGIN X-----\n*\n-----END X-----"), None);
        assert_eq!(decode("X", &encode("Y", b"a")), None);
    }
}
