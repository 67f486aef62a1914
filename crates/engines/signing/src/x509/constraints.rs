//! Name constraints, RFC 5280 section 4.2.1.10.

use super::extensions::GeneralName;
use crate::der::{self, DerError, Reader, SEQUENCE};

const MAX_SUBTREES: usize = 256;

/// Which names the certificates below an authority may have.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameConstraints {
    permitted: Vec<GeneralName>,
    excluded: Vec<GeneralName>,
}

impl NameConstraints {
    pub(super) fn read(bytes: &[u8]) -> Result<NameConstraints, DerError> {
        let mut reader = der::whole(bytes, SEQUENCE)?;
        let permitted = reader.optional(0xa0)?.map(|element| subtrees(element.content)).transpose()?;
        let excluded = reader.optional(0xa1)?.map(|element| subtrees(element.content)).transpose()?;
        reader.end()?;
        Ok(NameConstraints { permitted: permitted.unwrap_or_default(), excluded: excluded.unwrap_or_default() })
    }

    /// Whether all names are within the constraints.
    pub(crate) fn allow(&self, names: &[GeneralName]) -> bool {
        names.iter().all(|name| {
            let mut of_kind = self.permitted.iter().filter(|subtree| same_kind(subtree, name)).peekable();
            let permitted = of_kind.peek().is_none() || of_kind.any(|subtree| within(name, subtree));
            let excluded = |subtree: &GeneralName| same_kind(subtree, name) && within(name, subtree);
            permitted && !self.excluded.iter().any(excluded)
        })
    }
}

fn subtrees(content: &[u8]) -> Result<Vec<GeneralName>, DerError> {
    let mut list = Reader::new(content);
    let mut out = Vec::new();
    while !list.is_empty() {
        if out.len() == MAX_SUBTREES {
            return Err(DerError("too many name constraints"));
        }
        let mut subtree = list.inside(SEQUENCE)?;
        let name = GeneralName::read(subtree.any()?)?;
        subtree.end()?;
        if matches!(name, GeneralName::Other(_) | GeneralName::UserName(_)) {
            return Err(DerError("a name constraint of a kind that isn't supported"));
        }
        out.push(name);
    }
    Ok(out)
}

fn same_kind(a: &GeneralName, b: &GeneralName) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn within(name: &GeneralName, subtree: &GeneralName) -> bool {
    match (name, subtree) {
        (GeneralName::Dns(name), GeneralName::Dns(subtree)) => {
            let subtree = subtree.strip_prefix('.').unwrap_or(subtree);
            subtree.is_empty() || name.eq_ignore_ascii_case(subtree) || is_below(name, subtree)
        }
        (GeneralName::Email(name), GeneralName::Email(subtree)) => {
            let Some((_, host)) = name.rsplit_once('@') else { return false };
            match subtree.rsplit_once('@') {
                Some((user, domain)) => {
                    name.rsplit_once('@').is_some_and(|(local, _)| local == user) && host.eq_ignore_ascii_case(domain)
                }
                None => host_within(host, subtree),
            }
        }
        (GeneralName::Uri(name), GeneralName::Uri(subtree)) => {
            uri_host(name).is_some_and(|host| host_within(host, subtree))
        }
        _ => false,
    }
}

/// A host, or with a leading dot all below it.
fn host_within(host: &str, subtree: &str) -> bool {
    match subtree.strip_prefix('.') {
        Some(domain) => is_below(host, domain),
        None => host.eq_ignore_ascii_case(subtree),
    }
}

fn is_below(name: &str, domain: &str) -> bool {
    let Some(at) = name.len().checked_sub(domain.len() + 1) else { return false };
    let (Some(dot), Some(end)) = (name.get(at..=at), name.get(at + 1..)) else { return false };
    at > 0 && dot == "." && end.eq_ignore_ascii_case(domain)
}

fn uri_host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    (!host.is_empty() && !host.starts_with('[')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_within() {
        let dns = |text: &str| GeneralName::Dns(text.into());
        let email = |text: &str| GeneralName::Email(text.into());
        let uri = |text: &str| GeneralName::Uri(text.into());
        let check = |name: GeneralName, subtree: GeneralName, expected: bool| {
            let constraints = NameConstraints { permitted: vec![subtree.clone()], excluded: vec![] };
            assert_eq!(constraints.allow(std::slice::from_ref(&name)), expected, "{name:?} {subtree:?}");
            if same_kind(&name, &subtree) {
                let constraints = NameConstraints { permitted: vec![], excluded: vec![subtree.clone()] };
                assert_eq!(constraints.allow(std::slice::from_ref(&name)), !expected, "{name:?} not {subtree:?}");
            }
        };
        check(dns("a.example.com"), dns("example.com"), true);
        check(dns("example.com"), dns("Example.com"), true);
        check(dns("badexample.com"), dns("example.com"), false);
        check(email("a@example.com"), email("example.com"), true);
        check(email("a@b.example.com"), email("example.com"), false);
        check(email("a@b.example.com"), email(".example.com"), true);
        check(email("b@example.com"), email("a@example.com"), false);
        check(uri("https://example.com/x"), uri("example.com"), true);
        check(uri("https://example.com.evil/x"), uri("example.com"), false);
        check(uri("https://evil/@example.com"), uri("example.com"), false);
        check(uri("https://u@a.example.com:8/x"), uri(".example.com"), true);
        check(uri("https://evil.org"), dns("example.com"), true);
    }
}
