//! Package types, languages and purl types in terms of each other (Syft `pkg/type.go`, `pkg/language.go`).

use crate::{Language, PackageType};
use purl::PackageUrl;

/// The kind of package that a purl names; a generic purl says it by its name.
pub(crate) fn kind_of_purl(purl: &PackageUrl) -> PackageType {
    match purl.kind() {
        "generic" => kind_of_purl_type(purl.name()),
        kind => kind_of_purl_type(kind),
    }
}

fn kind_of_purl_type(kind: &str) -> PackageType {
    match kind {
        "alpm" => PackageType::Alpm,
        "apk" | "alpine" => PackageType::Apk,
        "bitnami" => PackageType::Bitnami,
        "cargo" | "crate" => PackageType::Rust,
        "cocoapods" => PackageType::Cocoapods,
        "composer" => PackageType::PhpComposer,
        "conan" => PackageType::Conan,
        "conda" => PackageType::Conda,
        "cpan" => PackageType::Cpan,
        "cran" => PackageType::R,
        "deb" => PackageType::Deb,
        "dotnet" | "nuget" => PackageType::Dotnet,
        "gem" => PackageType::Gem,
        "golang" => PackageType::GoModule,
        "hackage" => PackageType::Hackage,
        "hex" => PackageType::Hex,
        "homebrew" => PackageType::Homebrew,
        "linux-kernel" => PackageType::LinuxKernel,
        "linux-kernel-module" => PackageType::LinuxKernelModule,
        "luarocks" => PackageType::LuaRocks,
        "maven" => PackageType::JavaArchive,
        "nix" => PackageType::Nix,
        "npm" => PackageType::Npm,
        "opam" => PackageType::Opam,
        "otp" => PackageType::ErlangOtp,
        "pear" | "pecl" => PackageType::PhpPear,
        "portage" => PackageType::Portage,
        "pub" => PackageType::DartPub,
        "pypi" => PackageType::Python,
        "rpm" => PackageType::Rpm,
        "swift" => PackageType::Swift,
        "swiplpack" => PackageType::Swipl,
        "terraform" => PackageType::Terraform,
        "vcpkg" => PackageType::Vcpkg,
        "wordpress-plugin" => PackageType::WordpressPlugin,
        _ => PackageType::Unknown,
    }
}

/// The purl type of a kind of package; empty where there is none.
pub(crate) fn purl_type(kind: PackageType) -> &'static str {
    match kind {
        PackageType::Alpm => "alpm",
        PackageType::Apk => "apk",
        PackageType::Bitnami => "bitnami",
        PackageType::Cocoapods => "cocoapods",
        PackageType::Conan => "conan",
        PackageType::Conda | PackageType::LinuxKernelModule => "generic",
        PackageType::Cpan => "cpan",
        PackageType::DartPub => "pub",
        PackageType::Deb => "deb",
        PackageType::Dotnet => "nuget",
        PackageType::ErlangOtp => "otp",
        PackageType::Gem => "gem",
        PackageType::Hex => "hex",
        PackageType::GithubAction | PackageType::GithubActionWorkflow => "github",
        PackageType::GoModule => "golang",
        PackageType::Hackage => "hackage",
        PackageType::Homebrew => "homebrew",
        PackageType::JavaArchive | PackageType::JenkinsPlugin => "maven",
        PackageType::LuaRocks => "luarocks",
        PackageType::Nix => "nix",
        PackageType::Npm => "npm",
        PackageType::Opam => "opam",
        PackageType::PhpComposer => "composer",
        PackageType::PhpPear | PackageType::PhpPecl => "pear",
        PackageType::Portage => "portage",
        PackageType::Python => "pypi",
        PackageType::R => "cran",
        PackageType::Rpm => "rpm",
        PackageType::Rust => "cargo",
        PackageType::Swift => "swift",
        PackageType::Swipl => "swiplpack",
        PackageType::Terraform => "terraform",
        PackageType::Vcpkg => "vcpkg",
        PackageType::WordpressPlugin => "wordpress-plugin",
        _ => "",
    }
}

