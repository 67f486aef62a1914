//! PEM of things that are public.

/// One block with lines of 64 characters.
#[must_use]
pub fn encode(label: &str, der: &[u8]) -> String {
    signing::pem::encode(label, der).to_string()
}

/// The content of the first block with this label. Nothing where there is none.
#[must_use]
pub fn decode(label: &str, text: &str) -> Option<Vec<u8>> {
    let blocks = signing::pem::parse(text.as_bytes()).ok()?;
    blocks.into_iter().find(|block| block.label == label).map(|block| block.content.to_vec())
}
