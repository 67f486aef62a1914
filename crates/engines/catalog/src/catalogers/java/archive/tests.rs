use super::super::testing::archive;
use super::*;
use crate::catalogers::testing::{catalogue, edges, purls, record, unknowns};

const MANIFEST: &str = "META-INF/MANIFEST.MF";
const PLAIN: &[u8] = b"Manifest-Version: 1.0\r\n";

fn pom_properties(group: &str, artifact: &str, version: &str) -> (String, Vec<u8>) {
    let text = format!("#Generated\nversion={version}\ngroupId={group}\nartifactId={artifact}\n");
    (format!("META-INF/maven/{group}/{artifact}/pom.properties"), text.into_bytes())
}

fn entry(name: &str, bytes: impl Into<Vec<u8>>) -> (String, Vec<u8>) {
    (name.to_owned(), bytes.into())
}

fn log4j() -> Vec<u8> {
    archive(&[
        entry(MANIFEST, PLAIN),
        pom_properties("org.apache.logging.log4j", "log4j-core", "2.14.1"),
        entry("org/apache/logging/log4j/core/lookup/JndiLookup.class", "x"),
    ])
}

#[test]
fn log4j_in_a_jar_in_a_jar_in_a_war() {
    let inner = archive(&[entry(MANIFEST, PLAIN), entry("lib/log4j-core-2.14.1.jar", log4j())]);
    let outer = archive(&[entry(MANIFEST, PLAIN), entry("BOOT-INF/lib/inner-1.0.jar", inner)]);
    let war = archive(&[entry(MANIFEST, PLAIN), entry("WEB-INF/lib/outer-2.0.jar", outer)]);
    let document = catalogue(&JavaArchive, &[("/opt/app-3.war", &war)]);
    let path = "/opt/app-3.war:WEB-INF/lib/outer-2.0.jar:BOOT-INF/lib/inner-1.0.jar:lib/log4j-core-2.14.1.jar";
    let found = document.components.iter().find(|component| component.name == "log4j-core").unwrap();
    assert_eq!(found.purl, "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1");
    assert_eq!((found.locations[0].path.as_str(), found.locations[0].access_path.as_str()), ("/opt/app-3.war", path));
    assert!(record(&document, "log4j-core").starts_with(&format!("{{\"virtualPath\":\"{path}\"")));
    assert_eq!(edges(&document), ["inner -> outer", "log4j-core -> inner", "outer -> app"]);
    assert!(document.unknowns.is_empty());
}

#[test]
fn names_and_versions() {
    let check = |path: &str, entries: &[(String, Vec<u8>)], expected: &[&str]| {
        let document = catalogue(&JavaArchive, &[(path, &archive(entries))]);
        assert_eq!(purls(&document), expected, "{path}");
    };
    let manifest = |text: &str| entry(MANIFEST, text);
    check("/spring-core-6.1.2.jar", &[manifest("")], &["pkg:maven/org.springframework/spring-core@6.1.2"]);
    check("/x.jar", &[manifest("Implementation-Version: 3\nGroup-Id: com.a")], &["pkg:maven/com.a/x@3"]);
    check("/com.a.b-1.jar", &[manifest("")], &["pkg:maven/b/b@1"]);
    check(
        "/x-1.jar",
        &[manifest("Created-By: Apache Maven Bundle Plugin\nBundle-SymbolicName: org.a.b.c")],
        &["pkg:maven/org.a.b.c/c@1"],
    );
    check(
        "/metabase.jar",
        &[manifest("Main-Class: m"), entry("version.properties", "tag=v0.63.5\n")],
        &["pkg:maven/metabase/metabase@0.63.5"],
    );
    check("/git.hpi", &[manifest("Plugin-Version: 5.2\nShort-Name: git")], &["pkg:maven/git/git@5.2"]);
    check("/weave-1.jar", &[manifest("Weave-Classes: a")], &[]);
}

