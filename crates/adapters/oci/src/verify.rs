//! A stream that fails at its end when its bytes are not those that a digest names.

use crate::OciError;
use aws_lc_rs::digest::{self, Context, SHA256, SHA512};
use std::io::{self, Read};

/// Passes bytes through, counts and hashes them, and turns the end of the stream into an error where size or digest
/// differ. A reader that stops early has not verified anything.
pub struct Verified<R> {
    reader: R,
    context: Option<Context>,
    expected: String,
    size_bytes: Option<u64>,
    read_bytes: u64,
}

impl<R: Read> Verified<R> {
    /// Expects `digest` (`sha256:...` or `sha512:...`) and, where given, a size.
    ///
    /// # Errors
    /// Where the algorithm is another one.
    pub fn new(reader: R, digest: &str, size_bytes: Option<u64>) -> Result<Self, OciError> {
        let context = Context::new(algorithm(digest)?);
        Ok(Self { reader, context: Some(context), expected: digest.to_owned(), size_bytes, read_bytes: 0 })
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(context) = self.context.take() else { return Ok(()) };
        let actual = named(&self.expected, context.finish().as_ref());
        let wrong_size = self.size_bytes.is_some_and(|size| size != self.read_bytes);
        if wrong_size || actual != self.expected {
            let error = OciError::DigestMismatch { digest: self.expected.clone(), actual };
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(())
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            self.finish()?;
            return Ok(0);
        }
        self.read_bytes += read as u64;
        if let Some(size) = self.size_bytes.filter(|size| self.read_bytes > *size) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("longer than the {size} bytes announced")));
        }
        if let Some(context) = &mut self.context {
            context.update(buffer.get(..read).unwrap_or_default());
        }
        Ok(read)
    }
}

/// Checks a whole document.
///
/// # Errors
/// Where the digest's algorithm is unknown or the bytes differ.
pub fn check(bytes: &[u8], digest: &str) -> Result<(), OciError> {
    let actual = named(digest, digest::digest(algorithm(digest)?, bytes).as_ref());
    if actual == digest { Ok(()) } else { Err(OciError::DigestMismatch { digest: digest.to_owned(), actual }) }
}

/// `sha256:...` of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    named("sha256:", digest::digest(&SHA256, bytes).as_ref())
}

fn algorithm(digest: &str) -> Result<&'static digest::Algorithm, OciError> {
    match digest.split_once(':') {
        Some(("sha256", hex)) if is_hex(hex, 64) => Ok(&SHA256),
        Some(("sha512", hex)) if is_hex(hex, 128) => Ok(&SHA512),
        _ => Err(OciError::malformed("digest", format!("{digest:?} is neither sha256 nor sha512"))),
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn named(like: &str, bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = like.split_once(':').map_or(String::new(), |(algorithm, _)| format!("{algorithm}:"));
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
