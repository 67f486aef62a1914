//! Rules by which findings are set aside: the user's, with a reason and an end, and those built in.

use crate::finding::{FixState, IgnoredMatch, Match};
use crate::glob;
use jiff::civil::Date;
use regex::Regex;
use sbom::{Component, Document};

/// What a finding must meet to be set aside: everything that is not empty. A rule that states nothing sets nothing
/// aside. The fields are those of `ignore:` in `.grype.yaml` (0.121.2), and `expires`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreRule {
    /// Identifier of the flaw.
    pub vulnerability: String,
    /// The identifier may also be one of the related ones.
    pub include_aliases: bool,
    /// Why; for people.
    pub reason: String,
    /// Namespace of the advisory.
    pub namespace: String,
    /// `fixed`, `not-fixed`, `wont-fix`, `unknown`.
    pub fix_state: String,
    /// Narrows the component.
    pub package: IgnoreRulePackage,
    /// Status of a VEX statement; such a rule acts only through VEX.
    pub vex_status: String,
    /// Justification of a VEX statement.
    pub vex_justification: String,
    /// `exact-direct-match`, `exact-indirect-match`, `cpe-match`.
    pub match_type: String,
    /// Last day on which the rule holds.
    pub expires: Option<Date>,
}

/// What an [`IgnoreRule`] asks of the component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreRulePackage {
    /// Name, or a regular expression for the whole of it.
    pub name: String,
    /// Version.
    pub version: String,
    /// Language.
    pub language: String,
    /// Type.
    pub kind: String,
    /// Path, or a pattern with `*`, `**`, `?`, `[...]`, `{a,b}`.
    pub location: String,
    /// Name of a source package, or a regular expression for the whole of it.
    pub upstream_name: String,
}

impl IgnoreRule {
    /// A rule for one flaw.
    #[must_use]
    pub fn vulnerability(id: impl Into<String>) -> Self {
        Self { vulnerability: id.into(), ..Self::default() }
    }

    /// A rule that only explains; for what was set aside by something else than rules.
    pub(crate) fn because(vulnerability: &str, reason: impl Into<String>) -> Self {
        Self {
            vulnerability: vulnerability.to_owned(),
            include_aliases: true,
            reason: reason.into(),
            ..Self::default()
        }
    }

    fn of_fix_state(state: FixState) -> Self {
        Self { fix_state: state.as_str().to_owned(), ..Self::default() }
    }

    /// Whether anything but VEX is asked for.
    pub(crate) fn has_conditions(&self) -> bool {
        let package = &self.package;
        [
            &self.vulnerability,
            &self.namespace,
            &self.fix_state,
            &self.match_type,
            &package.name,
            &package.version,
            &package.language,
            &package.kind,
            &package.location,
            &package.upstream_name,
        ]
        .into_iter()
        .any(|field| !field.is_empty())
    }
}

/// The rules that `--only-fixed` stands for.
#[must_use]
pub fn only_fixed() -> Vec<IgnoreRule> {
    [FixState::NotFixed, FixState::WontFix, FixState::Unknown].map(IgnoreRule::of_fix_state).to_vec()
}

/// The rules that `--only-notfixed` stands for.
#[must_use]
pub fn only_not_fixed() -> Vec<IgnoreRule> {
    vec![IgnoreRule::of_fix_state(FixState::Fixed)]
}

/// The rules that `--ignore-states` stands for: states with commas between.
///
/// # Errors
/// Gives back the state that is none.
pub fn ignore_states(states: &str) -> Result<Vec<IgnoreRule>, String> {
    let words = states.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(|word| FixState::parse(word).map(IgnoreRule::of_fix_state).ok_or_else(|| word.to_owned())).collect()
}

/// Rules for packages that hold headers of the kernel but not the kernel.
pub(crate) fn kernel_headers() -> Vec<IgnoreRule> {
    [
        ("rpm", "kernel-headers", "kernel"),
        ("deb", "linux(-.*)?-headers-.*", "linux.*"),
        ("deb", "linux-libc-dev", "linux"),
        ("deb", "linux-kbuild-.*", "linux.*"),
    ]
    .map(|(kind, name, upstream)| IgnoreRule {
        package: IgnoreRulePackage {
            name: name.to_owned(),
            upstream_name: upstream.to_owned(),
            kind: kind.to_owned(),
            ..IgnoreRulePackage::default()
        },
        match_type: "exact-indirect-match".to_owned(),
        reason: "kernel headers are not the kernel".to_owned(),
        ..IgnoreRule::default()
    })
    .to_vec()
}

/// Flaws that are known to be ascribed to the wrong package (grype/match/explicit_ignores.go, 0.121.2).
const MISTAKEN: &[(&str, &[&str], &[&str])] = &[
    (
        "java-archive",
        &[
            "CVE-2021-44228",
            "CVE-2021-45046",
            "GHSA-jfh8-c2jp-5v3q",
            "GHSA-7rjr-3q55-vv33",
            "CVE-2020-9493",
            "CVE-2022-23307",
            "CVE-2023-26464",
        ],
        &[
            "log4j-api",
            "log4j-slf4j-impl",
            "log4j-to-slf4j",
            "log4j-1.2-api",
            "log4j-detector",
            "log4j-over-slf4j",
            "slf4j-log4j12",
        ],
    ),
    ("go-module", &["CVE-2015-5237", "CVE-2021-22570"], &["google.golang.org/protobuf"]),
    ("gem", &["CVE-2017-14196", "CVE-2017-14197", "CVE-2017-14198", "CVE-2019-19373", "CVE-2019-19374"], &["matrix"]),
    (
        "gem",
        &[
            "CVE-1999-1338",
            "CVE-2001-1202",
            "CVE-2002-1781",
            "CVE-2004-0789",
            "CVE-2004-2003",
            "CVE-2005-0036",
            "CVE-2005-0861",
            "CVE-2006-2072",
            "CVE-2015-7556",
        ],
        &["delegate"],
    ),
    ("gem", &["CVE-2008-4318"], &["observer"]),
    ("gem", &["CVE-2017-14727"], &["logger"]),
    ("deb", &["CVE-2023-45853"], &["zlib1g", "zlib"]),
];

