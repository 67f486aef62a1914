use flate2::Compression;
use flate2::write::ZlibEncoder;
use logical::Error;
use qrcodegen::{QrCode, QrCodeEcc};
use std::io::Write;

/// A QR code as PNG: a square of this many pixels a side.
pub(crate) fn png(text: &str, size: u32) -> Result<Vec<u8>, Error> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .map_err(|_| Error::invalid("the key is too long for a QR code"))?;
    let modules = code.size();
    let side = i32::try_from(size).map_err(Error::internal)?;
    let scale = side / modules;
    if scale == 0 {
        return Err(Error::Status(
            500,
            format!(
                "1 error occurred:\n\t* failed to generate QR code image: can not scale barcode to an image smaller than \
                 {modules}x{modules}\n\n"
            ),
        ));
    }
    let margin = (side - modules * scale) / 2;
    // What is outside the code is light, also in the margin.
    let module = |pixel: i32| if pixel < margin { -1 } else { (pixel - margin) / scale };
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::default());
    for y in 0..side {
        let mut line = vec![0];
        line.extend((0..side).map(|x| if code.get_module(module(x), module(y)) { 0 } else { 0xff }));
        pixels.write_all(&line).map_err(Error::internal)?;
    }
    let pixels = pixels.finish().map_err(Error::internal)?;
    // 8 bits of grey, no interlacing.
    let header = [&size.to_be_bytes()[..], &size.to_be_bytes()[..], &[8, 0, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [(b"IHDR", &header), (b"IDAT", &pixels), (b"IEND", &Vec::new())] {
        let length = u32::try_from(content.len()).map_err(Error::internal)?;
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(kind);
        checksum.update(content);
        png.extend_from_slice(&length.to_be_bytes());
        png.extend_from_slice(kind);
        png.extend_from_slice(content);
        png.extend_from_slice(&checksum.finalize().to_be_bytes());
    }
    Ok(png)
}
