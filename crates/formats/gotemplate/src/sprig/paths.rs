//! Paths with slashes (Go's package path).

use crate::function::{Function, Type};
use Type::Text;

pub(super) const ALL: &[Function] = &[
    Function::new("base", &[Text], |given| Ok(base(given.text(0)).into())),
    Function::new("dir", &[Text], |given| Ok(dir(given.text(0)).into())),
    Function::new("clean", &[Text], |given| Ok(clean(given.text(0)).into())),
    Function::new("ext", &[Text], |given| Ok(ext(given.text(0)).into())),
    Function::new("isAbs", &[Text], |given| Ok(given.text(0).starts_with('/').into())),
    Function::new("osBase", &[Text], |given| Ok(base(given.text(0)).into())),
    Function::new("osDir", &[Text], |given| Ok(dir(given.text(0)).into())),
    Function::new("osClean", &[Text], |given| Ok(clean(given.text(0)).into())),
    Function::new("osExt", &[Text], |given| Ok(ext(given.text(0)).into())),
    Function::new("osIsAbs", &[Text], |given| Ok(given.text(0).starts_with('/').into())),
];

fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (path.is_empty(), trimmed.rsplit('/').next()) {
        (true, _) => ".",
        (_, Some(name)) if !name.is_empty() => name,
        _ => "/",
    }
}

fn dir(path: &str) -> String {
    clean(path.rfind('/').and_then(|slash| path.get(..=slash)).unwrap_or_default())
}

fn ext(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rfind('.').and_then(|dot| name.get(dot..)).unwrap_or_default()
}

fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    match (is_absolute, parts.join("/")) {
        (true, rest) => format!("/{rest}"),
        (false, rest) if rest.is_empty() => ".".to_owned(),
        (false, rest) => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_go_s() {
        for (path, want) in [("a/../../b/./c//", "../b/c"), ("/../a", "/a"), ("", "."), ("a/..", ".")] {
            assert_eq!(clean(path), want, "{path}");
        }
        assert_eq!((base("/a/b/"), base("///"), base("")), ("b", "/", "."));
        assert_eq!((dir("/a/b"), dir("b"), ext("a/b.tar.gz"), ext("a.d/b")), ("/a".into(), ".".into(), ".gz", ""));
    }
}
