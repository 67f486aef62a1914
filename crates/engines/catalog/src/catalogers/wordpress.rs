//! Plugins of WordPress, as Syft 1.57 finds them (`syft/pkg/cataloger/wordpress`).

use super::license_files;
use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want};
use regex::Regex;
use sbom::{Component, Language, PackageType};
use serde::Serialize;
use std::sync::LazyLock;

/// Finds the plugins by the comment at the beginning of their main file.
pub(super) struct WordpressPlugins;

/// The comment is within this.
const HEADER_BYTES: usize = 4096;

/// The `wordpress-plugin-entry` record of Syft's JSON schema 16.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    plugin_install_directory: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    author: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    author_uri: &'a str,
}

impl Cataloger for WordpressPlugins {
    fn name(&self) -> &'static str {
        "wordpress-plugins-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "wordpress"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/wp-content/plugins/*/*.php")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)plugin name:\s*(.+)").ok());
        static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)version:\s*([\d.]+)").ok());
        static LICENSE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)license:\s*(\w+)").ok());
        static AUTHOR: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)author:\s*(.+)").ok());
        static AUTHOR_URI: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)author uri:\s*(.+)").ok());
        let header = String::from_utf8_lossy(file.bytes.get(..HEADER_BYTES).unwrap_or(file.bytes));
        let field = |pattern: &'static Option<Regex>| {
            let value = pattern.as_ref().and_then(|pattern| pattern.captures(&header)?.get(1));
            value.map_or("", |value| value.as_str().trim())
        };
        let (name, version) = (field(&NAME), field(&VERSION));
        if name.is_empty() || version.is_empty() {
            return Ok(());
        }
        let mut component = Component::new(PackageType::WordpressPlugin, Language::Php, name, version);
        component.licenses = license_files::declared(field(&LICENSE));
        let record = Record {
            plugin_install_directory: file.path.rsplit('/').nth(1).unwrap_or_default(),
            author: field(&AUTHOR),
            author_uri: field(&AUTHOR_URI),
        };
        component.set_metadata("wordpress-plugin-entry", &record)?;
        out.add(component);
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        license_files::assemble(view, out);
    }
}

#[cfg(test)]
mod tests {
    use super::WordpressPlugins;
    use crate::catalogers::testing::{catalogue, record};

    #[test]
    fn plugins() {
        let main = b"<?php\n/*\n * Plugin Name: Akismet Anti-spam\n * Version: 5.3\n * Author: Automattic\n * Author URI: https://automattic.com/x/\n * License: GPLv2 or later\n */\n";
        let folder = "/var/www/wp-content/plugins/akismet";
        let (path, other) = (format!("{folder}/akismet.php"), format!("{folder}/index.php"));
        let document = catalogue(&WordpressPlugins, &[(&path, main), (&other, b"<?php\n// Version: 2\n")]);
        let expected =
            r#"{"pluginInstallDirectory":"akismet","author":"Automattic","authorUri":"https://automattic.com/x/"}"#;
        assert_eq!(record(&document, "Akismet Anti-spam"), expected);
        assert_eq!((document.components.len(), document.components[0].version.as_str()), (1, "5.3"));
        assert_eq!(document.components[0].licenses[0].value, "GPLv2");
    }
}
