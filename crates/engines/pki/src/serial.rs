//! Serial numbers: `1a:2b` in the API, `1a-2b` in rows.

/// The row's form of what a client wrote; none where it is no serial number.
pub(crate) fn normalize(text: &str) -> Option<String> {
    let text = text.to_lowercase().replace(':', "-");
    let fine =
        !text.is_empty() && text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    fine.then_some(text)
}

/// The API's form of the row's.
pub(crate) fn display(row: &str) -> String {
    row.replace('-', ":")
}

/// The bytes of the row's form.
pub(crate) fn bytes(row: &str) -> Option<Vec<u8>> {
    from_hex(&row.replace(['-', ':'], ""))
}

/// The row's form of bytes.
pub(crate) fn row(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join("-")
}

/// Bytes of hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