/// The language of packages of a purl type.
pub(crate) fn language_of_purl(kind: &str) -> Language {
    match kind {
        "cargo" => Language::Rust,
        "cocoapods" | "swift" => Language::Swift,
        "composer" => Language::Php,
        "conan" => Language::Cpp,
        "cpan" => Language::Perl,
        "cran" => Language::R,
        "gem" => Language::Ruby,
        "golang" => Language::Go,
        "hackage" => Language::Haskell,
        "luarocks" => Language::Lua,
        "maven" | "gradle" => Language::Java,
        "npm" => Language::JavaScript,
        "nuget" | "dotnet" => Language::Dotnet,
        "opam" => Language::Ocaml,
        "pub" => Language::Dart,
        "pypi" => Language::Python,
        "swiplpack" => Language::Swipl,
        _ => Language::Unknown,
    }
}

/// The name of the package that a purl names: with its namespace, except in ecosystems whose names have none.
pub(crate) fn name_of_purl(purl: &PackageUrl) -> String {
    if purl.namespace().is_empty() || name_is_without_namespace(purl.kind()) {
        purl.name().to_owned()
    } else {
        format!("{}/{}", purl.namespace(), purl.name())
    }
}

/// True where the namespace of a purl is no part of the package's name.
pub(crate) fn name_is_without_namespace(kind: &str) -> bool {
    matches!(kind, "alpm" | "apk" | "conan" | "cpan" | "deb" | "maven" | "qpkg" | "rpm" | "swid")
}

/// The kind of package that a CPE's target software hints at
/// (Syft 1.57, `pkg/cataloger/common/cpe/target_software_to_pkg_type.go`); any case, [`PackageType::Unknown`] for others.
#[must_use]
pub fn kind_of_target_software(software: &str) -> PackageType {
    match software.to_ascii_lowercase().replace(['-', ' '], "_").as_str() {
        "alpine" | "apk" => PackageType::Apk,
        "debian" | "dpkg" => PackageType::Deb,
        "java" | "maven" | "ant" | "gradle" | "jenkins" | "jenkins_ci" | "kafka" | "logstash" | "mule" | "nifi"
        | "solr" | "spark" | "storm" | "struts" | "tomcat" | "zookeeper" | "log4j" => PackageType::JavaArchive,
        "javascript" | "node" | "nodejs" | "node.js" | "npm" | "yarn" | "apache" | "jquery" | "next.js" | "prismjs" => {
            PackageType::Npm
        }
        "c" | "c++" | "c/c++" | "conan" | "gnu_c++" | "qt" => PackageType::Conan,
        "dart" => PackageType::DartPub,
        "redhat"
        | "rpm"
        | "redhat_enterprise_linux"
        | "rhel"
        | "suse"
        | "suse_linux"
        | "opensuse"
        | "opensuse_linux"
        | "fedora"
        | "centos"
        | "oracle_linux"
        | "ol" => PackageType::Rpm,
        "elixir" | "hex" => PackageType::Hex,
        "erlang" => PackageType::ErlangOtp,
        ".net" | ".net_framework" | "asp" | "asp.net" | "dotnet" | "dotnet_framework" | "c#" | "csharp" | "nuget" => {
            PackageType::Dotnet
        }
        "ruby" | "gem" | "nokogiri" | "ruby_on_rails" => PackageType::Gem,
        "rust" | "cargo" | "crates" => PackageType::Rust,
        "python" | "pip" | "pypi" | "flask" => PackageType::Python,
        "kb" | "knowledgebase" | "msrc" | "mskb" | "microsoft" => PackageType::KnowledgeBase,
        "portage" | "gentoo" => PackageType::Portage,
        "go" | "golang" | "gomodule" => PackageType::GoModule,
        "linux_kernel" | "linux" | "z/linux" => PackageType::LinuxKernel,
        "php" => PackageType::PhpComposer,
        "swift" => PackageType::Swift,
        "wordpress" | "wordpress_plugin" | "wordpress_" => PackageType::WordpressPlugin,
        "lua" | "luarocks" => PackageType::LuaRocks,
        _ => PackageType::Unknown,
    }
}
