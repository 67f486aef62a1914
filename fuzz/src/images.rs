//! Images: their documents, layers and archives.

use catalog::{AssembleOptions, Budget, LayerOptions, assemble};
use oci::{BlobSource, Descriptor, Image, ImageScheme, OciError, OpenOptions};
use sbom::Source;
use std::borrow::Cow;
use std::io::{Read, Write};

/// The largest layer that is followed to its end, bytes: a bomb may be as long as it likes, but not in a fuzzer's time.
const MAX_LAYER: u64 = 1 << 20;

/// Documents one after another with a NUL between them. In each, `@` stands for the digest of the one before, so that a
/// configuration can be followed by its manifest, and that by its index.
pub(crate) fn image(bytes: &[u8]) {
    let mut blobs = Vec::new();
    let mut digest = String::new();
    for document in bytes.split(|byte| *byte == 0) {
        let document = String::from_utf8_lossy(document).replace('@', &digest).into_bytes();
        digest = oci::verify::sha256(&document);
        blobs.push((digest.clone(), document));
    }
    let root = Descriptor { digest, ..Descriptor::default() };
    if let Ok(image) = Image::open(Box::new(Blobs(blobs)), &root, None) {
        for layer in &image.layers {
            if let Ok(reader) = image.layer(layer, &|_| ()) {
                scan(reader, bytes);
            }
        }
    }
}

struct Blobs(Vec<(String, Vec<u8>)>);

impl BlobSource for Blobs {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, OciError> {
        let found = self.0.iter().find(|(digest, _)| *digest == descriptor.digest);
        Ok(Box::new(found.map_or(&[][..], |(_, bytes)| bytes)))
    }
}

/// A layer, compressed or not; what looks like a header of a tar gets its checksum set right.
pub(crate) fn layer(bytes: &[u8]) {
    let bytes = with_checksums(bytes);
    if let Ok(reader) = oci::decode::decompress(&*bytes) {
        scan(reader, &bytes);
    }
}

/// Reads a layer as an image's; `input` is what it came from.
fn scan(reader: impl Read, input: &[u8]) {
    let budget = Budget::new(1 << 26);
    let options = LayerOptions { max_layer_bytes: MAX_LAYER, ..LayerOptions::new(&budget) };
    if let Ok(facts) = catalog::scan_tar(reader.take(MAX_LAYER), crate::files::plan(), options) {
        // As a base and as what lies over it: whiteouts and links meet what they name.
        let layers = [facts.clone(), facts];
        let document = assemble(Source::default(), &layers, crate::files::plan(), AssembleOptions::default());
        crate::documents::write(&document, input);
    }
}

/// Archives of `docker save` and of OCI layouts, which are files to their readers.
pub(crate) fn archive(bytes: &[u8]) {
    let Ok(mut file) = tempfile::NamedTempFile::new_in(crate::documents::scratch()) else { return };
    if file.write_all(&with_checksums(bytes)).is_err() {
        return;
    }
    let path = file.path().display().to_string();
    for scheme in [ImageScheme::DockerArchive, ImageScheme::OciArchive] {
        let Ok(image) = oci::open(scheme, &path, &OpenOptions::default()) else { continue };
        for layer in &image.layers {
            if let Ok(reader) = image.layer(layer, &|_| ()) {
                scan(reader, bytes);
            }
        }
    }
}

/// POSIX.1-2017 `pax`, ustar interchange format: the checksum is the sum of the header with blanks in its own place.
fn with_checksums(tar: &[u8]) -> Cow<'_, [u8]> {
    const BLOCK: usize = 512;
    let is_header = |block: &[u8]| block.get(257..262) == Some(b"ustar");
    if !tar.chunks_exact(BLOCK).any(is_header) {
        return Cow::Borrowed(tar);
    }
    let mut tar = tar.to_vec();
    for block in tar.chunks_exact_mut(BLOCK).filter(|block| is_header(block)) {
        if let Some(field) = block.get_mut(148..156) {
            field.fill(b' ');
        }
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        if let Some(field) = block.get_mut(148..156) {
            field.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    Cow::Owned(tar)
}
