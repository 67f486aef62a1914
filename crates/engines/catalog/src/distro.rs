//! Which Linux distribution an image holds, from `os-release` and its older relatives.
//!
//! Follows Syft 1.57 (`syft/linux/identify_release.go`, `supplement_release.go`, `internal/os/feature_detection.go`):
//! the first path of [`PATHS`] whose content is understood wins, then [`refine`] and [`has_extended_support`] add to it.

use sbom::Distro;

/// Where to look, most telling first. Symlinks are to be followed. Busybox is last, as others ship it too.
pub const PATHS: &[&str] =
    &["/etc/os-release", "/usr/lib/os-release", "/etc/system-release-cpe", "/etc/redhat-release", "/bin/busybox"];

/// Holds Debian's point release, which `os-release` lacks; give its content to [`refine`].
pub const DEBIAN_VERSION: &str = "/etc/debian_version";

/// Path patterns of the files that [`has_extended_support`] understands.
pub const SUPPORT_WANTS: &[&str] = &[
    "root/buildinfo/content_manifests/*.json",
    "etc/apt/sources.list.d/*",
    "etc/apt/auth.conf.d/90ubuntu-advantage",
    "var/lib/ubuntu-advantage/status.json",
];

/// Bytes of a file that are looked at.
const READ_LIMIT: usize = 5 * 1024 * 1024;

/// Reads the file at the absolute `path`, one of [`PATHS`]. `None` where it says nothing.
#[must_use]
pub fn parse(path: &str, bytes: &[u8]) -> Option<Distro> {
    let bytes = bytes.get(..READ_LIMIT).unwrap_or(bytes);
    if path.ends_with("/busybox") {
        return busybox(bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    match path.rsplit('/').next()? {
        "os-release" => os_release(&text),
        "system-release-cpe" => system_release_cpe(&text),
        "redhat-release" => redhat_release(&text),
        _ => None,
    }
}

/// Adds Debian's point release from the content of [`DEBIAN_VERSION`]. Other distributions stay as they are, and so
/// does a Debian whose file names a suite (`trixie/sid`).
pub fn refine(distro: &mut Distro, debian_version: &[u8]) {
    if !distro.id.eq_ignore_ascii_case("debian") {
        return;
    }
    let Ok(version) = std::str::from_utf8(debian_version) else {
        return;
    };
    let version = version.trim();
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let well_formed = match version.split_once('.') {
        Some((major, minor)) => numeric(major) && numeric(minor),
        None => numeric(version),
    };
    if well_formed {
        version.clone_into(&mut distro.version_id);
        if distro.version.is_empty() {
            version.clone_into(&mut distro.version);
        }
    }
}

/// Does the file at the absolute `path` (see [`SUPPORT_WANTS`]) show that `distro` takes fixes from an extended support
/// channel: RHEL's EUS repositories or Ubuntu's ESM?
#[must_use]
pub fn has_extended_support(distro: &Distro, path: &str, bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes.get(..READ_LIMIT).unwrap_or(bytes));
    match distro.id.as_str() {
        "rhel" => {
            path.starts_with("/root/buildinfo/content_manifests/")
                && (text.contains("baseos-eus") || text.contains("appstream-eus"))
        }
        "ubuntu" if path.starts_with("/etc/apt/") => text.lines().any(names_esm),
        "ubuntu" if path == "/var/lib/ubuntu-advantage/status.json" => esm_enabled(&text),
        _ => false,
    }
}

/// Is this the version of a package from Ubuntu's ESM (`1.2-3ubuntu4+esm1`)? One installed is enough for an `ubuntu`
/// distribution to count as having extended support.
#[must_use]
pub fn is_esm_version(version: &str) -> bool {
    ["+esm", "~esm"].iter().any(|mark| {
        version
            .match_indices(mark)
            .any(|(at, _)| version.as_bytes().get(at + mark.len()).is_some_and(u8::is_ascii_digit))
    })
}

/// An apt source or credential line, not commented out, for one of the two base ESM streams.
fn names_esm(line: &str) -> bool {
    let active = line.split('#').next().unwrap_or_default();
    ["esm.ubuntu.com/infra", "esm.ubuntu.com/apps"].iter().any(|stream| active.contains(stream))
}

fn esm_enabled(status: &str) -> bool {
    let Ok(status) = serde_json::from_str::<serde_json::Value>(status) else {
        return false;
    };
    let services = status.get("services").and_then(|services| services.as_array());
    services.into_iter().flatten().any(|service| {
        let field = |name| service.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        matches!(field("name"), "esm-infra" | "esm-apps") && field("status") == "enabled"
    })
}

fn os_release(text: &str) -> Option<Distro> {
    let mut distro = Distro::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let value = unquote(value.trim_matches(' '));
        let field = match key.trim_matches(' ') {
            "PRETTY_NAME" => &mut distro.pretty_name,
            "NAME" => &mut distro.name,
            "ID" => &mut distro.id,
            "ID_LIKE" => {
                distro.id_like = value.split_whitespace().map(str::to_owned).collect();
                continue;
            }
            "VERSION" => &mut distro.version,
            "VERSION_ID" => &mut distro.version_id,
            "VERSION_CODENAME" => &mut distro.version_codename,
            "BUILD_ID" => &mut distro.build_id,
            "IMAGE_ID" => &mut distro.image_id,
            "IMAGE_VERSION" => &mut distro.image_version,
            "VARIANT" => &mut distro.variant,
            "VARIANT_ID" => &mut distro.variant_id,
            "HOME_URL" => &mut distro.home_url,
            "SUPPORT_URL" => &mut distro.support_url,
            "BUG_REPORT_URL" => &mut distro.bug_report_url,
            "PRIVACY_POLICY_URL" => &mut distro.privacy_policy_url,
            "CPE_NAME" => &mut distro.cpe_name,
            "SUPPORT_END" => &mut distro.support_end,
            _ => continue,
        };
        *field = value;
    }
    (distro != Distro::default()).then_some(distro)
}

