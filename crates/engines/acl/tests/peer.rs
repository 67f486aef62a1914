//! What OpenBao answers about policies made at random, and the shared examples.
//!
//! `cases.jsonl` was written by `oracle/main.go`; `PALISADE_POLICY_CASES` names a file with more of them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

use acl::{Access, Acl, Alias, Group, Identity, Namespace, Policy, Substitutions};
use jiff::Timestamp;
use logical::{Map, Operation};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Deserialize)]
struct Case {
    policies: Vec<String>,
    #[serde(default)]
    error: String,
    /// Of the identity that templates are resolved for.
    #[serde(default)]
    name: String,
    #[serde(default)]
    slashes: bool,
    #[serde(default)]
    stars: bool,
    #[serde(default)]
    exact: Map,
    #[serde(default)]
    prefixes: Map,
    #[serde(default)]
    requests: Vec<Request>,
}

#[derive(Deserialize, Debug)]
struct Request {
    operation: String,
    path: String,
    #[serde(default)]
    data: Map,
    #[serde(default)]
    wrap: u64,
    allowed: bool,
    #[serde(default)]
    sudo: bool,
    #[serde(default)]
    limit: Option<Json>,
    capabilities: Vec<String>,
}

fn operation(name: &str) -> Operation {
    let all = [
        Operation::Create,
        Operation::Read,
        Operation::Update,
        Operation::Patch,
        Operation::Delete,
        Operation::List,
        Operation::Scan,
    ];
    all.into_iter().find(|operation| operation.name() == name).unwrap()
}

/// What is not as the peer has it.
fn differences(case: &Case) -> Vec<String> {
    let (root, now) = (Namespace::root(), "2026-11-24T00:00:00Z".parse::<Timestamp>().unwrap());
    let parse = |text: &String| Policy::parse("", &root, text, now).map_err(|error| error.to_string());
    let policies = match case.policies.iter().map(parse).collect::<Result<Vec<_>, _>>() {
        Ok(policies) => policies,
        Err(error) if same_error(&error, case) => return Vec::new(),
        Err(error) => return vec![format!("error {error:?} instead of {:?}", case.error)],
    };
    if !case.error.is_empty() {
        return vec![format!("read, instead of {:?}", case.error)];
    }
    let identity = identity(&case.name);
    let allowed = Substitutions { slashes: case.slashes, wildcards: case.stars };
    // Where a value makes a pattern that is none, the token has nothing of the policy.
    let resolve = |policy: &Policy| policy.resolve(Some(&identity), allowed, now).ok();
    let policies: Vec<Policy> = policies.iter().filter_map(resolve).collect();
    let acl = Acl::new(&policies, &root, now).unwrap();
    let mut differences = Vec::new();
    let mut resultant = acl.resultant();
    for (table, expected) in [("exact_paths", &case.exact), ("glob_paths", &case.prefixes)] {
        let rows = resultant[table].as_object_mut().unwrap();
        for row in rows.values_mut() {
            row.as_object_mut().unwrap().remove("capabilities");
        }
        if rows != expected {
            differences.push(format!("{rows:?} instead of {expected:?}"));
        }
    }
    for request in &case.requests {
        let access = Access {
            operation: operation(&request.operation),
            namespace: "",
            path: &request.path,
            data: &request.data,
            wrap_ttl: (request.wrap > 0).then(|| Duration::from_secs(request.wrap)),
        };
        let answer = acl.allow(&access);
        let limit = answer.ok().and_then(|allowed| allowed.limit).map(|limit| Json::from(limit.to_string()));
        // Setting it to what it is changes nothing.
        let limit = limit.filter(|limit| request.data.get("limit").is_none_or(|asked| text(asked) != text(limit)));
        let ours = (answer.is_ok(), answer.is_ok_and(|allowed| allowed.root_privileges), limit.as_ref());
        if ours != (request.allowed, request.sudo, request.limit.as_ref()) {
            differences.push(format!("{ours:?} for {request:?}"));
        }
        let capabilities = acl.capabilities("", &request.path);
        if capabilities != request.capabilities {
            differences.push(format!("{capabilities:?} for {request:?}"));
        }
    }
    differences
}

fn identity(name: &str) -> Identity {
    let metadata = BTreeMap::from([("x".to_owned(), name.to_owned())]);
    let group = |id: &str, name: &str, namespace: &str, metadata| Group {
        id: id.to_owned(),
        name: name.to_owned(),
        namespace_id: namespace.to_owned(),
        metadata,
    };
    Identity {
        id: "a".to_owned(),
        name: name.to_owned(),
        metadata: metadata.clone(),
        aliases: vec![Alias {
            id: "b".to_owned(),
            mount_accessor: "m".to_owned(),
            name: name.to_owned(),
            metadata: metadata.clone(),
            custom_metadata: metadata.clone(),
        }],
        groups: vec![group("g1", "g", "root", metadata), group("h1", "h", "other", BTreeMap::new())],
    }
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The peer panics on some texts, reports its last scanner error where this reports the first, and Go has own words for
/// numbers, durations and JSON.
fn same_error(ours: &str, case: &Case) -> bool {
    let peers = case.error.as_str();
    if case.policies.iter().any(|text| text.starts_with('{')) && is_placed(ours) {
        return !peers.is_empty();
    }
    let number = |error: &str| error.contains("strconv.Parse") || error.contains("time: ");
    ours == peers || peers.starts_with("panic: ") || number(peers) || (is_scanner(ours) && is_placed(peers))
}

fn is_placed(error: &str) -> bool {
    error.starts_with("failed to parse policy: At ")
}

fn is_scanner(error: &str) -> bool {
    let words = ["literal not terminated", "illegal", "heredoc", "comment"];
    is_placed(error) && words.iter().any(|word| error.contains(word))
}

fn check(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let mut wrong = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let case: Case = serde_json::from_str(line).unwrap();
        for difference in differences(&case) {
            wrong.push(format!("{}: {difference}\n{}\n", number + 1, case.policies.join("---\n")));
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong[..wrong.len().min(10)].join("\n"));
}

#[test]
fn answers_are_the_peers() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases.jsonl"));
    if let Some(more) = std::env::var_os("PALISADE_POLICY_CASES") {
        check(&PathBuf::from(more));
    }
}

#[test]
fn the_examples_allow_what_they_say() {
    let folder = std::env::var_os("PALISADE_EXAMPLES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/examples"), PathBuf::from);
    if !folder.is_dir() {
        eprintln!("ignored: no shared examples");
        return;
    }
    let root = Namespace::root();
    for (file, path, capabilities) in [
        ("cluster-login-policy.hcl", "auth/kubernetes/login", &["read", "create"][..]),
        ("database-policy.hcl", "database/creds/my-role", &["read"]),
        ("database-policy.hcl", "database/creds/my-roles", &["deny"]),
    ] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let policy = Policy::parse(file, &root, &text, Timestamp::UNIX_EPOCH).unwrap();
        let acl = Acl::new([&policy], &root, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(acl.capabilities("", path), capabilities, "{file}");
    }
}
