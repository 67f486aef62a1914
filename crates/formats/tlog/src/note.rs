//! Signed notes (C2SP signed-note), with the key identifiers that Sigstore's logs use.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::sha256;

/// A note longer than this is refused, as the peers do.
const MAX_NOTE_BYTES: usize = 1_000_000;
/// A note with more signatures than this is refused.
const MAX_SIGNATURES: usize = 100;
const DASH: &str = "\u{2014} ";

/// The first four bytes of the hash that names a key; not more than a hint.
pub type KeyId = [u8; 4];

/// A text with the signatures under it. Parsing checks no signature; [`Note::verify`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text that is signed, with the line break that ends it.
    pub text: String,
    /// Signatures in the order of the note.
    pub signatures: Vec<NoteSignature>,
}

/// A signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Hint to the key.
    pub key_id: KeyId,
    /// The signature, without the hint.
    pub signature: Vec<u8>,
}

/// Why bytes are no signed note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Longer than a note may be.
    #[error("the note has {0} bytes, more than 1000000")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("the note is not UTF-8")]
    NotUtf8,
    /// A control character other than a line break.
    #[error("the note has the control character {0:#04x}")]
    ControlCharacter(u8),
    /// No blank line before the signatures.
    #[error("the note has no blank line between its text and its signatures")]
    NoSignatureBlock,
    /// The last line does not end.
    #[error("the note does not end with a line break")]
    NoLineBreak,
    /// A signature line of another form than dash, name, base64.
    #[error("signature line {0} of the note is malformed")]
    SignatureLine(usize),
    /// More signatures than a note may have.
    #[error("the note has more than 100 signatures")]
    TooManySignatures,
    /// A key name that is empty or has spaces or a plus sign.
    #[error("{0:?} is no key name")]
    KeyName(String),
}

/// Why a note is not signed by a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteVerifyError<E: std::error::Error + 'static> {
    /// No signature line names the key.
    #[error("the note has no signature by the key {} of {name}", hex(key_id))]
    NoSignature {
        /// Name of the key.
        name: String,
        /// Identifier of the key.
        key_id: KeyId,
    },
    /// A line names the key, but the signature is not valid.
    #[error("the note's signature by {name} is not valid")]
    Invalid {
        /// Name of the key.
        name: String,
        /// What the check said.
        #[source]
        source: E,
    },
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Note {
    /// A note of this text without signatures. The text must end with a line break.
    pub fn new(text: String) -> Result<Self, NoteError> {
        check_text(&text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::NoLineBreak);
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Parses a note that has at least one signature line.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong(bytes.len()));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?;
        check_text(note)?;
        let (text, block) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatureBlock)?;
        let block = block.strip_suffix('\n').ok_or(NoteError::NoLineBreak)?;
        let mut signatures = Vec::new();
        for (number, line) in block.split('\n').enumerate() {
            if number >= MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(NoteSignature::parse(line).ok_or(NoteError::SignatureLine(number + 1))?);
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// Adds a signature that the caller made over [`Note::text`].
    pub fn push(&mut self, name: &str, key_id: KeyId, signature: Vec<u8>) -> Result<(), NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::KeyName(name.to_owned()));
        }
        self.signatures.push(NoteSignature { name: name.to_owned(), key_id, signature });
        Ok(())
    }

    /// Finds the signature of the key by name and identifier, and has `check` verify it over the text. Lines by other
    /// keys are ignored; of several by this key the first counts.
    pub fn verify<E: std::error::Error + 'static>(
        &self,
        name: &str,
        key_id: KeyId,
        check: impl FnOnce(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<&NoteSignature, NoteVerifyError<E>> {
        let named = |line: &&NoteSignature| line.name == name && line.key_id == key_id;
        let Some(line) = self.signatures.iter().find(named) else {
            return Err(NoteVerifyError::NoSignature { name: name.to_owned(), key_id });
        };
        check(self.text.as_bytes(), &line.signature)
            .map_err(|source| NoteVerifyError::Invalid { name: name.to_owned(), source })?;
        Ok(line)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (key_id, signature) = bytes.split_first_chunk()?;
        (is_key_name(name) && !signature.is_empty()).then(|| Self {
            name: name.to_owned(),
            key_id: *key_id,
            signature: signature.to_vec(),
        })
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id[..], &self.signature].concat();
        write!(out, "{DASH}{} {}", self.name, STANDARD.encode(bytes))
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLong(text.len()));
    }
    match text.bytes().find(|byte| *byte < 0x20 && *byte != b'\n') {
        Some(control) => Err(NoteError::ControlCharacter(control)),
        None => Ok(()),
    }
}

/// Whether a key may have this name: not empty, no white space, no plus sign.
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|letter: char| letter.is_whitespace() || letter == '+')
}

