use super::BinaryClassifier;
use crate::catalogers::testing::{catalogue, purls, record};
use crate::{AssembleOptions, Budget, LayerOptions, LayerScanner, Plan, assemble};
use sbom::{Document, FileFact, FileKind, Source};

fn check(path: &str, content: &[u8], expected: &[&str]) {
    assert_eq!(purls(&catalogue(&BinaryClassifier, &[(path, content)])), expected, "{path}");
}

#[test]
fn one_file_each() {
    check("/usr/bin/node", b"\0node.js/v22.9.0\0", &["pkg:generic/node@22.9.0"]);
    check("/usr/bin/node", b"\0node v0.10.48\0", &["pkg:generic/node@0.10.48"]);
    check("/usr/bin/node", b"\0node.js/v22\0", &[]);
    check("/usr/bin/python3.11", b"\x003.11.2\0 3.12.1\0", &["pkg:generic/python@3.11.2"]);
    check("/usr/bin/python3", b"\x003.11.2\0", &[]);
    check("/usr/local/go/bin/go", b"go1.22.5\0", &["pkg:generic/go@1.22.5"]);
    check("/bin/busybox", b"BusyBox v1.36.1 (", &["pkg:generic/busybox@1.36.1"]);
    check("/usr/bin/redis-server", b" 7.0.14buildkitsandbox-1702957741000000000", &["pkg:generic/redis@7.0.14"]);
    check("/usr/bin/redis-server", b" 4.0.11841ce7054bd9-1542359302000000000", &["pkg:generic/redis@4.0.11"]);
    check("/usr/bin/valkey-server", b"valkey9.0.0buildkitsandbox-17648", &["pkg:generic/valkey@9.0.0"]);
    check("/usr/sbin/nginx", b"\0nginx version: openresty/1.21.4.1\0", &["pkg:generic/nginx@1.21.4"]);
    check("/usr/bin/openssl", b"\0OpenSSL 1.1.1w  11 Sep", &["pkg:generic/openssl@1.1.1w"]);
    check("/usr/bin/openssl", b"\0OpenSSL 1.1.1 (compatible; AWS-LC 1.69.0)\0", &["pkg:generic/aws-lc@1.69.0"]);
    check("/usr/local/bin/perl", b"/usr/local/lib/perl5/5.38.2", &["pkg:cpan/perl@5.38.2"]);
    check("/bin/bash", b"@(#)Bash version 5.2.15(1) release GNU", &["pkg:generic/bash@5.2.15"]);
    check("/usr/sbin/haproxy", b"version 2.9.6-9eafce5, released 2024", &["pkg:generic/haproxy@2.9.6"]);
    check("/usr/local/apache2/bin/httpd", b"Apache/2.4.58", &["pkg:generic/httpd@2.4.58"]);
    check("/usr/bin/memcached", b"memcached 1.6.23", &["pkg:generic/memcached@1.6.23"]);
    check("/usr/bin/mariadb", b"\x0010.11.6-MariaDB\0", &["pkg:generic/mariadb@10.11.6"]);
    check("/usr/bin/mysql", b"\08.0.37\0\0\0mysql_real_esc", &["pkg:generic/mysql@8.0.37"]);
    check("/usr/lib/postgresql/15/bin/postgres", b"\0PostgreSQL 15beta4", &["pkg:generic/postgresql@15beta4"]);
    check("/traefik", b"\0v1.7.34\0", &["pkg:generic/traefik@1.7.34"]);
    check("/bin/consul", b"\0\0v1.7.14\0\0", &["pkg:golang/github.com/hashicorp/consul@1.7.14"]);
    check("/bin/vault", b"revoke1.18.0", &["pkg:golang/github.com/hashicorp/vault@1.18.0"]);
    check("/bin/helm", b"\0v3.15.2\0\0\0", &["pkg:golang/helm.sh/helm@3.15.2"]);
    check("/usr/bin/gzip", b"\x001.12\0%s: %s: not in gzip format\0", &["pkg:generic/gzip@1.12"]);
    check("/usr/bin/gzip", b"\x001.12\0", &[]);
    check("/usr/bin/composer.phar", b"'pretty_version' => '2.7.1'", &["pkg:generic/composer@2.7.1"]);
    check("/opt/elixir/ebin/elixir.app", b"{vsn,\"1.16.0-rc.1\"}", &["pkg:generic/elixir@1.16.0-rc.1"]);
    check("/usr/lib/libkrb5.so.3.3", b"\0KRB5_BRAND: krb5-1.20.1-final 1.20.1 2022", &["pkg:generic/krb5@1.20.1"]);
    check("/fluent-bit/bin/fluent-bit", b"\x003.0.2\0%sFluent Bit", &["pkg:github/fluent/fluent-bit@3.0.2"]);
    check("/usr/bin/cabal", b"\0/opt/cabal-install-1.22.6.0-AfxbH\0", &["pkg:generic/haskell/cabal@1.22.6.0"]);
}

