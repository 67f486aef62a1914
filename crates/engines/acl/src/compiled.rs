use crate::capability::{Capabilities, Capability};
use crate::control_group::ControlGroup;
use crate::permissions::{Permissions, Source};
use crate::policy::{Namespace, Pattern, Policy};
use crate::table::Table;
use jiff::Timestamp;
use logical::{Map, Operation};
use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// All policies of a token.
#[derive(Debug)]
pub struct Acl {
    /// Where `root` may do everything.
    root: Option<Namespace>,
    pub(crate) exact: Table,
    pub(crate) prefixes: Table,
    /// The one of highest priority first.
    segments: Vec<Segments>,
    expires: Option<Timestamp>,
}

/// A pattern with `+`.
#[derive(Debug)]
struct Segments {
    /// Without a `*` at the end.
    path: String,
    first_wildcard: usize,
    is_prefix: bool,
    wildcards: usize,
    permissions: Permissions,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// What.
    pub operation: Operation,
    /// The namespace of the request: empty, or `team/`.
    pub namespace: &'a str,
    /// The path in it, with the mount.
    pub path: &'a str,
    /// Body and query.
    pub data: &'a Map,
    /// How long the answer is to be wrapped.
    pub wrap_ttl: Option<Duration>,
}

/// It may be done.
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'a> {
    /// Through the policy `root`.
    pub is_root: bool,
    /// Also where the path needs root (`sudo`).
    pub root_privileges: bool,
    /// What `limit` of a list must be set to, as a text; zero is no limit.
    pub limit: Option<i64>,
    /// Which keys of a list may be seen: a template for [`KeyFilter`](crate::KeyFilter).
    pub keys_filter: Option<&'a str>,
    permissions: Option<&'a Permissions>,
    root: Option<&'a Namespace>,
    capability: Capability,
}

/// It may not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("permission denied")]
pub struct Denied;

/// Why policies can't be used together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// `root` beside others.
    #[error("other policies present along with root")]
    RootBesideOthers,
    /// It was not resolved.
    #[error("policy {0:?} has templates")]
    Templated(String),
}

impl<'a> Allowed<'a> {
    /// The policies that allow it: name and namespace.
    pub fn granting_policies(&self) -> impl Iterator<Item = (&'a str, &'a Namespace)> {
        let root = self.root.map(|namespace| (crate::ROOT, namespace));
        let capability = self.capability;
        let grants = self.permissions.into_iter().flat_map(|permissions| &permissions.grants);
        let grants = grants.filter(move |grant| grant.capabilities.has(capability));
        root.into_iter().chain(grants.map(|grant| (grant.source.name.as_str(), &grant.source.namespace)))
    }

    /// Who must approve.
    pub fn control_group(&self) -> Option<&'a ControlGroup> {
        self.permissions?.control_group.as_ref()
    }

    /// MFA methods that must be passed.
    pub fn mfa_methods(&self) -> &'a [String] {
        self.permissions.map_or(&[], |permissions| &permissions.mfa_methods)
    }
}

