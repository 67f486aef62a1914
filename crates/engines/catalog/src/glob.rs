//! Path patterns: `**` any folders, `*` and `?` within a name, `{a,b}` alternatives, `[ab]` one of.
//!
//! Matching is linear in practice: `*` backtracks only within one name. Patterns come from the program or from the
//! user's command line, never from an image.

/// Does `path` (no leading `/`) match `pattern`?
#[must_use]
pub fn matches(pattern: &str, path: &str) -> bool {
    expand(pattern).iter().any(|pattern| {
        let pattern: Vec<&str> = pattern.split('/').collect();
        let path: Vec<&str> = path.split('/').collect();
        folders(&pattern, &path)
    })
}

/// Replaces every `{a,b}` by its alternatives.
#[must_use]
pub fn expand(pattern: &str) -> Vec<String> {
    let Some(open) = pattern.find('{') else {
        return vec![pattern.to_owned()];
    };
    let (before, rest) = pattern.split_at(open);
    let Some((inside, after)) = rest.get(1..).and_then(|rest| rest.split_once('}')) else {
        return vec![pattern.to_owned()];
    };
    inside.split(',').flat_map(|choice| expand(&format!("{before}{choice}{after}"))).collect()
}

pub(crate) fn folders(pattern: &[&str], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((&"**", rest)) => (0..=path.len()).any(|skip| path.get(skip..).is_some_and(|path| folders(rest, path))),
        Some((first, rest)) => {
            path.split_first().is_some_and(|(name, path)| self::name(first, name) && folders(rest, path))
        }
    }
}

/// Does one path part match one pattern part (`*`, `?`, `[ab]`)?
#[must_use]
pub fn name(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() || p < pattern.len() {
        if pattern.get(p) == Some(&'*') {
            retry = Some((p, n));
            p += 1;
        } else if let (Some(width), true) = (single(&pattern, p, name.get(n).copied()), n < name.len()) {
            p += width;
            n += 1;
        } else if let Some((star, from)) = retry.filter(|(_, from)| *from < name.len()) {
            retry = Some((star, from + 1));
            p = star + 1;
            n = from + 1;
        } else {
            return false;
        }
    }
    true
}

/// Width of the pattern element at `p` if it accepts `c`.
fn single(pattern: &[char], p: usize, c: Option<char>) -> Option<usize> {
    let c = c?;
    match pattern.get(p)? {
        '?' => Some(1),
        '[' => {
            let class = pattern.get(p + 1..)?;
            let end = class.iter().position(|x| *x == ']')?;
            let class = class.get(..end)?;
            let (negated, class) = match class.split_first() {
                Some(('!' | '^', rest)) => (true, rest),
                _ => (false, class),
            };
            (in_class(class, c) != negated).then_some(end + 2)
        }
        literal => (*literal == c).then_some(1),
    }
}

fn in_class(class: &[char], c: char) -> bool {
    class.contains(&c) || class.windows(3).any(|range| matches!(range, [low, '-', high] if *low <= c && c <= *high))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, path, expected) in [
            ("**/lib/apk/db/installed", "lib/apk/db/installed", true),
            ("**/lib/apk/db/installed", "srv/root/lib/apk/db/installed", true),
            ("**/lib/apk/db/installed", "lib/apk/db/installed/x", false),
            ("**/*.{jar,war}", "app/a.war", true),
            ("**/*.{jar,war}", "a.jar", true),
            ("**/*.{jar,war}", "a.jars", false),
            ("**/node", "usr/bin/node", true),
            ("**/python*.[0-9]*", "usr/bin/python3.11", true),
            ("**/python*.[0-9]*", "usr/bin/python3", false),
            ("**/var/lib/dpkg/status.d/*", "var/lib/dpkg/status.d/base", true),
            ("**/var/lib/dpkg/status.d/*", "var/lib/dpkg/status.d/a/b", false),
            ("go.mod", "go.mod", true),
            ("a?c", "abc", true),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZd", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