#[test]
fn shaded_jars_name_what_is_in_them() {
    let jar = archive(&[
        entry(MANIFEST, PLAIN),
        pom_properties("org.a", "app", "1.0"),
        entry(
            "META-INF/maven/org.a/app/pom.xml",
            "<project><parent><groupId>org.a</groupId><artifactId>p</artifactId><version>1.0</version></parent><artifactId>app</artifactId><name>App</name><url>${u}</url><licenses><license><name>MIT</name><url>https://m</url></license></licenses></project>",
        ),
        pom_properties("com.b", "lib", "2.0"),
    ]);
    let document = catalogue(&JavaArchive, &[("/app-1.0.jar", &jar)]);
    assert_eq!(purls(&document), ["pkg:maven/org.a/app@1.0", "pkg:maven/com.b/lib@2.0"]);
    assert_eq!(edges(&document), ["lib -> app"]);
    let app: serde_json::Value = serde_json::from_str(record(&document, "app")).unwrap();
    assert_eq!(app["pomProject"]["parent"]["artifactId"], "p");
    assert_eq!(app["pomProject"]["groupId"], "org.a");
    assert_eq!(app["pomProject"].get("url"), None);
    assert_eq!(app["digest"][0]["algorithm"], "sha1");
    assert_eq!(document.components[0].licenses[0].urls, ["https://m"]);
    let lib: serde_json::Value = serde_json::from_str(record(&document, "lib")).unwrap();
    assert_eq!(lib["virtualPath"], "/app-1.0.jar:com.b:lib");
}

#[test]
fn jenkins_plugins() {
    let plugin = archive(&[entry(MANIFEST, PLAIN), pom_properties("org.jenkins-ci.plugins", "git", "5")]);
    let document = catalogue(&JavaArchive, &[("/git.jar", &plugin)]);
    assert_eq!(document.components[0].kind, sbom::PackageType::JenkinsPlugin);
}

#[test]
fn archives_in_a_plain_zip() {
    let zip = archive(&[entry("lib/a-1.jar", archive(&[entry(MANIFEST, PLAIN)])), entry("b.txt", "x")]);
    let document = catalogue(&JavaArchive, &[("/dist.zip", &zip)]);
    assert_eq!(purls(&document), ["pkg:maven/a/a@1"]);
    assert_eq!(document.components[0].locations[0].access_path, "/dist.zip:lib/a-1.jar");
}

#[test]
fn what_is_not_read_is_reported() {
    let check = |bytes: &[u8], expected: &[(&str, &str)]| {
        assert_eq!(unknowns(&catalogue(&JavaArchive, &[("/a.jar", bytes)])), expected);
    };
    check(b"nonsense", &[("/a.jar", "not a zip archive: no end record")]);
    check(&archive(&[entry("x", "y")]), &[("/a.jar", "no package identified in archive")]);
    check(
        &archive(&[entry(MANIFEST, PLAIN), entry("in/b.jar", "nonsense")]),
        &[("/a.jar:in/b.jar", "not a zip archive: no end record")],
    );
    check(
        &archive(&[entry(MANIFEST, PLAIN), entry("pom.properties", "nonsense")]),
        &[("/a.jar:pom.properties", "a line of pom.properties is not a pair")],
    );
}

#[test]
fn nesting_ends() {
    let mut bytes = archive(&[entry(MANIFEST, PLAIN)]);
    for _ in 0..40 {
        bytes = archive(&[entry(MANIFEST, PLAIN), entry("n-1.jar", bytes)]);
    }
    let document = catalogue(&JavaArchive, &[("/n-1.jar", &bytes)]);
    assert_eq!(document.components.len(), MAX_DEPTH + 1);
    assert_eq!(unknowns(&document)[0].1, "more than 16 archives in one another, not looked into");
}

#[test]
fn bombs_end() {
    // The directory says that the nested archive has 2 GiB.
    let mut bytes = archive(&[entry("a.war", vec![0; 1 << 20])]);
    let central = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    bytes[central + 24..central + 28].copy_from_slice(&(2_u32 << 30).to_le_bytes());
    let document = catalogue(&JavaArchive, &[("/bomb.zip", &bytes)]);
    assert_eq!(unknowns(&document), [("/bomb.zip:a.war", "more than 1073741824 bytes in an archive entry")]);
}

#[test]
fn what_all_archives_inflate_to_is_bounded() {
    let bytes = archive(&[entry(MANIFEST, PLAIN)]);
    let file = File { path: "/a.jar", mode: 0, bytes: &bytes };
    let mut out = Extraction::default();
    let mut walk = Walk { file: &file, out: &mut out, inflated: MAX_INFLATED, entries: 0 };
    let place = Place { inner: String::new(), depth: 0, parent: None };
    assert!(walk.archive(&bytes, &place).is_err());
    assert_eq!(
        out.unknowns,
        [(MANIFEST.to_owned(), format!("more than {MAX_INFLATED} bytes in the archives of a file"))]
    );
}
