//! Path patterns: `*` and `?` within a path element, `**` across elements, `[...]`, `{a,b}`, `\` before what is meant
//! literally.

use regex::Regex;

/// Longer patterns are refused.
const MAX_PATTERN_BYTES: usize = 4096;

/// The pattern as a regular expression for the whole path; `None` where it cannot be understood.
pub(crate) fn regex(pattern: &str) -> Option<Regex> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return None;
    }
    let mut out = String::from("^");
    let mut rest = pattern;
    let mut alternatives = 0usize;
    let mut at_element_start = true;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        let mut starts_next = false;
        match c {
            '*' => taken = stars(rest, at_element_start, &mut out),
            '?' => out.push_str("[^/]"),
            '[' => taken = class(rest, &mut out)?,
            '{' => {
                alternatives += 1;
                out.push_str("(?:");
                starts_next = at_element_start;
            }
            '}' if alternatives > 0 => {
                alternatives -= 1;
                out.push(')');
            }
            ',' if alternatives > 0 => out.push('|'),
            '\\' => {
                let literal = rest.get(1..)?.chars().next()?;
                taken += literal.len_utf8();
                out.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
            }
            '/' => {
                // `a/**` holds for what is below and for `a` itself.
                if rest == "/**" {
                    out.push_str("(?:/.*)?");
                    taken = rest.len();
                } else {
                    out.push('/');
                    starts_next = true;
                }
            }
            other => out.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
        at_element_start = starts_next || (c == '*' && out.ends_with(")?"));
        rest = rest.get(taken..)?;
    }
    out.push('$');
    (alternatives == 0).then(|| Regex::new(&out).ok())?
}

/// Writes a run of stars and says how many bytes it was.
fn stars(rest: &str, at_element_start: bool, out: &mut String) -> usize {
    let run = rest.bytes().take_while(|byte| *byte == b'*').count();
    let after = rest.get(run..).unwrap_or_default();
    match (run >= 2 && at_element_start, after.starts_with('/'), after.is_empty()) {
        (true, true, _) => {
            out.push_str("(?:.*/)?");
            run + 1
        }
        (true, false, true) => {
            out.push_str(".*");
            run
        }
        _ => {
            out.push_str("[^/]*");
            run
        }
    }
}

/// Writes a class and says how many bytes it was.
fn class(rest: &str, out: &mut String) -> Option<usize> {
    let body = rest.get(1..)?;
    let (negated, body) = match body.strip_prefix(['!', '^']) {
        Some(behind) => (true, behind),
        None => (false, body),
    };
    let end = body.find(']').filter(|end| *end > 0)?;
    out.push_str(if negated { "[^/" } else { "[" });
    for c in body.get(..end)?.chars() {
        if !c.is_alphanumeric() && c != '-' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push(']');
    Some(1 + usize::from(negated) + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(pattern: &str, holds: &[&str], does_not: &[&str]) {
        let regex = regex(pattern).unwrap();
        for path in holds {
            assert!(regex.is_match(path), "{pattern} {path} {regex}");
        }
        for path in does_not {
            assert!(!regex.is_match(path), "{pattern} {path} {regex}");
        }
    }

    #[test]
    fn patterns() {
        check("/usr/*", &["/usr/a"], &["/usr/a/b", "/usr"]);
        check("/usr/**", &["/usr/a", "/usr/a/b", "/usr"], &["/usra"]);
        check("**/*.jar", &["a.jar", "/x/y/a.jar"], &["a.war"]);
        check("/**/a", &["/a", "/b/c/a"], &["/ba"]);
        check("/a?c", &["/abc"], &["/a/c"]);
        check("/a[b-d]", &["/ac"], &["/ae"]);
        check("/a[!b]", &["/ac"], &["/ab"]);
        check("/{a,b}/c.d", &["/a/c.d", "/b/c.d"], &["/c/c.d", "/a/cxd"]);
        check(r"/a\*", &["/a*"], &["/ab"]);
        check("/opt/app.war:WEB-INF/lib/*.jar", &["/opt/app.war:WEB-INF/lib/x.jar"], &[]);
        for bad in ["[", "{a", "[]", "\\"] {
            assert!(regex(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(pattern in "[a*?/{},\\[\\]\\\\!^.-]{0,24}") {
            let _ = regex(&pattern);
        }
    }
}