impl Acl {
    /// Joins policies for a token of this namespace. What has expired at `now` is left out.
    ///
    /// # Errors
    /// Where `root` is not alone, or a policy has templates that were not resolved.
    pub fn new<'p>(
        policies: impl IntoIterator<Item = &'p Policy>,
        namespace: &Namespace,
        now: Timestamp,
    ) -> Result<Self, CompileError> {
        let (mut exact, mut prefixes, mut segments) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (mut root, mut expires, mut count) = (None, None, 0);
        for policy in policies {
            count += 1;
            if policy.is_templated {
                return Err(CompileError::Templated(policy.name.clone()));
            }
            if policy.name == crate::ROOT {
                root = Some(namespace.clone());
            }
            let source = Arc::new(Source { name: policy.name.clone(), namespace: policy.namespace.clone() });
            for rule in &policy.rules {
                if rule.expiration.is_some_and(|at| at < now) {
                    continue;
                }
                expires = [expires, rule.expiration].into_iter().flatten().min();
                let (rows, path) = match &rule.pattern {
                    Pattern::Exact(path) => (&mut exact, path),
                    Pattern::Prefix(path) => (&mut prefixes, path),
                    Pattern::Segments(path) => (&mut segments, path),
                };
                match rows.get_mut(path) {
                    Some(permissions) => Permissions::merge(permissions, &rule.permissions, &source),
                    None => {
                        let mut permissions = rule.permissions.clone();
                        permissions.grant(&source, permissions.capabilities);
                        rows.insert(path.clone(), permissions);
                    }
                }
            }
        }
        if root.is_some() && count != 1 {
            return Err(CompileError::RootBesideOthers);
        }
        let segments = segments.into_iter().map(|(path, permissions)| Segments::new(&path, permissions));
        let mut segments: Vec<Segments> = segments.collect();
        segments.sort_by(|left, right| right.priority().cmp(&left.priority()));
        Ok(Self { root, exact: Table::new(exact), prefixes: Table::new(prefixes), segments, expires })
    }

    /// When the first rule expires: it must be made anew then.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// The namespace in and under which everything is allowed.
    pub fn root(&self) -> Option<&Namespace> {
        self.root.as_ref()
    }

    /// Whether it may be done.
    ///
    /// # Errors
    /// Where not.
    pub fn allow(&self, access: &Access<'_>) -> Result<Allowed<'_>, Denied> {
        let operation = access.operation;
        let capability = Capability::of(operation);
        if let Some(root) = &self.root {
            if !access.namespace.starts_with(&root.path) {
                return Err(Denied);
            }
            return Ok(Allowed {
                is_root: true,
                root_privileges: true,
                limit: None,
                keys_filter: None,
                permissions: None,
                root: Some(root),
                capability,
            });
        }
        let is_list = matches!(operation, Operation::List | Operation::Scan);
        let permissions = self.find(access.namespace, access.path, is_list).ok_or(Denied)?;
        if !permissions.capabilities.has(capability) || !permissions.permits_wrapping(access.wrap_ttl) {
            return Err(Denied);
        }
        let mut limit = None;
        if is_list {
            limit = permissions.page(access.data).map_err(|()| Denied)?;
        } else if operation != Operation::Delete && !permissions.permits_parameters(access.data) {
            return Err(Denied);
        }
        Ok(Allowed {
            is_root: false,
            root_privileges: permissions.capabilities.has(Capability::Sudo),
            limit,
            keys_filter: permissions.keys_filter.as_deref().filter(|_| is_list),
            permissions: Some(permissions),
            root: None,
            capability,
        })
    }

    /// The capabilities at a path in the order of the peer's core; `sys/capabilities` sorts them.
    pub fn capabilities(&self, namespace: &str, path: &str) -> Vec<&'static str> {
        match &self.root {
            Some(root) if namespace.starts_with(&root.path) => vec![crate::ROOT],
            Some(_) => Capabilities::default().names(Capability::LISTED),
            None => {
                let permissions = self.find(namespace, path, true);
                let capabilities = permissions.map_or_else(Capabilities::default, Permissions::capabilities);
                capabilities.names(Capability::LISTED)
            }
        }
    }

    /// Whether anything is allowed at or below the mount (`secret/`): whether it is shown.
    pub fn reaches(&self, namespace: &str, mount: &str) -> bool {
        if let Some(root) = &self.root {
            return namespace.starts_with(&root.path);
        }
        let allows = |permissions: &Permissions| permissions.capabilities.allow_something();
        if self.find(namespace, mount, true).is_some_and(allows) {
            return true;
        }
        let full = full_path(namespace, mount);
        self.exact.below(&full).any(|(_, permissions)| allows(permissions))
            || self.prefixes.below(&full).any(|(_, permissions)| allows(permissions))
            || self.segments.iter().any(|rule| rule.reaches(&full) && allows(&rule.permissions))
    }

    /// The rule that counts for a path. A list of `a/` is also one of `a`.
    fn find(&self, namespace: &str, path: &str, is_list: bool) -> Option<&Permissions> {
        let full = full_path(namespace, path);
        let full = full.as_ref();
        let without_slash = full.strip_suffix('/').filter(|_| is_list);
        self.exact
            .exact(full)
            .or_else(|| self.exact.exact(without_slash?))
            .or_else(|| self.inexact(full))
            .or_else(|| self.inexact(without_slash?))
    }

    fn inexact(&self, path: &str) -> Option<&Permissions> {
        let prefix = self.prefixes.longest_prefix(path);
        let Some(segments) = self.segments.iter().find(|rule| rule.matches(path)) else {
            return prefix.map(|(_, permissions)| permissions);
        };
        match prefix {
            Some((prefix, permissions))
                if Priority::of_prefix(prefix).cmp(&segments.priority()) == Ordering::Greater =>
            {
                Some(permissions)
            }
            _ => Some(&segments.permissions),
        }
    }
}