#[test]
fn java_by_vendor() {
    let java = |path: &str, content: &[u8]| {
        let document = catalogue(&BinaryClassifier, &[(path, content)]);
        let component = document.components.first().unwrap();
        (component.purl.clone(), component.cpes.first().unwrap().name.clone())
    };
    let check = |path: &str, content: &[u8], purl: &str, cpe: &str| {
        assert_eq!(java(path, content), (format!("pkg:generic/{purl}"), format!("cpe:2.3:a:{cpe}:*:*:*:*:*:*")));
    };
    let modern = b"\0openjdk\0java\x000.0\x0011.0.17+8-LTS\0";
    check("/opt/jdk/bin/java", modern, "oracle/openjdk@11.0.17%2B8-LTS", "oracle:openjdk:11.0.17\\+8-LTS:*");
    check("/opt/zulu11/bin/java", modern, "azul/zulu@11.0.17%2B8-LTS", "azul:zulu:11.0.17\\+8-LTS:*");
    let legacy = b"\0openjdk\0java\x001.8\x001.8.0_352-b08\0";
    check("/opt/jdk/bin/java", legacy, "oracle/openjdk@1.8.0_352-b08", "oracle:openjdk:1.8.0:update352");
    let ibm = b"\0java\x001.8\0\0\x001.8.0-foreman_2022-b00\0";
    check("/opt/ibm/java/bin/java", ibm, "ibm/java@1.8.0-foreman_2022-b00", "ibm:java:1.8.0-foreman_2022-b00:*");
    check(
        "/usr/bin/java",
        b"\0java\x001.8\x001.8.0_451-b10\0",
        "oracle/jre@1.8.0_451-b10",
        "oracle:jre:1.8.0_451-b10:*",
    );
}

/// An x86-64 ELF library or program that imports `library`, with `content` behind it.
fn importing(library: &str, content: &[u8]) -> Vec<u8> {
    let names = format!("\0{library}\0");
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let number = |value: u64, bytes: usize| value.to_le_bytes().get(..bytes).unwrap().to_vec();
    let header =
        [(3, 2), (62, 2), (1, 4), (0, 8), (0, 8), (64, 8), (0, 4), (64, 2), (0, 2), (0, 2), (64, 2), (3, 2), (2, 2)];
    file.extend(header.iter().flat_map(|(value, bytes)| number(*value, *bytes)));
    let data = 64 + 3 * 64;
    let size = names.len() as u64;
    // Kind, offset, size and link of: nothing, the dynamic section, its names.
    for (kind, offset, size, link) in [(0, 0, 0, 0), (6, data + size, 32, 2), (3, data, size, 0)] {
        let section = [(0, 4), (kind, 4), (0, 8), (0, 8), (offset, 8), (size, 8), (link, 4), (0, 4), (1, 8), (0, 8)];
        file.extend(section.iter().flat_map(|(value, bytes)| number(*value, *bytes)));
    }
    file.extend(names.as_bytes());
    file.extend([1, 1, 0, 0].iter().flat_map(|value| number(*value, 8)));
    file.extend(content);
    file
}

#[test]
fn version_from_a_library() {
    let program = importing("libpython3.11.so.1.0", b"");
    let files: [(&str, &[u8]); 2] =
        [("/usr/bin/python3.11", &program), ("/usr/lib/libpython3.11.so.1.0", b"\x003.11.2\0")];
    let document = catalogue(&BinaryClassifier, &files);
    assert_eq!(purls(&document), ["pkg:generic/python@3.11.2"]);
    let locations = &document.components.first().unwrap().locations;
    let locations: Vec<(&str, bool)> = locations.iter().map(|place| (place.path.as_str(), place.primary)).collect();
    assert_eq!(locations, [("/usr/bin/python3.11", true), ("/usr/lib/libpython3.11.so.1.0", false)]);
    let location = |path: &str, evidence: &str| {
        format!(r#"{{"path":"{path}","accessPath":"{path}","annotations":{{"evidence":"{evidence}"}}}}"#)
    };
    let expected = format!(
        r#"{{"matches":[{{"classifier":"python-binary","location":{}}},{{"classifier":"python-binary","location":{}}}]}}"#,
        location("/usr/bin/python3.11", "primary"),
        location("/usr/lib/libpython3.11.so.1.0", "supporting"),
    );
    assert_eq!(record(&document, "python"), expected);
}

#[test]
fn version_from_a_neighbour() {
    let files: [(&str, &[u8]); 2] = [("/usr/local/go/bin/go", b"stripped"), ("/usr/local/go/VERSION", b"go1.22.5\n")];
    let document = catalogue(&BinaryClassifier, &files);
    assert_eq!(purls(&document), ["pkg:generic/go@1.22.5"]);
    assert_eq!(document.components.first().unwrap().locations.len(), 2);
}

/// What is found in one file and a symbolic link to it.
fn linked(link: &str, target: &str, content: &[u8]) -> Document {
    let plan = Plan::new(vec![&BinaryClassifier]);
    let budget = Budget::new(1 << 20);
    let mut scanner = LayerScanner::new(&plan, LayerOptions::new(&budget));
    assert!(scanner.wants(target, content));
    scanner.file(FileFact { path: target.to_owned(), ..FileFact::default() }, content).unwrap();
    let (path, link_target) = (link.to_owned(), target.to_owned());
    scanner.entry(FileFact { path, link_target, kind: FileKind::Symlink, ..FileFact::default() }).unwrap();
    assemble(Source::default(), &[scanner.finish()], &plan, AssembleOptions::default())
}

#[test]
fn through_links() {
    let document = linked("/usr/bin/ruby", "/usr/bin/ruby3.1", b"ruby 3.1.2p20 (2022-04-12)");
    assert_eq!(purls(&document), ["pkg:generic/ruby@3.1.2p20"]);
    let location = document.components.first().unwrap().locations.first().unwrap();
    assert_eq!((location.path.as_str(), location.access_path.as_str()), ("/usr/bin/ruby3.1", "/usr/bin/ruby"));
    assert!(purls(&linked("/usr/bin/rb", "/usr/bin/ruby3.1", b"ruby 3.1.2p20 (2022-04-12)")).is_empty());
    // The link's name says redis, the file's path says it is not.
    let document = linked("/usr/bin/redis-server", "/usr/bin/valkey-server", b"valkey9.0.0buildkitsandbox-17648");
    assert_eq!(purls(&document), ["pkg:generic/valkey@9.0.0"]);
}
