use crate::parse::{ParseError, parse};
use crate::permissions::Permissions;
use crate::quote::quoted;
use crate::template::{Identity, Substitutions, substitute};
use jiff::Timestamp;
use std::sync::Arc;

/// Where a policy or token lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its identifier: `root`.
    pub id: String,
    /// Empty, or ending in a slash: `team/`.
    pub path: String,
}

impl Namespace {
    /// The outermost one.
    pub fn root() -> Self {
        Self { id: "root".to_owned(), path: String::new() }
    }
}

/// A parsed policy.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) namespace: Namespace,
    pub(crate) rules: Vec<Arc<Rule>>,
    pub(crate) is_templated: bool,
}

/// A `path` of a policy.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The path as it is written.
    pub(crate) written: String,
    pub(crate) pattern: Pattern,
    pub(crate) permissions: Permissions,
    /// When it ends.
    pub(crate) expiration: Option<Timestamp>,
}

/// Which paths a rule is for, with the namespace in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// One path.
    Exact(String),
    /// All that start so (the `*` taken off).
    Prefix(String),
    /// With `+` for whole segments, and maybe a `*` at the end.
    Segments(String),
}

impl Pattern {
    pub(crate) fn new(namespace: &str, path: &str) -> Result<Self, String> {
        let path = format!("{namespace}{}", path.strip_prefix('/').unwrap_or(path));
        if path.contains("+*") {
            return Err(format!("path {}: invalid use of wildcards ('+*' is forbidden)", quoted(&path)));
        }
        if path == "+" || path.contains("/+") || path.starts_with("+/") {
            return Ok(Self::Segments(path));
        }
        Ok(match path.strip_suffix('*') {
            Some(prefix) => Self::Prefix(prefix.to_owned()),
            None => Self::Exact(path),
        })
    }
}

impl Policy {
    /// Parses HCL or JSON. What has expired at `now` is left out.
    ///
    /// # Errors
    /// In the peer's words.
    pub fn parse(name: &str, namespace: &Namespace, text: &str, now: Timestamp) -> Result<Self, ParseError> {
        let (rules, is_templated) = parse(text, &namespace.path, now).map_err(ParseError)?;
        let rules = rules.into_iter().map(Arc::new).collect();
        Ok(Self { name: name.to_owned(), namespace: namespace.clone(), rules, is_templated })
    }

    /// The policy `root`, which may do everything.
    pub fn root(namespace: &Namespace) -> Self {
        Self { name: crate::ROOT.to_owned(), namespace: namespace.clone(), rules: Vec::new(), is_templated: false }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it lives.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Its rules in order.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(Arc::as_ref)
    }

    /// Whether it must be resolved before it is used.
    pub fn is_templated(&self) -> bool {
        self.is_templated
    }

    /// The policy for one identity. Rules whose templates have no value for it, or one that is not allowed, are left out.
    ///
    /// # Errors
    /// Where a value makes a pattern that is none.
    pub fn resolve(
        &self,
        identity: Option<&Identity>,
        allowed: Substitutions,
        now: Timestamp,
    ) -> Result<Self, ParseError> {
        let mut rules = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            if !rule.written.contains("{{") {
                rules.push(Arc::clone(rule));
                continue;
            }
            let Some(path) = substitute(&rule.written, identity, &self.namespace.id, allowed, now) else { continue };
            let pattern = Pattern::new(&self.namespace.path, &path).map_err(ParseError)?;
            rules.push(Arc::new(Rule { pattern, ..Rule::clone(rule) }));
        }
        Ok(Self { name: self.name.clone(), namespace: self.namespace.clone(), rules, is_templated: false })
    }
}

impl Rule {
    /// The path as it is written.
    pub fn path(&self) -> &str {
        &self.written
    }

