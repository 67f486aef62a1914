//! From files and the environment to settings (clio and fangs, as the peers use them).

use super::{App, Kind, Settings, expand, invalid, words};
use anyhow::Context;
use serde_json::{Map, Value as Json};
use std::path::{Path, PathBuf};

/// Files are for people; larger ones are a mistake.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What the command line says about settings.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Named {
    /// Settings files; of two that set the same, the first counts. The usual places otherwise.
    #[arg(short, long, global = true, value_name = "FILE", value_delimiter = ',')]
    pub(crate) config: Vec<PathBuf>,
    /// Parts of the settings files to lay over the rest.
    #[arg(long, global = true, value_name = "NAME", value_delimiter = ',')]
    pub(crate) profile: Vec<String>,
}

/// Reads the settings of a tool.
///
/// # Errors
/// Where a file is not there or not YAML, a profile is in none, or a value is not of its key's kind.
pub(crate) fn load(app: &'static App, named: &Named) -> anyhow::Result<Settings> {
    let variable = |name: &str| std::env::var(name).ok();
    let files = chosen(app, named, &variable);
    let mut trees = Vec::new();
    for file in &files {
        trees.push(read(file)?);
    }
    let mut settings = merged(app, &trees, &named.profile)?;
    environment(&mut settings, &variable)?;
    settings.files = files;
    Ok(settings)
}

/// The places where a settings file is looked for, first to last.
pub(crate) fn locations(app: &App) -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let user = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let user = user.or_else(|| home.as_ref().map(|home| home.join(".config")));
    let shared = std::env::var("XDG_CONFIG_DIRS").ok().filter(|folders| !folders.is_empty());
    let shared = shared.unwrap_or_else(|| "/etc/xdg".to_owned());
    let name = app.name;
    let mut places = vec![PathBuf::from(format!(".{name}.yaml")), PathBuf::from(format!(".{name}/config.yaml"))];
    places.extend(home.map(|home| home.join(format!(".{name}.yaml"))));
    let folders = user.into_iter().chain(shared.split(':').map(PathBuf::from));
    places.extend(folders.map(|folder| folder.join(name).join("config.yaml")));
    places
}

fn chosen(app: &App, named: &Named, variable: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    if !named.config.is_empty() {
        return named.config.iter().map(|path| expand(&path.to_string_lossy())).collect();
    }
    let files = words(&variable(&format!("{}_CONFIG", app.prefix)).unwrap_or_default());
    if !files.is_empty() {
        return files.iter().map(|file| expand(file)).collect();
    }
    locations(app).into_iter().find(|place| place.is_file()).into_iter().collect()
}

fn read(path: &Path) -> anyhow::Result<Map<String, Json>> {
    let metadata = std::fs::metadata(path);
    let metadata = metadata
        .map_err(|_| invalid(format!("file does not exist: {}", path.display()), "name another file with --config"))?;
    if metadata.len() > MAX_FILE_BYTES {
        return Err(invalid(format!("{} has more than {MAX_FILE_BYTES} bytes", path.display()), "name another file"));
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Map::new());
    }
    let unable = || format!("invalid application config: unable to load config {}", path.display());
    serde_saphyr::from_str(&text).with_context(unable)
}

/// The values of all files: of profiles first, then of the files in their order.
fn merged(app: &'static App, trees: &[Map<String, Json>], profiles: &[String]) -> anyhow::Result<Settings> {
    let mut layers = Vec::new();
    for profile in profiles {
        let found: Vec<&Json> = trees.iter().filter_map(|tree| tree.get("profiles")?.get(profile)).collect();
        if found.is_empty() {
            let what = format!("profile not found in any configuration files: {profile}");
            return Err(invalid(what, "add it under `profiles:`"));
        }
        layers.extend(found);
    }
    // Of two profiles, the later one counts.
    layers.reverse();
    let trees: Vec<Json> = trees.iter().map(|tree| Json::Object(tree.clone())).collect();
    let mut settings = Settings::new(app);
    let mut wrong = Vec::new();
    for key in app.keys.iter().filter(|key| key.kind != Kind::Flag) {
        let value = layers.iter().copied().chain(&trees).find_map(|layer| at(layer, key.path));
        match value.map(|value| from_file(key.kind, value)) {
            None => {}
            Some(Some(value)) => settings.flag(key.path, Some(value)),
            Some(None) => wrong.push(cannot_parse(key.path, key.kind)),
        }
    }
    complaint(&wrong)?;
    Ok(settings)
}

fn at<'a>(tree: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').try_fold(tree, |tree, part| tree.get(part)).filter(|value| !value.is_null())
}

