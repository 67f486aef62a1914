//! An OCI image layout in a folder (OCI image-spec 1.1, image-layout.md).

use crate::manifest::{MAX_MANIFEST, Manifest};
use crate::{BlobSource, Descriptor, Image, OciError, Platform};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Opens the image named `name` (the annotation `org.opencontainers.image.ref.name`, or a digest) of the layout at
/// `folder`. With no name and several entries, the one for `platform` is taken.
///
/// # Errors
/// Where the folder is no layout, has no such image, or the image is malformed.
pub fn open(folder: &Path, name: Option<&str>, platform: Option<&Platform>) -> Result<Image, OciError> {
    let path = folder.join("index.json");
    let index = read_limited(&path, MAX_MANIFEST)?;
    let index = Manifest::parse(&index)?;
    let place = folder.display().to_string();
    let blobs = Box::new(Layout { folder: folder.to_path_buf() });
    let root = pick(&index.manifests, name, &place, platform)?;
    let mut image = Image::open(blobs, root, platform)?;
    image.tags.extend(reference_name(root).filter(|name| name.contains(['/', ':'])).map(str::to_owned));
    Ok(image)
}

const REFERENCE_NAME: &str = "org.opencontainers.image.ref.name";

pub(crate) fn reference_name(descriptor: &Descriptor) -> Option<&str> {
    descriptor.annotations.get(REFERENCE_NAME).map(String::as_str)
}

/// The entry of a layout's index that `name` and `platform` mean.
pub(crate) fn pick<'a>(
    entries: &'a [Descriptor],
    name: Option<&str>,
    place: &str,
    platform: Option<&Platform>,
) -> Result<&'a Descriptor, OciError> {
    let is_named = |entry: &&Descriptor| match name {
        Some(name) => entry.digest == name || reference_name(entry) == Some(name),
        None => true,
    };
    let named: Vec<&Descriptor> = entries.iter().filter(is_named).collect();
    match named.as_slice() {
        [only] => Ok(only),
        [first, .., last] if name.is_some() => {
            // The same name twice: the last one written counts, unless platforms tell them apart.
            let with_platform = first.platform.is_some() && last.platform.is_some();
            if with_platform { by_platform(&named, platform) } else { Ok(last) }
        }
        [_, ..] if named.iter().all(|entry| entry.platform.is_some()) => by_platform(&named, platform),
        _ => Err(OciError::NoImage {
            wanted: name.unwrap_or_default().to_owned(),
            place: place.to_owned(),
            available: entries
                .iter()
                .map(|entry| reference_name(entry).unwrap_or(&entry.digest))
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

fn by_platform<'a>(entries: &[&'a Descriptor], platform: Option<&Platform>) -> Result<&'a Descriptor, OciError> {
    let host = Platform::host();
    let owned: Vec<Descriptor> = entries.iter().map(|entry| (*entry).clone()).collect();
    let chosen = platform.unwrap_or(&host).choose(&owned)?;
    let found = entries.iter().find(|entry| entry.digest == chosen.digest);
    found.copied().ok_or_else(|| OciError::malformed("index", "no entry"))
}

struct Layout {
    folder: PathBuf,
}

impl BlobSource for Layout {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, OciError> {
        let path = blob_path(&descriptor.digest)?;
        let path = self.folder.join(path);
        let file = File::open(&path).map_err(|source| OciError::File { path, source })?;
        Ok(Box::new(file))
    }
}

/// `blobs/sha256/...`; refuses anything that is not a plain digest.
pub(crate) fn blob_path(digest: &str) -> Result<String, OciError> {
    match digest.split_once(':') {
        Some((algorithm, hex))
            if !algorithm.is_empty()
                && !hex.is_empty()
                && algorithm.bytes().chain(hex.bytes()).all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            Ok(format!("blobs/{algorithm}/{hex}"))
        }
        _ => Err(OciError::malformed("digest", format!("{digest:?}"))),
    }
}

pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, OciError> {
    let failed = |source| OciError::File { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(OciError::TooLarge { what: "index", limit });
    }
    Ok(bytes)
}