/// Identifier of an Ed25519 key, of its 32 bytes (C2SP signed-note, type 1).
pub fn ed25519_key_id(name: &str, public_key: &[u8; 32]) -> KeyId {
    note_key_id(name, &[1], public_key)
}

/// Identifier of an Ed25519 key that makes timestamped cosignatures (C2SP tlog-cosignature, type 4).
pub fn cosignature_key_id(name: &str, public_key: &[u8; 32]) -> KeyId {
    note_key_id(name, &[4], public_key)
}

/// Identifier of an ECDSA key, of its SubjectPublicKeyInfo. It does not depend on the name (Rekor 1 and 2). Rekor 1
/// names RSA and Ed25519 keys like this too.
pub fn ecdsa_key_id(public_key_info: &[u8]) -> KeyId {
    first_four(&[public_key_info])
}

/// Identifier of an RSA key, of its SubjectPublicKeyInfo, as Rekor 2 forms it.
pub fn rsa_key_id(name: &str, public_key_info: &[u8]) -> KeyId {
    note_key_id(name, b"\xffPKIX-RSA-PKCS#1v1.5", public_key_info)
}

/// Identifier of any key: the start of SHA-256 of the name, a line break, the type of signature and the key.
pub fn note_key_id(name: &str, signature_type: &[u8], public_key: &[u8]) -> KeyId {
    first_four(&[name.as_bytes(), b"\n", signature_type, public_key])
}

fn first_four(parts: &[&[u8]]) -> KeyId {
    let [a, b, c, d, ..] = sha256(parts).0;
    [a, b, c, d]
}

/// What a timestamped cosignature signs (C2SP tlog-cosignature): a header, the time, and the note's text.
pub fn cosigned_message(timestamp_seconds: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {timestamp_seconds}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, thiserror::Error)]
    #[error("refused")]
    struct Refused;

    /// The example of C2SP signed-note.
    const PETER: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem \
                         is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_note_round_trips_and_verifies_by_its_own_key() {
        let note = Note::parse(PETER.as_bytes()).unwrap();
        assert_eq!(note.to_string(), PETER);
        let key: [u8; 33] =
            STANDARD.decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap().try_into().unwrap();
        let public_key: [u8; 32] = key[1..].try_into().unwrap();
        let key_id = ed25519_key_id("PeterNeumann", &public_key);
        assert_eq!(hex(&key_id), "c74f20a3");
        let check = |message: &[u8], signature: &[u8]| {
            let key = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, &public_key);
            key.verify(message, signature).map_err(|_| Refused)
        };
        assert_eq!(note.verify("PeterNeumann", key_id, check).unwrap(), &note.signatures[0]);

        let mut bent = note.clone();
        bent.text.insert(0, 'x');
        assert!(matches!(bent.verify("PeterNeumann", key_id, check), Err(NoteVerifyError::Invalid { .. })));
        for (name, key_id) in [("Another", key_id), ("PeterNeumann", [0; 4])] {
            let missing = NoteVerifyError::NoSignature { name: name.to_owned(), key_id };
            assert_eq!(note.verify(name, key_id, |_, _| Ok::<(), Refused>(())), Err(missing));
        }
    }

    #[test]
    fn malformed_notes_are_refused() {
        let many = format!("a\n\n{}", "\u{2014} n AAAAAAA=\n".repeat(101));
        for (note, error) in [
            ("text\n", NoteError::NoSignatureBlock),
            ("text\n\n\u{2014} n AAAAAAA=", NoteError::NoLineBreak),
            ("text\n\n", NoteError::NoLineBreak),
            ("text\n\n\n", NoteError::NoLineBreak),
            ("text\n\n- n AAAAAAA=\n", NoteError::SignatureLine(1)),
            ("text\n\n\u{2014} n AAAAAA==\n", NoteError::SignatureLine(1)),
            ("text\n\n\u{2014} n+m AAAAAAA=\n", NoteError::SignatureLine(1)),
            ("text\n\n\u{2014} n AAAAAAA=\n\u{2014} n x\n", NoteError::SignatureLine(2)),
            ("te\txt\n\n\u{2014} n AAAAAAA=\n", NoteError::ControlCharacter(9)),
            (&many, NoteError::TooManySignatures),
        ] {
            assert_eq!(Note::parse(note.as_bytes()), Err(error), "{note:?}");
        }
        assert_eq!(Note::parse(b"\xff\n\n"), Err(NoteError::NotUtf8));
        assert_eq!(Note::parse(&vec![b'a'; 1_000_001]), Err(NoteError::TooLong(1_000_001)));
        assert_eq!(Note::new("a".to_owned()), Err(NoteError::NoLineBreak));
    }
}
