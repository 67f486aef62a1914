//! Shells, command-line tools, browsers and libraries of C.

use crate::catalogers::binary_classifier::evidence::Classifier;
use crate::catalogers::binary_classifier::evidence::Evidence::{Any, Beside, Near, Text, Texts};

const FFMPEG: &str = r"(?m)FFmpeg version (?P<version>[0-9]+\.[0-9]+(\.[0-9]+)?(?:\+[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*)?)";

pub(super) static ALL: &[Classifier] = &[
    Classifier::new(
        "busybox-binary",
        "**/busybox",
        "busybox",
        &[("busybox", "busybox")],
        Text(r"(?m)BusyBox\s+v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    ),
    Classifier::new(
        "util-linux-binary",
        "**/getopt",
        "util-linux",
        &[("kernel", "util-linux")],
        Text(r"\x00util-linux\s(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    ),
    Classifier::new(
        "bash-binary",
        "**/bash",
        "bash",
        &[("gnu", "bash")],
        Text(r"(?m)@\(#\)Bash version (?P<version>[0-9]+\.[0-9]+\.[0-9]+)\([0-9]\) [a-z0-9]+ GNU"),
    ),
    Classifier::branching(
        "**/openssl",
        &[
            Classifier::new(
                "openssl-binary-aws-lc",
                "",
                "aws-lc",
                &[("amazon", "aws_libcrypto")],
                Text(r"AWS-LC (?P<version>[0-9]+\.[0-9]+\.[0-9]+)\)\x00"),
            ),
            Classifier::new(
                "openssl-binary",
                "",
                "openssl",
                &[("openssl", "openssl")],
                Text(r"\x00OpenSSL (?P<version>[0-9]+\.[0-9]+\.[0-9]+([a-z]+|-alpha[0-9]|-beta[0-9]|-rc[0-9])?)"),
            ),
        ],
    ),
    Classifier::new(
        "qt-qtbase-lib",
        "**/libQt*Core.so*",
        "qtbase",
        &[("qt", "qt"), ("qt", "qtbase")],
        Any(&[
            Text(r"\x00\x00Qt (?P<version>[0-9]+\.[0-9]+\.[0-9]+) \("),
            Text(r"QtCore library version (?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
        ]),
    ),
    Classifier::new(
        "gcc-binary",
        "**/gcc",
        "gcc",
        &[("gnu", "gcc")],
        Text(r"GCC: \(GNU\) (?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    ),
    Classifier::new(
        "wordpress-cli-binary",
        "**/wp",
        "wp-cli",
        &[("wp-cli", "wp-cli")],
        Text(r"(?m)wp-cli/wp-cli (?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    ),
    Classifier::new(
        "curl-binary",
        "**/curl",
        "curl",
        &[("haxx", "curl")],
        Text(r"curl/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    ),
    Classifier::new(
        "zstd-binary",
        "**/zstd",
        "zstd",
        &[("facebook", "zstandard")],
        Text(r"\x00v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    ),
    Classifier::new(
        "xz-binary",
        "**/xz",
        "xz",
        &[("tukaani", "xz")],
        Text(r"\x00xz \(XZ Utils\) (?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    ),
    Classifier::new(
        "gzip-binary",
        "**/gzip",
        "gzip",
        &[("gnu", "gzip")],
        Texts(&[r"%s: %s: not in gzip format", r"\x00(?P<version>[0-9]+\.[0-9]+)\x00"]),
    ),
    Classifier::new(
        "jq-binary",
        "**/jq",
        "jq",
        &[("jqlang", "jq")],
        Text(r"\x00(?P<version>[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]+)?)\x00"),
    ),
    Classifier::new(
        "chrome-binary",
        "**/chrome",
        "chrome",
        &[("google", "chrome")],
        Near(&["Default"], r"\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)\x00Default"),
    )
    .guessed(),
    Classifier::new(
        "firefox-binary",
        "**/{firefox,firefox.exe}",
        "firefox",
        &[("mozilla", "firefox")],
        Beside {
            file: "application.ini",
            evidence: &Text(
                r"(?ms)^Name=Firefox\r?$.*?^Version=(?P<version>[0-9]+(?:\.[0-9]+)+(?:[A-Za-z][0-9A-Za-z.-]*)?)\r?$",
            ),
        },
    )
    .guessed(),
    Classifier::new(
        "ffmpeg-binary",
        "**/ffmpeg",
        "ffmpeg",
        &[("ffmpeg", "ffmpeg")],
        Text(r"(?m)%s version (?P<version>[0-9]+\.[0-9]+(\.[0-9]+)?(?:\+[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*)?)"),
    ),
    Classifier::new(
        "ffmpeg-library",
        "**/libav*",
        "ffmpeg",
        &[("ffmpeg", "ffmpeg")],
        Any(&[
            Text(FFMPEG),
            Text(r"(?m)Lavc(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
            Text(r"(?m)Lavf(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
        ]),
    ),
    Classifier::new("ffmpeg-library", "**/libswresample*", "ffmpeg", &[("ffmpeg", "ffmpeg")], Text(FFMPEG)),
    Classifier::new(
        "krb5-library",
        "**/libkrb5.so*",
        "krb5",
        &[("mit", "kerberos_5")],
        Text(r"\x00KRB5_BRAND:\s+krb5-[^\s]+\s+(?P<version>[0-9]+(?:\.[0-9]+){1,2})(?:\s|$)"),
    ),
    Classifier::new(
        "heimdal-krb5-library",
        "**/libkrb5.so*",
        "heimdal-krb5",
        &[("heimdal_project", "heimdal")],
        Text(r"(?m)\$Version:\s+Heimdal\s+(?P<version>[0-9]+(?:\.[0-9]+){1,2})(?:\s|$)"),
    ),
];
