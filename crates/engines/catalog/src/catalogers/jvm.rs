//! Java virtual machines, known by the `release` file of their folder (Syft 1.57,
//! `syft/pkg/cataloger/java/parse_jvm_release.go`).

use super::binary_classifier::signature;
use crate::{Assembly, Cataloger, Extraction, File, Found, ParseError, View, Want};
use purl::PackageUrl;
use sbom::{Component, Cpe, CpeSource, FileKind, Language, Location, PackageType};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Finds installed JDKs and JREs.
pub(super) struct Jvm;

/// The peer reads no more of a file.
const MAX_BYTES: usize = 500 << 10;

/// Keys of a `release` file and their names in Syft's schema, in its order.
const FIELDS: [(&str, &str); 21] = [
    ("IMPLEMENTOR", "implementor"),
    ("IMPLEMENTOR_VERSION", "implementorVersion"),
    ("JAVA_RUNTIME_VERSION", "javaRuntimeVersion"),
    ("JAVA_VERSION", "javaVersion"),
    ("JAVA_VERSION_DATE", "javaVersionDate"),
    ("LIBC", "libc"),
    ("MODULES", "modules"),
    ("OS_ARCH", "osArch"),
    ("OS_NAME", "osName"),
    ("OS_VERSION", "osVersion"),
    ("SOURCE", "source"),
    ("BUILD_SOURCE", "buildSource"),
    ("BUILD_SOURCE_REPO", "buildSourceRepo"),
    ("SOURCE_REPO", "sourceRepo"),
    ("FULL_VERSION", "fullVersion"),
    ("SEMANTIC_VERSION", "semanticVersion"),
    ("BUILD_INFO", "buildInfo"),
    ("JVM_VARIANT", "jvmVariant"),
    ("JVM_VERSION", "jvmVersion"),
    ("IMAGE_TYPE", "imageType"),
    ("BUILD_TYPE", "buildType"),
];

/// What a `release` file says, by its keys.
struct Release<'a>(BTreeMap<&'a str, &'a str>);

/// `java-jvm-installation`, fields in the order of Syft's schema.
#[derive(Serialize)]
struct Installation<'a> {
    release: Release<'a>,
    files: &'a [String],
}

impl Cataloger for Jvm {
    fn name(&self) -> &'static str {
        "java-jvm-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "installed", "java", "jvm", "jdk", "jre"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/release")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let start = file.bytes.get(..MAX_BYTES).unwrap_or(file.bytes);
        let text = String::from_utf8_lossy(start);
        let release = Release::parse(&text);
        // Much else is called `release`.
        if release.0.contains_key("JAVA_VERSION") || release.0.contains_key("JAVA_RUNTIME_VERSION") {
            out.kept = text.into_owned().into_bytes();
        }
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        for found in view.extractions() {
            let Ok(text) = std::str::from_utf8(&found.body.kept) else { continue };
            match component(Release::parse(text), &found, files(view, &found)) {
                Ok(component) => drop(out.add(component)),
                Err(error) => out.unknown(&found, error.to_string()),
            }
        }
    }
}

impl<'a> Release<'a> {
    fn parse(text: &'a str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        Self(lines.map(|(key, value)| (key, value.trim_matches('"'))).collect())
    }

