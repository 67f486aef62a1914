//! PGP public keys in files, as the API takes them: base64 of the binary form.

use super::super::failure::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::io::Read;

/// What a file of keys may have.
const MAX_BYTES: u64 = 1 << 20;

/// The key in a file: armored, binary or base64.
pub(super) fn key(name: &str) -> Result<String, Failure> {
    let name = name.trim();
    if name.starts_with("keybase:") {
        return Err(Failure::local("keys of Keybase are not fetched").hint("give the file of the public key"));
    }
    let name = name.strip_prefix('@').unwrap_or(name);
    let mut bytes = Vec::new();
    let read = fs::File::open(name).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    read.map_err(|error| Failure::local(format!("open {name}: {error}")))?;
    Ok(encoded(&bytes))
}

/// The keys in files whose names commas separate.
pub(super) fn keys(names: &str) -> Result<Vec<String>, Failure> {
    names.split(',').filter(|name| !name.trim().is_empty()).map(key).collect()
}

fn encoded(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else { return STANDARD.encode(bytes) };
    let joined = |text: &str| text.lines().map(str::trim).collect::<String>();
    match text.split_once("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
        None => joined(text),
        Some((_, armored)) => {
            // Behind the headers and an empty line; a line with `=` first is the checksum.
            let armored = armored.replace("\r\n", "\n");
            let body = armored.split_once("\n\n").map_or("", |(_, body)| body);
            joined(&body.lines().take_while(|line| !line.starts_with(['=', '-'])).collect::<Vec<_>>().join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_three_forms() {
        let armored = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: x\n\nmQENBF\nabcd\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
        assert_eq!(encoded(armored.as_bytes()), "mQENBFabcd");
        assert_eq!(encoded(b"mQEN\nBF\n"), "mQENBF");
        assert_eq!(encoded(b"\x99\x01\x0d"), "mQEN");
    }
}
