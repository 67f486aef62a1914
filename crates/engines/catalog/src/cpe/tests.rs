//! Expected names are what Syft 1.57 generates for the same package.

use super::*;
use proptest::prelude::*;
use sbom::{Language, Metadata};
use std::collections::HashSet;

/// A component from `type language name version`, with `KIND RECORD` as its metadata.
fn component(package: [&str; 4], metadata: &str) -> Component {
    let [kind, language, name, version] = package;
    let mut component = Component::new(PackageType::parse(kind), Language::parse(language), name, version);
    component.metadata =
        metadata.split_once(' ').map(|(kind, json)| Metadata { kind: kind.to_owned().into(), json: json.to_owned() });
    component
}

/// `expected`: vendor, product and version, blanks between, in order.
#[track_caller]
fn check(package: [&str; 4], metadata: &str, expected: &[&str]) {
    check_target(package, metadata, "*", expected);
}

#[track_caller]
fn check_target(package: [&str; 4], metadata: &str, target: &str, expected: &[&str]) {
    let names: Vec<String> = generate(&component(package, metadata)).into_iter().map(|cpe| cpe.name).collect();
    let full = |short: &&str| format!("cpe:2.3:a:{}:*:*:*:*:{target}:*:*", short.replace(' ', ":"));
    assert_eq!(names, expected.iter().map(full).collect::<Vec<_>>());
}

#[test]
fn distributions() {
    check(["deb", "", "bash", "5.2.15-2+b2"], "", &[r"bash bash 5.2.15-2\+b2"]);
    check(["deb", "", "dnsmasq", "2.90"], "", &["thekelleys dnsmasq 2.90", "dnsmasq dnsmasq 2.90"]);
    check(
        ["rpm", "", "bash", "0:5.1-1"],
        r#"rpm-db-entry {"vendor":"Red Hat, Inc."}"#,
        &[r"redhat bash 0\:5.1-1", r"bash bash 0\:5.1-1"],
    );
    check(
        ["rpm", "", "zypper", "1"],
        r#"rpm-archive {"vendor":"SUSE LLC <https://www.suse.com/>"}"#,
        &["susellc zypper 1", "zypper zypper 1"],
    );
    check(
        ["apk", "", "musl-utils", "1"],
        r#"apk-db-entry {"package":"musl-utils","url":"https://musl.libc.org/"}"#,
        &[
            "musl-utils musl-utils 1",
            "musl-utils musl_utils 1",
            "musl_utils musl-utils 1",
            "musl_utils musl_utils 1",
            "musl-libc musl-utils 1",
            "musl-libc musl_utils 1",
            "musl musl-utils 1",
            "musl musl_utils 1",
        ],
    );
    let pip = component(
        ["apk", "", "py3.11-pip", "23.0-r0"],
        r#"apk-db-entry {"package":"py3.11-pip","url":"https://github.com/pypa/pip/"}"#,
    );
    let names: Vec<String> = generate(&pip).into_iter().map(|cpe| cpe.name).collect();
    assert_eq!(names.len(), 24);
    assert_eq!(names[0], "cpe:2.3:a:pip-project:py3.11-pip:23.0-r0:*:*:*:*:*:*:*");
    assert_eq!(names[22], "cpe:2.3:a:pypa:pip:23.0-r0:*:*:*:*:*:*:*");
}