    /// What it allows.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Acl, Alias, DEFAULT_TEXT, Group, RESPONSE_WRAPPING_TEXT};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn patterns(text: &str, identity: Option<&Identity>, allowed: Substitutions) -> Vec<Pattern> {
        let policy = Policy::parse("p", &Namespace::root(), text, NOW).unwrap();
        policy.resolve(identity, allowed, NOW).unwrap().rules().map(|rule| rule.pattern.clone()).collect()
    }

    #[test]
    fn templates_take_values_that_are_plain_names() {
        let identity = |name: &str| Identity {
            id: "e1".to_owned(),
            name: name.to_owned(),
            metadata: [("team".to_owned(), "blue".to_owned()), ("none".to_owned(), String::new())].into(),
            aliases: vec![Alias { mount_accessor: "auth_1".to_owned(), name: "jane".to_owned(), ..Alias::default() }],
            groups: vec![Group {
                id: "g1".to_owned(),
                name: "devs".to_owned(),
                namespace_id: "root".to_owned(),
                ..Group::default()
            }],
        };
        let strict = Substitutions::default();
        for (template, name, allowed, expected) in [
            ("{{identity.entity.id}}", "ann", strict, Some("e1")),
            ("{{ identity.entity.name }}", "ann", strict, Some("ann")),
            ("{{identity.entity.metadata.team}}", "ann", strict, Some("blue")),
            ("{{identity.entity.metadata.none}}", "ann", strict, None),
            ("{{identity.entity.metadata.other}}", "ann", strict, None),
            ("{{identity.entity.aliases.auth_1.name}}", "ann", strict, Some("jane")),
            ("{{identity.entity.aliases.auth_2.name}}", "ann", strict, None),
            ("{{identity.groups.ids.g1.name}}", "ann", strict, Some("devs")),
            ("{{identity.groups.names.devs.id}}", "ann", strict, Some("g1")),
            ("{{time.now.plus.1h}}", "ann", strict, Some("3600")),
            ("{{identity.entity.name}}", "a/b", strict, None),
            ("{{identity.entity.name}}", "*", strict, None),
            ("{{identity.entity.name}}", "+", strict, None),
            ("{{identity.entity.name}}", "a/b", Substitutions { slashes: true, wildcards: false }, Some("a/b")),
            ("{{identity.entity.name}}", "a+b", Substitutions { slashes: false, wildcards: true }, Some("a+b")),
        ] {
            let text = format!("path \"kv/{template}/x\" {{ capabilities = [\"read\"] }}");
            let expected: Vec<Pattern> =
                expected.into_iter().map(|value| Pattern::Exact(format!("kv/{value}/x"))).collect();
            assert_eq!(patterns(&text, Some(&identity(name)), allowed), expected, "{template} of {name}");
        }
        assert!(patterns(r#"path "{{identity.entity.id}}" {}"#, None, strict).is_empty());
    }

    #[test]
    fn errors_are_in_the_peers_words() {
        for (text, expected) in [
            ("path", "At 1:5: key 'path' expected start of object ('{') or assignment ('=')"),
            ("paths \"a\" {}", "1 error occurred:\n\t* invalid key \"paths\" on line 0\n\n"),
            (
                "path \"a\" { x = 1\n y = 2 }",
                "2 errors occurred:\n\t* path \"a\": invalid key \"x\" on line 1\n\t* path \"a\": invalid key \"y\" on line 2\n\n",
            ),
            (r#"path "a" { capabilities = ["reed"] }"#, "path \"a\": invalid capability \"reed\""),
            (r#"path "a" { policy = "all" }"#, "path \"a\": invalid policy \"all\""),
            (r#"path "a/+*" { }"#, "path \"a/+*\": invalid use of wildcards ('+*' is forbidden)"),
            (r#"path "a/{{x" { }"#, "failed to validate policy templating: unbalanced templating characters"),
            (
                r#"path "a" { min_wrapping_ttl = 2 max_wrapping_ttl = 1 }"#,
                "max_wrapping_ttl cannot be less than min_wrapping_ttl",
            ),
            (r#"path "a" { capabilities = "read" }"#, "path \"a\": At 1:27: unknown slice type: *ast.LiteralType"),
        ] {
            let error = Policy::parse("p", &Namespace::root(), text, NOW).unwrap_err();
            assert_eq!(error.to_string(), format!("failed to parse policy: {expected}"), "{text}");
        }
    }

    #[test]
    fn the_built_in_policies_are_policies() {
        let root = Namespace::root();
        let identity = Identity { id: "e1".to_owned(), name: "ann".to_owned(), ..Identity::default() };
        let default = Policy::parse("default", &root, DEFAULT_TEXT, NOW).unwrap();
        assert!(default.is_templated());
        let default = default.resolve(Some(&identity), Substitutions::default(), NOW).unwrap();
        let acl = Acl::new([&default], &root, NOW).unwrap();
        for (path, capabilities) in [
            ("auth/token/lookup-self", &["read"][..]),
            ("identity/entity/name/ann", &["read"]),
            ("cubbyhole/a/b", &["read", "list", "update", "delete", "create"]),
            ("identity/oidc/provider/p/authorize", &["read", "update"]),
            ("sys/mounts", &["deny"]),
        ] {
            assert_eq!(acl.capabilities("", path), capabilities, "{path}");
        }
        Policy::parse("response-wrapping", &root, RESPONSE_WRAPPING_TEXT, NOW).unwrap();
    }
}
