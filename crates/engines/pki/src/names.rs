use crate::role::Role;
use logical::{Context, Error};
use std::collections::BTreeMap;

/// Whether a text fits a pattern in which `*` is any text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// Texts `1.2.3;UTF8:value` by their identifier.
pub(crate) fn other_names(texts: &[String]) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for text in texts {
        let (id, rest) = text.split_once(';').ok_or_else(|| format!("expected a semicolon in other SAN {text:?}"))?;
        let (kind, value) = rest.split_once(':').ok_or_else(|| format!("expected a colon in other SAN {text:?}"))?;
        if !kind.eq_ignore_ascii_case("utf8") && !kind.eq_ignore_ascii_case("utf-8") {
            return Err(format!("only utf8 other SANs are supported; found non-supported type in other SAN {text:?}"));
        }
        found.entry(id.to_owned()).or_default().push(value.to_owned());
    }
    Ok(found)
}

fn is_label(label: &str) -> bool {
    let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    !label.is_empty() && inner && !label.starts_with('-') && !label.ends_with('-')
}

/// A host name, where the first label may be `*`.
pub(crate) fn is_hostname(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.strip_prefix("*.").unwrap_or(text).split('.').all(is_label)
}

/// A label with one `*` in it: alone, or before, after or within what is a label.
fn is_wildcard_label(label: &str) -> bool {
    match label.split_once('*') {
        Some(("", "")) => true,
        Some(("", rest)) | Some((rest, "")) => is_label(rest),
        Some((before, after)) => is_label(before) && is_label(after),
        None => false,
    }
}

/// A name in ASCII, as the DNS has it; none where it has no such form.
pub(crate) fn to_dns(name: &str) -> Result<Option<String>, Error> {
    let converted = if name.is_ascii() {
        name.to_owned()
    } else {
        idna::domain_to_ascii_strict(name).map_err(|error| Error::invalid(format!("idna: {error}: {name:?}")))?
    };
    Ok(Some(converted).filter(|name| is_hostname(name)))
}

impl Role {
    /// Checks a common name, host name or e-mail address.
    ///
    /// # Errors
    /// The name, where it is not allowed.
    pub(crate) fn allows_name<'a>(&self, name: &'a str, display_name: &str) -> Result<(), &'a str> {
        let (mut reduced, email_domain, is_email) = match name.split_once('@') {
            Some((_, domain)) if domain.contains('@') => return Err(name),
            Some((_, domain)) => (domain, domain, true),
            None => (name, name, false),
        };
        let is_wildcard = reduced.contains('*');
        let mut wildcard_label = "";
        if is_wildcard {
            if !self.allow_wildcard_certificates || reduced.matches('*').count() > 1 {
                return Err(name);
            }
            (wildcard_label, reduced) = reduced.split_once('.').unwrap_or((reduced, ""));
            if reduced.contains('*') || is_email {
                return Err(name);
            }
        }
        if self.enforce_hostnames {
            if !reduced.is_empty() && !is_hostname(&idna_or(reduced)) {
                return Err(name);
            }
            if is_wildcard && !is_wildcard_label(wildcard_label) {
                return Err(name);
            }
        }
        if self.allow_any_name
            || self.is_local(reduced, email_domain, is_email, is_wildcard)
            || self.is_display_name(name, reduced, display_name, is_email, is_wildcard)
        {
            return Ok(());
        }
        let allowed = |domain: &String| {
            (self.allow_bare_domains
                && (name.eq_ignore_ascii_case(domain) || is_email && email_domain.eq_ignore_ascii_case(domain)))
                || (self.allow_subdomains
                    && (reduced.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
                        || is_wildcard && reduced.eq_ignore_ascii_case(domain)))
                || (self.allow_glob_domains && domain.contains('*') && glob(domain, name))
        };
        if self.allowed_domains.iter().any(allowed) { Ok(()) } else { Err(name) }
    }

    fn is_local(&self, reduced: &str, email_domain: &str, is_email: bool, is_wildcard: bool) -> bool {
        if !self.allow_localhost {
            return false;
        }
        ["localhost", "localdomain"].into_iter().any(|local| {
            reduced == local && (!is_wildcard || self.allow_subdomains)
                || is_email && email_domain == local
                || self.allow_subdomains && reduced.strip_suffix(local).is_some_and(|rest| rest.ends_with('.'))
        })
    }

    fn is_display_name(&self, name: &str, reduced: &str, display: &str, is_email: bool, is_wildcard: bool) -> bool {
        if !self.allow_token_displayname || display.is_empty() {
            return false;
        }
        let below = |domain: &str| reduced.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        name == display
            || self.allow_subdomains
                && (is_email && display.split_once('@').is_some_and(|(_, domain)| below(domain))
                    || below(display)
                    || is_wildcard && reduced == display)
    }

    /// Checks a common name, which may have its own rules.
    pub(crate) fn allows_common_name<'a>(&self, name: &'a str, display_name: &str) -> Result<(), &'a str> {
        if self.cn_validations == ["disabled"] {
            return Ok(());
        }
        self.allows_name(name, display_name)?;
        let kind = if name.contains('@') { "email" } else { "hostname" };
        if self.cn_validations.is_empty() || self.cn_validations.iter().any(|known| known == kind) {
            Ok(())
        } else {
            Err(name)
        }
    }

    /// Fills templates of identity in its domains and URIs; those that nothing fills are left out.
    pub(crate) async fn fill_templates(&mut self, context: Context<'_>, entity_id: &str) -> Result<(), Error> {
        let blocked: &[char] = if self.allow_globs_in_identity_templates { &[] } else { &['*'] };
        let mut lists = Vec::new();
        if self.allowed_domains_template {
            lists.push(&mut self.allowed_domains);
        }
        if self.allowed_uri_sans_template {
            lists.push(&mut self.allowed_uri_sans);
        }
        if !lists.iter().any(|list| list.iter().any(|text| text.contains("{{"))) {
            return Ok(());
        }
        let entity = if entity_id.is_empty() { None } else { context.system.entity(entity_id).await? };
        for list in lists {
            list.retain_mut(|text| {
                if !text.contains("{{") {
                    return true;
                }
                let filled = entity.as_ref().and_then(|entity| entity.fill(text, blocked));
                filled.is_some_and(|filled| {
                    *text = filled;
                    true
                })
            });
        }
        Ok(())
    }
}

