//! The compressed file list `mtree` (mtree(5)).

use super::record::FileRecord;
use crate::ParseError;
use crate::catalogers::inflate::inflate;
use crate::catalogers::os::clean_path;
use sbom::Digest;

/// The largest package of Arch has 27 MB and 107,000 lines; the peer's bounds.
const MAX_BYTES: u64 = 64 << 20;
const MAX_LINES: usize = 300_000;

/// Reads every entry but those of the package's own build files.
///
/// # Errors
/// Where the file is not gzip, is too long, or continues lines, which no writer of packages does.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<FileRecord>, ParseError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(ParseError::malformed("an mtree file that is not gzip"));
    }
    let content = inflate(bytes, MAX_BYTES)?;
    let text = String::from_utf8_lossy(&content);
    if text.lines().count() > MAX_LINES {
        return Err(ParseError::Limit { what: "lines in an mtree file", limit: MAX_LINES as u64 });
    }
    if text.lines().any(|line| line.ends_with('\\')) {
        return Err(ParseError::malformed("an mtree file that continues lines"));
    }
    Ok(text.lines().filter_map(entry).collect())
}

fn entry(line: &str) -> Option<FileRecord> {
    let mut words = line.split_whitespace();
    let name = words.next().filter(|name| !name.starts_with(['#', '/']) && *name != "..")?;
    let path = clean_path(name);
    if matches!(path.as_str(), "/.BUILDINFO" | "/.PKGINFO") {
        return None;
    }
    let mut record = FileRecord { path, ..FileRecord::default() };
    for (key, value) in words.filter_map(|word| word.split_once('=')) {
        let field = match key {
            "type" => &mut record.kind,
            "uid" => &mut record.uid,
            "gid" => &mut record.gid,
            "size" => &mut record.size,
            "link" => &mut record.link,
            "time" => {
                record.time = Some(value.split('.').next().and_then(|time| time.parse().ok()).unwrap_or_default());
                continue;
            }
            "sha256digest" | "md5digest" => {
                let algorithm = if key == "md5digest" { "md5" } else { "sha256" };
                record.digests.push(Digest { algorithm: algorithm.into(), hex: value.to_owned() });
                continue;
            }
            _ => continue,
        };
        value.clone_into(field);
    }
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::io::Write;

    fn gzip(text: &str) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn entries() {
        let found = parse(&gzip(
            "#mtree\n/set type=file uid=0 gid=0 mode=644\n./.BUILDINFO time=1.0 size=2 md5digest=aa\n\
             ./usr time=1636217573.0 mode=755 type=dir\n./usr/a time=5.0 size=9 md5digest=bb sha256digest=cc\n\
             ./usr/b type=link link=a\n..\n",
        ))
        .unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|file| (file.path.as_str(), file.kind.as_str(), file.size.as_str(), file.time, file.digests.len()))
            .collect();
        assert_eq!(
            found,
            [
                ("/usr", "dir", "", Some(1_636_217_573), 0),
                ("/usr/a", "", "9", Some(5), 2),
                ("/usr/b", "link", "", None, 0),
            ]
        );
        assert!(parse(b"#mtree\n").is_err());
        assert!(parse(&gzip("./a \\\nsize=1\n")).is_err());
        assert!(parse(&gzip(&"\n".repeat(300_001))).is_err());
    }
}
