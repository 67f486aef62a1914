use crate::samples::sample;
use crate::server::start;
use oci::verify::sha256;
use oci::{ImageScheme, OpenOptions, Platform, RegistryOptions, open, registry::Mirror};
use std::process::Command;

#[test]
fn a_real_registry() {
    let (sample, folder) = (sample(), tempfile::tempdir().unwrap());
    let layout = folder.path().join("layout");
    sample.write_layout(&layout);
    let Some(server) = start(folder.path()) else {
        eprintln!("ignored: no docker-registry on this machine");
        return;
    };
    let address = &server.address;
    let copied = Command::new("skopeo")
        .args(["copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false"])
        .arg(format!("oci:{}:sample:1", layout.display()))
        .arg(format!("docker://{address}/team/sample:1"))
        .status();
    match copied {
        Ok(status) => assert!(status.success()),
        Err(_) => {
            eprintln!("ignored: no skopeo on this machine");
            return;
        }
    }
    let options = OpenOptions::default();
    let digest = sha256(&sample.manifest);
    let image = open(ImageScheme::Registry, &format!("{address}/team/sample:1"), &options).unwrap();
    sample.check(&image);
    assert_eq!(image.manifest, sample.manifest);
    assert_eq!(image.repo_digests, [format!("{address}/team/sample@{digest}")]);
    assert_eq!(image.tags, [format!("{address}/team/sample:1")]);

    let image = open(ImageScheme::Registry, &format!("{address}/team/sample@{digest}"), &options).unwrap();
    sample.check(&image);
    assert!(image.tags.is_empty());

    let missing = open(ImageScheme::Registry, &format!("{address}/team/sample:2"), &options).err().unwrap();
    assert!(missing.to_string().contains("404"), "{missing}");

    let platform =
        Some(Platform { os: "linux".to_owned(), architecture: "riscv64".to_owned(), variant: String::new() });
    let other = OpenOptions { platform, registry: RegistryOptions::default() };
    assert!(open(ImageScheme::Registry, &format!("{address}/team/sample:1"), &other).is_err());

    // The mirror that has nothing is passed over.
    let mirror = |location: String| Mirror { registry: "registry.invalid".to_owned(), location };
    let mirrors = vec![mirror(format!("{address}/nothing")), mirror(format!("{address}/team"))];
    let mirrored = OpenOptions { platform: None, registry: RegistryOptions { mirrors, ..RegistryOptions::default() } };
    let image = open(ImageScheme::Registry, "registry.invalid/sample:1", &mirrored).unwrap();
    sample.check(&image);
    assert_eq!(image.repo_digests, [format!("registry.invalid/sample@{digest}")]);
}
