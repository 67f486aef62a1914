//! The extensions under 1.3.6.1.4.1.57264.1 (Fulcio's docs/oid-info.md, as of 1.8.8).
//!
//! 1 to 6 hold the raw text and are kept for old clients; 8 and up hold a DER `UTF8String`. 7 is the type of the name in
//! a subject alternative name, no extension.

use crate::der;
use std::collections::BTreeMap;

/// Arc by arc: name in YAML and in JSON of Fulcio's configuration. The first and the last of the table are set from the
/// token alone.
const NAMES: &[(u8, &str, &str)] = &[
    (2, "github-workflow-trigger", "GithubWorkflowTrigger"),
    (3, "github-workflow-sha", "GithubWorkflowSHA"),
    (4, "github-workflow-name", "GithubWorkflowName"),
    (5, "github-workflow-repository", "GithubWorkflowRepository"),
    (6, "github-workflow-ref", "GithubWorkflowRef"),
    (9, "build-signer-uri", "BuildSignerURI"),
    (10, "build-signer-digest", "BuildSignerDigest"),
    (11, "runner-environment", "RunnerEnvironment"),
    (12, "source-repository-uri", "SourceRepositoryURI"),
    (13, "source-repository-digest", "SourceRepositoryDigest"),
    (14, "source-repository-ref", "SourceRepositoryRef"),
    (15, "source-repository-identifier", "SourceRepositoryIdentifier"),
    (16, "source-repository-owner-uri", "SourceRepositoryOwnerURI"),
    (17, "source-repository-owner-identifier", "SourceRepositoryOwnerIdentifier"),
    (18, "build-config-uri", "BuildConfigURI"),
    (19, "build-config-digest", "BuildConfigDigest"),
    (20, "build-trigger", "BuildTrigger"),
    (21, "run-invocation-uri", "RunInvocationURI"),
    (22, "source-repository-visibility-at-signing", "SourceRepositoryVisibilityAtSigning"),
    (23, "deployment-environment", "DeploymentEnvironment"),
];

/// The arc of an extension that a template may set, by its name in YAML or JSON.
pub(crate) fn arc(name: &str) -> Option<u8> {
    NAMES.iter().find(|(_, yaml, json)| *yaml == name || *json == name).map(|(arc, ..)| *arc)
}

/// What a certificate says of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extensions {
    values: BTreeMap<u8, String>,
}

impl Extensions {
    /// Issuer (1 and 8) and the raw subject (24), which every certificate has.
    #[must_use]
    pub fn new(issuer: &str, subject: &str) -> Self {
        Self { values: BTreeMap::from([(1, issuer.to_owned()), (8, issuer.to_owned()), (24, subject.to_owned())]) }
    }

    /// With an extension by its last arc; an empty value is left out, as Fulcio does.
    #[must_use]
    pub fn with(mut self, arc: u8, value: &str) -> Self {
        if !value.is_empty() {
            self.values.insert(arc, value.to_owned());
        }
        self
    }

    /// The value of an extension by its last arc.
    #[must_use]
    pub fn value(&self, arc: u8) -> Option<&str> {
        self.values.get(&arc).map(String::as_str)
    }

    /// As X.509 extensions, one after another in the order of their arcs.
    pub(crate) fn der(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.values.len() * 64);
        for (arc, value) in &self.values {
            let name = der::oid(&[1, 3, 6, 1, 4, 1, 57264, 1, u64::from(*arc)]);
            let text = if *arc < 7 { value.as_bytes().to_vec() } else { der::tlv(der::UTF8_STRING, value.as_bytes()) };
            out.extend(der::sequence(&[&name, &der::tlv(der::OCTET_STRING, &text)]));
        }
        out
    }
}