#[test]
fn scripting_languages() {
    check(
        ["python", "python", "redis", "5.0"],
        "",
        &[
            "python-redis python-redis 5.0",
            "python-redis python_redis 5.0",
            "python_redis python-redis 5.0",
            "python_redis python_redis 5.0",
            "python python-redis 5.0",
            "python python_redis 5.0",
            "python-redis redis 5.0",
            "python_redis redis 5.0",
            "python redis 5.0",
        ],
    );
    check(
        ["python", "python", "pythonx", "1"],
        r#"python-package {"author":"The X Project","authorEmail":"me@x.org"}"#,
        &["me_project pythonx 1", "meproject pythonx 1", "x_project pythonx 1", "pythonx pythonx 1", "me pythonx 1"],
    );
    check(
        ["npm", "javascript", "lodash.get", "4.4.2"],
        r#"javascript-npm-package {"homepage":"https://lodash.com/","url":"https://github.com/lodash/lodash/x"}"#,
        &["lodash.get lodash.get 4.4.2", "lodash lodash.get 4.4.2"],
    );
    check(["npm", "javascript", "@babel/core", "7.0.0"], "", &[r"\@babel\/core \@babel\/core 7.0.0"]);
    check(
        ["npm", "javascript", "next", "13.0.0"],
        "",
        &[
            "next.js next.js 13.0.0",
            "vercel next.js 13.0.0",
            "next.js next 13.0.0",
            "next next.js 13.0.0",
            "vercel next 13.0.0",
            "next next 13.0.0",
        ],
    );
    check(
        ["gem", "ruby", "rack", "2.2.3"],
        r#"ruby-gemspec {"authors":["Leah Neukirchen"],"homepage":"https://github.com/rack/rack/"}"#,
        &[
            "leah-neukirchen rack 2.2.3",
            "leah_neukirchen rack 2.2.3",
            "ruby-lang rack 2.2.3",
            "ruby_lang rack 2.2.3",
            "rack rack 2.2.3",
            "ruby rack 2.2.3",
        ],
    );
    check_target(["cpan", "perl", "Mojolicious", "9.0"], "", "perl", &["Mojolicious Mojolicious 9.0"]);
    check_target(
        ["wordpress-plugin", "php", "Akismet Anti-spam", "5.0"],
        r#"wordpress-plugin-entry {"pluginInstallDirectory":"akismet","author":"Automattic","authorUri":"https://automattic.com/"}"#,
        "wordpress",
        &[
            "automattic akismet-anti-spam 5.0",
            "automattic akismet_anti-spam 5.0",
            "automattic akismet_anti_spam 5.0",
            "automattic akismet 5.0",
        ],
    );
}

#[test]
fn java_archives() {
    check(
        ["java-archive", "java", "log4j-core", "2.14.1"],
        r#"java-archive {"virtualPath":"/x","manifest":{"main":[{"key":"Bundle-SymbolicName","value":"org.apache.logging.log4j.core"}]},"pomProperties":{"path":"","name":"","groupId":"org.apache.logging.log4j","artifactId":"log4j-core","version":"2.14.1"}}"#,
        &["apache log4j-core 2.14.1", "apache log4j_core 2.14.1", "apache log4j 2.14.1", "apache core 2.14.1"],
    );
    check(
        ["java-archive", "java", "acme", "1"],
        r#"java-archive {"manifest":{"main":[{"key":"Specification-Vendor","value":"Foo Inc"}],"sections":[[{"key":"Main-Class","value":"com.acme.client"}]]}}"#,
        &["com.acme.client acme 1", "foo-inc acme 1", "foo_inc acme 1", "client acme 1", "acme acme 1"],
    );
    check(
        ["java-archive", "java", "tomcat-embed-el", "9.0"],
        r#"java-archive {"pomProperties":{"groupId":"org.apache.tomcat.embed","artifactId":"tomcat-embed-el"}}"#,
        &["apache tomcat-embed-el 9.0", "apache tomcat_embed_el 9.0"],
    );
    check(
        ["java-archive", "java", "groovy", "4.0.10"],
        r#"java-archive {"virtualPath":""}"#,
        &["apache groovy 4.0.10"],
    );
    check(
        ["jenkins-plugin", "java", "git", "5.0"],
        r#"java-archive {"pomProperties":{"groupId":"org.jenkins-ci.plugins","artifactId":"git"}}"#,
        &[
            "org.jenkins-ci.plugins git 5.0",
            "jenkins-ci git 5.0",
            "jenkins_ci git 5.0",
            "jenkins git 5.0",
            "git git 5.0",
        ],
    );
}

