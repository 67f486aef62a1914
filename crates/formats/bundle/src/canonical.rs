//! Canonical JSON, RFC 8785, for values without fractions: what Rekor signs and hashes.

use serde_json::Value;

/// Prints a value canonically. `None` if a number in it isn't an integer, that no document of a log has.
///
/// ```
/// let value = serde_json::json!({"b": [1, "x\u{1}"], "a": null});
/// assert_eq!(bundle::canonical::to_vec(&value).as_deref(), Some(&br#"{"a":null,"b":[1,"x\u0001"]}"#[..]));
/// ```
pub fn to_vec(value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    write(value, &mut out)?;
    Some(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) if number.is_f64() => return None,
        Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::String(text) => write_text(text, out)?,
        Value::Array(list) => {
            out.push(b'[');
            for (nth, item) in list.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(map) => {
            // Names are ordered by their UTF-16, in which a surrogate is below U+E000.
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (nth, (name, item)) in members.into_iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                write_text(name, out)?;
                out.push(b':');
                write(item, out)?;
            }
            out.push(b'}');
        }
    }
    Some(())
}

/// The escapes of serde_json are those of RFC 8785.
fn write_text(text: &str, out: &mut Vec<u8>) -> Option<()> {
    serde_json::to_writer(out, text).ok()
}
