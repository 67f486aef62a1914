//! GitHub, GitLab, Buildkite and Codefresh by fixed rules (Fulcio 1.8.8's deprecated types, still in use).

use super::names::of_uri;
use super::{IdentityError, Principal, SubjectName, as_uri};
use crate::extensions::Extensions;
use crate::jwt::Claims;
use serde_json::Value;

fn needed<'a>(claims: &'a Claims, name: &'static str) -> Result<&'a str, IdentityError> {
    claims.text(name).ok_or(IdentityError::Missing(name))
}

/// Paths below an address, cleaned as Go's `JoinPath` does.
fn join(base: &str, parts: &[&str]) -> String {
    let mut path: Vec<&str> = Vec::new();
    for step in parts.iter().flat_map(|part| part.split('/')) {
        match step {
            "" | "." => {}
            ".." => drop(path.pop()),
            step => path.push(step),
        }
    }
    as_uri(&format!("{}/{}", base.trim_end_matches('/'), path.join("/")))
}

pub(super) fn github(claims: &Claims) -> Result<Principal, IdentityError> {
    const BASE: &str = "https://github.com/";
    let claim = |name| needed(claims, name);
    let signer = join(BASE, &[claim("job_workflow_ref")?]);
    let (repository, sha, event, reference) =
        (claim("repository")?, claim("sha")?, claim("event_name")?, claim("ref")?);
    let run = ["actions/runs", claim("run_id")?, "attempts", claim("run_attempt")?];
    let extensions = Extensions::new(&claims.issuer, &claims.subject)
        .with(2, event)
        .with(3, sha)
        .with(4, claim("workflow")?)
        .with(5, repository)
        .with(6, reference)
        .with(9, &signer)
        .with(10, claim("job_workflow_sha")?)
        .with(11, claim("runner_environment")?)
        .with(12, &join(BASE, &[repository]))
        .with(13, sha)
        .with(14, reference)
        .with(15, claim("repository_id")?)
        .with(16, &join(BASE, &[claim("repository_owner")?]))
        .with(17, claim("repository_owner_id")?)
        .with(18, &join(BASE, &[claim("workflow_ref")?]))
        .with(19, claim("workflow_sha")?)
        .with(20, event)
        .with(21, &join(BASE, &[&[repository][..], &run].concat()))
        .with(22, claim("repository_visibility")?);
    Ok(Principal { challenge: claims.subject.clone(), name: SubjectName::Uri(signer), extensions })
}

pub(super) fn gitlab(claims: &Claims) -> Result<Principal, IdentityError> {
    const BASE: &str = "https://gitlab.com/";
    let claim = |name| needed(claims, name);
    let config = as_uri(&format!("https://{}", claim("ci_config_ref_uri")?));
    let config_sha = claims.text("ci_config_sha").unwrap_or_default();
    let project = claim("project_path")?;
    let reference = match (claim("ref_type")?, claim("ref")?) {
        ("branch", name) => format!("refs/heads/{name}"),
        ("tag", name) => format!("refs/tags/{name}"),
        _ => return Err(IdentityError::Missing("ref_type of branch or tag")),
    };
    claim("pipeline_id")?;
    if claims.all().get("runner_id").and_then(Value::as_i64).unwrap_or_default() == 0 {
        return Err(IdentityError::Missing("runner_id"));
    }
    let extensions = Extensions::new(&claims.issuer, &claims.subject)
        .with(9, &config)
        .with(10, config_sha)
        .with(11, claim("runner_environment")?)
        .with(12, &join(BASE, &[project]))
        .with(13, claim("sha")?)
        .with(14, &reference)
        .with(15, claim("project_id")?)
        .with(16, &join(BASE, &[claim("namespace_path")?]))
        .with(17, claim("namespace_id")?)
        .with(18, &config)
        .with(19, config_sha)
        .with(20, claim("pipeline_source")?)
        .with(21, &join(BASE, &[project, "-/jobs", claim("job_id")?]))
        .with(22, claims.text("project_visibility").unwrap_or_default());
    Ok(Principal { challenge: claims.subject.clone(), name: SubjectName::Uri(config), extensions })
}

pub(super) fn buildkite(claims: &Claims) -> Result<Principal, IdentityError> {
    let path = [needed(claims, "organization_slug")?, needed(claims, "pipeline_slug")?];
    Ok(of_uri(claims, join("https://buildkite.com", &path)))
}

pub(super) fn codefresh(claims: &Claims) -> Result<Principal, IdentityError> {
    let optional = |name| claims.text(name).unwrap_or_default();
    let base = claims.text("platform_url").unwrap_or("https://g.codefresh.io");
    let pipeline = needed(claims, "pipeline_id")?;
    let build = join(base, &["build", needed(claims, "workflow_id")?]);
    let last = format!("{}:{}/{pipeline}", optional("pipeline_name"), needed(claims, "account_id")?);
    let extensions = Extensions::new(&claims.issuer, &claims.subject)
        .with(9, &build)
        .with(11, optional("runner_environment"))
        .with(12, optional("scm_repo_url"))
        .with(14, optional("scm_ref"))
        .with(18, &join(base, &["api/pipelines", pipeline]))
        .with(21, &build);
    let name = SubjectName::Uri(join(base, &[optional("account_name"), &last]));
    Ok(Principal { challenge: claims.subject.clone(), name, extensions })
}
