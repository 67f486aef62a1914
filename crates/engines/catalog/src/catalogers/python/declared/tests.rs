use super::*;
use crate::catalogers::testing::{catalogue, edges, purls, record, unknowns};

fn check(path: &str, text: &str, expected: &[&str]) -> sbom::Document {
    let document = catalogue(&PythonPackage, &[(path, text.as_bytes())]);
    assert_eq!(purls(&document), expected, "{text}");
    document
}

#[test]
fn requirements() {
    let text = "flask == 4.0.0  # c\nSomeProject==5.4 ; python_version < '3.8'\nargh[test, dev] ===1!2.0+x \\\n  --hash=sha256:ab\n-e git+https://x\n-r other.txt\nrange>=1\nfoo==1.*\ndots- requests@ git+https://github.com/a/b@v1\n\n# only\n";
    let document = check(
        "/a/dev-requirements-x.txt",
        text,
        &["pkg:pypi/argh@1%212.0%2Bx", "pkg:pypi/flask@4.0.0", "pkg:pypi/someproject@5.4"],
    );
    assert_eq!(
        record(&document, "argh"),
        r#"{"name":"argh","extras":["test","dev"],"versionConstraint":"===1!2.0+x"}"#
    );
    assert_eq!(
        record(&document, "someproject"),
        r#"{"name":"SomeProject","versionConstraint":"==5.4","markers":"python_version < '3.8'"}"#
    );
    assert_eq!(unknowns(&document).len(), 4);
}

#[test]
fn poetry() {
    let text = r#"
[[package]]
name = "A_b"
version = "1"
[package.dependencies]
c = {version = ">=1", extras = ["x"]}
d = [{version = "1", markers = "python_version < '3'"}, {version = "2"}]
e = "^1"
opt = {version = "1", markers = "extra == 'o'"}
[package.source]
url = "https://own"
[package.extras]
more = ["opt (>=1)"]

[[package]]
name = "c"
version = "2"
[package.extras]
x = ["e"]

[[package]]
name = "e"
version = "3"
"#;
    let document = check("/poetry.lock", text, &["pkg:pypi/a-b@1", "pkg:pypi/c@2", "pkg:pypi/e@3"]);
    assert_eq!(edges(&document), ["c -> a-b", "e -> a-b", "e -> c"]);
    assert_eq!(
        record(&document, "a-b"),
        r#"{"index":"https://own","dependencies":[{"name":"c","version":">=1","optional":false,"extras":["x"]},{"name":"d","version":"1","optional":false,"markers":"python_version < '3'"},{"name":"d","version":"2","optional":false},{"name":"e","version":"^1","optional":false},{"name":"opt","version":"1","optional":false,"markers":"extra == 'o'"}],"extras":[{"name":"more","dependencies":["opt (>=1)"]}]}"#
    );
    assert!(record(&document, "e").ends_with(r#""dependencies":null}"#));
}

#[test]
fn uv() {
    let text = r#"
version = 1
revision = 3
[[package]]
name = "app"
version = "0.1"
source = { virtual = "." }
dependencies = [{ name = "b", version = "2", extra = ["x"] }, { name = "a", marker = "sys_platform == 'win32'" }]
[package.optional-dependencies]
dev = [{ name = "c" }]
[[package]]
name = "a"
version = "1"
source = { registry = "https://r" }
[[package]]
name = "b"
version = "1"
[[package]]
name = "b"
version = "2"
[package.optional-dependencies]
x = [{ name = "c" }]
[[package]]
name = "c"
version = "3"
"#;
    let purls = &["pkg:pypi/a@1", "pkg:pypi/app@0.1", "pkg:pypi/b@1", "pkg:pypi/b@2", "pkg:pypi/c@3"];
    let document = check("/tool.py.lock", text, purls);
    assert_eq!(edges(&document), ["a -> app", "b -> app", "c -> app", "c -> b"]);
    assert_eq!(
        record(&document, "app"),
        r#"{"index":".","dependencies":[{"name":"a","optional":false,"markers":"sys_platform == 'win32'"},{"name":"b","optional":false,"extras":["x"]}],"extras":[{"name":"dev","dependencies":["c"]}]}"#
    );
    let document = check("/uv.lock", "version = 2\n", &[]);
    assert_eq!(unknowns(&document), [("/uv.lock", "version 2 of uv.lock is not known")]);
}

#[test]
fn pdm() {
    let text = r#"
[[package]]
name = "coverage"
version = "7.4.1"
requires_python = ">=3.8"
summary = "s"
files = [{file = "c.whl", hash = "sha256:ab"}, {file = "d", hash = "broken"}]

[[package]]
name = "coverage"
version = "7.4.1"
extras = ["toml"]
summary = "s"
dependencies = ["coverage==7.4.1", "tomli; python_version < '3.11'"]
files = [{file = "c.whl", hash = "sha256:ab"}]

[[package]]
name = "tomli"
version = "2"
"#;
    let document = check("/pdm.lock", text, &["pkg:pypi/coverage@7.4.1", "pkg:pypi/tomli@2"]);
    assert_eq!(edges(&document), ["tomli -> coverage"]);
    assert_eq!(
        record(&document, "coverage"),
        r#"{"summary":"s","files":[{"url":"c.whl","digest":{"algorithm":"sha256","value":"ab"}}],"requiresPython":">=3.8","extras":[{"extras":["toml"],"dependencies":["coverage==7.4.1","tomli; python_version < '3.11'"]}]}"#
    );
}

#[test]
fn pipfile() {
    let text = r#"{"_meta":{"sources":[{"name":"own","url":"https://own"}]},"default":{"a":{"version":"==1","index":"own","hashes":["sha256:x"]},"b":{"version":"==2"},"c":{"git":"g"}},"develop":{"d":{"version":"==4"}}}"#;
    let document = check("/Pipfile.lock", text, &["pkg:pypi/a@1", "pkg:pypi/b@2", "pkg:pypi/c"]);
    assert_eq!(record(&document, "a"), r#"{"hashes":["sha256:x"],"index":"https://own"}"#);
    assert!(record(&document, "b").starts_with(r#"{"hashes":null,"#));
    assert!(document.components[0].locations[0].unannotated);
}

#[test]
fn setup() {
    let text = "install_requires=[\n 'pathlib3==2.2.0;python_version<\"3.6\"', \"mypy==v0.770\",\n ' mypy2 == v0.770', \"x=={v}\", 'y>=1'],\n  bare==1.0-rc\n mypy == v0.770\n";
    let expected = ["pkg:pypi/bare@1.0-rc", "pkg:pypi/mypy@v0.770", "pkg:pypi/mypy2@v0.770", "pkg:pypi/pathlib3@2.2.0"];
    check("/setup.py", text, &expected);
}

#[test]
fn nothing_found_is_reported() {
    for path in ["/requirements.txt", "/poetry.lock", "/uv.lock", "/pdm.lock"] {
        let document = check(path, "", &[]);
        assert_eq!(unknowns(&document), [(path, "unable to determine packages")]);
    }
    for path in ["/poetry.lock", "/uv.lock", "/pdm.lock", "/Pipfile.lock"] {
        assert_eq!(unknowns(&check(path, "[[[", &[])).len(), 1, "{path}");
    }
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "[\\[\\]{}=\"'a-c1.,;@#\\\\\n _>~!-]{0,120}") {
        let files = ["/requirements.txt", "/poetry.lock", "/uv.lock", "/pdm.lock", "/Pipfile.lock", "/setup.py"];
        for path in files {
            catalogue(&PythonPackage, &[(path, text.as_bytes())]);
        }
    }
}
