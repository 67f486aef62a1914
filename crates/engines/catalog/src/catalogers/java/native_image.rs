//! Native images of GraalVM: the CycloneDX document that was built in, compressed, at the symbol `sbom`.
//!
//! Follows Syft 1.57 (`syft/pkg/cataloger/java/graalvm_native_image_cataloger.go`).

use crate::catalogers::executable::{self, Executable};
use crate::catalogers::sbom_file;
use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want};
use flate2::read::GzDecoder;
use sbom::{Format, Location};
use std::io::Read;

/// Finds what native images were built from.
pub(crate) struct NativeImage;

/// A larger document is refused, as the peer does.
const MAX_DOCUMENT_BYTES: u64 = 16 << 20;

impl Cataloger for NativeImage {
    fn name(&self) -> &'static str {
        "graalvm-native-image-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "java"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Executable]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        for part in executable::parts(file.bytes) {
            let Some(image) = Executable::parse(part) else { continue };
            let Some(packed) = document(&image)? else { continue };
            let mut bytes = Vec::new();
            GzDecoder::new(packed).take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
                return Err(ParseError::Limit { what: "bytes in a built-in document", limit: MAX_DOCUMENT_BYTES });
            }
            if !matches!(sbom::detect(&bytes), Some((Format::CycloneDxJson(_), _))) {
                return Err(ParseError::malformed("the built-in document is not CycloneDX"));
            }
            let document = sbom_file::read(&bytes)?;
            out.components = document.components.into_iter().map(sbom_file::forget_origin).collect();
            out.relationships = document.relationships;
            return Ok(());
        }
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        for found in view.extractions() {
            let first = out.components().len();
            out.add_extracted(&found);
            // The peer does not say what kind of evidence the file is.
            let location = Location { primary: false, unannotated: true, ..found.location() };
            for component in out.components.iter_mut().skip(first) {
                component.locations = vec![location.clone()];
            }
        }
    }
}

/// The compressed document; `None` where the executable is no native image with one.
fn document<'a>(image: &Executable<'a>) -> Result<Option<&'a [u8]>, ParseError> {
    let symbol = |name: &str| {
        let value = image.symbol(name).or_else(|| image.symbol(&format!("_{name}")));
        value.filter(|value| *value != 0)
    };
    let (Some(_), Some(start), Some(length)) = (symbol("__svm_version_info"), symbol("sbom"), symbol("sbom_length"))
    else {
        return Ok(None);
    };
    let length =
        image.at_address(length).and_then(|bytes| bytes.first_chunk::<8>()).map(|bytes| u64::from_le_bytes(*bytes));
    let bytes = length.and_then(|length| image.at_address(start)?.get(..usize::try_from(length).ok()?));
    bytes.map(Some).ok_or_else(|| ParseError::malformed("the built-in document is not all in the file"))
}

#[cfg(test)]
mod tests {
    use super::NativeImage;
    use crate::catalogers::testing::{catalogue, purls, unknowns};
    use std::io::Write;
    use std::process::Command;

    /// A program with a document at the symbols of GraalVM; none, with the reason printed, where there is no compiler.
    fn program(document: &[u8], length: usize) -> Option<Vec<u8>> {
        let bytes: Vec<String> = document.iter().map(u8::to_string).collect();
        let source = format!(
            "unsigned char sbom[] = {{{}}};\nlong sbom_length = {length};\nchar __svm_version_info[] = \"x\";\nint main(void) {{ return 0; }}\n",
            bytes.join(",")
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("image.c"), source).unwrap();
        let made = Command::new("cc").args(["-o", "image", "image.c"]).current_dir(&folder).output();
        match made {
            Ok(output) if output.status.success() => Some(std::fs::read(folder.path().join("image")).unwrap()),
            other => {
                eprintln!("ignored: no program by cc: {other:?}");
                None
            }
        }
    }

    #[test]
    fn built_in_documents() {
        let document = br#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
            {"type":"library","group":"io.netty","name":"netty-codec","version":"4.1.73","purl":"pkg:maven/io.netty/netty-codec@4.1.73"}]}"#;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(document).unwrap();
        let packed = packer.finish().unwrap();
        let (Some(image), Some(cut)) = (program(&packed, packed.len()), program(&packed, 1 << 30)) else { return };
        let document = catalogue(&NativeImage, &[("/app", &image), ("/cut", &cut)]);
        assert_eq!(purls(&document), ["pkg:maven/io.netty/netty-codec@4.1.73"]);
        assert_eq!(unknowns(&document), [("/cut", "the built-in document is not all in the file")]);
    }
}
