//! Ignore rules: those of the settings file, with `expires`, and those that switches stand for.

use crate::outcome::advised;
use crate::settings::{Settings, invalid};
use matching::ignore::{IgnoreRule, IgnoreRulePackage};
use serde::Deserialize;

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

/// The ignore rules of the settings file.
pub(super) fn rules(settings: &Settings) -> anyhow::Result<Vec<IgnoreRule>> {
    let Some(list) = settings.rules("ignore") else { return Ok(Vec::new()) };
    let rules: Vec<Rule> = serde_json::from_value(list.clone()).map_err(|error| {
        invalid(format!("an ignore rule cannot be understood: {error}"), "see `ignore:` in the file")
    })?;
    rules.iter().map(Rule::ready).collect()
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

/// `only-fixed`, `only-notfixed` and `ignore-wontfix` as rules, so that what they hide is listed like the rest.
pub(super) fn state_rules(settings: &Settings) -> anyhow::Result<Vec<IgnoreRule>> {
    let mut states: Vec<String> = Vec::new();
    if settings.bool("only-fixed") {
        states.extend(["not-fixed", "wont-fix", "unknown"].map(str::to_owned));
    }
    if settings.bool("only-notfixed") {
        states.push("fixed".to_owned());
    }
    for state in settings.text("ignore-wontfix").split(',').map(str::trim).filter(|state| !state.is_empty()) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::GRYPE;

    fn settings(text: &str) -> Settings {
        let mut settings = Settings::new(&GRYPE);
        settings.flag("ignore", Some(serde_saphyr::from_str::<serde_json::Value>(text).unwrap()));
        settings
    }

    #[test]
    fn the_peers_rules_are_read_and_may_expire() {
        let text = "[{vulnerability: CVE-2008-4318, fix-state: unknown, expires: 2027-01-31, \
                    package: {name: x, type: gem}}]";
        let rules = rules(&settings(text)).unwrap();
        assert_eq!(rules[0].package.kind, "gem");
        assert_eq!(rules[0].expires.unwrap().to_string(), "2027-01-31");
    }

    #[test]
    fn a_wrong_date_is_an_error() {
        assert!(rules(&settings("[{vulnerability: A, expires: soon}]")).is_err());
    }
}
