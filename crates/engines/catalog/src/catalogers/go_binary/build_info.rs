//! Where Go's build information is in an executable, and how it reads (Go 1.26, `debug/buildinfo`, `runtime/debug`).

use crate::ParseError;
use crate::catalogers::executable::Executable;
use crate::catalogers::go_module::Module;
use serde::Serialize;

/// What a Go program says about its build.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct BuildInfo {
    /// Of the compiler, with its experiments.
    pub(super) go_version: String,
    /// Import path of the main package.
    pub(super) path: String,
    pub(super) main: Option<Module>,
    /// The modules that the main module needs.
    pub(super) modules: Vec<Module>,
    pub(super) settings: Vec<Setting>,
}

/// A flag or environment variable of the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) value: String,
}

impl BuildInfo {
    /// The value of the setting `key`.
    pub(super) fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|setting| setting.key == key).map(|setting| setting.value.as_str())
    }
}

const MAGIC: &[u8; 14] = b"\xff Go buildinf:";
const HEADER_BYTES: usize = 32;
/// The linker puts it on an address that is a multiple of this.
const ALIGNMENT: u64 = 16;
/// Longer than the module list of any program.
const MAX_TEXT_BYTES: u64 = 16 << 20;
const MAX_MODULES: usize = 100_000;

/// Reads the build information; `None` where the executable is no Go program.
pub(super) fn read(executable: &Executable<'_>) -> Result<Option<BuildInfo>, ParseError> {
    let Some((go_version, text)) = find(executable) else { return Ok(None) };
    // Sentinels of 16 bytes stand before and behind the module list.
    let inner = text.len().checked_sub(16).filter(|end| *end > 16 && text.get(end - 1) == Some(&b'\n'));
    let text = inner.and_then(|end| text.get(16..end)).unwrap_or_default();
    let mut info = parse(&String::from_utf8_lossy(text))?;
    info.go_version = go_version;
    Ok(Some(info))
}

/// The version of the compiler and the raw module list.
fn find<'a>(executable: &Executable<'a>) -> Option<(String, &'a [u8])> {
    let named = executable.section(".go.buildinfo").or_else(|| executable.section("__go_buildinfo"));
    let (address, size) =
        named.map(|section| (section.address, section.size)).or_else(|| executable.writable_data())?;
    let blob = find_blob(executable.at_address(address)?, address, size)?;
    let flags = *blob.get(15)?;
    let (version, text) = if flags & 2 != 0 {
        let (version, rest) = length_prefixed(blob.get(HEADER_BYTES..)?)?;
        (version, length_prefixed(rest)?.0)
    } else {
        let pointers = Pointers { bytes: usize::from(*blob.get(14)?), is_big_endian: flags & 1 != 0 };
        let version = pointers.string(executable, blob.get(16..)?)?;
        (version, pointers.string(executable, blob.get(16 + pointers.bytes..)?).unwrap_or_default())
    };
    let version = String::from_utf8_lossy(version).into_owned();
    (!version.is_empty()).then_some((version, text))
}

/// What begins with the magic on an aligned address.
fn find_blob(data: &[u8], address: u64, size: u64) -> Option<&[u8]> {
    let within = data.get(..usize::try_from(size).ok()?).unwrap_or(data);
    let aligned = |at: usize| address.wrapping_add(at as u64).is_multiple_of(ALIGNMENT);
    let at = memchr::memmem::find_iter(within, MAGIC).find(|at| aligned(*at))?;
    (within.len() - at >= HEADER_BYTES).then(|| data.get(at..)).flatten()
}

/// A string behind its length (Go ≥ 1.18), and what follows it.
fn length_prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length: u64 = 0;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let length = usize::try_from(length).ok().filter(|_| length <= MAX_TEXT_BYTES)?;
            return bytes.get(index + 1..)?.split_at_checked(length);
        }
    }
    None
}

/// How the program writes pointers (Go < 1.18 points to Go strings).
struct Pointers {
    bytes: usize,
    is_big_endian: bool,
}