/// Takes the shell quotes off. Syft leaves single quotes on, so that it knows no such distribution: not followed.
fn unquote(value: &str) -> String {
    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value);
    inner.replace("\\\"", "\"").replace("\\$", "$").replace("\\\\", "\\").replace("\\`", "`")
}

/// CentOS 6: `cpe:/o:centos:linux:6:GA`. As with the peer, only where no line end follows; such images have a
/// `redhat-release`, which says more.
fn system_release_cpe(text: &str) -> Option<Distro> {
    let line = text.rsplit('\n').next()?;
    let cpe = line.get(line.find("cpe:/o:")?..)?;
    let mut parts = cpe.split(':').skip(2);
    let (vendor, _product, version, _update) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let id = vendor.to_lowercase();
    Some(Distro {
        pretty_name: vendor.to_owned(),
        name: id.clone(),
        id_like: vec![id.clone()],
        id,
        version: version.to_owned(),
        version_id: version.to_owned(),
        cpe_name: cpe.to_owned(),
        ..Distro::default()
    })
}

/// `CentOS release 5.7 (Final)`: the release must begin with one digit and a point, as the peer asks.
fn redhat_release(text: &str) -> Option<Distro> {
    let text = text.trim();
    let (name, version, version_id) = text.lines().find_map(release_line)?;
    if name.is_empty() {
        return None;
    }
    let lower = name.to_lowercase();
    let known = [("red hat enterprise linux", "rhel"), ("rocky linux", "rocky"), ("scientific linux", "scientific")];
    let id = known.iter().find(|(prefix, _)| lower.starts_with(prefix)).map_or(lower.as_str(), |(_, id)| id);
    let version = if id.starts_with("centos") { version_id } else { version };
    let mut id_like = vec![id.to_owned()];
    if id != "rhel" {
        id_like.push("rhel".to_owned());
    }
    Some(Distro {
        pretty_name: text.to_owned(),
        name: name.to_owned(),
        id: id.to_owned(),
        id_like,
        version: version.to_owned(),
        version_id: version_id.to_owned(),
        ..Distro::default()
    })
}

/// Splits at the first `release` that a version follows: name, version with its code name, version alone.
fn release_line(line: &str) -> Option<(&str, &str, &str)> {
    line.match_indices(" release ").find_map(|(at, word)| {
        let version = line.get(at + word.len()..)?;
        let (major, rest) = version.split_once('.')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let one_digit = major.len() == 1 && major.bytes().all(|b| b.is_ascii_digit());
        let version_id = version.get(..major.len() + 1 + digits)?;
        (one_digit && digits > 0).then_some((line.get(..at)?, version, version_id))
    })
}

fn busybox(bytes: &[u8]) -> Option<Distro> {
    const MARK: &[u8] = b"BusyBox v";
    let is_version = |b: &u8| b.is_ascii_digit() || *b == b'.';
    let version = memchr::memmem::find_iter(bytes, MARK).find_map(|at| {
        let rest = bytes.get(at + MARK.len()..)?;
        let length = rest.iter().take_while(|b| is_version(b)).take(64).count();
        rest.get(..length).filter(|version| !version.is_empty())
    })?;
    let version = String::from_utf8_lossy(version).into_owned();
    Some(Distro {
        pretty_name: format!("BusyBox v{version}"),
        name: "busybox".to_owned(),
        id: "busybox".to_owned(),
        id_like: vec!["busybox".to_owned()],
        version: version.clone(),
        version_id: version,
        ..Distro::default()
    })
}