    fn get(&self, key: &str) -> &'a str {
        self.0.get(key).copied().unwrap_or_default()
    }

    /// The most exact of the versions that the file has.
    fn version(&self) -> &'a str {
        let [runtime, full, java] = ["JAVA_RUNTIME_VERSION", "FULL_VERSION", "JAVA_VERSION"].map(|key| self.get(key));
        let major = |version: &'a str| version.split('.').next();
        match (runtime, full) {
            ("", "") => java,
            ("", full) if major(full) == major(java) => full,
            ("", _) => java,
            (runtime, _) => runtime,
        }
    }

    /// Vendor and product, guessed from the implementor and the path.
    fn maker(&self, path: &str, has_compiler: bool) -> (&'static str, &'static str) {
        let implementor = self.get("IMPLEMENTOR").to_lowercase().replace(' ', "");
        let product = if has_compiler || self.is_jdk() { "jdk" } else { "jre" };
        if implementor.contains("azul") || path.contains("zulu") {
            ("azul", "zulu")
        } else if implementor.contains("sun") {
            ("sun", product)
        } else if implementor.contains("ibm") || path.contains("/ibm") {
            ("ibm", if has_compiler { "java_sdk" } else { "java" })
        } else if implementor.contains("oracle")
            || path.contains("oracle")
            || self.get("BUILD_TYPE").contains("commercial")
        {
            ("oracle", product)
        } else {
            ("oracle", "openjdk")
        }
    }

    fn is_jdk(&self) -> bool {
        !self.get("IMAGE_TYPE").to_lowercase().contains("jre")
    }
}

impl Serialize for Release<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(FIELDS.iter().filter_map(|(key, name)| {
            let value = Some(self.get(key)).filter(|value| !value.is_empty())?;
            let list = |value: &str| value.split(' ').map(Value::from).collect();
            Some((name, if *key == "MODULES" { Value::Array(list(value)) } else { Value::from(value) }))
        }))
    }
}

/// The files below the folder of `found`, links followed, sorted.
fn files(view: &View<'_>, found: &Found<'_>) -> Vec<String> {
    let folder = found.file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let entries = view.under(found, folder);
    let real = entries.iter().filter_map(|(entry, _)| match entry.kind {
        FileKind::Directory => None,
        FileKind::Symlink => view.file(found, &entry.path).map(|(target, _)| target),
        _ => Some(*entry),
    });
    let files = real.filter(|file| file.kind != FileKind::Directory);
    files.map(|file| file.path.clone()).collect::<BTreeSet<String>>().into_iter().collect()
}

fn component(release: Release<'_>, found: &Found<'_>, files: Vec<String>) -> Result<Component, ParseError> {
    let has_compiler = files.iter().any(|file| file.ends_with("bin/javac"));
    let (vendor, product) = release.maker(&found.file.path, has_compiler);
    let version = release.version().to_owned();
    let mut component = Component::new(PackageType::Binary, Language::Unknown, product, &version);
    let repository = Some(release.get("SOURCE_REPO")).filter(|address| !address.is_empty());
    let repository = repository.unwrap_or_else(|| release.get("BUILD_SOURCE_REPO"));
    let purl = PackageUrl::new("generic", product).namespace(vendor).version(&version);
    component.purl = purl.qualifier("repository_url", repository).to_string();
    component.cpes = cpes(vendor, product, &version, has_compiler || release.is_jdk());
    component.locations.push(Location { primary: false, unannotated: true, ..found.location() });
    component.set_metadata("java-jvm-installation", &Installation { release, files: &files })?;
    component.owned_files = files;
    Ok(component)
}

fn cpes(vendor: &str, product: &str, version: &str, is_jdk: bool) -> Vec<Cpe> {
    let runtimes = if is_jdk { vec![(vendor, "jre"), (vendor, "jdk")] } else { vec![(vendor, "jre")] };
    let names = match (vendor, product) {
        ("azul", _) => vec![("azul", "zulu"), ("oracle", "openjdk")],
        ("sun", _) => runtimes,
        ("oracle", "jdk" | "jre") => [vec![("oracle", "java_se")], runtimes].concat(),
        _ => vec![(vendor, product)],
    };
    let (version, update) = version_and_update(version);
    if version.is_empty() {
        return Vec::new();
    }
    let names = names.iter().filter_map(|(vendor, product)| signature::cpe(vendor, product, version, &update));
    names.map(|name| Cpe { name, source: CpeSource::Declared }).collect()
}

