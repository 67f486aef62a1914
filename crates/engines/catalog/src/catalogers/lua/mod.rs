//! Lua: `*.rockspec`, as Syft 1.57 reads it (`syft/pkg/cataloger/lua`).

mod rockspec;

use super::license_files;
use crate::{Assembly, Cataloger, Extraction, File, ParseError, View, Want};
use purl::PackageUrl;
use rockspec::{Entry, Value};
use sbom::{Component, Language, PackageType};
use serde::Serialize;
use std::collections::BTreeMap;

/// Finds the rocks of LuaRocks.
pub(super) struct LuaRock;

/// The `luarocks-package` record of Syft's JSON schema 16.
#[derive(Serialize, Default)]
struct Record {
    name: String,
    version: String,
    license: String,
    homepage: String,
    description: String,
    url: String,
    dependencies: Option<BTreeMap<String, String>>,
}

impl Cataloger for LuaRock {
    fn name(&self) -> &'static str {
        "lua-rock-cataloger"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "installed", "language", "lua"]
    }

    fn wants(&self) -> &'static [Want] {
        &[Want::Glob("**/*.rockspec")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let mut record = Record::default();
        for Entry { name, value } in rockspec::parse(&file.text())? {
            match name.as_str() {
                "package" => value.text().clone_into(&mut record.name),
                "version" => value.text().clone_into(&mut record.version),
                "source" => member(&value, "url").clone_into(&mut record.url),
                "description" => {
                    member(&value, "summary").clone_into(&mut record.description);
                    member(&value, "homepage").clone_into(&mut record.homepage);
                    record.license = member(&value, "license").replace(' ', "-");
                }
                "dependencies" => {
                    let dependencies = record.dependencies.get_or_insert_default();
                    for dependency in value.entries() {
                        let text = dependency.value.text().trim();
                        let (name, bound) = text.split_once(' ').unwrap_or((text, ""));
                        if !name.is_empty() {
                            dependencies.insert(name.to_owned(), bound.trim().to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
        if record.name.is_empty() {
            return Ok(());
        }
        let mut component = Component::new(PackageType::LuaRocks, Language::Lua, &record.name, &record.version);
        component.purl = PackageUrl::new("luarocks", &record.name).version(&record.version).to_string();
        component.licenses = license_files::declared(&record.license);
        component.set_metadata("luarocks-package", &record)?;
        out.add(component);
        Ok(())
    }

    fn assemble(&self, view: &View<'_>, out: &mut Assembly) {
        license_files::assemble(view, out);
    }
}

fn member<'a>(table: &'a Value, name: &str) -> &'a str {
    table.entries().iter().find(|entry| entry.name == name).map_or("", |entry| entry.value.text())
}

#[cfg(test)]
mod tests {
    use super::LuaRock;
    use crate::catalogers::testing::{catalogue, purls, record, unknowns};

    #[test]
    fn rocks() {
        let spec = br#"-- a comment
local _MODREV, _SPECREV = "1.5", "1"
local src = { dir = "x" }
rockspec_format = "3.0"
package = "luasec"
version = _MODREV .. '-' .. _SPECREV
source = { url = "git+https://example.org/luasec", tag = "v" .. _MODREV }
description = {
  summary = "A binding",
  detailed = [[ several
  lines ]],
  license = "MIT X11"; homepage = "https://luasec",
}
dependencies = { "lua >= 5.1", "luasocket", }
build = { type = "builtin", modules = { ["ssl.core"] = function() return { 1 } end } }
"#;
        let document = catalogue(&LuaRock, &[("/luasec-1.5-1.rockspec", spec), ("/x.rockspec", b"package = {")]);
        assert_eq!(purls(&document), ["pkg:luarocks/luasec@1.5-1"]);
        let expected = r#"{"name":"luasec","version":"1.5-1","license":"MIT-X11","homepage":"https://luasec","description":"A binding","url":"git+https://example.org/luasec","dependencies":{"lua":">= 5.1","luasocket":""}}"#;
        assert_eq!(record(&document, "luasec"), expected);
        assert_eq!(unknowns(&document).len(), 1);
    }
}