impl Pointers {
    /// The text of the Go string that the pointer at the start of `at` leads to.
    fn string<'a>(&self, executable: &Executable<'a>, at: &[u8]) -> Option<&'a [u8]> {
        let header = executable.at_address(self.number(at)?)?;
        let (address, length) = (self.number(header)?, self.number(header.get(self.bytes..)?)?);
        let length = usize::try_from(length).ok().filter(|_| length <= MAX_TEXT_BYTES)?;
        executable.at_address(address)?.get(..length)
    }

    fn number(&self, bytes: &[u8]) -> Option<u64> {
        let read =
            |bytes: [u8; 8]| if self.is_big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) };
        match self.bytes {
            8 => bytes.first_chunk::<8>().copied().map(read),
            4 => {
                let [a, b, c, d] = *bytes.first_chunk::<4>()?;
                Some(read(if self.is_big_endian { [0, 0, 0, 0, a, b, c, d] } else { [a, b, c, d, 0, 0, 0, 0] }))
            }
            _ => None,
        }
    }
}

/// Reads the module list, a line each.
fn parse(text: &str) -> Result<BuildInfo, ParseError> {
    let mut info = BuildInfo::default();
    for line in text.lines() {
        let (word, rest) = line.split_once('\t').unwrap_or((line, ""));
        match word {
            "path" => rest.clone_into(&mut info.path),
            "mod" => info.main = Some(module(rest)?),
            "dep" if info.modules.len() >= MAX_MODULES => {
                return Err(ParseError::Limit { what: "modules in a Go program", limit: MAX_MODULES as u64 });
            }
            "dep" => info.modules.push(module(rest)?),
            "=>" => {
                let replaced = info.modules.last_mut().or(info.main.as_mut());
                let replaced = replaced.ok_or_else(|| ParseError::malformed("a replacement of no Go module"))?;
                replaced.replacement = Some(Box::new(module(rest)?));
            }
            "build" => info.settings.extend(setting(rest)),
            _ => {}
        }
    }
    Ok(info)
}

fn module(columns: &str) -> Result<Module, ParseError> {
    let mut columns = columns.split('\t').map(str::to_owned);
    match (columns.next(), columns.next(), columns.next(), columns.next()) {
        (Some(path), Some(version), sum, None) => {
            Ok(Module { path, version, sum: sum.unwrap_or_default(), replacement: None })
        }
        _ => Err(ParseError::malformed("a line of the Go module list has not 2 or 3 columns")),
    }
}

/// `key=value`, either of which may be a Go string literal.
fn setting(text: &str) -> Option<Setting> {
    let (key, rest) = if text.starts_with(['"', '`']) { literal(text)? } else { text.split_at(text.find('=')?) };
    let value = rest.strip_prefix('=')?;
    let value = if value.starts_with(['"', '`']) { literal(value)?.0 } else { value };
    Some(Setting { key: unquote(key), value: unquote(value) })
}

/// The string literal at the start of `text`, still quoted, and what follows it.
fn literal(text: &str) -> Option<(&str, &str)> {
    let quote = text.bytes().next()?;
    let mut escaped = false;
    let end = text.bytes().enumerate().skip(1).find_map(|(index, byte)| {
        let ends = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped && quote == b'"';
        ends.then_some(index + 1)
    })?;
    text.split_at_checked(end)
}

/// The text of a Go string literal; anything else stays as it is.
fn unquote(text: &str) -> String {
    if let Some(raw) = text.strip_prefix('`').and_then(|text| text.strip_suffix('`')) {
        return raw.to_owned();
    }
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return text.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c == '\\' { out.extend(unescape(&mut chars)) } else { out.push(c) }
    }
    out
}

