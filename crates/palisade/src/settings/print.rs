//! `config`: the settings as a file would have them, with the variable of each.

use super::load::variable_name;
use super::{Key, Kind, Settings};
use serde_json::Value as Json;
use std::io::{self, Write};

/// Prints every key with its value.
pub(crate) fn print(settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let mut open: Vec<&str> = Vec::new();
    let mut is_first = true;
    for key in settings.app().keys.iter().filter(|key| key.kind != Kind::Flag) {
        let parts: Vec<&str> = key.path.split('.').collect();
        let Some((name, sections)) = parts.split_last() else { continue };
        if !std::mem::take(&mut is_first) {
            writeln!(out)?;
        }
        let shared = open.iter().zip(sections).take_while(|(open, section)| open == section).count();
        for (depth, section) in sections.iter().enumerate().skip(shared) {
            writeln!(out, "{:1$}{section}:", "", depth * 2)?;
        }
        open = sections.to_vec();
        entry(settings, key, name, sections.len() * 2, out)?;
    }
    Ok(())
}

fn entry(settings: &Settings, key: &Key, name: &str, indent: usize, out: &mut dyn Write) -> io::Result<()> {
    if key.kind != Kind::Rules {
        writeln!(out, "{:indent$}# (env: {})", "", variable_name(settings.app(), key.path))?;
    }
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let value = match key.kind {
        Kind::Bool => settings.bool(key.path).to_string(),
        Kind::Unset => settings.maybe(key.path).map(|value| value.to_string()).unwrap_or_default(),
        Kind::Int => settings.int(key.path).to_string(),
        Kind::Plain => settings.text(key.path).to_owned(),
        // Secrets are not for terminals.
        Kind::Text if key.path.ends_with("password") && settings.some(key.path).is_some() => quoted("*******"),
        Kind::Text | Kind::Flag => quoted(settings.text(key.path)),
        Kind::Rules => match settings.rules(key.path) {
            Some(Json::Array(rules)) if key.path == "registry.auth" => format!("[] # {} not shown", rules.len()),
            Some(rules) => rules.to_string(),
            None => "[]".to_owned(),
        },
        Kind::List => {
            let items = settings.list(key.path);
            if !items.is_empty() {
                writeln!(out, "{:indent$}{name}:", "")?;
                return items.iter().try_for_each(|item| writeln!(out, "{:indent$}  - {}", "", quoted(item)));
            }
            "[]".to_owned()
        }
    };
    writeln!(out, "{}", format!("{:indent$}{name}: {value}", "").trim_end())
}

#[cfg(test)]
mod tests {
    use super::super::{GRYPE, SYFT};
    use super::*;

    #[test]
    fn what_is_printed_is_a_settings_file() {
        for app in [&SYFT, &GRYPE] {
            let mut text = Vec::new();
            print(&Settings::new(app), &mut text).unwrap();
            let tree: Json = serde_saphyr::from_str(std::str::from_utf8(&text).unwrap()).unwrap();
            assert_eq!(tree["log"]["level"], "warn");
            assert_eq!(tree["exclude"], serde_json::json!([]));
        }
    }
}