/// `1.8.0_302-b08` is `1.8.0` with `update302`; `9.0.1+20` is `9.0.1` (JEP 223).
fn version_and_update(version: &str) -> (&str, String) {
    let mut parts = version.split('_');
    if let (Some(short), Some(update), None) = (parts.next(), parts.next(), parts.next()) {
        let update = update.split('-').next().unwrap_or_default();
        let number = if update == "0" { update } else { update.trim_start_matches('0') };
        return match update {
            "" => (short, String::new()),
            update if update.to_lowercase().contains("update") => (short, update.to_owned()),
            _ => (short, format!("update{number}")),
        };
    }
    let short = if version.contains('_') { version } else { version.split('+').next().unwrap_or_default() };
    (short, String::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogers::testing::{catalogue, record};

    fn check(path: &str, release: &str, others: &[&str], purl: &str, cpes: &[&str]) {
        let mut files = vec![(path, release.as_bytes())];
        files.extend(others.iter().map(|path| (*path, &b""[..])));
        let document = catalogue(&Jvm, &files);
        let component = document.components.first().unwrap();
        assert_eq!(component.purl, format!("pkg:generic/{purl}"));
        let names: Vec<&str> = component.cpes.iter().map(|cpe| cpe.name.as_str()).collect();
        let cpes: Vec<String> = cpes.iter().map(|cpe| format!("cpe:2.3:a:{cpe}:*:*:*:*:*:*")).collect();
        assert_eq!(names, cpes);
    }

    #[test]
    fn vendors() {
        check(
            "/opt/java/release",
            "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_RUNTIME_VERSION=\"21.0.4+7-LTS\"\nSOURCE_REPO=\"https://e.org/j\"\n",
            &["/opt/java/bin/javac"],
            "oracle/openjdk@21.0.4%2B7-LTS?repository_url=https%3A%2F%2Fe.org%2Fj",
            &["oracle:openjdk:21.0.4:*"],
        );
        check(
            "/opt/zulu8/release",
            "JAVA_VERSION=\"1.8.0_302\"\nFULL_VERSION=\"1.8.0_302-b08\"\n",
            &[],
            "azul/zulu@1.8.0_302-b08",
            &["azul:zulu:1.8.0:update302", "oracle:openjdk:1.8.0:update302"],
        );
        check(
            "/opt/jdk/release",
            "IMPLEMENTOR=\"Oracle Corporation\"\nJAVA_VERSION=\"22.0.2\"\nFULL_VERSION=\"21.0.1\"\n",
            &[],
            "oracle/jdk@22.0.2",
            &["oracle:java_se:22.0.2:*", "oracle:jre:22.0.2:*", "oracle:jdk:22.0.2:*"],
        );
        check(
            "/opt/ibm/jre/release",
            "JAVA_VERSION=\"1.8.0\"\nIMAGE_TYPE=\"JRE\"\n",
            &[],
            "ibm/java@1.8.0",
            &["ibm:java:1.8.0:*"],
        );
    }

    #[test]
    fn record_of_an_installation() {
        let release = "JAVA_VERSION=\"17\"\nMODULES=\"java.base java.xml\"\nOTHER=\"x\"\nbroken\n";
        let files: [(&str, &[u8]); 3] =
            [("/jdk/release", release.as_bytes()), ("/jdk/bin/java", b""), ("/jdk.txt", b"")];
        let expected = concat!(
            r#"{"release":{"javaVersion":"17","modules":["java.base","java.xml"]},"#,
            r#""files":["/jdk/bin/java","/jdk/release"]}"#
        );
        assert_eq!(record(&catalogue(&Jvm, &files), "openjdk"), expected);
    }

    #[test]
    fn other_files() {
        for text in ["", "VERSION=1", "JAVA_VERSION", "\u{0}"] {
            assert!(catalogue(&Jvm, &[("/etc/release", text.as_bytes())]).components.is_empty(), "{text:?}");
        }
    }
}
