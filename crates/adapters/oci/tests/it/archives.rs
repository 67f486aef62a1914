use crate::samples::{Sample, gzip, sample, tar};
use oci::verify::sha256;
use oci::{ImageScheme, OpenOptions, open};
use serde_json::json;
use std::fs;

fn check(sample: &Sample, scheme: ImageScheme, archive: &[u8]) -> oci::Image {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let mut last = None;
    for bytes in [archive.to_vec(), gzip(archive)] {
        fs::write(&path, bytes).unwrap();
        let image = open(scheme, path.to_str().unwrap(), &OpenOptions::default()).unwrap();
        sample.check(&image);
        last = Some(image);
    }
    last.unwrap()
}

fn saved(config: &str, layers: &[&str]) -> Vec<u8> {
    serde_json::to_vec(&json!([{"Config": config, "RepoTags": ["sample:1"], "Layers": layers}])).unwrap()
}

#[test]
fn docker_archives() {
    let sample = sample();
    let (config, layer) = ("ab.json", "1/layer.tar");
    let old = tar(&[
        (layer, &sample.layer_tar, None),
        ("./2/layer.tar", b"", Some("../1/layer.tar")),
        (config, &sample.config, None),
        ("manifest.json", &saved(config, &[layer]), None),
    ]);
    let image = check(&sample, ImageScheme::DockerArchive, &old);
    assert_eq!(image.tags, ["sample:1"]);
    assert_eq!(image.media_type, "application/vnd.docker.distribution.manifest.v2+json");
    assert_eq!(image.manifest_digest, sha256(&image.manifest));

    let linked = tar(&[
        (layer, &sample.layer_tar, None),
        ("2/layer.tar", b"", Some("../1/layer.tar")),
        (config, &sample.config, None),
        ("manifest.json", &saved(config, &["2/layer.tar"]), None),
    ]);
    check(&sample, ImageScheme::DockerArchive, &linked);

    let compressed = tar(&[
        ("manifest.json", &saved(config, &[layer]), None),
        (config, &sample.config, None),
        (layer, &sample.layer, None),
    ]);
    check(&sample, ImageScheme::DockerArchive, &compressed);

    let digest = sample.diff_id.replace(':', "/");
    let newer = tar(&[
        (&format!("blobs/{digest}"), &sample.layer_tar, None),
        ("blobs/sha256/config", &sample.config, None),
        ("index.json", &sample.index(), None),
        ("manifest.json", &saved("blobs/sha256/config", &[&format!("blobs/{digest}")]), None),
    ]);
    check(&sample, ImageScheme::DockerArchive, &newer);
}

#[test]
fn oci_archives() {
    let sample = sample();
    let files = sample.layout();
    let entries: Vec<_> = files.iter().map(|(name, content)| (name.as_str(), content.as_slice(), None)).collect();
    let image = check(&sample, ImageScheme::OciArchive, &tar(&entries));
    assert_eq!(image.manifest, sample.manifest);
    assert_eq!(image.tags, ["sample:1"]);
}

#[test]
fn damaged_archives() {
    let sample = sample();
    let mut wrong = sample.layer_tar.clone();
    wrong[700_000] ^= 1;
    let whole = tar(&[("manifest.json", &saved("c", &["l"]), None), ("c", &sample.config, None), ("l", &wrong, None)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let image = open(ImageScheme::DockerArchive, path.to_str().unwrap(), &OpenOptions::default())?;
        crate::samples::read_layer(&image)
            .map(drop)
            .map_err(|source| oci::OciError::File { path: path.clone(), source })
    };
    assert!(read(&whole).is_err(), "another digest");
    assert!(read(&whole[..whole.len() / 2]).is_err(), "cut off");
    let several = serde_json::to_vec(&json!([{"Config": "c"}, {"Config": "d"}])).unwrap();
    assert!(read(&tar(&[("manifest.json", &several, None)])).is_err(), "several images");
    let looping = tar(&[("manifest.json", b"", Some("a")), ("a", b"", Some("manifest.json"))]);
    assert!(read(&looping).is_err(), "links in a circle");
    for seed in 0..200_usize {
        // Headers and documents with one byte changed: an error or not, but an end.
        let mut bytes = whole[..4096].to_vec();
        bytes[(seed * 97) % 4096] ^= 0xff;
        let _ = read(&bytes);
    }
}
