//! GitHub Actions: the actions and workflows that workflows use, as Syft 1.57 finds them
//! (`syft/pkg/cataloger/githubactions`).

use super::yaml;
use crate::{Cataloger, Extraction, File, ParseError, UsedFor, Want};
use purl::PackageUrl;
use sbom::{Component, Language, PackageType};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Finds the actions that steps use.
pub(super) struct ActionUsage;

/// Finds the shared workflows that jobs use.
pub(super) struct WorkflowUsage;

const WORKFLOWS: Want = Want::Glob("**/.github/workflows/*.{yaml,yml}");

impl Cataloger for ActionUsage {
    fn name(&self) -> &'static str {
        "github-actions-usage-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "github", "github-actions"]
    }

    fn wants(&self) -> &'static [Want] {
        &[WORKFLOWS, Want::Glob("**/.github/actions/*/action.{yml,yaml}")]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let text = file.text();
        let steps = if file.path.contains("/.github/workflows/") {
            yaml::parse::<Workflow>(&text)?.jobs.into_values().flat_map(|job| job.steps).collect()
        } else {
            yaml::parse::<CompositeAction>(&text)?.runs.steps
        };
        add(steps.into_iter().filter_map(|step| step.uses), &text, out)
    }
}

impl Cataloger for WorkflowUsage {
    fn name(&self) -> &'static str {
        "github-action-workflow-usage-cataloger"
    }

    fn used_for(&self) -> UsedFor {
        UsedFor::Directory
    }

    fn tags(&self) -> &'static [&'static str] {
        &["package", "declared", "github", "github-actions"]
    }

    fn wants(&self) -> &'static [Want] {
        &[WORKFLOWS]
    }

    fn extract(&self, file: &File<'_>, out: &mut Extraction) -> Result<(), ParseError> {
        let text = file.text();
        let jobs = yaml::parse::<Workflow>(&text)?.jobs;
        add(jobs.into_values().filter_map(|job| job.uses), &text, out)
    }
}

#[derive(Deserialize)]
struct Workflow {
    #[serde(default)]
    jobs: BTreeMap<String, Job>,
}

#[derive(Deserialize)]
struct Job {
    #[serde(default)]
    uses: Option<String>,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    uses: Option<String>,
}

#[derive(Deserialize)]
struct CompositeAction {
    #[serde(default)]
    runs: Runs,
}

#[derive(Deserialize, Default)]
struct Runs {
    #[serde(default)]
    steps: Vec<Step>,
}

/// The `github-actions-use-statement` record of Syft's JSON schema 16.
#[derive(Serialize)]
struct Record<'a> {
    value: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    comment: &'a str,
}

/// Adds each statement once for each comment that it has in `text`.
fn add(statements: impl Iterator<Item = String>, text: &str, out: &mut Extraction) -> Result<(), ParseError> {
    let comments = comments(text);
    let statements: BTreeSet<String> = statements.filter(|statement| !statement.is_empty()).collect();
    for value in &statements {
        let none = BTreeSet::from([""]);
        for comment in comments.get(value.as_str()).unwrap_or(&none) {
            let (name, version) = split(value, comment);
            if name.is_empty() {
                let cause = "unable to parse github action usage statement".to_owned();
                out.unknowns.push((String::new(), cause));
                continue;
            }
            let is_workflow = name.contains(".github/workflows/");
            let kind = if is_workflow { PackageType::GithubActionWorkflow } else { PackageType::GithubAction };
            let mut component = Component::new(kind, Language::Unknown, name, version);
            component.purl = package_url(name, version);
            component.set_metadata("github-actions-use-statement", &Record { value, comment })?;
            out.add(component);
        }
    }
    Ok(())
}

/// The versions in the comments behind `uses: VALUE`, by value. The reader of YAML gives no comments.
fn comments(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut comments: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim_start();
        let line = line.strip_prefix('-').map_or(line, str::trim_start);
        let Some(rest) = line.strip_prefix("uses:") else { continue };
        let (value, comment) = rest.split_once(" #").unwrap_or((rest, ""));
        let value = value.trim().trim_matches(['"', '\'']);
        comments.entry(value).or_default().insert(version_in(comment));
    }
    comments
}

/// The first thing like `v1.2.3` or `12`.
fn version_in(comment: &str) -> &str {
    let Some(digit) = comment.find(|c: char| c.is_ascii_digit()) else { return "" };
    let before = comment.get(..digit).unwrap_or_default();
    let start = if before.ends_with('v') { digit - 1 } else { digit };
    let rest = comment.get(digit..).unwrap_or_default();
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let mut end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    // A dot counts only between digits.
    end = rest.get(..end).and_then(|part| part.find("..")).unwrap_or(end);
    let found = comment.get(start..digit + end).unwrap_or_default();
    found.trim_end_matches('.')
}

/// Name and version of `owner/name@version`; the comment behind a commit tells the version.
fn split<'a>(value: &'a str, comment: &'a str) -> (&'a str, &'a str) {
    let (name, version) = value.split_once('@').filter(|(_, version)| !version.contains('@')).unwrap_or((value, ""));
    let is_commit = version.len() >= 7 && version.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (name, if is_commit && !comment.is_empty() { comment } else { version })
}

/// Of the repository; images and what is in the same repository have none.
fn package_url(name: &str, version: &str) -> String {
    let mut fields = name.splitn(3, '/');
    match (fields.next(), fields.next(), fields.next()) {
        (Some(owner), Some(repository), path) if owner != "." && !name.starts_with("docker:") => {
            let purl = PackageUrl::new("github", repository).namespace(owner).version(version);
            purl.subpath(path.unwrap_or_default()).to_string()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ActionUsage, WorkflowUsage, version_in};
    use crate::catalogers::testing::{catalogue, purls, record};

    #[test]
    fn usage() {
        let workflow = b"on: push\njobs:\n  call:\n    uses: octo/repo/.github/workflows/w.yml@v1\n  build:\n    runs-on: x\n    steps:\n    - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # pin v4.2.2\n    - name: n\n      uses: ./.github/actions/boot\n    - uses: 'docker://alpine:3.8'\n    - run: echo\n";
        let action = b"runs:\n  using: composite\n  steps:\n  - uses: actions/cache@v3\n  - uses: actions/cache@v3\n";
        let files: [(&str, &[u8]); 2] =
            [("/.github/workflows/ci.yml", workflow), ("/.github/actions/boot/action.yaml", action)];
        let document = catalogue(&ActionUsage, &files);
        let expected = ["", "pkg:github/actions/cache@v3", "pkg:github/actions/checkout@v4.2.2", ""];
        assert_eq!(purls(&document), expected);
        let expected = r#"{"value":"actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683","comment":"v4.2.2"}"#;
        assert_eq!(record(&document, "actions/checkout"), expected);
        let document = catalogue(&WorkflowUsage, &files);
        assert_eq!(purls(&document), ["pkg:github/octo/repo@v1#.github/workflows/w.yml"]);
    }

    #[test]
    fn versions_in_comments() {
        for (comment, expected) in [
            ("v4.2.2", "v4.2.2"),
            (" tag=3.", "3"),
            ("none", ""),
            ("see v and 1..2", "1"),
            ("vv12 x", "v12"),
            ("é1", "1"),
        ] {
            assert_eq!(version_in(comment), expected, "{comment}");
        }
    }
}
