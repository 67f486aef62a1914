use crate::answer::Answer;
use crate::call::Call;
use aws_lc_rs::digest::{self, Algorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use logical::{Error, Operation};
use serde_json::json;

const MAX_RANDOM_BYTES: usize = 128 * 1024;

/// `tools/random` and `tools/hash`.
pub(crate) fn handle(call: &Call<'_>, parts: &[&str]) -> Result<Answer, Error> {
    if call.request.operation != Operation::Update {
        return Err(Error::UnsupportedOperation);
    }
    match parts {
        ["tools", "random", rest @ ..] if rest.len() <= 2 => random(call, rest),
        ["tools", "hash", rest @ ..] if rest.len() <= 1 => hash(call, rest.first().copied()),
        _ => Err(Error::UnsupportedPath),
    }
}

fn encode(bytes: &[u8], format: &str) -> Result<String, Error> {
    match format {
        "hex" => Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        "base64" => Ok(STANDARD.encode(bytes)),
        _ => Err(Error::invalid(format!("unsupported encoding format {format:?}; must be \"hex\" or \"base64\""))),
    }
}

/// `random`, `random/<bytes>`, `random/<source>`, `random/<source>/<bytes>`.
fn random(call: &Call<'_>, rest: &[&str]) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let is_source = |text: &str| matches!(text, "platform" | "seal" | "all");
    let (source, length) = match rest {
        [] => (None, None),
        [one] if is_source(one) => (Some(*one), None),
        [one] => (None, Some(*one)),
        [source, length, ..] => (Some(*source), Some(*length)),
    };
    if source.is_some_and(|source| !is_source(source)) {
        return Err(Error::invalid(format!("unsupported entropy source {:?}", source.unwrap_or_default())));
    }
    let length = match length {
        Some(text) => text.parse().ok(),
        None => match fields.integer("bytes")? {
            Some(length) => usize::try_from(length).ok(),
            None => Some(32),
        },
    };
    let length = length.ok_or_else(|| Error::invalid("error parsing url-set byte count"))?;
    if length == 0 {
        return Err(Error::invalid("\"bytes\" cannot be less than 1"));
    }
    if length > MAX_RANDOM_BYTES {
        return Err(Error::invalid(format!("\"bytes\" should be less than {MAX_RANDOM_BYTES}")));
    }
    let format = fields.text("format")?.filter(|format| !format.is_empty()).unwrap_or_else(|| "base64".to_owned());
    Ok(Answer::json(json!({ "random_bytes": encode(&crate::token::random(length)?, &format)? })))
}

fn hash(call: &Call<'_>, in_path: Option<&str>) -> Result<Answer, Error> {
    let fields = call.request.fields();
    let input = fields.text("input")?.unwrap_or_default();
    let input = STANDARD
        .decode(&input)
        .map_err(|error| Error::invalid(format!("unable to decode input as base64: {error}")))?;
    let name = match in_path {
        Some(name) => name.to_owned(),
        None => fields.text("algorithm")?.filter(|name| !name.is_empty()).unwrap_or_else(|| "sha2-256".to_owned()),
    };
    let algorithm: &'static Algorithm = match name.as_str() {
        "sha2-224" => &digest::SHA224,
        "sha2-256" => &digest::SHA256,
        "sha2-384" => &digest::SHA384,
        "sha2-512" => &digest::SHA512,
        "sha3-256" => &digest::SHA3_256,
        "sha3-384" => &digest::SHA3_384,
        "sha3-512" => &digest::SHA3_512,
        _ => return Err(Error::invalid(format!("unsupported algorithm {name}"))),
    };
    let format = fields.text("format")?.filter(|format| !format.is_empty()).unwrap_or_else(|| "hex".to_owned());
    Ok(Answer::json(json!({ "sum": encode(digest::digest(algorithm, &input).as_ref(), &format)? })))
}
