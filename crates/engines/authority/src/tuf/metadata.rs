//! TUF's documents: canonical form, keys, signatures.

use crate::hex;
use crate::keys::{KeyError, PublicKey, SigningKey, sha256};
use crate::pem;
use serde_json::{Map, Value, json};
use signing::KeyKind;

/// The version of the specification that documents name.
pub(super) const SPEC_VERSION: &str = "1.0.31";

/// OLPC's canonical JSON: members in order, no spaces, and only quotes and backslashes escaped, so line breaks of PEM
/// stand as they are. (RFC 8785 escapes them.) Numbers are whole.
pub(super) fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (nth, item) in items.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            out.push(b'{');
            for (nth, (name, item)) in members.into_iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                write_text(name, out);
                out.push(b':');
                write(item, out);
            }
            out.push(b'}');
        }
        plain => out.extend(plain.to_string().into_bytes()),
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// A key as documents have it, with its name.
pub(super) fn key_object(key: &SigningKey) -> (String, Value) {
    let object = match key.kind() {
        KeyKind::Ed25519 => {
            json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": hex::encode(key.raw())}})
        }
        _ => {
            let public = pem::encode("PUBLIC KEY", key.spki());
            json!({"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": public}})
        }
    };
    (key_id(&object), object)
}

/// The name of a key: the hash of its canonical form.
pub(super) fn key_id(object: &Value) -> String {
    hex::encode(&sha256(&canonical(object)))
}

/// Signs a document's `signed` part; one signature a key.
pub(super) fn sign(signed: Value, keys: &[&SigningKey]) -> Result<Vec<u8>, KeyError> {
    let bytes = canonical(&signed);
    let mut signatures = Vec::new();
    for key in keys {
        let (id, _) = key_object(key);
        if signatures.iter().all(|other: &Value| other.get("keyid").and_then(Value::as_str) != Some(&id)) {
            signatures.push(json!({"keyid": id, "sig": hex::encode(&key.sign(&bytes)?)}));
        }
    }
    Ok(json!({"signed": signed, "signatures": signatures}).to_string().into_bytes())
}

/// A key of a document, ready to verify; nothing for kinds that are not known.
pub(super) fn verifying_key(object: &Value) -> Option<PublicKey> {
    let text = |name| object.get(name).and_then(Value::as_str);
    let public = object.get("keyval")?.get("public")?.as_str()?;
    match (text("keytype")?, text("scheme")?) {
        ("ed25519", "ed25519") => {
            let raw = hex::decode(public).filter(|raw| raw.len() == 32)?;
            let spki = [&b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"[..], &raw].concat();
            PublicKey::from_spki(&spki).ok()
        }
        ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => PublicKey::parse(public.as_bytes()).ok(),
        _ => None,
    }
}

/// The member of an object that is text.
pub(super) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_stand_as_they_are() {
        let value = json!({"b": "x\ny\"z\\", "a": [1, true, null]});
        assert_eq!(canonical(&value), b"{\"a\":[1,true,null],\"b\":\"x\ny\\\"z\\\\\"}");
    }
}
