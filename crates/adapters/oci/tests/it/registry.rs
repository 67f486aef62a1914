use crate::samples::sample;
use oci::verify::sha256;
use oci::{ImageScheme, OpenOptions, Platform, RegistryOptions, open, registry::Mirror};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Debian's `docker-registry`, ended when dropped.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(folder: &Path) -> Option<Server> {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let storage = folder.join("storage");
    let config = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {address}}}\n",
        storage.display()
    );
    let path = folder.join("config.yml");
    fs::write(&path, config).unwrap();
    let mut command = Command::new("docker-registry");
    let child = command.arg("serve").arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    let server = Server { child, address };
    let started = Instant::now();
    while TcpStream::connect(&server.address).is_err() {
        assert!(started.elapsed() < Duration::from_secs(8), "the registry does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(server)
}

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
