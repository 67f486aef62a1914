//! Which module is the main one, and its version where the build only says `(devel)`.

use super::build_info::BuildInfo;
use crate::catalogers::go_module::Module;
use regex::bytes::Regex;

/// What Go writes for a module that it knows no version of.
pub(super) const DEVEL: &str = "(devel)";

/// Fills in the main module where the build names none: the only module without a version, else the main package.
pub(super) fn find_main(info: &mut BuildInfo) {
    /// What `go build FILE` writes.
    const FROM_FILES: &str = "command-line-arguments";
    let is_missing = match &info.main {
        None => !info.path.is_empty(),
        Some(main) => *main == Module { path: FROM_FILES.to_owned(), ..Module::default() },
    };
    if !is_missing {
        return;
    }
    let mut candidates = info.modules.iter().enumerate().filter(|(_, module)| module.version == DEVEL);
    info.main = Some(match (candidates.next(), candidates.next()) {
        (Some((index, _)), None) => info.modules.remove(index),
        _ => Module { path: info.path.clone(), version: DEVEL.to_owned(), ..Module::default() },
    });
}

/// The version of the main module. For `(devel)`: what the linker flags set, else Go's pseudo-version of the commit.
pub(super) fn of(main: &Module, info: &BuildInfo) -> String {
    if main.version != DEVEL || main.replacement.is_some() {
        return main.used().version.clone();
    }
    let flags = info.setting("-ldflags").unwrap_or_default();
    from_linker_flags(flags, &main.path)
        .or_else(|| Some(pseudo_version(info.setting("vcs.revision")?, info.setting("vcs.time")?)))
        .unwrap_or_default()
}

/// The value of the first variable that is called like a version and belongs to the main package or module.
fn from_linker_flags(flags: &str, module: &str) -> Option<String> {
    /// Names of such variables, the ones to prefer first.
    const NAMES: [&str; 2] = [r"([rR]elease)?([gG]it)?([bB]uild)?[vV]er(sion)?", r"[tT]ag"];
    if flags.is_empty() {
        return None;
    }
    let module = regex::escape(module);
    let found = NAMES.iter().find_map(|name| {
        let pattern = format!(
            r"(?-u)(?:main|{module}/[^\s]*)\.[a-zA-Z0-9]*{name}=(?:\S+/)*(?P<version>v?\d+.\d+.\d+[-\w]*(?:\.[-\w]+)*)"
        );
        let captures = Regex::new(&pattern).ok()?.captures(flags.as_bytes())?;
        Some(String::from_utf8_lossy(captures.name("version")?.as_bytes()).into_owned())
    })?;
    Some(if found.starts_with('v') { found } else { format!("v{found}") })
}

/// `v0.0.0-20240102030405-abcdefabcdef` (go.dev/ref/mod, pseudo-versions).
fn pseudo_version(revision: &str, time: &str) -> String {
    let revision = revision.get(..12).unwrap_or(revision);
    format!("v0.0.0-{}-{revision}", digits_of_time(time).unwrap_or_else(|| "00010101000000".to_owned()))
}

/// `2024-01-02T03:04:05Z` without its separators. Go writes this time in UTC.
fn digits_of_time(time: &str) -> Option<String> {
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = |(c, shape): (u8, &u8)| if *shape == b'd' { c.is_ascii_digit() } else { c == *shape };
    let fits = time.len() == shape.len() && time.bytes().zip(shape).all(fits);
    fits.then(|| time.chars().filter(char::is_ascii_digit).collect())
}

#[cfg(test)]
mod tests {
    use super::super::build_info::Setting;
    use super::*;

    fn module(path: &str, version: &str) -> Module {
        Module { path: path.to_owned(), version: version.to_owned(), ..Module::default() }
    }

    fn version(settings: &[(&str, &str)]) -> String {
        let setting = |(key, value): &(&str, &str)| Setting { key: (*key).to_owned(), value: (*value).to_owned() };
        let info = BuildInfo { settings: settings.iter().map(setting).collect(), ..BuildInfo::default() };
        of(&module("a.org/app", DEVEL), &info)
    }

    #[test]
    fn linker_flags() {
        for (flags, expected) in [
            ("-s -w -X main.version=v1.2.3", "v1.2.3"),
            ("-X main.Version=1.2.3-rc.1+abc", "v1.2.3-rc.1"),
            ("-X a.org/app/internal/build.gitVersion=2.5.0", "v2.5.0"),
            ("-X a.org/other/internal.gitVersion=2.5.0", ""),
            ("-X a.org/app/x.buildTag=foo/v3.0.1", "v3.0.1"),
            ("-X main.commit=1.2.3", ""),
            ("-X main.version=dev", ""),
            ("", ""),
        ] {
            assert_eq!(version(&[("-ldflags", flags)]), expected, "{flags}");
        }
    }

    #[test]
    fn commits() {
        let revision = ("vcs.revision", "0123456789abcdef0123");
        assert_eq!(version(&[revision, ("vcs.time", "2024-01-02T03:04:05Z")]), "v0.0.0-20240102030405-0123456789ab");
        assert_eq!(version(&[revision, ("vcs.time", "yesterday")]), "v0.0.0-00010101000000-0123456789ab");
        assert_eq!(version(&[revision]), "");
        assert_eq!(version(&[("-ldflags", "-X main.version=4.5.6"), revision, ("vcs.time", "")]), "v4.5.6");
    }

    #[test]
    fn main_module() {
        let info = |main, modules: &[(&str, &str)]| BuildInfo {
            path: "a.org/app/cmd".to_owned(),
            main,
            modules: modules.iter().map(|(path, version)| module(path, version)).collect(),
            ..BuildInfo::default()
        };
        let check = |mut info: BuildInfo, path: &str, left: usize| {
            find_main(&mut info);
            assert_eq!((info.main.unwrap().path.as_str(), info.modules.len()), (path, left));
        };
        check(info(Some(module("m", "v1")), &[("d", DEVEL)]), "m", 1);
        check(info(None, &[("c", "v1"), ("d", DEVEL)]), "d", 1);
        check(info(Some(module("command-line-arguments", "")), &[("d", DEVEL)]), "d", 0);
        check(info(None, &[("c", DEVEL), ("d", DEVEL)]), "a.org/app/cmd", 2);
    }
}
