//! Recognising documents and reading them into the component model.

use crate::format::{CycloneDxVersion, Format, SpdxVersion};
use crate::{Document, cyclonedx, lists, spdx, syft_json};
use serde::Deserialize;

/// Longest document that is read, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 30;
/// Most components that are read.
pub const MAX_COMPONENTS: usize = 1_000_000;
/// Most files that are read.
pub const MAX_FILES: usize = 10_000_000;
/// Deepest nesting of components and of XML elements that is read. JSON nests 128 levels at most.
pub const MAX_DEPTH: usize = 128;

/// Why a document could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Longer than [`MAX_DOCUMENT_BYTES`].
    #[error("the document is longer than {MAX_DOCUMENT_BYTES} bytes")]
    TooLong,
    /// None of the formats that can be read.
    #[error("sbom format not recognized")]
    Unrecognized,
    /// A known format in a version that is not.
    #[error("sbom format found to be {format:?} but the version {version:?} is not supported")]
    UnsupportedVersion {
        /// The format's name.
        format: &'static str,
        /// The version that the document states.
        version: String,
    },
    /// Not JSON, or of another shape than the format has.
    #[error("not a valid {format} document")]
    Json {
        /// The format's name.
        format: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// Not XML, or XML with a document type or entities of its own.
    #[error("not a valid {format} document")]
    Xml {
        /// The format's name.
        format: &'static str,
        /// Where and why.
        #[source]
        source: roxmltree::Error,
    },
    /// A line of a tag-value document that cannot be understood.
    #[error("line {line}: {cause}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// The text is not UTF-8.
    #[error("the document is not UTF-8")]
    Encoding(#[from] std::str::Utf8Error),
    /// Over a limit.
    #[error("more than {limit} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// Well-formed, but not what the format asks for.
    #[error("not a valid {format} document: {cause}")]
    Malformed {
        /// The format's name.
        format: &'static str,
        /// What is missing or wrong.
        cause: String,
    },
}

/// Recognises a document by its own statements: the format and the version it declares (the schema's for Syft JSON, `1`
/// for lists of purls and CPEs). Costs one pass over JSON, the first lines of anything else.
#[must_use]
pub fn detect(bytes: &[u8]) -> Option<(Format, String)> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return None;
    }
    identify(without_mark(bytes)).ok()
}

/// Reads a document of any format that [`detect`] recognises. Components are sorted as the model asks.
///
/// # Errors
/// Where the document is of no known format or version, is malformed, or is over a limit.
pub fn decode(bytes: &[u8]) -> Result<Document, DecodeError> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(DecodeError::TooLong);
    }
    let bytes = without_mark(bytes);
    let (format, _) = identify(bytes)?;
    match format {
        Format::SyftJson => syft_json::decode(bytes),
        Format::CycloneDxJson(_) => cyclonedx::decode_json(bytes),
        Format::CycloneDxXml(_) => cyclonedx::decode_xml(bytes),
        Format::SpdxJson(SpdxVersion::V3_0) => spdx::decode_v3(bytes),
        Format::SpdxJson(_) => spdx::decode_json(bytes),
        Format::SpdxTagValue(_) => spdx::decode_tag_value(bytes),
        Format::Purls => lists::decode_purls(bytes),
        Format::Cpes => lists::decode_cpes(bytes),
        Format::GithubJson | Format::Table | Format::Text => Err(DecodeError::Unrecognized),
    }
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn identify(bytes: &[u8]) -> Result<(Format, String), DecodeError> {
    match bytes.trim_ascii_start().first() {
        Some(b'{') => identify_json(bytes),
        Some(b'<') => identify_xml(bytes),
        Some(_) => spdx::tag_value_version(bytes)
            .map(|version| spdx_version("spdx-tag-value", version, Format::SpdxTagValue))
            .or_else(|| lists::identify(bytes).map(|format| Ok((format, "1".to_owned()))))
            .unwrap_or(Err(DecodeError::Unrecognized)),
        None => Err(DecodeError::Unrecognized),
    }
}

/// The members by which the JSON formats say what they are.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Statement {
    schema: Option<serde_json::Value>,
    bom_format: Option<String>,
    spec_version: Option<String>,
    spdx_version: Option<String>,
    #[serde(rename = "@context")]
    context: Option<serde_json::Value>,
}

fn identify_json(bytes: &[u8]) -> Result<(Format, String), DecodeError> {
    let statement: Statement =
        serde_json::from_slice(bytes).map_err(|source| DecodeError::Json { format: "JSON", source })?;
    if let Some(version) = statement.schema.as_ref().and_then(syft_json::schema_version) {
        return Ok((Format::SyftJson, version.to_owned()));
    }
    if statement.bom_format.as_deref() == Some("CycloneDX") {
        return cyclonedx_version("cyclonedx-json", statement.spec_version, Format::CycloneDxJson);
    }
    if let Some(version) = statement.spdx_version {
        let version = version.strip_prefix("SPDX-").map(str::to_owned).unwrap_or(version);
        return spdx_version("spdx-json", version, Format::SpdxJson);
    }
    match statement.context.as_ref().and_then(spdx::context_version) {
        Some(version) => spdx_version("spdx-json", version.to_owned(), Format::SpdxJson),
        None => Err(DecodeError::Unrecognized),
    }
}

fn identify_xml(bytes: &[u8]) -> Result<(Format, String), DecodeError> {
    let version = cyclonedx::namespace_version(bytes).ok_or(DecodeError::Unrecognized)?;
    cyclonedx_version("cyclonedx-xml", Some(version), Format::CycloneDxXml)
}

fn cyclonedx_version(
    format: &'static str,
    version: Option<String>,
    make: fn(CycloneDxVersion) -> Format,
) -> Result<(Format, String), DecodeError> {
    let version = version.unwrap_or_default();
    match CycloneDxVersion::parse(&version) {
        Some(known) => Ok((make(known), version)),
        None => Err(DecodeError::UnsupportedVersion { format, version }),
    }
}

fn spdx_version(
    format: &'static str,
    version: String,
    make: fn(SpdxVersion) -> Format,
) -> Result<(Format, String), DecodeError> {
    match SpdxVersion::parse(&version) {
        Some(known) => Ok((make(known), version)),
        None => Err(DecodeError::UnsupportedVersion { format, version }),
    }
}
