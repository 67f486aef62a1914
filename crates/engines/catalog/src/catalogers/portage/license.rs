//! The `LICENSE` variable (GLEP 23): names, `|| ( choices )`, `flag? ( names )` and `@groups`.

use foldhash::{HashMap, HashSet};

/// Named sets of licences, expanded.
pub(super) struct Groups(HashMap<String, Vec<String>>);

/// Nesting of groups; Gentoo's own has three.
const MAX_DEPTH: usize = 32;
/// Licences of all groups together.
const MAX_LICENSES: usize = 100_000;

/// The statement as an expression: what is mandatory, and one of the choices. What hangs on a flag is left out, and
/// everything behind it, as with the peer.
pub(super) fn expression(statement: &str, groups: Option<&Groups>) -> String {
    let (mut mandatory, mut choices) = (Vec::new(), Vec::new());
    let (mut in_choice, mut in_flag) = (false, false);
    for token in statement.split_whitespace() {
        match token {
            "||" => in_choice = true,
            token if token.contains('?') => in_flag = true,
            token if token.contains(['(', ')', '|']) || in_flag => {}
            token => {
                let names = if in_choice { &mut choices } else { &mut mandatory };
                match token.strip_prefix('@').and_then(|group| groups?.0.get(group)) {
                    Some(group) => names.extend(group.iter().map(String::as_str)),
                    None => names.push(token),
                }
            }
        }
    }
    let (mandatory, choices) = (mandatory.join(" AND "), choices.join(" OR "));
    match (mandatory.is_empty(), choices.is_empty()) {
        (false, false) => format!("{mandatory} AND ({choices})"),
        (false, true) => mandatory,
        _ => choices,
    }
}

impl Groups {
    /// Reads `name members` lines. None where a line has no members, or a group is missing or holds itself.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut raw: HashMap<&str, Vec<&str>> = HashMap::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let name = words.next()?;
            let members: Vec<&str> = words.collect();
            if members.is_empty() {
                return None;
            }
            raw.insert(name, members);
        }
        let mut groups = HashMap::default();
        let mut left = MAX_LICENSES;
        for name in raw.keys() {
            let mut members = Vec::new();
            expand(name, &raw, MAX_DEPTH, &mut left, &mut members)?;
            let mut seen = HashSet::default();
            members.retain(|member| seen.insert(*member));
            groups.insert((*name).to_owned(), members.into_iter().map(str::to_owned).collect());
        }
        Some(Self(groups))
    }
}

/// Appends the members of a group and of its groups; none where that never ends or is too much.
fn expand<'a>(
    name: &str,
    raw: &HashMap<&'a str, Vec<&'a str>>,
    depth: usize,
    left: &mut usize,
    into: &mut Vec<&'a str>,
) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    for member in raw.get(name)? {
        *left = left.checked_sub(1)?;
        match member.strip_prefix('@') {
            Some(group) => expand(group, raw, depth, left, into)?,
            None => into.push(member),
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{Groups, expression};

    #[test]
    fn expressions() {
        let groups = Groups::parse("# all\nFREE @GPL MIT\nGPL GPL-2 GPL-3\n").unwrap();
        for (statement, expected) in [
            ("", ""),
            ("MIT", "MIT"),
            ("GPL-2 || ( MIT BSD )", "GPL-2 AND (MIT OR BSD)"),
            ("|| ( MIT BSD )", "MIT OR BSD"),
            ("MIT doc? ( FDL ) ZLIB", "MIT"),
            ("@FREE", "GPL-2 AND GPL-3 AND MIT"),
            ("@OTHER", "@OTHER"),
        ] {
            assert_eq!(expression(statement, Some(&groups)), expected, "{statement}");
        }
        assert_eq!(expression("@FREE", None), "@FREE");
    }

    #[test]
    fn hostile_groups() {
        assert!(Groups::parse("A @B\nB @A\n").is_none());
        assert!(Groups::parse("A @missing\n").is_none());
        assert!(Groups::parse("A\n").is_none());
        let doubling: String = (0..30).map(|n| format!("G{n} @G{} @G{}\n", n + 1, n + 1)).collect();
        assert!(Groups::parse(&format!("{doubling}G30 MIT\n")).is_none());
    }
}
