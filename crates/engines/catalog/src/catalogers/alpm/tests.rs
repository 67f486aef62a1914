//! A whole database.

use super::AlpmDatabase;
use crate::catalogers::testing::{catalogue, edges, purls, record, unknowns};
use std::io::Write;

#[test]
fn packages() {
    let mut mtree = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    mtree.write_all(b"#mtree\n./usr/bin/x time=86400.0 size=3 sha256digest=ab\n").unwrap();
    let mtree = mtree.finish().unwrap();
    let local = "/var/lib/pacman/local";
    let files: [(String, &[u8]); 5] = [
        ("/etc/os-release".into(), b"ID=arch\nBUILD_ID=rolling\n"),
        (
            format!("{local}/x-1-1/desc"),
            b"%NAME%\nx\n\n%VERSION%\n1-1\n\n%BASE%\nxs\n\n%ARCH%\nany\n\n%DEPENDS%\ny\nlibz.so\n\n",
        ),
        (format!("{local}/x-1-1/files"), b"%FILES%\nusr/bin/x\n\n%BACKUP%\netc/x\t00\n"),
        (format!("{local}/x-1-1/mtree"), &mtree),
        (format!("{local}/y-2-1/desc"), b"%NAME%\ny\n\n%VERSION%\n2-1\n\n%PROVIDES%\nlibz.so=1-64\n\n"),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), *bytes)).collect();
    let document = catalogue(&AlpmDatabase, &files);
    assert_eq!(
        purls(&document),
        ["pkg:alpm/arch/x@1-1?arch=any&distro=arch-rolling&upstream=xs", "pkg:alpm/arch/y@2-1?distro=arch-rolling"]
    );
    assert_eq!(edges(&document), ["y -> x"]);
    assert!(record(&document, "x").contains(
        "\"files\":[{\"path\":\"/usr/bin/x\",\"time\":\"1970-01-02T00:00:00Z\",\"size\":\"3\",\
         \"digest\":[{\"algorithm\":\"sha256\",\"value\":\"ab\"}]}],\"backup\":[{\"path\":\"/etc/x\","
    ));
    let y = format!("{local}/y-2-1");
    assert_eq!(
        unknowns(&document).iter().map(|(_, cause)| (*cause).to_owned()).collect::<Vec<_>>(),
        [format!("failed to find alpm files: {y}/files"), format!("failed to find mtree file: {y}/mtree")]
    );
}