fn idna_or(name: &str) -> String {
    if name.is_ascii() { name.to_owned() } else { idna::domain_to_ascii_strict(name).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(role: &Role, name: &str, allowed: bool) {
        assert_eq!(role.allows_name(name, "token-jane").is_ok(), allowed, "{name}");
    }

    #[test]
    fn names_are_allowed_by_the_roles_own_rules_only() {
        let none = Role { allow_localhost: false, ..Role::default() };
        check(&none, "localhost", false);
        check(&none, "example.com", false);
        let domains = vec!["example.com".to_owned(), "ftp*.example.org".to_owned()];
        let bare = Role { allowed_domains: domains.clone(), allow_bare_domains: true, ..none.clone() };
        for (name, allowed) in [
            ("example.com", true),
            ("EXAMPLE.com", true),
            ("a@example.com", true),
            ("a@b@example.com", false),
            ("a.example.com", false),
            ("ftp1.example.org", false),
        ] {
            check(&bare, name, allowed);
        }
        let below = Role { allowed_domains: domains.clone(), allow_subdomains: true, ..none.clone() };
        for (name, allowed) in [
            ("a.example.com", true),
            ("a.b.example.com", true),
            ("*.example.com", true),
            ("*a.example.com", true),
            ("a*b.example.com", true),
            ("*.*.example.com", false),
            ("a.*.example.com", false),
            ("example.com", false),
            ("badexample.com", false),
            ("a_b.example.com", false),
            ("x@*.example.com", false),
            ("-a.example.com", false),
        ] {
            check(&below, name, allowed);
        }
        check(&Role { allow_wildcard_certificates: false, ..below.clone() }, "*.example.com", false);
        check(&Role { enforce_hostnames: false, ..below }, "a_b.example.com", true);
        let globs = Role { allowed_domains: domains, allow_glob_domains: true, ..none };
        check(&globs, "ftp1.example.org", true);
        check(&globs, "xftp1.example.org", false);
        let any = Role { allow_any_name: true, ..Role::default() };
        check(&any, "anything.net", true);
        check(&any, "not a host", false);
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "ab", false),
            ("a*b*c", "a-b-c", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
