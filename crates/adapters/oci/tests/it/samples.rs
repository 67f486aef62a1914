//! A small image in each of its forms.

use flate2::Compression;
use flate2::write::GzEncoder;
use oci::verify::sha256;
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

pub(crate) struct Sample {
    pub(crate) layer_tar: Vec<u8>,
    pub(crate) diff_id: String,
    pub(crate) layer: Vec<u8>,
    pub(crate) config: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
}

/// An entry of a tar; `link` makes it a symbolic link.
pub(crate) fn entry(name: &str, content: &[u8], link: Option<&str>) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = if link.is_some() { b'2' } else { b'0' };
    if let Some(link) = link {
        block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    }
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend_from_slice(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

pub(crate) fn tar(entries: &[(&str, &[u8], Option<&str>)]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(|(name, content, link)| entry(name, content, *link)).collect();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn sample() -> Sample {
    // Larger than what is kept of an archive, and hard to compress.
    let noise: Vec<u8> = (0..1_500_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let layer_tar = tar(&[("etc/os-release", b"ID=sample\n", None), ("noise", &noise, None)]);
    let layer = gzip(&layer_tar);
    let diff_id = sha256(&layer_tar);
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"Labels": {"a": "b"}},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]}});
    let config = serde_json::to_vec(&config).unwrap();
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(&config), "size": config.len()},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": sha256(&layer), "size": layer.len()}]});
    let manifest = serde_json::to_vec(&manifest).unwrap();
    Sample { layer_tar, diff_id, layer, config, manifest }
}

impl Sample {
    pub(crate) fn index(&self) -> Vec<u8> {
        let index = json!({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": sha256(&self.manifest), "size": self.manifest.len(),
            "annotations": {"org.opencontainers.image.ref.name": "sample:1"}}]});
        serde_json::to_vec(&index).unwrap()
    }

    /// Path and content of the files of an OCI image layout.
    pub(crate) fn layout(&self) -> Vec<(String, Vec<u8>)> {
        let blob = |bytes: &Vec<u8>| (format!("blobs/{}", sha256(bytes).replace(':', "/")), bytes.clone());
        let mut files: Vec<_> = [&self.layer, &self.config, &self.manifest].into_iter().map(blob).collect();
        files.push(("index.json".to_owned(), self.index()));
        files.push(("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()));
        files
    }

    pub(crate) fn write_layout(&self, folder: &Path) {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        for (path, content) in self.layout() {
            fs::write(folder.join(path), content).unwrap();
        }
    }

    /// Reads the image's only layer and compares it.
    pub(crate) fn check(&self, image: &oci::Image) {
        assert_eq!(image.image_id, sha256(&self.config));
        assert_eq!((image.os.as_str(), image.architecture.as_str()), ("linux", "amd64"));
        let [layer] = image.layers.as_slice() else { panic!("one layer") };
        assert_eq!(layer.diff_id, self.diff_id);
        assert!(read_layer(image).unwrap() == self.layer_tar, "another layer");
    }
}

pub(crate) fn read_layer(image: &oci::Image) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    image.layer(&image.layers[0], &|_| {}).map_err(std::io::Error::other)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}