/// Paths come without a leading slash, and none counts if there is one.
fn full_path<'a>(namespace: &str, path: &'a str) -> Cow<'a, str> {
    if namespace.is_empty() {
        Cow::Borrowed(path.trim_start_matches('/'))
    } else {
        Cow::Owned(format!("{namespace}{path}"))
    }
}

/// Which of several patterns that match counts: the greatest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Priority<'a> {
    first_wildcard: usize,
    is_whole: bool,
    wildcards: Reverse<usize>,
    length: usize,
    path: &'a str,
}

impl<'a> Priority<'a> {
    fn of_prefix(prefix: &'a str) -> Self {
        Self {
            first_wildcard: prefix.len(),
            is_whole: false,
            wildcards: Reverse(0),
            length: prefix.len(),
            path: prefix,
        }
    }
}

impl Segments {
    fn new(pattern: &str, permissions: Permissions) -> Self {
        let path = pattern.strip_suffix('*');
        let is_prefix = path.is_some();
        let path = path.unwrap_or(pattern).to_owned();
        let first_wildcard = path.find('+').unwrap_or(path.len());
        let wildcards = path.split('/').filter(|segment| *segment == "+").count();
        Self { path, first_wildcard, is_prefix, wildcards, permissions }
    }

    fn priority(&self) -> Priority<'_> {
        Priority {
            first_wildcard: self.first_wildcard,
            is_whole: !self.is_prefix,
            wildcards: Reverse(self.wildcards),
            length: self.path.len(),
            path: &self.path,
        }
    }

    fn matches(&self, path: &str) -> bool {
        // Nearly all patterns are told apart by what comes before the first `+`.
        if !self.path.get(..self.first_wildcard).is_some_and(|head| path.starts_with(head)) {
            return false;
        }
        let mut given = path.split('/');
        let mut wanted = self.path.split('/').peekable();
        while let Some(segment) = wanted.next() {
            let Some(part) = given.next() else { return false };
            let is_last = wanted.peek().is_none();
            let matches = segment == "+" || segment == part || (self.is_prefix && is_last && part.starts_with(segment));
            if !matches {
                return false;
            }
        }
        self.is_prefix || given.next().is_none()
    }

    /// Whether paths below a mount (`a/b/`) can match.
    fn reaches(&self, mount: &str) -> bool {
        let mut wanted = self.path.split('/').peekable();
        for part in mount.trim_end_matches('/').split('/') {
            let Some(segment) = wanted.next() else { return false };
            let is_last = wanted.peek().is_none();
            if self.is_prefix && is_last && part.starts_with(segment) {
                return true;
            }
            if segment != "+" && segment != part {
                return false;
            }
        }
        wanted.peek().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn acl(policies: &[&str]) -> Acl {
        let root = Namespace::root();
        let parse = |text: &&str| Policy::parse("p", &root, text, NOW).unwrap();
        let policies: Vec<Policy> = policies.iter().map(parse).collect();
        Acl::new(&policies, &root, NOW).unwrap()
    }

    fn allows(acl: &Acl, operation: Operation, path: &str, data: &Json) -> bool {
        let data = data.as_object().unwrap();
        acl.allow(&Access { operation, namespace: "", path, data, wrap_ttl: None }).is_ok()
    }

    #[test]
    fn the_rule_of_highest_priority_counts() {
        let rules = |paths: &[(&str, &str)]| -> String {
            paths.iter().map(|(path, word)| format!("path {path:?} {{ capabilities = [{word:?}] }}\n")).collect()
        };
        for (first, second, path) in [
            ("a/b", "a/*", "a/b"),
            ("a/b*", "a/*", "a/bc"),
            ("a/b*", "a/+", "a/bc"),
            ("a/b/+/d", "a/+/c/d", "a/b/c/d"),
            ("a/+/c", "a/+/c*", "a/b/c"),
            ("a/+", "a/*", "a/b"),
            ("a/+/c", "a/+/+", "a/b/c"),
            ("a/+/cc*", "a/+/c*", "a/b/ccc"),
            ("a/+/b/*", "a/+/*", "a/x/b/c"),
            ("+", "*", "a"),
        ] {
            for texts in [[(first, "read"), (second, "deny")], [(second, "deny"), (first, "read")]] {
                let acl = acl(&[&rules(&texts)]);
                assert!(allows(&acl, Operation::Read, path, &json!({})), "{first} must count before {second}");
            }
        }
    }

    #[test]
    fn one_pattern_in_several_policies_is_joined_and_deny_wins() {
        let read = r#"path "a" { capabilities = ["read"] }"#;
        let update = r#"path "a" { capabilities = ["update", "sudo"] }"#;
        let deny = r#"path "a" { policy = "deny" }"#;
        assert_eq!(acl(&[read, update]).capabilities("", "a"), ["sudo", "read", "update"]);
        for policies in [[read, update, deny], [deny, read, update]] {
            assert_eq!(acl(&policies).capabilities("", "a"), ["deny"]);
        }
        assert_eq!(acl(&[read]).capabilities("", "b"), ["deny"]);
    }

    #[test]
    fn a_list_is_checked_with_and_without_its_slash() {
        let list = r#"path "a" { capabilities = ["list"] }"#;
        assert!(allows(&acl(&[list]), Operation::List, "a/", &json!({})));
        assert!(!allows(&acl(&[list]), Operation::Read, "a/", &json!({})));
        let denied = r#"path "a/*" { capabilities = ["list"] } path "a" { capabilities = ["deny"] }"#;
        assert!(!allows(&acl(&[denied]), Operation::List, "a/", &json!({})), "the deny counts for the list too");
        let segments = r#"path "a/+" { capabilities = ["list"] }"#;
        assert!(allows(&acl(&[segments]), Operation::List, "a/b/", &json!({})));
        assert!(!allows(&acl(&[segments]), Operation::List, "a/b/c/", &json!({})));
    }

    #[test]
    fn parameters_are_checked() {
        let acl = acl(&[r#"path "a" {
            capabilities = ["update"]
            required_parameters = ["Name"]
            allowed_parameters = { "name" = ["dev-*"], "ttl" = [5, "5"], "any" = [] }
            denied_parameters = { "name" = ["dev-secret"] }
        }"#]);
        for (data, allowed) in [
            (json!({"name": "dev-1"}), true),
            (json!({"name": "dev-1", "ttl": 5, "any": {"x": 1}}), true),
            (json!({"NAME": "dev-1"}), false),
            (json!({}), false),
            (json!({"name": "prod"}), false),
            (json!({"name": "dev-secret"}), false),
            (json!({"name": null}), false),
            (json!({"name": "dev-1", "ttl": 6}), false),
            (json!({"name": "dev-1", "other": 1}), false),
        ] {
            assert_eq!(allows(&acl, Operation::Update, "a", &data), allowed, "{data}");
        }
    }

    #[test]
    fn lists_are_paged() {
        let acl = acl(&[r#"path "a" { capabilities = ["list"] pagination_limit = 10 }"#]);
        for (data, expected) in [
            (json!({}), Ok(Some(10))),
            (json!({"limit": "max"}), Ok(Some(10))),
            (json!({"limit": 0}), Ok(Some(10))),
            (json!({"limit": "9"}), Ok(None)),
            (json!({"limit": 11}), Err(Denied)),
            (json!({"limit": -1}), Err(Denied)),
            (json!({"limit": "x"}), Err(Denied)),
        ] {
            let data = data.as_object().unwrap();
            let access = Access { operation: Operation::List, namespace: "", path: "a/", data, wrap_ttl: None };
            assert_eq!(acl.allow(&access).map(|allowed| allowed.limit), expected, "{data:?}");
        }
    }

    #[test]
    fn wrapping_is_asked_for() {
        let acl = acl(&[r#"path "a" { capabilities = ["read"] min_wrapping_ttl = "1m" max_wrapping_ttl = 120 }"#]);
        for (seconds, allowed) in
            [(None, false), (Some(59), false), (Some(60), true), (Some(120), true), (Some(121), false)]
        {
            let (data, wrap_ttl) = (Map::new(), seconds.map(Duration::from_secs));
            let access = Access { operation: Operation::Read, namespace: "", path: "a", data: &data, wrap_ttl };
            assert_eq!(acl.allow(&access).is_ok(), allowed, "{seconds:?}");
        }
    }

    #[test]
    fn root_rules_its_namespace_and_those_below() {
        let team = Namespace { id: "t".to_owned(), path: "team/".to_owned() };
        let acl = Acl::new([&Policy::root(&team)], &team, NOW).unwrap();
        let data = Map::new();
        for (namespace, allowed) in [("team/", true), ("team/a/", true), ("", false), ("teams/", false)] {
            let access = Access { operation: Operation::Delete, namespace, path: "sys/x", data: &data, wrap_ttl: None };
            assert_eq!(acl.allow(&access).is_ok_and(|allowed| allowed.root_privileges), allowed, "{namespace}");
        }
        assert_eq!(acl.capabilities("team/", "x"), ["root"]);
        let both = [Policy::root(&team), Policy::parse("p", &team, "", NOW).unwrap()];
        assert_eq!(Acl::new(&both, &team, NOW).unwrap_err(), CompileError::RootBesideOthers);
    }

    #[test]
    fn a_policy_ends_at_its_namespace() {
        let team = Namespace { id: "t".to_owned(), path: "team/".to_owned() };
        let policy = Policy::parse("p", &team, r#"path "secret/*" { capabilities = ["read"] }"#, NOW).unwrap();
        let acl = Acl::new([&policy], &team, NOW).unwrap();
        let data = Map::new();
        let read =
            Access { operation: Operation::Read, namespace: "team/", path: "secret/a", data: &data, wrap_ttl: None };
        let allowed = acl.allow(&read).unwrap();
        assert_eq!(allowed.granting_policies().map(|(name, _)| name).collect::<Vec<_>>(), ["p"]);
        assert_eq!(acl.allow(&Access { namespace: "", ..read }).unwrap_err(), Denied);
        assert!(acl.reaches("team/", "secret/") && !acl.reaches("", "secret/") && !acl.reaches("team/", "kv/"));
    }

    #[test]
    fn mounts_are_reached_through_segments() {
        let acl = acl(&[r#"path "+/data/x" { capabilities = ["read"] } path "kv/+/*" { capabilities = ["deny"] }"#]);
        for (mount, reached) in [("a/", true), ("a/data/", true), ("a/b/", false), ("a/data/x/y/", false)] {
            assert_eq!(acl.reaches("", mount), reached, "{mount}");
        }
    }

    #[test]
    fn what_has_expired_is_left_out() {
        let root = Namespace::root();
        let text = r#"path "a" { capabilities = ["read"] expiration = "1970-01-01T01:00:00Z" }"#;
        let policy = Policy::parse("p", &root, text, NOW).unwrap();
        let later: Timestamp = "1970-01-01T01:00:01Z".parse().unwrap();
        let acl = Acl::new([&policy], &root, NOW).unwrap();
        assert_eq!(acl.expires().map(|at| at.as_second()), Some(3600));
        assert_eq!(acl.capabilities("", "a"), ["read"]);
        assert_eq!(Acl::new([&policy], &root, later).unwrap().capabilities("", "a"), ["deny"]);
        assert_eq!(Policy::parse("p", &root, text, later).unwrap().rules().count(), 0);
    }
}
