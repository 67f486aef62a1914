//! A kernel image made of its head alone, and modules that the compiler of the machine makes.

use super::LinuxKernel;
use super::image;
use crate::catalogers::testing::{catalogue, edges, purls, record, unknowns};
use proptest::prelude::*;
use std::io::Write;
use std::process::{Command, Stdio};

fn kernel(version: &str) -> Vec<u8> {
    let mut bytes = vec![0; 0x400];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(498, &[1, 0]);
    put(506, &[0xff, 0xff]);
    put(510, &[0x55, 0xaa]);
    put(514, b"HdrS");
    put(518, &[0x0f, 0x02]);
    put(526, &[0x80, 0x00]);
    put(529, &[1]);
    put(0x280, version.as_bytes());
    bytes
}

/// A module with these facts; none, with the reason printed, where there is no compiler.
fn module(facts: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = facts.iter().map(|fact| format!(".asciz \"{fact}\"\n")).collect();
    let source = format!(".section .modinfo,\"a\"\n{lines}");
    let child = Command::new("cc")
        .args(["-c", "-x", "assembler", "-o", "module.ko", "-"])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("ignored: there is no cc");
        return None;
    };
    child.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    Some(std::fs::read(folder.path().join("module.ko")).unwrap())
}

#[test]
fn kernel_and_modules() {
    let version = "6.1.0-13-amd64";
    let Some(plain) = module(&[
        "license=GPL v2",
        "description=A disk",
        "parm=debug:How much",
        "parmtype=debug:int",
        "parmtype=size:uint",
        "name=disk",
        "vermagic=6.1.0-13-amd64 SMP preempt mod_unload ",
    ]) else {
        return;
    };
    let net = module(&["version=1.2", "name=net", "vermagic=6.1.0-13-amd64 SMP"]).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&net).unwrap();
    let zst = zstd::encode_all(&module(&["name=old", "vermagic=5.10"]).unwrap()[..], 1).unwrap();
    let modules = format!("/usr/lib/modules/{version}");
    let files = [
        (format!("/boot/vmlinuz-{version}"), kernel(&format!("{version} (builder@x) #1 SMP"))),
        (format!("{modules}/kernel/disk.ko"), plain),
        (format!("{modules}/kernel/net.ko.xz"), xz.finish().unwrap()),
        (format!("{modules}/kernel/old.ko.zst"), zst),
        (format!("{modules}/kernel/bad.ko"), b"\x7fELF".to_vec()),
        ("/srv/kernel".to_owned(), b"not a kernel".to_vec()),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), &bytes[..])).collect();
    let document = catalogue(&LinuxKernel, &files);
    assert_eq!(
        purls(&document),
        ["pkg:generic/disk", "pkg:generic/linux-kernel@6.1.0-13-amd64", "pkg:generic/net@1.2", "pkg:generic/old"]
    );
    let mut edges = edges(&document);
    edges.sort_unstable();
    assert_eq!(edges, ["linux-kernel -> disk", "linux-kernel -> net"]);
    assert_eq!(
        record(&document, "linux-kernel"),
        "{\"name\":\"\",\"architecture\":\"x86\",\"version\":\"6.1.0-13-amd64\",\
         \"extendedVersion\":\"6.1.0-13-amd64 (builder@x) #1 SMP\",\"format\":\"bzImage\",\
         \"videoMode\":\"Video mode 65535\"}"
    );
    assert_eq!(
        record(&document, "disk"),
        "{\"name\":\"disk\",\"path\":\"/usr/lib/modules/6.1.0-13-amd64/kernel/disk.ko\",\
         \"description\":\"A disk\",\"license\":\"GPL v2\",\"kernelVersion\":\"6.1.0-13-amd64\",\
         \"versionMagic\":\"6.1.0-13-amd64 SMP preempt mod_unload \",\
         \"parameters\":{\"debug\":{\"description\":\"How much\"},\"size\":{\"type\":\"uint\"}}}"
    );
    assert_eq!(document.components[1].cpes[0].name, "cpe:2.3:o:linux:linux_kernel:6.1.0-13-amd64:*:*:*:*:*:*:*");
    assert_eq!(unknowns(&document).len(), 1);
}

proptest! {
    #[test]
    fn never_panics(changes in proptest::collection::vec((498_usize..0x400, any::<u8>()), 0..20), cut in 0_usize..0x400) {
        let mut bytes = kernel("6.1");
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = image::parse(&bytes);
        let _ = image::parse(&bytes[..cut]);
    }
}
