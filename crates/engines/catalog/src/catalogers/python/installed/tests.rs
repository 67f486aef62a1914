use super::*;
use crate::catalogers::testing::{catalogue, edges, purls, record, unknowns};

const SITE: &str = "/usr/lib/python3/site-packages";

fn check(files: &[(&str, &str)]) -> sbom::Document {
    let files: Vec<(String, &str)> = files.iter().map(|(path, text)| (format!("{SITE}/{path}"), *text)).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    catalogue(&PythonInstalled, &files)
}

#[test]
fn a_wheel() {
    let document = check(&[
        ("My_Pkg-1.0.dist-info/METADATA", "Name: My_Pkg\nVersion: 1.0\nLicense: MIT\nRequires-Dist: dep (>=1)\n\nText"),
        ("My_Pkg-1.0.dist-info/RECORD", "my/a.py,sha256=x,3\nMy_Pkg-1.0.dist-info/RECORD,,\n"),
        ("My_Pkg-1.0.dist-info/top_level.txt", "my\n"),
        ("My_Pkg-1.0.dist-info/direct_url.json", r#"{"url":"https://h/r","vcs_info":{"vcs":"git","commit_id":"c0"}}"#),
        ("dep-2.dist-info/METADATA", "Name: dep\nVersion: 2\n"),
    ]);
    assert_eq!(purls(&document), ["pkg:pypi/dep@2", "pkg:pypi/my-pkg@1.0?vcs_url=git%2Bhttps%3A%2F%2Fh%2Fr%40c0"]);
    assert_eq!(edges(&document), ["dep -> my-pkg"]);
    assert_eq!(
        record(&document, "my-pkg"),
        r#"{"name":"My_Pkg","version":"1.0","author":"","authorEmail":"","platform":"","files":[{"path":"my/a.py","digest":{"algorithm":"sha256","value":"x"},"size":"3"},{"path":"My_Pkg-1.0.dist-info/RECORD"}],"sitePackagesRootPath":"/usr/lib/python3/site-packages","topLevelPackages":["my"],"directUrlOrigin":{"url":"https://h/r","commitId":"c0","vcs":"git"},"requiresDist":["dep (>=1)"]}"#
    );
    let component = &document.components[1];
    let names: Vec<&str> = component.locations.iter().filter_map(|at| at.path.rsplit('/').next()).collect();
    assert_eq!(names, ["METADATA", "RECORD", "top_level.txt", "direct_url.json"]);
    assert_eq!(component.licenses[0].value, "MIT");
}

#[test]
fn eggs() {
    let document = check(&[
        ("a.egg-info", "Name: a\nVersion: 1\n"),
        ("b.egg-info/PKG-INFO", "Name: b\nVersion: 2\n"),
        ("b.egg-info/installed-files.txt", "../b/x.py\nPKG-INFO\n"),
        ("Python-2.7.egg-info", "Name: Python\nVersion: 2.7\n"),
        ("nameless.egg-info", "Version: 2.7\n"),
    ]);
    assert_eq!(purls(&document), ["pkg:pypi/a@1", "pkg:pypi/b@2"]);
    assert!(record(&document, "b").contains(r#""files":[{"path":"b/x.py"},{"path":"b.egg-info/PKG-INFO"}]"#));
}

#[test]
fn licences_from_files() {
    let document = check(&[
        ("a.dist-info/METADATA", "Name: a\nVersion: 1\nLicense-File: LICENSE\n"),
        ("a.dist-info/LICENSE", "my own terms"),
        ("b.dist-info/METADATA", "Name: b\nVersion: 1\n"),
        ("b.dist-info/RECORD", "b.dist-info/COPYING,,\nb.dist-info/licenses/LICENSE,,\n"),
        ("b.dist-info/COPYING", "others' terms"),
        ("b.dist-info/licenses/LICENSE", "not looked at"),
    ]);
    for (component, file) in document.components.iter().zip(["a.dist-info/LICENSE", "b.dist-info/COPYING"]) {
        assert_eq!(component.licenses.len(), 1);
        assert!(component.licenses[0].value.starts_with("sha256:"));
        assert_eq!(component.licenses[0].location.as_ref().unwrap().path, format!("{SITE}/{file}"));
    }
}

#[test]
fn broken_files_are_reported() {
    let document = check(&[
        ("a.dist-info/METADATA", " continued\n"),
        ("b.dist-info/METADATA", "Name: b\nVersion: 1\n"),
        ("b.dist-info/direct_url.json", "{"),
    ]);
    assert_eq!(purls(&document), ["pkg:pypi/b@1"]);
    assert_eq!(unknowns(&document).len(), 2);
}
