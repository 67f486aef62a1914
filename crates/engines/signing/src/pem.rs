//! PEM, RFC 7468: labelled base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

const MAX_PEM_BYTES: usize = 4 << 20;
const MAX_BLOCKS: usize = 256;

/// A block of a PEM text.
pub struct Block {
    /// The label: `CERTIFICATE`, `PUBLIC KEY`.
    pub label: String,
    /// The content, that may be secret.
    pub content: Zeroizing<Vec<u8>>,
}

/// Why a text isn't PEM.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PemError {
    /// Larger than is read.
    #[error("{0} bytes are too many for PEM")]
    TooLarge(usize),
    /// More blocks than are read.
    #[error("more than 256 blocks of PEM")]
    TooMany,
    /// It isn't text.
    #[error("not text")]
    NotText,
    /// No block is in it.
    #[error("no block of PEM in it")]
    Empty,
    /// A block doesn't end.
    #[error("the block {0:?} of PEM doesn't end")]
    Unfinished(String),
    /// A block's content isn't base64.
    #[error("the block {0:?} of PEM isn't base64")]
    Base64(String),
}

/// Reads all blocks of a text; what is between them is skipped.
pub fn parse(bytes: &[u8]) -> Result<Vec<Block>, PemError> {
    if bytes.len() > MAX_PEM_BYTES {
        return Err(PemError::TooLarge(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| PemError::NotText)?;
    let mut lines = text.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let Some(label) = marker(line, "-----BEGIN ") else { continue };
        if blocks.len() == MAX_BLOCKS {
            return Err(PemError::TooMany);
        }
        let mut base64 = Zeroizing::new(String::with_capacity(text.len()));
        loop {
            let line = lines.next().ok_or_else(|| PemError::Unfinished(label.to_owned()))?;
            match marker(line, "-----END ") {
                Some(end) if end == label => break,
                Some(_) => return Err(PemError::Unfinished(label.to_owned())),
                None => base64.push_str(line.trim()),
            }
        }
        let content = STANDARD.decode(base64.as_bytes()).map_err(|_| PemError::Base64(label.to_owned()))?;
        blocks.push(Block { label: label.to_owned(), content: Zeroizing::new(content) });
    }
    if blocks.is_empty() { Err(PemError::Empty) } else { Ok(blocks) }
}

fn marker<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.trim().strip_prefix(start)?.strip_suffix("-----")
}

/// Writes a block, as Go and OpenSSL do: lines of 64 characters.
pub fn encode(label: &str, content: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(content));
    let mut out = Zeroizing::new(String::with_capacity(base64.len() + base64.len() / 64 + 2 * label.len() + 40));
    out.push_str("-----BEGIN ");
    out.push_str(label);
    out.push_str("-----\n");
    let mut rest = base64.as_str();
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

/// The content of each block `CERTIFICATE`, in order; other blocks are skipped.
pub fn certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, PemError> {
    let blocks = parse(bytes)?.into_iter().filter(|block| block.label == "CERTIFICATE");
    let found: Vec<_> = blocks.map(|block| block.content.to_vec()).collect();
    if found.is_empty() { Err(PemError::Empty) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for size in [1, 47, 48, 49, 96, 1000] {
            let content = vec![7; size];
            let text = format!("before\r\n{}after\n{}", *encode("A B", &content), *encode("C", b"x"));
            let blocks = parse(text.as_bytes()).unwrap();
            assert_eq!((blocks[0].label.as_str(), &*blocks[0].content), ("A B", &content));
            assert_eq!(blocks.len(), 2);
            assert!(encode("A", &content).lines().all(|line| line.len() <= 64));
        }
    }

    #[test]
    fn broken_text_is_refused() {
        let check = |text: &str, error: PemError| assert_eq!(parse(text.as_bytes()).err(), Some(error), "{text}");
        check("nothing", PemError::Empty);
        check("-----BEGIN A-----\nAAAA\n", PemError::Unfinished("A".into()));
        check("-----BEGIN A-----\nAAAA\n-----END B-----\n", PemError::Unfinished("A".into()));
        check("-----BEGIN A-----\nA*AA\n-----END A-----\n", PemError::Base64("A".into()));
    }
}
