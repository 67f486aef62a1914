//! Facts of one package that only SPDX asks for (Syft `format/internal/spdxutil/helpers`).

use super::document::{Checksum, NO_ASSERTION};
use crate::record::Record;
use crate::{Component, PackageType, digests};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use std::borrow::Cow;

/// What the facts were read from, and where.
pub(super) fn source_info(component: &Component) -> String {
    let what = match component.kind {
        _ if component.found_by == "sbom-cataloger" => "SBOM",
        PackageType::Alpm => "ALPM DB",
        PackageType::Apk => "APK DB",
        PackageType::AppleAppBundle => "Apple application bundle Info.plist",
        PackageType::Bitnami => "a Bitnami SBOM",
        PackageType::Cocoapods => "installed cocoapods manifest file",
        PackageType::Conan => "conan manifest",
        PackageType::Conda => "conda metadata",
        PackageType::Cpan => "CPAN distribution metadata",
        PackageType::DartPub => "pubspec manifest",
        PackageType::Deb => "DPKG DB",
        PackageType::Dotnet => "dotnet project assets file",
        PackageType::ErlangOtp => "ErLang application resource file",
        PackageType::Gem => "installed gem metadata file",
        PackageType::GithubAction | PackageType::GithubActionWorkflow => {
            "GitHub Actions workflow file or composite action file"
        }
        PackageType::GoModule => "go module information",
        PackageType::GraalvmNativeImage => "GraalVM native image",
        PackageType::Hackage => "cabal or stack manifest files",
        PackageType::Hex => "rebar3 or mix manifest file",
        PackageType::Homebrew => "Homebrew formula",
        PackageType::JavaArchive | PackageType::JenkinsPlugin => "installed java archive",
        PackageType::LinuxKernel => "linux kernel archive",
        PackageType::LinuxKernelModule => "linux kernel module files",
        PackageType::LuaRocks => "Rockspec package file",
        PackageType::Model => "AI model artifact",
        PackageType::Nix => "nix store path",
        PackageType::Npm => "installed node module manifest file",
        PackageType::Opam => "OCaml opam package file",
        PackageType::PhpComposer => "PHP composer manifest",
        PackageType::PhpPear => "PHP Pear manifest",
        PackageType::PhpPecl => "PHP Pecl manifest",
        PackageType::Portage => "portage DB",
        PackageType::Python => "installed python package manifest file",
        PackageType::R => "R-package DESCRIPTION file",
        PackageType::Rpm => "RPM DB",
        PackageType::Rust => "rust cargo manifest",
        PackageType::Swift => "resolved Swift package manifest",
        PackageType::Swipl => "SWI Prolo pack package file",
        PackageType::Terraform => "Terraform dependency lock file",
        PackageType::Vcpkg => "vcpkg manifest file",
        PackageType::WordpressPlugin => "found wordpress plugin PHP source files",
        _ => "the following paths",
    };
    let paths: Vec<&str> = component.locations.iter().map(|location| location.path.as_str()).collect();
    format!("acquired package info from {what}: {}", paths.join(", "))
}

/// Where the package can be had.
pub(super) fn download_location<'d>(record: &Record<'d>) -> Cow<'d, str> {
    #[derive(Default, Deserialize)]
    struct Dist {
        #[serde(default)]
        url: String,
    }
    let stated = match record.kind {
        "apk-db-entry" | "javascript-npm-package" | "opam-package" => record.text("url"),
        "javascript-npm-package-lock-entry" => record.text("resolved"),
        "php-composer-lock-entry" | "php-composer-installed-entry" => {
            record.get::<Dist>("dist").unwrap_or_default().url.into()
        }
        _ => Cow::Borrowed(""),
    };
    if stated.eq_ignore_ascii_case("none") {
        return "NONE".into();
    }
    match stated.strip_prefix("github:") {
        Some(repository) if is_plain(repository) => format!("https://github.com/{repository}").into(),
        _ if is_address(&stated) => stated,
        _ => NO_ASSERTION.into(),
    }
}

/// The project's site.
pub(super) fn homepage<'d>(record: &Record<'d>) -> Cow<'d, str> {
    let stated = match record.kind {
        "ruby-gemspec" | "javascript-npm-package" => record.text("homepage"),
        _ => Cow::Borrowed(""),
    };
    let is_site = stated.starts_with("http://") || stated.starts_with("https://");
    if is_site && is_address(&stated) { stated } else { Cow::Borrowed("") }
}

/// What the SPDX specification takes as an address: a scheme that is known there, perhaps behind that of a
/// version control system, and a host with a dot.
fn is_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let transport = match scheme.split_once('+') {
        Some(("git" | "hg" | "svn" | "bzr", transport)) => transport,
        Some(_) => return false,
        None => scheme,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let known = matches!(transport, "http" | "https" | "ssh" | "git" | "svn" | "sftp" | "ftp");
    known && is_plain(text) && host.split('.').count() > 1 && host.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| {
        byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'\\' | b'^' | b'`' | b'{' | b'}' | b'|')
    })
}