/// The character that an escape means, the backslash already read.
fn unescape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let digits = match chars.next()? {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        other => return Some(other),
    };
    let number: String = chars.by_ref().take(digits).collect();
    u32::from_str_radix(&number, 16).ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: &str = "path\texample.com/app\nmod\texample.com/app\t(devel)\t\ndep\ta.org/b\tv1.0.0\th1:x=\n\
        =>\t../b\t(devel)\t\nbuild\t-ldflags=\"-X main.v=1 -X main.w=\\\"q\\\"\"\nbuild\tGOOS=linux\n";

    /// An ELF file without sections: one writable segment of `data` at 0x1000.
    fn elf(data: &[u8], is_big_endian: bool) -> Vec<u8> {
        let number = |value: u64, bytes: usize| {
            let mut out = value.to_le_bytes().get(..bytes).unwrap().to_vec();
            if is_big_endian {
                out.reverse();
            }
            out
        };
        let mut file = vec![0x7f, b'E', b'L', b'F', 2, if is_big_endian { 2 } else { 1 }, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let fields = [
            (2, 2),
            (62, 2),
            (1, 4),
            (0, 8),
            (64, 8),
            (0, 8),
            (0, 4),
            (64, 2),
            (56, 2),
            (1, 2),
            (64, 2),
            (0, 2),
            (0, 2),
        ];
        file.extend(fields.iter().flat_map(|(value, bytes)| number(*value, *bytes)));
        let size = data.len() as u64;
        let segment = [(1, 4), (6, 4), (120, 8), (0x1000, 8), (0x1000, 8), (size, 8), (size, 8), (16, 8)];
        file.extend(segment.iter().flat_map(|(value, bytes)| number(*value, *bytes)));
        file.extend(data);
        file
    }

    fn framed() -> Vec<u8> {
        [&[1; 16][..], LIST.as_bytes(), &[2; 16][..]].concat()
    }

    fn check(file: &[u8]) {
        let info = read(&Executable::parse(file).unwrap()).unwrap().unwrap();
        assert_eq!((info.go_version.as_str(), info.path.as_str()), ("go1.17", "example.com/app"));
        assert_eq!(info.main.as_ref().unwrap().version, "(devel)");
        let module = info.modules.first().unwrap();
        assert_eq!((module.path.as_str(), module.sum.as_str(), module.final_path()), ("a.org/b", "h1:x=", "a.org/b"));
        assert_eq!(module.used().path, "../b");
        assert_eq!(info.setting("-ldflags"), Some("-X main.v=1 -X main.w=\"q\""));
        assert_eq!(info.setting("GOOS"), Some("linux"));
    }

    #[test]
    fn inline_strings() {
        let text = framed();
        let mut data = vec![0; 32];
        data.extend(MAGIC);
        data.extend([8, 2]);
        data.extend([0; 16]);
        data.extend(b"\x06go1.17");
        data.extend([u8::try_from(text.len() & 0x7f).unwrap() | 0x80, u8::try_from(text.len() >> 7).unwrap()]);
        data.extend(&text);
        check(&elf(&data, false));
    }

    #[test]
    fn pointers_to_strings() {
        for is_big_endian in [false, true] {
            let number = |value: u64| if is_big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
            let text = framed();
            // At 0x1000 the blob, at 0x1020 the two string headers, then the strings.
            let mut data = MAGIC.to_vec();
            data.extend([8, u8::from(is_big_endian)]);
            for value in [0x1020, 0x1030, 0x1040, 6, 0x1046, text.len() as u64] {
                data.extend(number(value));
            }
            data.extend(b"go1.17");
            data.extend(&text);
            check(&elf(&data, is_big_endian));
        }
    }

    #[test]
    fn not_go() {
        for data in [&b""[..], b"no magic", MAGIC, &[&MAGIC[..], &[8; 40]].concat()] {
            let file = elf(data, false);
            assert_eq!(read(&Executable::parse(&file).unwrap()).unwrap(), None);
        }
        assert!(parse("dep\tonly-a-path\n").is_err());
        assert!(parse("=>\ta\tb\tc\n").is_err());
    }

    #[test]
    fn literals() {
        for (text, key, value) in [
            ("a=b", "a", "b"),
            ("a=", "a", ""),
            ("a=\"b\\tc\\u00e9\"", "a", "b\tc\u{e9}"),
            ("\"a=\"=`b\\n`", "a=", "b\\n"),
        ] {
            assert_eq!(setting(text), Some(Setting { key: key.to_owned(), value: value.to_owned() }), "{text}");
        }
        for text in ["", "a", "\"a", "\"a\"", "a=\"b"] {
            assert_eq!(setting(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(noise in proptest::collection::vec(any::<u8>(), 0..200), text in ".*") {
            let file = elf(&[&MAGIC[..], &noise].concat(), false);
            let _ = read(&Executable::parse(&file).unwrap());
            let _ = (parse(&text), setting(&text), unquote(&text));
        }
    }
}
