//! Which cryptography a Go program was built with: told by its symbols and its FIPS settings.

use super::build_info::BuildInfo;
use crate::catalogers::executable::{Executable, Symbols};
use memchr::memmem;

/// Syft's `goCryptoSettings`: what the symbols tell (as `kastenhq/goversion` reads them), then the FIPS 140 settings in
/// the order of the build settings. Stripped programs have only the latter.
pub(super) fn settings(executable: &Executable<'_>, info: &BuildInfo) -> Vec<String> {
    let any = |test: fn(&[u8]) -> bool| executable.symbols.iter().any(|Symbols { names, .. }| test(names));
    let found = [
        (any(is_standard), "standard-crypto"),
        (any(is_boring), "boring-crypto"),
        (any(is_fips_only), "crypto/tls/fipsonly"),
    ];
    let mut out: Vec<String> = found.iter().filter(|(found, _)| *found).map(|(_, name)| (*name).to_owned()).collect();
    for setting in &info.settings {
        match setting.key.as_str() {
            "GOFIPS140" if !setting.value.is_empty() => out.push(format!("GOFIPS140={}", setting.value)),
            "DefaultGODEBUG" => {
                let switches = setting.value.split(',').filter_map(|switch| switch.strip_prefix("fips140="));
                out.extend(switches.map(|value| format!("GODEBUG=fips140={value}")));
            }
            _ => {}
        }
    }
    out
}

fn is_standard(names: &[u8]) -> bool {
    let begin_so: [&[u8]; 4] = [
        b"crypto/sha1.(*digest)",
        b"crypto/sha256.(*digest)",
        b"crypto/rand.(*devReader)",
        b"crypto/internal/boring/sig.StandardCrypto",
    ];
    let are_so: [&[u8]; 2] = [b"crypto/rsa.encrypt", b"crypto/rsa.decrypt"];
    begin_so.iter().any(|name| beginning(names, name).next().is_some())
        || are_so
            .iter()
            .any(|name| beginning(names, name).any(|rest| matches!(rest, [0, ..] | [b'.', b'a', b'b', b'i', _, 0, ..])))
}

fn is_boring(names: &[u8]) -> bool {
    memmem::find(names, b"_Cfunc__goboringcrypto_").is_some()
        || beginning(names, b"crypto/internal/boring/sig.BoringCrypto").next().is_some()
}

fn is_fips_only(names: &[u8]) -> bool {
    beginning(names, b"crypto/internal/boring/sig.FIPSOnly").next().is_some()
}

/// What follows `start` in the names that begin with it; Mach-O puts `_` before every name.
fn beginning<'a>(names: &'a [u8], start: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    memmem::find_iter(names, start).filter_map(move |at| {
        let before = names.get(..at)?;
        let is_start = before.ends_with(b"\0") || before.ends_with(b"\0_");
        is_start.then(|| names.get(at + start.len()..)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbol_names() {
        for (names, standard, boring, fips) in [
            (&b"\0main.main\0"[..], false, false, false),
            (b"\0crypto/sha1.(*digest).Write\0", true, false, false),
            (b"\0xcrypto/sha1.(*digest).Write\0", false, false, false),
            (b"\0_crypto/sha1.(*digest).Write\0", true, false, false),
            (b"\0crypto/rsa.encrypt\0", true, false, false),
            (b"\0crypto/rsa.encrypt.abi0\0", true, false, false),
            (b"\0crypto/rsa.encryptOAEP\0", false, false, false),
            (b"\0x_cgo_Cfunc__goboringcrypto_SHA1\0", false, true, false),
            (b"\0crypto/internal/boring/sig.BoringCrypto.abi0\0", false, true, false),
            (b"\0crypto/internal/boring/sig.FIPSOnly\0crypto/internal/boring/sig.StandardCrypto\0", true, false, true),
        ] {
            let name = String::from_utf8_lossy(names);
            assert_eq!((is_standard(names), is_boring(names), is_fips_only(names)), (standard, boring, fips), "{name}");
        }
    }
}