#[test]
fn compiled_languages() {
    check(
        ["go-module", "go", "github.com/docker/cli", "v24.0.0+incompatible"],
        "",
        &[r"docker cli v24.0.0\+incompatible"],
    );
    check(["go-module", "go", "golang.org/x/net", "v0.1.0"], "", &[r"golang x\/net v0.1.0"]);
    check(["go-module", "go", "gopkg.in/yaml.v3", "v3.0.1"], "", &[]);
    check_target(["rust-crate", "rust", "redis", "0.23"], "", "rust", &["redis_project redis 0.23"]);
    check(
        ["dotnet", "dotnet", "Newtonsoft.Json", "13.0.1"],
        r#"dotnet-deps-entry {"name":"Newtonsoft.Json","executables":{"a.dll":{"companyName":"Newtonsoft","productName":"Json.NET"}}}"#,
        &[
            "newtonsoft_json newtonsoft_json_.net 13.0.1",
            "newtonsoft newtonsoft_json_.net 13.0.1",
            "newtonsoft_json newtonsoft_json 13.0.1",
            "newtonsoft_json json_net_.net 13.0.1",
            "newtonsoft newtonsoft_json 13.0.1",
            "newtonsoft json_net_.net 13.0.1",
            "newtonsoft_json json_net 13.0.1",
            "newtonsoft json_net 13.0.1",
        ],
    );
    check(["binary", "", "Qt5", "5.15"], "", &["Qt5 Qt5 5.15", "Qt5 Qt 5.15", "Qt Qt5 5.15", "Qt Qt 5.15"]);
    check(["binary", "", "httpd", "2.4"], "", &["apache http_server 2.4", "apache httpd 2.4"]);
    check(
        ["binary", "", "gswin", "9"],
        r#"pe-binary {"VersionResources":[{"key":"ProductName","value":"GPL Ghostscript"}]}"#,
        &[
            "ghostscript ghostscript 9",
            "artifex ghostscript 9",
            "ghostscript gswin 9",
            "gswin ghostscript 9",
            "artifex gswin 9",
            "gswin gswin 9",
        ],
    );
    check_target(
        ["terraform", "", "registry.terraform.io/hashicorp/vault", "3.0"],
        "terraform-lock-provider-entry {}",
        "vault",
        &["hashicorp terraform_provider 3.0"],
    );
}

#[test]
fn what_is_left_out() {
    check(["model", "", "m", "1"], "", &[]);
    check(["deb", "", &"x".repeat(MAX_FIELD_BYTES + 1), "1"], "", &[]);
    check(["deb", "", "a\\b", "1"], "", &[]);
    check(["deb", "", "x", "1\u{e9}"], "", &[]);
    check(["npm", "javascript", "x", ""], "", &["x x *"]);
    check(["npm", "javascript", "x", "1.*"], "", &["x x 1.*"]);
    check(["npm", "javascript", "jira", "1"], "", &["jira jira 1"]);
    check(["npm", "javascript", "x", "1"], "javascript-npm-package not json", &["x x 1"]);
}

#[test]
fn is_bounded() {
    let parts: Vec<String> = (0..500).map(|part| format!("part{part}")).collect();
    let record =
        format!(r#"java-archive {{"pomProperties":{{"groupId":"org.{}","artifactId":"a-b"}}}}"#, parts.join("."));
    let names = generate(&component(["java-archive", "java", "a-b", "1"], &record));
    assert_eq!(names.len(), 64 * 2);
}

proptest! {
    #[test]
    fn names_are_valid_and_unique(
        kind in prop::sample::select(PackageType::ALL),
        language in prop::sample::select(Language::ALL),
        name in "[a-z0-9@/._-]{0,20}|.{0,20}",
        version in "[0-9.:+~-]{0,10}|.{0,10}",
        author in "[A-Za-z0-9@/. -]{0,20}|.{0,20}",
        metadata in prop::sample::select(&["python-package", "ruby-gemspec", "rpm-db-entry", "java-archive", "apk-db-entry"][..]),
    ) {
        let json = serde_json::json!({
            "author": author, "authorEmail": author, "authors": [author], "vendor": author, "package": author, "url": author,
            "pomProperties": {"groupId": author, "artifactId": name},
        });
        let package = [kind.as_str(), language.as_str(), name.as_str(), version.as_str()];
        let names = generate(&component(package, &format!("{metadata} {json}")));
        for cpe in &names {
            prop_assert!(cpe.name.parse::<purl::cpe::Cpe>().is_ok(), "{}", cpe.name);
        }
        let unique: HashSet<_> = names.iter().map(|cpe| &cpe.name).collect();
        prop_assert_eq!(unique.len(), names.len());
    }
}
