//! Licences as CycloneDX has them: identifiers, names, or one expression
//! (Syft `format/internal/cyclonedxutil/helpers/licenses.go`).

use super::bom::Choice;
use crate::{License, license};
use foldhash::HashSet;
use std::borrow::Cow;

/// An expression may only stand alone, so beside anything else expressions are written as names.
pub(super) fn choices(licenses: &[License]) -> Vec<Choice<'_>> {
    let mut ids = Vec::new();
    let mut names = Vec::new();
    let mut expressions: Vec<&str> = Vec::new();
    let mut seen = HashSet::default();
    for license in licenses {
        let expression = license.spdx_expression.as_str();
        if let Some(id) = license::spdx_id(expression) {
            if license.urls.is_empty() {
                ids.extend(seen.insert(id).then_some(Choice::Id { id: id.into(), url: "".into() }));
            }
            ids.extend(license.urls.iter().map(|url| Choice::Id { id: id.into(), url: url.into() }));
        } else if !expression.is_empty() {
            expressions.push(expression);
        } else if license.urls.is_empty() {
            names.push(Choice::Name { name: license.value.as_str().into(), url: "".into() });
        } else {
            let named = |url| if license.value.is_empty() { url } else { license.value.as_str() };
            names.extend(license.urls.iter().map(|url| Choice::Name { name: named(url).into(), url: url.into() }));
        }
    }
    ids.append(&mut names);
    if ids.is_empty() {
        ids.extend(all_of(&expressions).map(Choice::Expression));
    } else {
        ids.extend(expressions.into_iter().map(|name| Choice::Name { name: name.into(), url: "".into() }));
    }
    ids.retain(|choice| !matches!(choice, Choice::Name { name, .. } if name.is_empty()));
    ids
}

fn all_of<'a>(expressions: &[&'a str]) -> Option<Cow<'a, str>> {
    match expressions {
        [] => None,
        [one] => Some(without_outer_brackets(one).into()),
        many => {
            let bracketed = many.iter().map(|one| match one.starts_with('(') || one.ends_with(')') {
                true => (*one).to_owned(),
                false => format!("({one})"),
            });
            let joined = bracketed.collect::<Vec<_>>().join(" AND ");
            Some(without_outer_brackets(&joined).to_owned().into())
        }
    }
}

fn without_outer_brackets(mut expression: &str) -> &str {
    loop {
        expression = expression.trim();
        match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            Some(inner) if is_balanced(inner) => expression = inner,
            _ => return expression,
        }
    }
}

fn is_balanced(expression: &str) -> bool {
    let mut open = 0_usize;
    for character in expression.chars() {
        match character {
            '(' => open += 1,
            ')' if open == 0 => return false,
            ')' => open -= 1,
            _ => {}
        }
    }
    open == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(licenses: &[(&str, &str, &[&str])], expected: &[&str]) {
        let licenses: Vec<License> = licenses
            .iter()
            .map(|(value, expression, urls)| License {
                spdx_expression: (*expression).to_owned(),
                urls: urls.iter().map(|url| (*url).to_owned()).collect(),
                ..License::declared(*value)
            })
            .collect();
        let shown: Vec<String> = choices(&licenses)
            .iter()
            .map(|choice| match choice {
                Choice::Id { id, url } => format!("id {id} {url}"),
                Choice::Name { name, url } => format!("name {name} {url}"),
                Choice::Expression(expression) => format!("expression {expression}"),
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn shapes() {
        check(&[], &[]);
        check(&[("MIT", "MIT", &[]), ("mit", "MIT", &[])], &["id MIT "]);
        check(&[("MIT", "MIT", &["u", "v"])], &["id MIT u", "id MIT v"]);
        check(&[("custom", "", &[])], &["name custom "]);
        check(&[("", "", &["u"])], &["name u u"]);
        check(&[("", "", &[])], &[]);
        check(&[("x", "MIT OR ISC", &[])], &["expression MIT OR ISC"]);
        check(&[("x", "(MIT OR ISC)", &[])], &["expression MIT OR ISC"]);
        check(&[("x", "MIT OR ISC", &[]), ("y", "(A) AND (B)", &[])], &["expression (MIT OR ISC) AND (A) AND (B)"]);
        check(&[("x", "MIT OR ISC", &[]), ("MIT", "MIT", &[])], &["id MIT ", "name MIT OR ISC "]);
    }
}