fn cannot_parse(path: &str, kind: Kind) -> String {
    let kind = match kind {
        Kind::Bool | Kind::Unset => "bool",
        Kind::Int => "int",
        Kind::List | Kind::Rules => "slice",
        Kind::Text | Kind::Plain | Kind::Flag => "string",
    };
    format!("'{path}' cannot parse value as '{kind}'")
}

fn complaint(wrong: &[String]) -> anyhow::Result<()> {
    if wrong.is_empty() {
        return Ok(());
    }
    let what = format!("decoding failed due to the following error(s):\n\n{}", wrong.join("\n"));
    Err(invalid(what, "correct the settings file or the environment variable"))
}

/// A value of the key's kind, as lenient as the peers: numbers may stand for texts, texts for numbers.
fn from_file(kind: Kind, value: &Json) -> Option<Json> {
    let plain = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(true) => Some("1".to_owned()),
        Json::Bool(false) => Some("0".to_owned()),
        _ => None,
    };
    match (kind, value) {
        (Kind::Rules, Json::Array(_)) => Some(value.clone()),
        (Kind::List, Json::Array(items)) => Some(items.iter().map(plain).collect::<Option<Vec<_>>>()?.into()),
        (Kind::Bool | Kind::Unset, Json::Bool(value)) => Some((*value).into()),
        (Kind::Text | Kind::Plain, value) => plain(value).map(Json::from),
        (kind, value) => plain(value).and_then(|text| from_text(kind, &text)),
    }
}

/// What a variable's text stands for.
fn from_text(kind: Kind, text: &str) -> Option<Json> {
    match kind {
        Kind::Bool | Kind::Unset => match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true.into()),
            "0" | "f" | "F" | "false" | "FALSE" | "False" | "" => Some(false.into()),
            _ => None,
        },
        Kind::Int if text.is_empty() => Some(0.into()),
        Kind::Int => text.parse::<i64>().ok().map(Json::from),
        Kind::List => Some(words(text).into()),
        Kind::Text | Kind::Plain => Some(text.into()),
        Kind::Rules | Kind::Flag => None,
    }
}

/// The variable of a key: `source.base-path` is `SYFT_SOURCE_BASE_PATH`.
pub(super) fn variable_name(app: &App, path: &str) -> String {
    format!("{}_{}", app.prefix, path.to_ascii_uppercase().replace(['.', '-'], "_"))
}

fn environment(settings: &mut Settings, variable: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<()> {
    let app = settings.app();
    let mut wrong = Vec::new();
    for key in app.keys.iter().filter(|key| !matches!(key.kind, Kind::Flag | Kind::Rules)) {
        let Some(text) = variable(&variable_name(app, key.path)) else { continue };
        match from_text(key.kind, &text) {
            Some(value) => settings.flag(key.path, Some(value)),
            None => wrong.push(cannot_parse(key.path, key.kind)),
        }
    }
    complaint(&wrong)
}

#[cfg(test)]
mod tests {
    use super::super::{GRYPE, SYFT};
    use super::*;

    fn tree(text: &str) -> Map<String, Json> {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn the_environment_wins_over_files_and_the_first_file_over_the_second() {
        let files = [
            tree("source: {name: one}\nparallelism: '3'\nunknown: 1\nscope: all-layers"),
            tree("source: {name: two, version: 7}\nprofiles: {p: {scope: deep-squashed}}"),
        ];
        let mut settings = merged(&SYFT, &files, &["p".to_owned()]).unwrap();
        let variable = |name: &str| match name {
            "SYFT_OUTPUT" => Some("json, purls".to_owned()),
            "SYFT_SOURCE_BASE_PATH" => Some("/b".to_owned()),
            "SYFT_FORMAT_PRETTY" => Some("T".to_owned()),
            _ => None,
        };
        environment(&mut settings, &variable).unwrap();
        assert_eq!((settings.text("source.name"), settings.text("source.version")), ("one", "7"));
        assert_eq!((settings.int("parallelism"), settings.text("scope")), (3, "deep-squashed"));
        assert_eq!(settings.list("output"), ["json", "purls"]);
        assert_eq!((settings.text("source.base-path"), settings.maybe("format.pretty")), ("/b", Some(true)));
        assert_eq!((settings.maybe("format.json.pretty"), settings.text("cache.ttl")), (None, "7d"));
    }

    #[test]
    fn wrong_kinds_and_profiles_are_errors() {
        for text in ["only-fixed: maybe", "output: {a: 1}", "ignore: x"] {
            let error = merged(&GRYPE, &[tree(text)], &[]).unwrap_err().to_string();
            assert!(error.contains("cannot parse value as"), "{text}: {error}");
        }
        assert!(merged(&GRYPE, &[], &["p".to_owned()]).is_err());
        let variable = |name: &str| (name == "GRYPE_BY_CVE").then(|| "maybe".to_owned());
        assert!(environment(&mut Settings::new(&GRYPE), &variable).is_err());
    }
}