#[cfg(test)]
mod tests {
    use super::{has_extended_support, is_esm_version, parse, refine};
    use sbom::Distro;

    /// `expected`: pretty name, id, id_like joined, version, version id.
    fn check(path: &str, content: &str, expected: Option<[&str; 5]>) {
        let found = parse(path, content.as_bytes());
        let found = found.as_ref().map(|d| {
            [d.pretty_name.clone(), d.id.clone(), d.id_like.join(" "), d.version.clone(), d.version_id.clone()]
        });
        assert_eq!(found, expected.map(|e| e.map(str::to_owned)), "{path}: {content}");
    }

    #[test]
    fn releases() {
        let os = "/etc/os-release";
        check(os, "", None);
        check(os, "# nothing\n\nX=y\n", None);
        check(
            os,
            "PRETTY_NAME=\"Amazon Linux 2\"\r\nID=\"amzn\"\nID_LIKE=\"centos rhel  fedora\"\nVERSION=2\nVERSION_ID=\"2\"\n",
            Some(["Amazon Linux 2", "amzn", "centos rhel fedora", "2", "2"]),
        );
        check("/usr/lib/os-release", "ID='alpine'\nVERSION_ID=3.20.1", Some(["", "alpine", "", "", "3.20.1"]));
        check(os, "ID=x\nPRETTY_NAME=\"a \\\"b\\\" \\$c\"", Some(["a \"b\" $c", "x", "", "", ""]));
        check("/etc/system-release-cpe", "cpe:/o:centos:linux:6:GA", Some(["centos", "centos", "centos", "6", "6"]));
        check("/etc/system-release-cpe", "cpe:/o:centos:6:GA", None);
        let redhat = "/etc/redhat-release";
        check(
            redhat,
            "CentOS release 5.7 (Final)\n",
            Some(["CentOS release 5.7 (Final)", "centos", "centos rhel", "5.7", "5.7"]),
        );
        check(
            redhat,
            "Red Hat Enterprise Linux release 8.10 (Ootpa)",
            Some(["Red Hat Enterprise Linux release 8.10 (Ootpa)", "rhel", "rhel", "8.10 (Ootpa)", "8.10"]),
        );
        check(
            redhat,
            "AlmaLinux release 8.10 (Cerulean Leopard)",
            Some([
                "AlmaLinux release 8.10 (Cerulean Leopard)",
                "almalinux",
                "almalinux rhel",
                "8.10 (Cerulean Leopard)",
                "8.10",
            ]),
        );
        check(redhat, "CentOS release 5 (Final)", None);
        check(
            "/bin/busybox",
            "\0\u{1}BusyBox v%s BusyBox v1.36.1 (2024)\0",
            Some(["BusyBox v1.36.1", "busybox", "busybox", "1.36.1", "1.36.1"]),
        );
        check("/bin/busybox", "none", None);
    }

    #[test]
    fn debian_point_release() {
        for (id, content, version_id) in [
            ("debian", "12.5\n", "12.5"),
            ("debian", "trixie/sid\n", "12"),
            ("ubuntu", "12.5", "12"),
            ("debian", "", "12"),
        ] {
            let mut distro = Distro { id: id.into(), version_id: "12".into(), ..Distro::default() };
            refine(&mut distro, content.as_bytes());
            assert_eq!(distro.version_id, version_id, "{id} {content}");
        }
    }

    #[test]
    fn extended_support() {
        let status = "/var/lib/ubuntu-advantage/status.json";
        for (id, path, content, expected) in [
            ("rhel", "/root/buildinfo/content_manifests/a.json", "rhel-9-for-x86_64-baseos-eus-rpms", true),
            ("rhel", "/root/buildinfo/content_manifests/a.json", "rhel-9-for-x86_64-baseos-rpms", false),
            ("ubuntu", "/etc/apt/sources.list.d/x.list", "deb https://esm.ubuntu.com/infra/ubuntu jammy main", true),
            ("ubuntu", "/etc/apt/sources.list.d/x.list", "# deb https://esm.ubuntu.com/infra/ubuntu jammy main", false),
            ("debian", "/etc/apt/sources.list.d/x.list", "deb https://esm.ubuntu.com/infra/ubuntu jammy main", false),
            ("ubuntu", status, r#"{"services":[{"name":"esm-apps","status":"enabled"}]}"#, true),
            ("ubuntu", status, r#"{"services":[{"name":"fips","status":"enabled"}]}"#, false),
        ] {
            let distro = Distro { id: id.into(), ..Distro::default() };
            assert_eq!(has_extended_support(&distro, path, content.as_bytes()), expected, "{id} {path} {content}");
        }
        assert!(is_esm_version("1.2-3ubuntu4+esm1"));
        assert!(!is_esm_version("1.2-3ubuntu4+esm"));
    }
}
