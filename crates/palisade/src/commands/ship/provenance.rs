//! What is known of how the image came about, as SLSA provenance 1: from the CI's variables, and nothing beyond them.

use serde_json::{Map, Value as Json, json};

/// The kind of build: what ran before `ship` is not seen by it.
const BUILD_TYPE: &str = "https://palisade.dev/ship/v1";

/// A CI's variables: which tells that it is there, the runner, the run, the repository and the commit.
const SYSTEMS: [(&str, [&str; 4]); 3] = [
    ("GITHUB_ACTIONS", ["GITHUB_WORKFLOW_REF", "GITHUB_RUN_ID", "GITHUB_REPOSITORY", "GITHUB_SHA"]),
    ("GITLAB_CI", ["CI_SERVER_URL", "CI_JOB_URL", "CI_PROJECT_URL", "CI_COMMIT_SHA"]),
    ("JENKINS_URL", ["JENKINS_URL", "BUILD_URL", "GIT_URL", "GIT_COMMIT"]),
];

/// The predicate.
pub(super) fn predicate(image: &str, started: &str, finished: &str, variable: &dyn Fn(&str) -> Option<String>) -> Json {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let found = SYSTEMS.iter().find(|(name, _)| set(name).is_some());
    let [runner, run, repository, commit] = found.map_or([None, None, None, None], |(_, names)| names.map(set));
    let mut dependencies = Vec::new();
    if let (Some(repository), Some(commit)) = (&repository, &commit) {
        let uri = match set("GITHUB_SERVER_URL") {
            Some(server) if !repository.contains("://") => format!("git+{server}/{repository}"),
            _ => format!("git+{repository}"),
        };
        dependencies.push(json!({ "uri": uri, "digest": { "gitCommit": commit } }));
    }
    let mut metadata =
        Map::from_iter([("startedOn".to_owned(), json!(started)), ("finishedOn".to_owned(), json!(finished))]);
    if let Some(run) = run {
        metadata.insert("invocationId".to_owned(), json!(run));
    }
    json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": { "image": image },
            "internalParameters": {},
            "resolvedDependencies": dependencies,
        },
        "runDetails": {
            "builder": {
                "id": runner.unwrap_or_else(|| "https://palisade.dev/ship/unknown-builder".to_owned()),
                "version": { "palisade": env!("CARGO_PKG_VERSION") },
            },
            "metadata": metadata,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ci_says_what_is_known() {
        let of = |set: &[(&str, &str)]| {
            let set: Vec<(String, String)> =
                set.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            predicate("r/i", "a", "b", &|name| {
                set.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            })
        };
        let jenkins = of(&[
            ("JENKINS_URL", "https://ci/"),
            ("GIT_URL", "https://git/x"),
            ("GIT_COMMIT", "abc"),
            ("BUILD_URL", "https://ci/1"),
        ]);
        assert_eq!(jenkins["runDetails"]["builder"]["id"], "https://ci/");
        assert_eq!(jenkins["buildDefinition"]["resolvedDependencies"][0]["digest"]["gitCommit"], "abc");
        assert_eq!(jenkins["runDetails"]["metadata"]["invocationId"], "https://ci/1");
        let nothing = of(&[]);
        assert_eq!(nothing["runDetails"]["builder"]["id"], "https://palisade.dev/ship/unknown-builder");
        assert_eq!(nothing["buildDefinition"]["resolvedDependencies"], json!([]));
    }
}