/// Checksums of the package itself.
pub(super) fn checksums(record: &Record<'_>) -> Vec<Checksum<'static>> {
    #[derive(Deserialize)]
    struct Digest {
        algorithm: String,
        value: String,
    }
    let checksum = |algorithm: &str, value: String| {
        let algorithm = checksum_algorithm(algorithm);
        is_known(&algorithm).then(|| Checksum { algorithm: algorithm.into(), value: value.into() })
    };
    match record.kind {
        "java-archive" => {
            let digests: Vec<Digest> = record.get("digest").unwrap_or_default();
            digests.into_iter().filter_map(|digest| checksum(&digest.algorithm, digest.value)).collect()
        }
        "go-module-buildinfo-entry" => {
            let stated = record.text("h1Digest");
            let bytes = stated.strip_prefix("h1:").and_then(|base64| BASE64.decode(base64).ok());
            bytes.and_then(|bytes| checksum("sha256", digests::hex(&bytes))).into_iter().collect()
        }
        "opam-package" => {
            let stated: Vec<String> = record.get("checksum").unwrap_or_default();
            let pairs = stated.iter().filter_map(|stated| stated.split_once('='));
            pairs.filter_map(|(algorithm, value)| checksum(algorithm, value.to_owned())).collect()
        }
        _ => Vec::new(),
    }
}

/// The name of a digest algorithm in SPDX: `sha256` is `SHA256`.
pub(super) fn checksum_algorithm(algorithm: &str) -> String {
    algorithm.to_ascii_uppercase().replace("SHA-", "SHA")
}

/// True for the algorithms that every version since 2.2 has.
pub(super) fn is_known(algorithm: &str) -> bool {
    matches!(algorithm, "MD5" | "SHA1" | "SHA224" | "SHA256" | "SHA384" | "SHA512")
}

/// What a file is for, from its MIME type (Syft `toFileTypes`).
pub(super) fn file_types(mime_type: &str) -> Vec<&'static str> {
    let mut types = Vec::new();
    types.extend(match mime_type.split('/').next().unwrap_or_default() {
        "image" => Some("IMAGE"),
        "video" => Some("VIDEO"),
        "application" => Some("APPLICATION"),
        "text" => Some("TEXT"),
        "audio" => Some("AUDIO"),
        _ => None,
    });
    if EXECUTABLE_TYPES.contains(&mime_type) {
        types.push("BINARY");
    }
    if ARCHIVE_TYPES.contains(&mime_type) {
        types.push("ARCHIVE");
    }
    if types.is_empty() {
        types.push("OTHER");
    }
    types
}

const EXECUTABLE_TYPES: &[&str] = &[
    "application/vnd.microsoft.portable-executable",
    "application/x-elf",
    "application/x-executable",
    "application/x-mach-binary",
    "application/x-sharedlib",
];

const ARCHIVE_TYPES: &[&str] = &[
    "application/gzip",
    "application/java-archive",
    "application/vnd.android.package-archive",
    "application/vnd.ms-cab-compressed",
    "application/x-7z-compressed",
    "application/x-ace-compressed",
    "application/x-alz-compressed",
    "application/x-apple-diskimage",
    "application/x-archive",
    "application/x-arj",
    "application/x-astrotite-afa",
    "application/x-b1",
    "application/x-bzip2",
    "application/x-cfs-compressed",
    "application/x-compress",
    "application/x-cpio",
    "application/x-dar",
    "application/x-dgc-compressed",
    "application/x-freearc",
    "application/x-gca-compressed",
    "application/x-gtar",
    "application/x-iso9660-image",
    "application/x-lzh",
    "application/x-lzip",
    "application/x-lzma",
    "application/x-lzop",
    "application/x-lzx",
    "application/x-ms-wim",
    "application/x-rar-compressed",
    "application/x-sbx",
    "application/x-shar",
    "application/x-snappy-framed",
    "application/x-stuffit",
    "application/x-stuffitx",
    "application/x-tar",
    "application/x-xar",
    "application/x-xz",
    "application/x-zoo",
    "application/zip",
    "application/zstd",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: bool) {
        assert_eq!(is_address(text), expected, "{text}");
    }

    #[test]
    fn addresses() {
        check("https://h.example/a?b#c", true);
        check("git+https://user@h.example:8443/a.git", true);
        check("git://h.example/a.git", true);
        check("https://localhost/a", false);
        check("file:///a", false);
        check("svn+x+https://h.example", false);
        check("git@h.example:a/b", false);
        check("https://h.example/a b", false);
        check("", false);
    }

    #[test]
    fn types_of_files() {
        assert_eq!(file_types("application/x-sharedlib"), ["APPLICATION", "BINARY"]);
        assert_eq!(file_types("application/zip"), ["APPLICATION", "ARCHIVE"]);
        assert_eq!(file_types("text/plain"), ["TEXT"]);
        assert_eq!(file_types(""), ["OTHER"]);
    }
}
