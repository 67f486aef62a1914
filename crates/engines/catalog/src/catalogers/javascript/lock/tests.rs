use super::*;
use crate::catalogers::testing::{catalogue, edges, purls, record, unknowns};

fn check(files: &[(&str, &str)], expected: &[&str]) -> sbom::Document {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    let document = catalogue(&JavaScriptLock, &files);
    assert_eq!(purls(&document), expected);
    document
}

#[test]
fn npm_1() {
    let text = r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1","resolved":"u","integrity":"i","dependencies":{"b":{"version":"npm:@x/c@2"},"d":{"version":"3","dev":true}}},"bundled":{"version":"4","bundled":true,"resolved":false}}}"#;
    let document = check(&[("/package-lock.json", text)], &["pkg:npm/%40x/c@2", "pkg:npm/a@1", "pkg:npm/bundled@4"]);
    assert_eq!(record(&document, "a"), r#"{"resolved":"u","integrity":"i","dependencies":null}"#);
}

#[test]
fn npm_3() {
    let text = r#"{"lockfileVersion":3,"packages":{"":{"name":"root","version":"1","dependencies":{"a":"^1"}},"node_modules/a":{"version":"1.1","resolved":"u","integrity":"i","license":"MIT","dependencies":{"al":"npm:real@^2","@s/t":"1"}},"node_modules/al":{"name":"real","version":"2"},"node_modules/a/node_modules/@s/t":{"version":"1"},"node_modules/dev":{"version":"1","dev":true},"packages/w":{"version":"5"}}}"#;
    let document = check(
        &[("/x/package-lock.json", text), ("/x/node_modules/a/package.json", r#"{"license":"ISC"}"#)],
        &["pkg:npm/%40s/t@1", "pkg:npm/a@1.1", "pkg:npm/packages/w@5", "pkg:npm/real@2", "pkg:npm/root@1"],
    );
    assert_eq!(edges(&document), ["@s/t -> a", "a -> root", "real -> a"]);
    let licenses: Vec<&str> = document.components[1].licenses.iter().map(|license| license.value.as_str()).collect();
    assert_eq!(licenses, ["MIT", "ISC"]);
    assert_eq!(
        record(&document, "a"),
        r#"{"resolved":"u","integrity":"i","dependencies":{"@s/t":"1","al":"npm:real@^2"}}"#
    );
}

#[test]
fn locks_of_dependencies_do_not_count() {
    let text = r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1"}}}"#;
    check(&[("/node_modules/x/package-lock.json", text), ("/node_modules/x/yarn.lock", "")], &[]);
}

#[test]
fn yarn_1() {
    let text = "# yarn lockfile v1\n\na@^1:\n  version \"1.0\"\n  resolved \"u\"\n  integrity i\n  dependencies:\n    b \"^2\"\n\nb@^2, b@2.x:\n  version \"2.0\"\n\nd@1:\n  version \"1\"\n  dependencies:\n    b \"1\"\n";
    let both: &[&str] = &["pkg:npm/a@1.0", "pkg:npm/b@2.0", "pkg:npm/d@1"];
    let document = check(&[("/yarn.lock", text)], both);
    assert_eq!(record(&document, "a"), r#"{"resolved":"u","integrity":"i","dependencies":{"b":"^2"}}"#);
    let manifest = r#"{"dependencies":{"a":"1"},"devDependencies":{"d":"1"}}"#;
    let document = check(&[("/yarn.lock", text), ("/package.json", manifest)], &["pkg:npm/a@1.0", "pkg:npm/b@2.0"]);
    assert_eq!(edges(&document), ["b -> a"]);
    check(&[("/x/yarn.lock", text), ("/x/package.json", manifest)], both);
    check(&[("/x/yarn.lock", text), ("/package.json", manifest)], &["pkg:npm/a@1.0", "pkg:npm/b@2.0"]);
}

#[test]
fn yarn_berry() {
    let text = "__metadata:\n  version: 8\n  cacheKey: 10\n\n\"@a/b@npm:^1.0.0, @a/b@npm:^1.1.0\":\n  version: 1.1.0\n  resolution: \"@a/b@npm:1.1.0\"\n  dependencies:\n    c: \"npm:^1\"\n  checksum: 10/ab\n  languageName: node\n  linkType: hard\n\n\"c@npm:^1\":\n  version: 1.0.1\n  resolution: \"c@npm:1.0.1\"\n\n\"root@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"root@workspace:.\"\n";
    let document =
        check(&[("/yarn.lock", text)], &["pkg:npm/%40a/b@1.1.0", "pkg:npm/c@1.0.1", "pkg:npm/root@0.0.0-use.local"]);
    assert_eq!(edges(&document), ["c -> @a/b"]);
    assert_eq!(
        record(&document, "@a/b"),
        r#"{"resolved":"@a/b@npm:1.1.0","integrity":"10/ab","dependencies":{"c":"npm:^1"}}"#
    );
}

#[test]
fn pnpm() {
    let v5 = "lockfileVersion: 5.4\ndependencies:\n  a: 1.0.0_peer@2.0.0\npackages:\n  /a/1.0.0_peer@2.0.0:\n    resolution: {integrity: i}\n    dependencies:\n      '@s/b': 2.0.0\n  /@s/b/2.0.0:\n    resolution: {integrity: j, tarball: x}\n  /d/1.0.0:\n    dev: true\n";
    let document = check(&[("/pnpm-lock.yaml", v5)], &["pkg:npm/%40s/b@2.0.0", "pkg:npm/a@1.0.0"]);
    assert_eq!(edges(&document), ["@s/b -> a"]);
    let v6 = "lockfileVersion: '6.0'\ndependencies:\n  a:\n    specifier: ^1\n    version: 1.0.0(p@1.0.0)\npackages:\n  /a@1.0.0(p@1.0.0):\n    resolution: {integrity: i}\n    dependencies:\n      p: 1.0.0\n  /p@1.0.0:\n    resolution: {integrity: j}\n";
    let document = check(&[("/pnpm-lock.yaml", v6)], &["pkg:npm/a@1.0.0", "pkg:npm/p@1.0.0"]);
    assert_eq!(record(&document, "a"), r#"{"resolution":{"integrity":"i"},"dependencies":{"p":"1.0.0"}}"#);
    let v9 = "---\nlockfileVersion: '9.0'\npackages:\n  pnpm@10.0.0:\n    resolution: {integrity: k}\n---\nlockfileVersion: '9.0'\npackages:\n  '@s/a@1.0.0':\n    resolution: {integrity: i}\n  b@2.0.0:\n    resolution: {integrity: j}\nsnapshots:\n  '@s/a@1.0.0(b@2.0.0)':\n    dependencies:\n      b: 2.0.0(x@1)\n  b@2.0.0: {}\n";
    let document =
        check(&[("/pnpm-lock.yaml", v9)], &["pkg:npm/%40s/a@1.0.0", "pkg:npm/b@2.0.0", "pkg:npm/pnpm@10.0.0"]);
    assert_eq!(edges(&document), ["b -> @s/a"]);
    assert_eq!(record(&document, "@s/a"), r#"{"resolution":{"integrity":"i"},"dependencies":{"b":"2.0.0"}}"#);
    assert_eq!(record(&document, "pnpm"), r#"{"resolution":{"integrity":"k"},"dependencies":null}"#);
}

#[test]
fn bun() {
    let text = r#"{ // c
  "lockfileVersion": 1,
  "workspaces": { "": { "name": "root", "dependencies": { "a": "1", }, "devDependencies": { "d": "1" } } },
  "packages": {
    "a": ["a@1.0.0", "", { "dependencies": { "b": "2" }, "bin": "x", "os": "linux" }, "sha512-i"],
    "b": ["b@2.0.0", {}, "sha512-j"],
    "d": ["d@1.0.0", "", { "dependencies": { "b": "2" } }, ""],
    "@s/w": ["@s/w@workspace:packages/w"],
  },
}"#;
    let document = check(&[("/bun.lock", text)], &["pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0"]);
    assert_eq!(edges(&document), ["b -> a"]);
    assert_eq!(
        record(&document, "a"),
        r#"{"integrity":"sha512-i","dependencies":{"b":"2"},"optionalDependencies":null,"peerDependencies":null,"bin":null,"os":"linux","cpu":""}"#
    );
}

#[test]
fn deno() {
    let text = r#"{"version":"5","jsr":{"@std/path@1.0.0":{"integrity":"i","dependencies":["jsr:@std/internal@^1"]},"@std/internal@1.0.5":{"integrity":"j"}},"npm":{"chalk@5.3.0_x@1":{"integrity":"k","dependencies":["y"]}},"remote":{"https://deno.land/std@0.200.0/a.ts":"h"}}"#;
    let document = check(
        &[("/deno.lock", text)],
        &[
            "pkg:npm/%40std/internal@1.0.5?repository_url=https%3A%2F%2Fjsr.io",
            "pkg:npm/%40std/path@1.0.0?repository_url=https%3A%2F%2Fjsr.io",
            "pkg:npm/chalk@5.3.0",
            "pkg:npm/deno.land%2Fstd@0.200.0?repository_url=https%3A%2F%2Fdeno.land",
        ],
    );
    assert_eq!(edges(&document), ["@std/internal -> @std/path"]);
}

#[test]
fn broken_locks_are_reported() {
    for path in ["/package-lock.json", "/yarn.lock", "/pnpm-lock.yaml", "/bun.lock", "/deno.lock"] {
        for text in ["", "{", "[]", "nonsense"] {
            let document = check(&[(path, text)], &[]);
            assert_eq!(unknowns(&document).len(), 1, "{path} {text}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "[\\[\\]{}=\"'a-c1.,:@#/\\\\\n _-]{0,120}") {
        for path in ["/package-lock.json", "/yarn.lock", "/pnpm-lock.yaml", "/bun.lock", "/deno.lock"] {
            catalogue(&JavaScriptLock, &[(path, text.as_bytes())]);
            let classic = format!("# yarn lockfile v1\n{text}");
            catalogue(&JavaScriptLock, &[(path, classic.as_bytes())]);
        }
    }
}
