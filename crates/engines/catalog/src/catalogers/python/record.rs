//! `RECORD` (packaging.python.org, "Recording installed projects") and `installed-files.txt`.

use serde::{Deserialize, Serialize};

/// One installed file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRecord {
    pub(super) path: String,
    pub(super) digest: Option<(String, String)>,
    pub(super) size: String,
}

/// Reads `RECORD`: rows of path, digest and size. Other rows are left out, as the peer does.
pub(super) fn parse(text: &str) -> Vec<FileRecord> {
    let mut rest = text;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let row = row(&mut rest);
        if let Some([path, digest, size]) = row.as_deref() {
            records.push(FileRecord {
                path: path.clone(),
                digest: digest.split_once('=').map(|(algorithm, value)| (algorithm.to_owned(), value.to_owned())),
                size: size.clone(),
            });
        }
    }
    records
}

/// Takes one comma-separated row off `rest`; `None` where it is broken.
fn row(rest: &mut &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            *rest = quoted;
            fields.push(quoted_field(rest)?);
        } else {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            let (field, after) = rest.split_at(end);
            *rest = after;
            fields.push(field.trim_end_matches('\r').to_owned());
        }
        if let Some(after) = rest.strip_prefix(',') {
            *rest = after;
            continue;
        }
        // Anything between a closing quote and the next comma breaks the row.
        let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let (tail, after) = rest.split_at(end);
        *rest = after;
        return tail.trim().is_empty().then_some(fields);
    }
}

/// The field whose opening quote was taken; doubled quotes stand for one.
fn quoted_field(rest: &mut &str) -> Option<String> {
    let mut field = String::new();
    loop {
        let Some((part, after)) = rest.split_once('"') else {
            *rest = "";
            return None;
        };
        field.push_str(part);
        *rest = after;
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                *rest = after;
            }
            None => return Some(field),
        }
    }
}

/// Reads `installed-files.txt`: paths relative to the folder it lies in, turned to paths relative to `site`. A last
/// line without an end does not count, as with the peer.
pub(super) fn parse_installed_files(text: &str, folder: &str, site: &str) -> Vec<FileRecord> {
    let end = text.rfind('\n').unwrap_or(0);
    let lines = text.get(..end).unwrap_or_default().lines();
    lines.map(|line| FileRecord { path: relative(&join(folder, line), site), ..FileRecord::default() }).collect()
}

/// The absolute path of `path` seen from `folder`, `.` and `..` taken away.
pub(super) fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// `path` seen from `folder`; both absolute.
fn relative(path: &str, folder: &str) -> String {
    let split = |path| str::split(path, '/').filter(|part: &&str| !part.is_empty());
    let (path, folder): (Vec<&str>, Vec<&str>) = (split(path).collect(), split(folder).collect());
    let common = path.iter().zip(&folder).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", folder.len() - common);
    let parts: Vec<&str> = up.chain(path.iter().skip(common).copied()).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records() {
        let text = "a/b.py,sha256=x=y,12\r\n\"c,\"\"d\"\"\",,\nbroken\n\"e\"x,,\nf,md5,3\n\"open,,\n";
        let found = parse(text);
        let paths: Vec<&str> = found.iter().map(|record| record.path.as_str()).collect();
        assert_eq!(paths, ["a/b.py", "c,\"d\"", "f"]);
        assert_eq!(found[0].digest, Some(("sha256".to_owned(), "x=y".to_owned())));
        assert_eq!(found[2].digest, None);
    }

    #[test]
    fn installed_files() {
        let found = parse_installed_files("../x/a.py\n../../bin/b\nlast", "/lib/site/x.egg-info", "/lib/site");
        let paths: Vec<&str> = found.iter().map(|record| record.path.as_str()).collect();
        assert_eq!(paths, ["x/a.py", "../bin/b"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(?s).{0,200}") {
            parse(&text);
            parse_installed_files(&text, "/a/b", "/a/c");
        }
    }
}
