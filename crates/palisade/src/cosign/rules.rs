//! Policies on a statement that was verified: CEL and Rego (Cosign's `--policy`). What can't be evaluated denies.

use crate::outcome::advised;
use anyhow::Context;
use bundle::Statement;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// The largest policy that is read.
const MAX_POLICY: u64 = 1 << 20;

/// A policy's file.
pub(crate) struct Rules {
    path: PathBuf,
    language: Language,
}

enum Language {
    Cel(Box<cel::Program>),
    Rego(String),
}

impl Rules {
    /// Reads a policy; its language is told by the file's name.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        use std::io::Read;
        let mut text = String::new();
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        file.take(MAX_POLICY).read_to_string(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
        let language = match path.extension().and_then(|extension| extension.to_str()) {
            Some("cel") => {
                let program = cel::Program::compile(text.trim());
                Language::Cel(Box::new(program.map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?))
            }
            Some("rego") => Language::Rego(text),
            Some("cue") => {
                return Err(advised(
                    format!("{}: policies in CUE are not evaluated", path.display()),
                    "write the policy in CEL (.cel) or Rego (.rego)",
                ));
            }
            _ => {
                return Err(advised(
                    format!("the language of {} is not known", path.display()),
                    "name a policy .cel or .rego",
                ));
            }
        };
        Ok(Self { path: path.to_path_buf(), language })
    }

    /// Lets a statement pass, or says why not.
    pub(crate) fn check(&self, statement: &Statement) -> anyhow::Result<()> {
        let input = serde_json::to_value(statement).context("the statement")?;
        let holds = match &self.language {
            Language::Cel(program) => cel_holds(program, &input),
            Language::Rego(policy) => rego_holds(&self.path, policy, &input),
        };
        holds.with_context(|| format!("the policy {} does not hold", self.path.display()))
    }
}

/// The expression must be true, with the statement as `statement` and its predicate as `predicate`.
fn cel_holds(program: &cel::Program, input: &Json) -> anyhow::Result<()> {
    let mut context = cel::Context::default();
    let failed = |error: &dyn std::fmt::Display| anyhow::anyhow!("{error}");
    context.add_variable("statement", input.clone()).map_err(|error| failed(&error))?;
    let predicate = input.get("predicate").cloned().unwrap_or(Json::Null);
    context.add_variable("predicate", predicate).map_err(|error| failed(&error))?;
    match program.execute(&context).map_err(|error| failed(&error))? {
        cel::Value::Bool(true) => Ok(()),
        cel::Value::Bool(false) => Err(anyhow::anyhow!("it is false")),
        _ => Err(anyhow::anyhow!("it is neither true nor false")),
    }
}

/// `data.signature.allow` must be true and `data.signature.deny` empty, as Cosign asks of a policy.
fn rego_holds(path: &Path, policy: &str, input: &Json) -> anyhow::Result<()> {
    let mut engine = regorus::Engine::new();
    engine.set_rego_v0(!policy.contains("import rego.v1") && !policy.contains(" if "));
    engine.add_policy(path.display().to_string(), policy.to_owned())?;
    engine.set_input(regorus::Value::from_json_str(&input.to_string())?);
    let denials = rule(&mut engine, "data.signature.deny");
    let allow = rule(&mut engine, "data.signature.allow")?;
    if let Ok(denials) = denials {
        let messages: Vec<String> = match serde_json::to_value(&denials)? {
            Json::Array(messages) => messages.iter().map(Json::to_string).collect(),
            _ => Vec::new(),
        };
        if !messages.is_empty() {
            return Err(anyhow::anyhow!("denied: {}", messages.join(", ")));
        }
    }
    if allow == regorus::Value::from(true) { Ok(()) } else { Err(anyhow::anyhow!("data.signature.allow is not true")) }
}

fn rule(engine: &mut regorus::Engine, name: &str) -> anyhow::Result<regorus::Value> {
    engine.eval_rule(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(name: &str, policy: &str) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, policy).unwrap();
        let statement = Statement::new(Vec::new(), "https://example.com/x", json!({ "level": 3, "builder": "ci" }));
        Rules::read(&path).and_then(|rules| rules.check(&statement)).is_ok()
    }

    #[test]
    fn only_what_a_policy_allows_passes() {
        for (name, policy, expected) in [
            ("a.cel", "predicate.level >= 3 && predicate.builder == 'ci'", true),
            ("a.cel", "predicate.level > 3", false),
            ("a.cel", "predicate.missing == 1", false),
            ("a.cel", "predicate.level", false),
            ("a.cel", "((", false),
            ("a.rego", "package signature\ndefault allow = false\nallow { input.predicate.level >= 3 }", true),
            ("a.rego", "package signature\nallow { input.predicate.level > 3 }", false),
            (
                "a.rego",
                "package signature\nallow = true\ndeny[msg] { input.predicate.level < 4; msg := \"too low\" }",
                false,
            ),
            ("a.rego", "package other\nallow = true", false),
            ("a.rego", "package signature\nallow {", false),
            ("a.cue", "predicate: level: 3", false),
        ] {
            assert_eq!(holds(name, policy), expected, "{name}: {policy}");
        }
    }
}
