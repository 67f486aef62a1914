//! What the secrets server reads: policies, configuration, its audit logs, statements of databases.

use crate::first_line;
use acl::{Access, Acl, Namespace, Policy, Substitutions};
use audit::{Chain, Expected, verify};
use database::{Dialect, Values, render};
use jiff::Timestamp;
use logical::{Map, Operation};

/// A policy. What is denied in every policy stays denied, and capabilities are what requests are allowed by.
pub(crate) fn policy(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(document) = hcl1::parse(&text) {
        let body = document.body();
        for (key, _) in body.keys() {
            let _ = (body.any(key), body.lists(key), body.texts(key), body.blocks(key), body.integer(key));
        }
    }
    let (root, now) = (Namespace::root(), Timestamp::UNIX_EPOCH);
    let Ok(policy) = Policy::parse("p", &root, &text, now) else { return };
    let Ok(policy) = policy.resolve(None, Substitutions::default(), now) else { return };
    let Ok(acl) = Acl::new([&policy], &root, now) else { return };
    let _ = acl.resultant();
    let data = Map::new();
    for rule in policy.rules() {
        for path in [rule.path(), rule.path().trim_end_matches('*'), "a/b/c"] {
            let capabilities = acl.capabilities("", path);
            for operation in [Operation::List, Operation::Scan] {
                let access = Access { operation, namespace: "", path, data: &data, wrap_ttl: None };
                assert!(acl.allow(&access).is_err() || capabilities.contains(&operation.name()), "{path}");
            }
        }
    }
}

/// Any bytes as a log, and any line that is chained.
pub(crate) fn audit_log(bytes: &[u8]) {
    let _ = verify(bytes, Expected::default());
    let _ = Chain::resume(bytes);
    let line: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\n').chain(*b"}").collect();
    let (sealed, chain) = Chain::default().seal(&line);
    assert_eq!(verify(sealed.as_slice(), Expected::default()).ok().map(|summary| summary.end), Some(chain));
}

/// A user's name, and statements behind it. What name is taken makes no difference to how many statements there are.
pub(crate) fn statement(bytes: &[u8]) {
    let (name, template) = first_line(bytes);
    let (name, template) = (String::from_utf8_lossy(name), [String::from_utf8_lossy(template).into_owned()]);
    for dialect in [Dialect::PostgreSql, Dialect::MySql] {
        let count = |username| {
            let values = Values { username, password: Some("p'\\-1"), expiration: Some("2026-11-24 20:00:00+0000") };
            render(dialect, &template, values).map(|statements| statements.len())
        };
        if let Ok(found) = count(&name)
            && !name.is_empty()
        {
            assert_eq!(count("x"), Ok(found), "{name:?}");
        }
    }
}

/// A connection string of PostgreSQL. What is kept of it reads the same.
pub(crate) fn connection_string(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = libpq::parameters(&text, &mut |name, _| name.starts_with("ssl"));
    if let Some(kept) = libpq::parameters(&text, &mut |_, _| false) {
        let again = libpq::parameters(&kept, &mut |_, _| false);
        assert_eq!(again.as_ref().map(|again| again.trim_end()), Some(kept.trim_end()));
    }
}
