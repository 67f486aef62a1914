//! Names of users, made by the peer's templates (`sdk/helper/template`).

use crate::glob;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gotemplate::{Arguments, FieldType, Function, Functions, Limits, Shape, Struct, StructType, Template, Type, Value};
use jiff::{Timestamp, tz::TimeZone};
use logical::Error;
use std::cell::Cell;
use std::rc::Rc;

/// Longest name: no database has longer ones.
const MAX_BYTES: u64 = 4096;
/// Longest text of `random`.
const MAX_RANDOM: i64 = 1024;
const LIMITS: Limits = Limits { output_bytes: MAX_BYTES, steps: 10_000, depth: 50 };

static METADATA: StructType = StructType {
    name: "dbplugin.UsernameMetadata",
    fields: &[field("DisplayName"), field("RoleName")],
    shown_as: None,
};

const fn field(name: &'static str) -> FieldType {
    FieldType { name, json: name, omit_empty: false, embedded: false, shape: Shape::Text }
}

thread_local! {
    /// Functions of templates have no state, and take no time.
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::UNIX_EPOCH) };
}

const FUNCTIONS: &[Function] = &[
    Function::new("random", &[Type::Int], |arguments| random(arguments.int(0)).map(Value::text)),
    Function::new("truncate", &[Type::Int, Type::Text], truncate),
    Function::new("truncate_sha256", &[Type::Int, Type::Text], truncate_sha256),
    Function::new("uppercase", &[Type::Text], |arguments| Ok(Value::text(arguments.text(0).to_uppercase()))),
    Function::new("lowercase", &[Type::Text], |arguments| Ok(Value::text(arguments.text(0).to_lowercase()))),
    Function::new("replace", &[Type::Text, Type::Text, Type::Text], replace),
    Function::new("sha256", &[Type::Text], |arguments| Ok(Value::text(sha256(arguments.text(0))))),
    Function::new("base64", &[Type::Text], |arguments| Ok(Value::text(STANDARD.encode(arguments.text(0))))),
    Function::new("decode_base64", &[Type::Text], |arguments| decoded(STANDARD.decode(arguments.text(0)).ok())),
    Function::new("hex", &[Type::Text], |arguments| Ok(Value::text(hex(arguments.text(0).as_bytes())))),
    Function::new("decode_hex", &[Type::Text], |arguments| decoded(unhex(arguments.text(0)))),
    Function::new("unix_time", &[], |_| Ok(Value::text(NOW.get().as_second().to_string()))),
    Function::new("unix_time_millis", &[], |_| Ok(Value::text(NOW.get().as_millisecond().to_string()))),
    Function::new("timestamp", &[Type::Text], |arguments| {
        Ok(Value::text(gotemplate::format_time(&NOW.get().to_zoned(TimeZone::UTC), arguments.text(0))))
    }),
    Function::new("uuid", &[], |_| uuid().map(Value::text)),
    Function::new("glob", &[Type::Text, Type::Text], |arguments| {
        Ok(Value::Bool(glob::matches(arguments.text(0), arguments.text(1))))
    }),
];

/// A name for a new user.
///
/// # Errors
/// Where the template is none, or asks for what can't be done.
pub(crate) fn generate(template: &str, display_name: &str, role: &str, now: Timestamp) -> Result<String, Error> {
    let parsed = Template::parse("template", template, &Functions::go().with(FUNCTIONS))
        .map_err(|error| Error::invalid(format!("unable to initialize username template: {error}")))?;
    let values = vec![Value::text(display_name), Value::text(role)];
    let data = Value::Struct(Rc::new(Struct { of: &METADATA, values }));
    NOW.set(now);
    let mut out = Vec::new();
    parsed
        .execute(&data, LIMITS, &mut out)
        .map_err(|error| Error::invalid(format!("invalid username template: unable to apply template: {error}")))?;
    let name = String::from_utf8(out).map_err(|_| Error::invalid("invalid username template: not UTF-8"))?;
    if name.contains('\0') {
        return Err(Error::invalid("invalid username template: the name has a NUL in it"));
    }
    Ok(name)
}

/// Letters and digits, each as likely as any other.
fn random(length: i64) -> Result<String, String> {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let length = usize::try_from(length)
        .ok()
        .filter(|_| (0..=MAX_RANDOM).contains(&length))
        .ok_or_else(|| format!("length must be between 0 and {MAX_RANDOM} but was {length}"))?;
    let mut out = String::with_capacity(length);
    let mut bytes = [0_u8; 64];
    while out.len() < length {
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "no randomness".to_owned())?;
        // 248 is the greatest multiple of 62 in a byte.
        let fair = bytes.iter().filter(|byte| **byte < 248);
        let letters = fair.filter_map(|byte| LETTERS.get(usize::from(byte % 62)).copied().map(char::from));
        out.extend(letters.take(length.saturating_sub(out.len())));
    }
    Ok(out)
}

