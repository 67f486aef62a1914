//! `.grype.yaml`: the settings that scans share with the peer, and `expires` on its ignore rules.

use super::Args;
use crate::outcome::advised;
use anyhow::Context;
use matching::ignore::{IgnoreRule, IgnoreRulePackage};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What of the file is understood. Other keys are the peer's and are let pass.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[expect(clippy::struct_excessive_bools, reason = "one switch for each of the peer's")]
pub(crate) struct Config {
    pub(crate) output: Vec<String>,
    pub(crate) fail_on_severity: Option<String>,
    pub(crate) only_fixed: bool,
    pub(crate) only_notfixed: bool,
    pub(crate) ignore_wontfix: String,
    pub(crate) by_cve: bool,
    pub(crate) show_suppressed: bool,
    pub(crate) sort_by: Option<String>,
    pub(crate) distro: Option<String>,
    pub(crate) vex_documents: Vec<PathBuf>,
    pub(crate) match_upstream_kernel_headers: bool,
    ignore: Vec<Rule>,
}

/// A rule as the file has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Rule {
    vulnerability: String,
    include_aliases: bool,
    reason: String,
    namespace: String,
    fix_state: String,
    package: RulePackage,
    vex_status: String,
    vex_justification: String,
    match_type: String,
    /// Last day on which the rule holds, `YYYY-MM-DD`.
    expires: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct RulePackage {
    name: String,
    version: String,
    language: String,
    #[serde(rename = "type")]
    kind: String,
    location: String,
    upstream_name: String,
}

impl Config {
    /// Reads the files named, or the first of the usual places; no file is no settings.
    pub(crate) fn load(named: &[PathBuf]) -> anyhow::Result<Self> {
        match (named, usual_place()) {
            ([], None) => Ok(Self::default()),
            ([], Some(path)) => Self::read(&path),
            ([only], _) => Self::read(only),
            _ => Err(advised("more than one settings file", "name one with --config")),
        }
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_saphyr::from_str(&text).with_context(|| format!("{} is not a settings file", path.display()))
    }

    /// The ignore rules.
    pub(crate) fn rules(&self) -> anyhow::Result<Vec<IgnoreRule>> {
        self.ignore.iter().map(Rule::ready).collect()
    }
}

impl Rule {
    fn ready(&self) -> anyhow::Result<IgnoreRule> {
        let expires = match self.expires.as_str() {
            "" => None,
            date => Some(date.parse().map_err(|_| {
                advised(
                    format!("the ignore rule for {:?} expires on {date:?}, which is no date", self.vulnerability),
                    "write it as 2027-01-31",
                )
            })?),
        };
        let package = &self.package;
        Ok(IgnoreRule {
            vulnerability: self.vulnerability.clone(),
            include_aliases: self.include_aliases,
            reason: self.reason.clone(),
            namespace: self.namespace.clone(),
            fix_state: self.fix_state.clone(),
            package: IgnoreRulePackage {
                name: package.name.clone(),
                version: package.version.clone(),
                language: package.language.clone(),
                kind: package.kind.clone(),
                location: package.location.clone(),
                upstream_name: package.upstream_name.clone(),
            },
            vex_status: self.vex_status.clone(),
            vex_justification: self.vex_justification.clone(),
            match_type: self.match_type.clone(),
            expires,
        })
    }
}

/// `--only-fixed`, `--only-notfixed` and `--ignore-states` as rules, so that what they hide is listed like the rest.
pub(crate) fn state_rules(args: &Args, settings: &Config) -> anyhow::Result<Vec<IgnoreRule>> {
    let mut states: Vec<String> = Vec::new();
    if args.only_fixed || settings.only_fixed {
        states.extend(["not-fixed", "wont-fix", "unknown"].map(str::to_owned));
    }
    if args.only_notfixed || settings.only_notfixed {
        states.push("fixed".to_owned());
    }
    let listed = args.ignore_states.as_deref().unwrap_or(&settings.ignore_wontfix);
    for state in listed.split(',').map(str::trim).filter(|state| !state.is_empty()) {
        if !["fixed", "not-fixed", "wont-fix", "unknown"].contains(&state) {
            return Err(advised(
                format!("{state:?} is not a state of a fix"),
                "use fixed, not-fixed, wont-fix or unknown with --ignore-states",
            ));
        }
        states.push(state.to_owned());
    }
    Ok(states.into_iter().map(|fix_state| IgnoreRule { fix_state, ..IgnoreRule::default() }).collect())
}

fn usual_place() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let xdg = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let xdg = xdg.or_else(|| home.as_ref().map(|home| home.join(".config")));
    let places = [
        Some(PathBuf::from(".grype.yaml")),
        Some(PathBuf::from(".grype/config.yaml")),
        home.map(|home| home.join(".grype.yaml")),
        xdg.map(|xdg| xdg.join("grype/config.yaml")),
    ];
    places.into_iter().flatten().find(|place| place.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peers_file_is_read_and_rules_may_expire() {
        let text = "fail-on-severity: high\nunknown-key: 1\nignore:\n  - vulnerability: CVE-2008-4318\n    \
                    fix-state: unknown\n    expires: 2027-01-31\n    package: {name: x, type: gem}\n";
        let config: Config = serde_saphyr::from_str(text).unwrap();
        assert_eq!(config.fail_on_severity.as_deref(), Some("high"));
        let rules = config.rules().unwrap();
        assert_eq!(rules[0].package.kind, "gem");
        assert_eq!(rules[0].expires.unwrap().to_string(), "2027-01-31");
    }

    #[test]
    fn a_wrong_date_is_an_error() {
        let config: Config = serde_saphyr::from_str("ignore: [{vulnerability: A, expires: soon}]").unwrap();
        assert!(config.rules().is_err());
    }
}
