//! Digests of files, all in one pass.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use sbom::FileFact;
use std::io::{self, Read};

/// Which digests of files are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDigests {
    /// SHA-1, which SPDX demands.
    pub sha1: bool,
    /// SHA-256.
    pub sha256: bool,
}

impl FileDigests {
    /// Both, as the peer does by default.
    pub const ALL: Self = Self { sha1: true, sha256: true };
    /// None: nothing is hashed.
    pub const NONE: Self = Self { sha1: false, sha256: false };

    /// Puts the digests of a whole content into a file's facts.
    pub fn of(self, content: &[u8], fact: &mut FileFact) {
        let mut hasher = Hasher::new(self);
        hasher.update(content);
        hasher.finish(fact);
    }

    /// Puts the digests of all that a reader gives into a file's facts.
    ///
    /// # Errors
    /// Where it can't be read to its end; the facts are as they were.
    pub fn of_reader(self, reader: &mut dyn Read, fact: &mut FileFact) -> io::Result<()> {
        let mut hasher = Hasher::new(self);
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = reader.read(&mut buffer)?;
            if read == 0 {
                hasher.finish(fact);
                return Ok(());
            }
            hasher.update(buffer.get(..read).unwrap_or_default());
        }
    }
}

/// Hashes content that comes in pieces.
pub(crate) struct Hasher {
    sha1: Option<Context>,
    sha256: Option<Context>,
}

impl Hasher {
    pub(crate) fn new(digests: FileDigests) -> Self {
        Self {
            sha1: digests.sha1.then(|| Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            sha256: digests.sha256.then(|| Context::new(&SHA256)),
        }
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        for context in [&mut self.sha1, &mut self.sha256].into_iter().flatten() {
            context.update(piece);
        }
    }

    pub(crate) fn finish(self, fact: &mut FileFact) {
        // The lengths are those of the algorithms.
        if let Some(digest) = self.sha1.map(Context::finish) {
            fact.sha1 = digest.as_ref().try_into().unwrap_or_default();
        }
        if let Some(digest) = self.sha256.map(Context::finish) {
            fact.sha256 = digest.as_ref().try_into().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_what_is_asked_for() {
        let of = |digests: FileDigests| {
            let mut fact = FileFact::default();
            digests.of(b"abc", &mut fact);
            (fact.sha1, fact.sha256)
        };
        // FIPS 180-4, appendix A.1 and B.1.
        let (sha1, sha256) = ([0xa9, 0x99, 0x3e, 0x36], [0xba, 0x78, 0x16, 0xbf]);
        let both = of(FileDigests::ALL);
        assert_eq!((&both.0[..4], &both.1[..4]), (&sha1[..], &sha256[..]));
        assert_eq!(of(FileDigests { sha1: false, ..FileDigests::ALL }), ([0; 20], both.1));
        assert_eq!(of(FileDigests::NONE), ([0; 20], [0; 32]));
    }
}
