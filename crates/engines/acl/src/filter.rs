use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gotemplate::{Arguments, Function, Functions, Limits, Template, Type, Value};
use serde_json::json;
use std::fmt::Write as _;

/// `list_scan_response_keys_filter_path`: keys of a list are shown where the path that the template makes of them may be
/// read or listed.
pub struct KeyFilter {
    template: Template,
}

/// Why a template makes no path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// It is no template.
    #[error("unable to compile template for list_scan_response_keys_filter_path: {0}")]
    Compile(String),
    /// It can't be carried out.
    #[error("failed to validate list_scan_response_keys_filter_path: {0}")]
    Execute(String),
    /// It does not use the key.
    #[error("list_scan_response_keys_filter_path resulted in same path for two different keys")]
    SamePath,
}

const LIMITS: Limits = Limits { steps: 10_000, depth: 16, output_bytes: 1 << 16 };

impl KeyFilter {
    /// Parses the template. It has `.key`, `.path` and functions of texts.
    ///
    /// # Errors
    /// Where it is none.
    pub fn new(text: &str) -> Result<Self, FilterError> {
        let template = Template::parse("template", text, &Functions::go().with(&FUNCTIONS));
        Ok(Self { template: template.map_err(|error| FilterError::Compile(error.to_string()))? })
    }

    /// The path whose permissions decide about the key.
    ///
    /// # Errors
    /// Where the template fails.
    pub fn path(&self, path: &str, key: &str) -> Result<String, FilterError> {
        let data = Value::from_json(&json!({ "path": path, "key": key }));
        let mut out = Vec::new();
        let executed = self.template.execute(&data, LIMITS, &mut out);
        executed.map_err(|error| FilterError::Execute(error.to_string()))?;
        String::from_utf8(out).map_err(|error| FilterError::Execute(error.to_string()))
    }

    /// Refuses a template that doesn't use the key.
    pub(crate) fn check(&self, path: &str) -> Result<(), FilterError> {
        let (one, two) = ("Uk3yNqzW0dZfJ5vGxT7bLhRc2mPaS9oE", "e8HsVt1CwQjX4nIgYr6ADOlKpF0uBz5M");
        if self.path(path, one)? == self.path(path, two)? { Err(FilterError::SamePath) } else { Ok(()) }
    }
}

const FUNCTIONS: [Function; 10] = [
    Function::new("uppercase", &[Type::Text], |arguments| Ok(Value::text(arguments.text(0).to_uppercase()))),
    Function::new("lowercase", &[Type::Text], |arguments| Ok(Value::text(arguments.text(0).to_lowercase()))),
    Function::new("replace", &[Type::Text, Type::Text, Type::Text], |arguments| {
        Ok(Value::text(arguments.text(2).replace(arguments.text(0), arguments.text(1))))
    }),
    Function::new("truncate", &[Type::Int, Type::Text], truncate),
    Function::new("sha256", &[Type::Text], |arguments| Ok(Value::text(sha256(arguments.text(0))))),
    Function::new("base64", &[Type::Text], |arguments| Ok(Value::text(STANDARD.encode(arguments.text(0))))),
    Function::new("decode_base64", &[Type::Text], |arguments| {
        let bytes = STANDARD.decode(arguments.text(0)).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map(Value::text).map_err(|error| error.to_string())
    }),
    Function::new("hex", &[Type::Text], |arguments| Ok(Value::text(hex(arguments.text(0).as_bytes())))),
    Function::new("decode_hex", &[Type::Text], decode_hex),
    Function::new("glob", &[Type::Text, Type::Text], |arguments| {
        Ok(Value::Bool(glob(arguments.text(0), arguments.text(1))))
    }),
];

fn truncate(arguments: &Arguments<'_>) -> Result<Value, String> {
    let length = usize::try_from(arguments.int(0)).ok().filter(|length| *length > 0);
    let length = length.ok_or("max length must be > 0 but was not")?;
    let text = arguments.text(1);
    let end = (0..=length.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    Ok(Value::text(text.get(..end).unwrap_or_default()))
}

fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn decode_hex(arguments: &Arguments<'_>) -> Result<Value, String> {
    let failed = "encoding/hex: invalid byte";
    let digits = arguments.text(0).chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<u32>>>();
    let digits = digits.ok_or(failed)?;
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).map_err(|_| failed),
        _ => Err("encoding/hex: odd length hex string"),
    });
    let bytes = bytes.collect::<Result<Vec<u8>, _>>()?;
    String::from_utf8(bytes).map(Value::text).map_err(|error| error.to_string())
}

/// `*` anywhere is anything. Linear in the text for each `*`.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let (middles, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for middle in middles.split('*') {
        let Some(at) = text.find(middle) else { return false };
        text = text.get(at + middle.len()..).unwrap_or_default();
    }
    text.ends_with(tail)
}
