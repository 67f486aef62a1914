//! People, service accounts and names.

use super::{IdentityError, Principal, SubjectName, as_uri};
use crate::extensions::Extensions;
use crate::issuers::{Issuer, is_trust_domain, split};
use crate::jwt::Claims;
use serde_json::Value;

pub(super) fn email(claims: &Claims, issuer: &Issuer) -> Result<Principal, IdentityError> {
    let address = claims.text("email").ok_or(IdentityError::Missing("email"))?;
    let verified = match claims.all().get("email_verified") {
        Some(Value::Bool(verified)) => *verified,
        Some(Value::String(text)) => text == "true" || text == "True",
        _ => false,
    };
    if !verified && !issuer.skip_email_verification {
        return Err(IdentityError::Unverified);
    }
    if !is_email(address) {
        return Err(IdentityError::Email);
    }
    let real = match issuer.issuer_claim.strip_prefix("$.") {
        None => claims.issuer.clone(),
        Some(path) => {
            let mut steps = path.split('.');
            let first = steps.next().and_then(|step| claims.all().get(step));
            let found = steps.fold(first, |value, step| value.and_then(|value| value.get(step)));
            match found.ok_or(IdentityError::Missing("issuer"))? {
                Value::String(text) if !text.is_empty() => text.clone(),
                _ => return Err(IdentityError::Missing("issuer")),
            }
        }
    };
    Ok(Principal {
        challenge: address.to_owned(),
        name: SubjectName::Email(address.to_owned()),
        extensions: Extensions::new(&real, &claims.subject),
    })
}

pub(super) fn kubernetes(claims: &Claims) -> Result<Principal, IdentityError> {
    let own = claims.all().get("kubernetes.io").ok_or(IdentityError::Missing("kubernetes.io"))?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).filter(|text| is_label(text)).map(str::to_owned);
    let namespace = text(own.get("namespace")).ok_or(IdentityError::Missing("kubernetes.io.namespace"))?;
    let account = text(own.get("serviceaccount").and_then(|account| account.get("name")))
        .ok_or(IdentityError::Missing("kubernetes.io.serviceaccount.name"))?;
    let uri = format!("https://kubernetes.io/namespaces/{namespace}/serviceaccounts/{account}");
    Ok(of_uri(claims, uri))
}

pub(super) fn spiffe(claims: &Claims, issuer: &Issuer) -> Result<Principal, IdentityError> {
    let wrong = |what| IdentityError::Subject { subject: claims.subject.clone(), what };
    let rest = claims.subject.strip_prefix("spiffe://").ok_or(wrong("invalid spiffe ID provided"))?;
    let (domain, path) = rest.split_once('/').unwrap_or((rest, ""));
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let segment = |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(fits);
    let paths = !rest.contains('/') || path.split('/').all(segment);
    if !is_trust_domain(domain) || !paths {
        return Err(wrong("invalid spiffe ID provided"));
    }
    if domain != issuer.spiffe_trust_domain {
        return Err(wrong("trust domain doesn't match configured trust domain"));
    }
    Ok(of_uri(claims, claims.subject.clone()))
}

pub(super) fn uri(claims: &Claims, issuer: &Issuer) -> Result<Principal, IdentityError> {
    let wrong = |what| IdentityError::Subject { subject: claims.subject.clone(), what };
    if is_email(&claims.subject) {
        return Err(wrong("uri subject should not be an email address"));
    }
    let subject = split(&claims.subject).ok_or(wrong("not a URI"))?;
    let domain = split(&issuer.subject_domain).ok_or(wrong("no domain is configured"))?;
    if subject.0 != domain.0 {
        return Err(wrong("subject URI scheme must match expected domain URI scheme"));
    }
    if subject.1 != domain.1 {
        return Err(wrong("subject hostname must match expected domain"));
    }
    Ok(of_uri(claims, as_uri(&claims.subject)))
}

pub(super) fn username(claims: &Claims, issuer: &Issuer) -> Result<Principal, IdentityError> {
    let wrong = |what| IdentityError::Subject { subject: claims.subject.clone(), what };
    if claims.subject.contains('!') {
        return Err(wrong("username cannot contain ! character"));
    }
    if is_email(&claims.subject) {
        return Err(wrong("username should not be an email address"));
    }
    Ok(Principal {
        challenge: claims.subject.clone(),
        name: SubjectName::Other(format!("{}!{}", claims.subject, issuer.subject_domain)),
        extensions: Extensions::new(&claims.issuer, &claims.subject),
    })
}

pub(super) fn chainguard(claims: &Claims) -> Result<Principal, IdentityError> {
    let uri = format!("{}/{}", claims.issuer.trim_end_matches('/'), as_uri(&claims.subject));
    Ok(of_uri(claims, uri))
}

pub(super) fn of_uri(claims: &Claims, uri: String) -> Principal {
    Principal {
        challenge: claims.subject.clone(),
        name: SubjectName::Uri(uri),
        extensions: Extensions::new(&claims.issuer, &claims.subject),
    }
}

/// A name of an object in Kubernetes.
fn is_label(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    !text.is_empty() && text.len() <= 253 && text.bytes().all(fits)
}

/// An address as mail servers take it: no comments, quotes or addresses by number.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    (1..=64).contains(&local.len())
        && domain.len() <= 253
        && local.split('.').all(|part| !part.is_empty() && part.bytes().all(atom))
        && domain.contains('.')
        && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["a@b.example", "first.last+tag@mail.example.com", "x_y@a-b.co"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "a", "a@b", "@b.example", "a@", "a@@b.example", "a b@c.example", "a@-b.example", ".a@b.example"]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
