use super::*;
use crate::jwk::jwk;
use crate::jwt::{Token, mint};
use crate::keys::SigningKey;
use jiff::Timestamp;
use jose::JwkSet;
use serde_json::{Value, json};
use signing::KeyKind;

const CONFIG: &str = r#"
oidc-issuers:
  https://mail.example: {client-id: sigstore, type: email}
  https://lax.example: {client-id: sigstore, type: email, skip-email-verification: true}
  https://dex.example: {client-id: sigstore, type: email, issuer-claim: $.federated_claims.connector_id}
  https://cluster.example: {client-id: sigstore, type: kubernetes}
  https://spiffe.example: {client-id: sigstore, type: spiffe, spiffe-trust-domain: example.org}
  https://uri.example: {client-id: sigstore, type: uri, subject-domain: "https://uri.example"}
  https://users.example: {client-id: sigstore, type: username, subject-domain: users.example}
  https://github.example: {client-id: sigstore, type: github-workflow}
  https://ci.example: {client-id: sigstore, type: ci-provider, ci-provider: ci}
ci-issuer-metadata:
  ci:
    default-template-values: {url: "https://forge.example"}
    extension-templates:
      build-trigger: "event_name"
      source-repository-ref: 'refs/{{if eq .kind "branch"}}heads/{{else}}tags/{{end}}{{.ref}}'
      run-invocation-uri: "{{ .url }}/runs/{{ .run }}"
    subject-alternative-name-template: "{{ .url }}/{{ .workflow }}"
"#;

fn principal(mut claims: Value) -> Result<Principal, IdentityError> {
    let issuers = Issuers::parse(CONFIG.as_bytes()).unwrap();
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let url = claims["iss"].as_str().unwrap().to_owned();
    claims["aud"] = json!("sigstore");
    claims["exp"] = json!(now.as_second() + 60);
    let key = SigningKey::generate(KeyKind::Ed25519).unwrap();
    let set = JwkSet::parse(json!({"keys": [jwk(&key, "k").unwrap()]}).to_string().as_bytes()).unwrap();
    let token = Token::parse(&mint(&key, "k", &claims).unwrap()).unwrap();
    Principal::of(&token.verify(&url, "sigstore", &set, now).unwrap(), &issuers.find(&url).unwrap(), &issuers)
}

#[test]
fn each_type_names_its_principal() {
    let cluster = json!({"namespace": "prod", "serviceaccount": {"name": "builder"}});
    for (claims, name, challenge, issuer) in [
        (
            json!({"iss": "https://mail.example", "sub": "7", "email": "a@b.example", "email_verified": "true"}),
            SubjectName::Email("a@b.example".into()),
            "a@b.example",
            "https://mail.example",
        ),
        (
            json!({"iss": "https://dex.example", "sub": "7", "email": "a@b.example", "email_verified": true,
                   "federated_claims": {"connector_id": "https://accounts.example"}}),
            SubjectName::Email("a@b.example".into()),
            "a@b.example",
            "https://accounts.example",
        ),
        (
            json!({"iss": "https://cluster.example", "sub": "system:serviceaccount:prod:builder", "kubernetes.io": cluster}),
            SubjectName::Uri("https://kubernetes.io/namespaces/prod/serviceaccounts/builder".into()),
            "system:serviceaccount:prod:builder",
            "https://cluster.example",
        ),
        (
            json!({"iss": "https://spiffe.example", "sub": "spiffe://example.org/ns/a"}),
            SubjectName::Uri("spiffe://example.org/ns/a".into()),
            "spiffe://example.org/ns/a",
            "https://spiffe.example",
        ),
        (
            json!({"iss": "https://users.example", "sub": "ann"}),
            SubjectName::Other("ann!users.example".into()),
            "ann",
            "https://users.example",
        ),
    ] {
        let found = principal(claims).unwrap();
        assert_eq!((found.name, found.challenge.as_str()), (name, challenge));
        assert_eq!(found.extensions.value(8), Some(issuer));
    }
}

#[test]
fn forges_fill_their_extensions() {
    let github = json!({
        "iss": "https://github.example", "sub": "repo:o/r:ref", "job_workflow_ref": "o/r/.github/workflows/w.yml@refs/heads/main",
        "sha": "abc", "event_name": "push", "repository": "o/r", "workflow": "build", "ref": "refs/heads/main",
        "job_workflow_sha": "def", "runner_environment": "github-hosted", "repository_id": "1", "repository_owner": "o",
        "repository_owner_id": "2", "repository_visibility": "public", "workflow_ref": "o/r/w@x", "workflow_sha": "fed",
        "run_id": "3", "run_attempt": "4",
    });
    let found = principal(github.clone()).unwrap();
    assert_eq!(found.name.as_str(), "https://github.com/o/r/.github/workflows/w.yml@refs/heads/main");
    assert_eq!(found.extensions.value(21), Some("https://github.com/o/r/actions/runs/3/attempts/4"));
    assert_eq!(found.extensions.value(24), Some("repo:o/r:ref"));
    let mut missing = github;
    missing.as_object_mut().unwrap().remove("run_attempt");
    assert_eq!(principal(missing).unwrap_err(), IdentityError::Missing("run_attempt"));

    let ci = json!({"iss": "https://ci.example", "sub": "s", "event_name": "push", "kind": "branch", "ref": "main",
                    "run": 12, "workflow": "o/w"});
    let found = principal(ci.clone()).unwrap();
    assert_eq!(found.name.as_str(), "https://forge.example/o/w");
    assert_eq!(found.extensions.value(14), Some("refs/heads/main"));
    assert_eq!(found.extensions.value(21), Some("https://forge.example/runs/12"));
    for name in ["event_name", "ref", "workflow"] {
        let mut missing = ci.clone();
        missing.as_object_mut().unwrap().remove(name);
        assert!(matches!(principal(missing), Err(IdentityError::Template { .. })), "{name}");
    }
}

#[test]
fn subjects_that_an_issuer_may_not_speak_for_are_refused() {
    for claims in [
        json!({"iss": "https://mail.example", "sub": "7", "email": "a@b.example"}),
        json!({"iss": "https://mail.example", "sub": "7", "email": "a@b.example", "email_verified": false}),
        json!({"iss": "https://lax.example", "sub": "7", "email": "no address"}),
        json!({"iss": "https://dex.example", "sub": "7", "email": "a@b.example", "email_verified": true}),
        json!({"iss": "https://cluster.example", "sub": "s"}),
        json!({"iss": "https://cluster.example", "sub": "s", "kubernetes.io":
               {"namespace": "a/../b", "serviceaccount": {"name": "x"}}}),
        json!({"iss": "https://spiffe.example", "sub": "spiffe://example.org.evil/a"}),
        json!({"iss": "https://spiffe.example", "sub": "spiffe://example.org/../a"}),
        json!({"iss": "https://spiffe.example", "sub": "https://example.org/a"}),
        json!({"iss": "https://uri.example", "sub": "https://other.example/a"}),
        json!({"iss": "https://uri.example", "sub": "http://uri.example/a"}),
        json!({"iss": "https://uri.example", "sub": "https://uri.example@other.example/a"}),
        json!({"iss": "https://users.example", "sub": "a!b"}),
        json!({"iss": "https://users.example", "sub": "a@b.example"}),
        json!({"iss": "https://users.example", "sub": "a\u{0}b"}),
        json!({"iss": "https://users.example", "sub": "a".repeat(3000)}),
    ] {
        assert!(principal(claims.clone()).is_err(), "{claims}");
    }
}
