//! Under which name documents are made, and what tells one document from every other.

use crate::Descriptor;
use crate::encode::EncodeOptions;
use crate::view::View;
use uuid::Uuid;

/// Who stands behind the tool of a document.
pub(crate) struct Maker {
    /// One word, for CycloneDX.
    pub(crate) vendor: &'static str,
    /// In full, for SPDX.
    pub(crate) organization: &'static str,
    /// What SPDX namespaces begin with. Makers without a site of their own use the SPDX project's, as the
    /// specification says (2.3, 6.5).
    pub(crate) namespace: &'static str,
}

/// The maker of a tool. The peers' names are used when running as one.
pub(crate) fn maker(descriptor: &Descriptor) -> &'static Maker {
    match descriptor.name.as_str() {
        "syft" | "grype" => {
            &Maker { vendor: "anchore", organization: "Anchore, Inc", namespace: "https://anchore.com" }
        }
        _ => &Maker { vendor: "palisade", organization: "Palisade", namespace: "https://spdx.org/spdxdocs" },
    }
}

/// The UUID of a document: from its content where it has to be reproducible, otherwise random.
pub(crate) fn document_uuid(view: &View<'_>, format: &str, options: EncodeOptions) -> Uuid {
    if !options.reproducible {
        return Uuid::new_v4();
    }
    let content = format!("{format} {:016x} {:016x}", view.content_hash("left"), view.content_hash("right"));
    Uuid::new_v5(&Uuid::NAMESPACE_URL, content.as_bytes())
}