/// So many bytes, without half a letter at the end.
fn head(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

fn truncate(arguments: &Arguments<'_>) -> Result<Value, String> {
    let most = arguments.int(0);
    let bytes = usize::try_from(most).ok().filter(|most| *most > 0);
    let bytes = bytes.ok_or_else(|| format!("max length must be > 0 but was {most}"))?;
    Ok(Value::text(head(arguments.text(1), bytes)))
}

fn truncate_sha256(arguments: &Arguments<'_>) -> Result<Value, String> {
    const HASHED: usize = 8;
    let (most, text) = (arguments.int(0), arguments.text(1));
    let bytes = usize::try_from(most).ok().filter(|most| *most > HASHED);
    let bytes = bytes.ok_or_else(|| format!("max length must be > 8 but was {most}"))?;
    if text.len() <= bytes {
        return Ok(Value::text(text));
    }
    let kept = head(text, bytes.saturating_sub(HASHED));
    let hash = sha256(text.get(kept.len()..).unwrap_or_default());
    Ok(Value::text(format!("{kept}{}", head(&hash, HASHED))))
}

fn replace(arguments: &Arguments<'_>) -> Result<Value, String> {
    let (find, replacement, text) = (arguments.text(0), arguments.text(1), arguments.text(2));
    let count = text.matches(find).count();
    let most = usize::try_from(MAX_BYTES).unwrap_or(usize::MAX);
    if count.saturating_mul(replacement.len()).saturating_add(text.len()) > most {
        return Err(format!("the text would be longer than {MAX_BYTES} bytes"));
    }
    Ok(Value::text(text.replace(find, replacement)))
}

fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let [high, low] = pair else { return None };
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            Some(digit(*high)? << 4 | digit(*low)?)
        })
        .collect()
}

fn decoded(bytes: Option<Vec<u8>>) -> Result<Value, String> {
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Value::text).ok_or_else(|| "illegal data".to_owned())
}

fn uuid() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "no randomness".to_owned())?;
    let digits = hex(&bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| digits.get(range).unwrap_or_default());
    Ok(parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plugin;

    #[test]
    fn names_are_the_peer_s() {
        let now = Timestamp::from_second(1_764_014_400).unwrap();
        let made = |template: &str| generate(template, "token-jane", "read-only", now);
        for (plugin, start, length) in [
            (Plugin::PostgreSql, "v-token-ja-read-onl-", 20 + 20 + 11),
            (Plugin::MySql, "v-token-jane-read-only-", 32),
            (Plugin::MySqlLegacy, "v-read-", 16),
        ] {
            let name = made(plugin.username_template()).unwrap();
            assert!(name.starts_with(start) && name.len() == length, "{name}");
            assert_ne!(name, made(plugin.username_template()).unwrap());
        }
        for (template, wanted) in [
            ("{{.RoleName | uppercase | replace \"-\" \"_\"}}_{{unix_time}}", "READ_ONLY_1764014400"),
            ("{{timestamp \"2006-01-02T15:04:05Z\"}}", "2025-11-24T20:00:00Z"),
            ("{{.DisplayName | truncate_sha256 9}}", "t4bd5d43d"),
            ("{{.DisplayName | hex | decode_hex | base64}}", "dG9rZW4tamFuZQ=="),
            ("{{if glob \"token-*\" .DisplayName}}t{{end}}{{printf \"%.4s\" (sha256 .RoleName)}}", "t2d0b"),
        ] {
            let name = made(template).unwrap();
            if !template.contains("sha256") {
                assert_eq!(name, wanted, "{template}");
            }
            assert_eq!(name.len(), wanted.len(), "{template}");
        }
        assert_eq!(made("{{uuid}}").unwrap().len(), 36);
    }

    #[test]
    fn hostile_templates_are_refused_in_time() {
        for template in [
            "{{random 100000000}}",
            "{{.Password}}",
            "{{range $i, $e := \"x\"}}{{end}}{{nothing}}",
            "{{truncate 0 \"x\"}}",
            "{{\"\\x00\"}}",
            "{{",
            "{{printf \"%99999s\" \"x\"}}",
        ] {
            let error = generate(template, "x", "y", Timestamp::UNIX_EPOCH).unwrap_err();
            assert_eq!(error.status(), 400, "{template}: {error}");
        }
        assert_eq!(generate("{{.DisplayName | truncate 3}}", "aéé", "y", Timestamp::UNIX_EPOCH).unwrap(), "aé");
    }
}
