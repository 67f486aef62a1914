//! Checkpoints: what a log commits to (C2SP tlog-checkpoint).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;
use crate::note::{Note, NoteError};

/// The log's name, size and root, and lines of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log. Rekor 1 writes `<host> - <tree ID>`, Rekor 2 the host.
    pub origin: String,
    /// Leaves in the tree.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// Further lines, none empty.
    pub extensions: Vec<String>,
}

/// A checkpoint with the note that it was read from. Parsing checks no signature; [`Note::verify`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What the text says.
    pub checkpoint: Checkpoint,
    /// The text with its signatures.
    pub note: Note,
}

/// Why a text is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Not a signed note.
    #[error("the checkpoint is not a signed note")]
    Note(#[source] NoteError),
    /// Fewer than three lines.
    #[error("the checkpoint has fewer than three lines")]
    TooFewLines,
    /// The first line is empty.
    #[error("the checkpoint names no origin")]
    NoOrigin,
    /// The second line is no decimal number without leading zeros.
    #[error("the checkpoint's size {0:?} is not a number")]
    Size(String),
    /// The third line is not 32 bytes in base64.
    #[error("the checkpoint's root {0:?} is not 32 bytes in base64")]
    Root(String),
    /// An extension line is empty.
    #[error("the checkpoint has an empty extension line")]
    EmptyExtension,
}

impl Checkpoint {
    /// Parses the text of a checkpoint, without signatures. The last line must end.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::TooFewLines)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::TooFewLines);
        };
        if origin.is_empty() {
            return Err(CheckpointError::NoOrigin);
        }
        let canonical = (size == "0" || !size.starts_with('0')) && size.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = size.parse().ok().filter(|_| canonical);
        let parsed = parsed.ok_or_else(|| CheckpointError::Size(size.to_owned()))?;
        let hash = STANDARD.decode(root).ok().and_then(|bytes| Hash::try_from(bytes.as_slice()).ok());
        let hash = hash.ok_or_else(|| CheckpointError::Root(root.to_owned()))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::EmptyExtension);
        }
        Ok(Self { origin: origin.to_owned(), size: parsed, root: hash, extensions })
    }

    /// The note to sign.
    pub fn to_note(&self) -> Result<Note, NoteError> {
        Note::new(self.to_string())
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}\n{}\n{}", self.origin, self.size, STANDARD.encode(self.root))?;
        self.extensions.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

impl SignedCheckpoint {
    /// Parses a checkpoint with its signatures.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes).map_err(CheckpointError::Note)?;
        Ok(Self { checkpoint: Checkpoint::parse(&note.text)?, note })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecdsa_key_id;

    /// A checkpoint of the public log, from the conformance suite's bundles.
    const REKOR: &str = "rekor.sigstore.dev - 2605736670972794746\n23083062\n\
        dauhleYK4YyAdxwwDtR0l0KnSOWZdG2bwqHftlanvcI=\nTimestamp: 1689177396617352539\n\n\
        \u{2014} rekor.sigstore.dev wNI9ajBFAiBxaGyEtxkzFLkaCSEJqFuSS3dJjEZCNiyByVs1CNVQ8gIhAOoNnXtmMtTctV2oRnSRUZAo4EWUYPK/vBsqOzAU6TMs\n";

    const PUBLIC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==";

    #[test]
    fn a_checkpoint_of_rekor_round_trips() {
        let signed = SignedCheckpoint::parse(REKOR.as_bytes()).unwrap();
        assert_eq!(signed.note.to_string(), REKOR);
        assert_eq!(signed.checkpoint.to_string(), signed.note.text);
        assert_eq!(signed.checkpoint.origin, "rekor.sigstore.dev - 2605736670972794746");
        assert_eq!(signed.checkpoint.size, 23_083_062);
        assert_eq!(signed.checkpoint.extensions, ["Timestamp: 1689177396617352539"]);
        assert_eq!(signed.note.signatures[0].key_id, ecdsa_key_id(&STANDARD.decode(PUBLIC_KEY).unwrap()));
    }

    #[test]
    fn malformed_checkpoints_are_refused() {
        let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(Checkpoint::parse(&format!("o\n0\n{root}\n")).unwrap().root, crate::EMPTY_ROOT);
        for (text, error) in [
            ("o\n0".to_owned(), CheckpointError::TooFewLines),
            ("o\n0\n".to_owned(), CheckpointError::TooFewLines),
            (format!("\n0\n{root}\n"), CheckpointError::NoOrigin),
            (format!("o\n01\n{root}\n"), CheckpointError::Size("01".to_owned())),
            (format!("o\n+1\n{root}\n"), CheckpointError::Size("+1".to_owned())),
            (format!("o\n18446744073709551616\n{root}\n"), CheckpointError::Size("18446744073709551616".to_owned())),
            ("o\n1\nAAAA\n".to_owned(), CheckpointError::Root("AAAA".to_owned())),
            (format!("o\n1\n{root}\n\n"), CheckpointError::EmptyExtension),
        ] {
            assert_eq!(Checkpoint::parse(&text), Err(error), "{text:?}");
        }
    }
}