/// The built-in rule that a finding meets.
pub(crate) fn mistaken(found: &Match, component: &Component) -> Option<IgnoreRule> {
    let id = found.vulnerability.id.as_str();
    let (kind, _, _) = MISTAKEN.iter().find(|(kind, ids, names)| {
        *kind == component.kind.as_str() && ids.contains(&id) && names.contains(&component.name.as_str())
    })?;
    Some(IgnoreRule {
        vulnerability: id.to_owned(),
        package: IgnoreRulePackage {
            name: component.name.clone(),
            kind: (*kind).to_owned(),
            ..IgnoreRulePackage::default()
        },
        reason: "known to be ascribed to the wrong package".to_owned(),
        ..IgnoreRule::default()
    })
}

/// Rules ready to be asked.
#[derive(Debug)]
pub(crate) struct Rules {
    rules: Vec<Ready>,
}

#[derive(Debug)]
struct Ready {
    rule: IgnoreRule,
    name: Pattern,
    upstream_name: Pattern,
    location: Pattern,
}

#[derive(Debug)]
enum Pattern {
    Any,
    Text(String),
    Regex(Regex),
    /// It cannot be understood, so nothing meets it.
    Never,
}

impl Pattern {
    fn name(text: &str) -> Self {
        let is_regex = text.contains(['^', '$', '*', '+', '?', '[', ']', '(', ')', '{', '}', '|', '\\']);
        match text {
            "" => Self::Any,
            _ if is_regex => Regex::new(&format!("^(?:{text})$")).map_or(Self::Never, Self::Regex),
            _ => Self::Text(text.to_owned()),
        }
    }

    fn location(text: &str) -> Self {
        match text {
            "" => Self::Any,
            _ => glob::regex(text).map_or(Self::Never, Self::Regex),
        }
    }

    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Text(wanted) => wanted == text,
            Self::Regex(regex) => regex.is_match(text),
            Self::Never => false,
        }
    }
}

impl Rules {
    /// Leaves out rules that have expired, that act through VEX, and that state nothing.
    pub(crate) fn new(rules: &[IgnoreRule], today: Date) -> Self {
        let holds = |rule: &&IgnoreRule| {
            rule.vex_status.is_empty() && rule.has_conditions() && rule.expires.is_none_or(|last_day| today <= last_day)
        };
        Self { rules: rules.iter().filter(holds).cloned().map(Ready::new).collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that a finding meets.
    pub(crate) fn met_by(&self, found: &Match, document: &Document) -> Vec<IgnoreRule> {
        let Some(component) = document.components.get(found.component.0 as usize) else { return Vec::new() };
        self.rules.iter().filter(|ready| ready.holds(found, component)).map(|ready| ready.rule.clone()).collect()
    }

    /// Splits findings into those that stay and those set aside.
    pub(crate) fn apply(&self, matches: Vec<Match>, document: &Document) -> (Vec<Match>, Vec<IgnoredMatch>) {
        let mut stay = Vec::with_capacity(matches.len());
        let mut aside = Vec::new();
        for found in matches {
            let rules = self.met_by(&found, document);
            if rules.is_empty() {
                stay.push(found);
            } else {
                aside.push(IgnoredMatch { found, rules });
            }
        }
        (stay, aside)
    }
}

impl Ready {
    fn new(rule: IgnoreRule) -> Self {
        Self {
            name: Pattern::name(&rule.package.name),
            upstream_name: Pattern::name(&rule.package.upstream_name),
            location: Pattern::location(&rule.package.location),
            rule,
        }
    }

    fn holds(&self, found: &Match, component: &Component) -> bool {
        let (rule, vulnerability) = (&self.rule, &found.vulnerability);
        let is = |wanted: &str, have: &str| wanted.is_empty() || wanted == have;
        let named = rule.vulnerability.is_empty()
            || rule.vulnerability == vulnerability.id
            || rule.include_aliases && vulnerability.related.iter().any(|related| related.id == rule.vulnerability);
        let state = match vulnerability.fix.state {
            FixState::Unstated => FixState::Unknown,
            state => state,
        };
        let match_type = |detail: &crate::finding::Detail| is(&rule.match_type, detail.kind.as_str());
        named
            && is(&rule.namespace, &vulnerability.namespace)
            && is(&rule.fix_state, state.as_str())
            && is(&rule.package.version, &component.version)
            && is(&rule.package.language, component.language.as_str())
            && is(&rule.package.kind, component.kind.as_str())
            && found.details.iter().any(match_type)
            && self.name.holds(&component.name)
            && self.upstream_holds(component)
            && self.location_holds(component)
    }

    fn upstream_holds(&self, component: &Component) -> bool {
        matches!(self.upstream_name, Pattern::Any)
            || component.upstreams.iter().any(|upstream| self.upstream_name.holds(&upstream.name))
    }

    fn location_holds(&self, component: &Component) -> bool {
        matches!(self.location, Pattern::Any)
            || component
                .locations
                .iter()
                .any(|location| self.location.holds(&location.path) || self.location.holds(&location.access_path))
    }
}
