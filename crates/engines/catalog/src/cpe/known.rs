//! Packages whose CPEs are known, or known to be wrong. From Syft 1.57 (`cpegenerate/candidate_by_package_type.go`).

use sbom::PackageType::{self, Apk, Binary, Conan, Deb, Gem, JavaArchive, Npm, PhpPear, Python, Rust};

/// Products and vendors.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    pub(super) products: &'static [&'static str],
    pub(super) vendors: &'static [&'static str],
}

/// Type and name of a package, products, vendors.
type Row = (PackageType, &'static str, &'static [&'static str], &'static [&'static str]);

/// What the package is also known by.
pub(super) fn added(kind: PackageType, name: &str) -> Known {
    find(&ADDED, kind, name)
}

/// What the package must not be taken for.
pub(super) fn removed(kind: PackageType, name: &str) -> Known {
    find(&REMOVED, kind, name)
}

fn find(rows: &[Row], kind: PackageType, name: &str) -> Known {
    let row = rows.iter().find(|row| row.0 == kind && row.1 == name);
    row.map(|&(_, _, products, vendors)| Known { products, vendors }).unwrap_or_default()
}

const ADDED: [Row; 95] = [
    (Apk, "alsa", &[], &["alsa-project"]),
    (Apk, "alsa-lib", &[], &["alsa-project"]),
    (Apk, "apache", &["http_server"], &[]),
    (Apk, "bash", &[], &["gnu"]),
    (Apk, "bazel", &[], &["google"]),
    (Apk, "bind", &[], &["isc"]),
    (Apk, "chromium", &["chrome"], &["google"]),
    (Apk, "clang", &[], &["llvm"]),
    (Apk, "curl", &[], &["haxx"]),
    (Apk, "dnsmasq", &[], &["thekelleys"]),
    (Apk, "firefox", &[], &["mozilla"]),
    (Apk, "firefox-esr", &[], &["mozilla"]),
    (Apk, "ghostscript", &[], &["artifex"]),
    (Apk, "git", &[], &["git-scm"]),
    (Apk, "glib", &[], &["gnome"]),
    (Apk, "glibc", &[], &["gnu"]),
    (Apk, "go", &[], &["golang"]),
    (Apk, "libavif", &[], &["aomedia"]),
    (Apk, "libxpm", &[], &["libxpm_project"]),
    (Apk, "make", &[], &["gnu"]),
    (Apk, "musl", &[], &["musl-libc"]),
    (Apk, "nodejs", &["node.js"], &[]),
    (Apk, "nodejs-current", &["node.js"], &[]),
    (Apk, "openjdk", &[], &["oracle"]),
    (Apk, "openjpeg", &[], &["uclouvain"]),
    (Apk, "podofo", &[], &["podofo_project"]),
    (Apk, "python", &[], &["python_software_foundation"]),
    (Apk, "python3", &["python"], &["python", "python_software_foundation"]),
    (Apk, "ruby", &[], &["ruby-lang"]),
    (Apk, "thunderbird", &[], &["mozilla"]),
    (Apk, "tiff", &["libtiff"], &[]),
    (Apk, "wpa_supplicant", &[], &["w1.fi"]),
    (Apk, "xorg-server", &["x_server"], &["x.org"]),
    (Binary, "bash", &[], &["gnu"]),
    (Binary, "composer", &[], &["getcomposer"]),
    (Binary, "consule", &[], &["hashicorp"]),
    (Binary, "curl", &[], &["haxx"]),
    (Binary, "erlang", &["erlang/otp"], &[]),
    (Binary, "fluent-bit", &["fluent_bit"], &["treasuredata"]),
    (Binary, "gcc", &[], &["gnu"]),
    (Binary, "go", &[], &["golang"]),
    (Binary, "httpd", &["http_server"], &["apache"]),
    (Binary, "julia", &[], &["julialang"]),
    (Binary, "libphp", &["php"], &["php"]),
    (Binary, "mysql", &[], &["oracle"]),
    (Binary, "nginx", &[], &["f5"]),
    (Binary, "node", &["nodejs", "node.js"], &[]),
    (Binary, "percona-server", &["percona_server", "mysql"], &["oracle", "percona"]),
    (Binary, "percona-xtrabackup", &["xtrabackup"], &["percona"]),
    (Binary, "percona-xtradb-cluster", &["percona_server", "mysql", "xtradb_cluster"], &["oracle", "percona"]),
    (Binary, "php-cli", &["php"], &["php"]),
    (Binary, "php-fpm", &["php"], &["php"]),
    (Binary, "python", &[], &["python_software_foundation"]),
    (Binary, "redis", &[], &["redislabs"]),
    (Binary, "ruby", &[], &["ruby-lang"]),
    (Binary, "rust", &[], &["rust-lang"]),
    (Binary, "swipl", &["erlang/otp"], &["erlang"]),
    (Binary, "util-linux", &[], &["kernel"]),
    (Conan, "expat", &["libexpat"], &["libexpat_project"]),
    (Conan, "libxml2", &[], &["xmlsoft"]),
    (Conan, "poco", &[], &["pocoproject"]),
    (Deb, "dnsmasq", &[], &["thekelleys"]),
    (Gem, "Arabic-Prawn", &["arabic_prawn"], &[]),
    (Gem, "RedCloth", &["redcloth_library"], &[]),
    (Gem, "VladTheEnterprising", &["vladtheenterprising"], &[]),
    (Gem, "bio-basespace-sdk", &["basespace_ruby_sdk"], &[]),
    (Gem, "cgi", &[], &["ruby-lang"]),
    (Gem, "cremefraiche", &["creme_fraiche"], &[]),
    (Gem, "date", &[], &["ruby-lang"]),
    (Gem, "html-sanitizer", &["html_sanitizer"], &[]),
    (Gem, "openssl", &[], &["ruby-lang"]),
    (Gem, "rake", &[], &["ruby-lang"]),
    (Gem, "rdoc", &[], &["ruby-lang"]),
    (Gem, "rexml", &[], &["ruby-lang"]),
    (Gem, "sentry-raven", &["raven-ruby"], &[]),
    (Gem, "trunk", &[], &["ruby-lang"]),
    (Gem, "webrick", &[], &["ruby-lang"]),
    (Gem, "yajl-ruby", &["yajl-ruby_gem"], &[]),
    (JavaArchive, "apache-cassandra", &["cassandra"], &[]),
    (JavaArchive, "elasticsearch", &[], &["elastic"]),
    (JavaArchive, "handlebars", &[], &["handlebarsjs"]),
    (JavaArchive, "log4j", &[], &["apache"]),
    (
        JavaArchive,
        "spring-core",
        &["spring_framework", "springsource_spring_framework"],
        &["pivotal_software", "springsource", "vmware"],
    ),
    (JavaArchive, "spring-security-core", &["spring_security"], &["vmware"]),
    (
        JavaArchive,
        "springframework",
        &["spring_framework", "springsource_spring_framework"],
        &["pivotal_software", "springsource", "vmware"],
    ),
    (Npm, "handlebars.js", &["handlebars"], &[]),
    (Npm, "hapi", &["hapi_server_framework"], &[]),
    (Npm, "is-my-json-valid", &["is_my_json_valid"], &[]),
    (Npm, "mustache", &["mustache.js"], &[]),
    (Npm, "next", &["next.js"], &["vercel"]),
    (Npm, "redis", &[], &["redis.js"]),
    (Python, "Django", &[], &["djangoproject"]),
    (Python, "cryptography", &["python-cryptography"], &["python-cryptography_project"]),
    (Python, "pip", &[], &["pypa"]),
    (Python, "python-rrdtool", &["rrdtool"], &[]),
];

const REMOVED: [Row; 30] = [
    (Gem, "grpc", &["grpc"], &[]),
    (Gem, "redis", &["redis"], &[]),
    (JavaArchive, "gradle-enterprise", &["gradle-enterprise"], &["gradle"]),
    (JavaArchive, "maven-builder-support", &["maven"], &[]),
    (JavaArchive, "maven-model", &["maven"], &[]),
    (JavaArchive, "maven-repository-metadata", &["maven"], &[]),
    (JavaArchive, "maven-resolver-api", &["maven"], &[]),
    (JavaArchive, "maven-resolver-connector-basic", &["maven"], &[]),
    (JavaArchive, "maven-resolver-impl", &["maven"], &[]),
    (JavaArchive, "maven-resolver-named-locks", &["maven"], &[]),
    (JavaArchive, "maven-resolver-spi", &["maven"], &[]),
    (JavaArchive, "maven-resolver-transport-file", &["maven"], &[]),
    (JavaArchive, "maven-resolver-transport-http", &["maven"], &[]),
    (JavaArchive, "maven-resolver-transport-wagon", &["maven"], &[]),
    (JavaArchive, "maven-resolver-util", &["maven"], &[]),
    (JavaArchive, "maven-settings", &["maven"], &[]),
    (JavaArchive, "maven-settings-builder", &["maven"], &[]),
    (JavaArchive, "maven-shared-utils", &["maven"], &[]),
    (Npm, "delegate", &[], &["delegate"]),
    (Npm, "docker", &[], &["docker"]),
    (Npm, "php", &[], &["php"]),
    (Npm, "redis", &[], &["redis"]),
    (PhpPear, "redis", &["redis"], &[]),
    (Python, "kubernetes", &["kubernetes"], &[]),
    (Python, "redis", &[], &["redis"]),
    (Rust, "hyper", &[], &["vercel"]),
    (Rust, "opentelemetry", &["opentelemetry"], &[]),
    (Rust, "phf", &[], &["phf"]),
    (Rust, "prometheus", &[], &["prometheus"]),
    (Rust, "redis", &[], &["redis"]),
];
