//! Compressed streams within files: gzip, xz, zstd and bzip2, told by their first bytes.

use crate::ParseError;
use std::borrow::Cow;
use std::io::Read;

/// Begins reading a stream; bytes of no known compression are given back as they are.
///
/// # Errors
/// Where the decoder can't start.
pub(crate) fn reader<'a>(bytes: &'a [u8]) -> Result<Box<dyn Read + 'a>, ParseError> {
    Ok(match bytes {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Box::new(liblzma::read::XzDecoder::new_multi_decoder(bytes)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::with_buffer(bytes)?),
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::read::MultiBzDecoder::new(bytes)),
        _ => Box::new(bytes),
    })
}

/// The whole content, at most `limit` bytes.
///
/// # Errors
/// Where the stream is damaged or holds more.
pub(crate) fn inflate(bytes: &[u8], limit: u64) -> Result<Cow<'_, [u8]>, ParseError> {
    if !is_compressed(bytes) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut content = Vec::new();
    reader(bytes)?.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(ParseError::Limit { what: "decompressed bytes", limit });
    }
    Ok(Cow::Owned(content))
}

fn is_compressed(bytes: &[u8]) -> bool {
    const MAGICS: [&[u8]; 4] = [&[0x1f, 0x8b], &[0xfd, b'7', b'z', b'X', b'Z', 0], &[0x28, 0xb5, 0x2f, 0xfd], b"BZh"];
    MAGICS.iter().any(|magic| bytes.starts_with(magic))
}

#[cfg(test)]
mod tests {
    use super::inflate;
    use std::io::Write;

    fn check(packed: &[u8]) {
        assert_eq!(inflate(packed, 1000).unwrap(), [7; 1000].as_slice());
        assert!(inflate(packed, 999).is_err());
        assert!(inflate(&packed[..packed.len() / 2], 1000).is_err());
    }

    #[test]
    fn forms() {
        let content = [7; 1000];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&content).unwrap();
        check(&gzip.finish().unwrap());
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(&content).unwrap();
        check(&xz.finish().unwrap());
        check(&zstd::encode_all(&content[..], 1).unwrap());
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(&content).unwrap();
        check(&bzip2.finish().unwrap());
        assert_eq!(inflate(b"plain", 1).unwrap(), b"plain".as_slice());
    }
}
