//! Layers as stored to layers as tar.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read};

/// Bytes read at once from the stored blob.
const BUFFER: usize = 256 << 10;

/// Whether [`decompress`] would decompress what begins so.
#[must_use]
pub fn is_compressed(head: &[u8]) -> bool {
    !matches!(Format::of(head), Format::Plain)
}

enum Format {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Plain,
}

impl Format {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [b'B', b'Z', b'h', ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::Plain,
        }
    }
}

/// Decompresses by what the first bytes say (gzip, zstd, bzip2, xz, or none), not by the media type, as the peers do.
///
/// # Errors
/// Where the first bytes can't be read or a decoder can't be set up.
pub fn decompress<'a, R: Read + Send + 'a>(reader: R) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut reader = BufReader::with_capacity(BUFFER, reader);
    let head = reader.fill_buf()?;
    Ok(match Format::of(head) {
        Format::Gzip => Box::new(Draining { inner: MultiGzDecoder::new(reader) }),
        Format::Zstd => {
            let mut decoder = zstd::stream::Decoder::with_buffer(reader)?;
            // 128 MiB, what `zstd --long` writes; more is refused.
            decoder.window_log_max(27)?;
            Box::new(decoder)
        }
        Format::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
        Format::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(reader)),
        Format::Plain => Box::new(reader),
    })
}

/// Reads what follows the compressed data, so that the digest beneath covers the whole blob.
struct Draining<R: Read> {
    inner: MultiGzDecoder<R>,
}

impl<R: BufRead> Read for Draining<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            io::copy(self.inner.get_mut(), &mut io::sink())?;
        }
        Ok(read)
    }
}
