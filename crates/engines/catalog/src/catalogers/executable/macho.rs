//! Mach-O headers (Apple's `mach-o/loader.h` and `mach-o/fat.h`).

use super::{Executable, Layout, MAX_HEADERS, Section, Segment, Symbols, range};
use object::Endianness;
use object::macho::{FatArch32, LC_LOAD_DYLIB, LC_MAIN, LC_UNIXTHREAD, MachHeader32, MachHeader64, SymtabCommand};
use object::read::macho::{FatArch, MachHeader, MachOFatFile, Section as _, Segment as _};

/// Parts of a fat file that are looked at; real ones have two or three.
const MAX_PARTS: usize = 16;

pub(super) fn parse(bytes: &[u8]) -> Option<Executable<'_>> {
    match bytes {
        [0xfe, 0xed, 0xfa, 0xce, ..] | [0xce, 0xfa, 0xed, 0xfe, ..] => headers::<MachHeader32<Endianness>>(bytes),
        [0xfe, 0xed, 0xfa, 0xcf, ..] | [0xcf, 0xfa, 0xed, 0xfe, ..] => headers::<MachHeader64<Endianness>>(bytes),
        _ => None,
    }
}

pub(super) fn fat_parts(bytes: &[u8]) -> Vec<&[u8]> {
    let Ok(file) = MachOFatFile::<FatArch32>::parse(bytes) else { return Vec::new() };
    let parts = file.arches().iter().take(MAX_PARTS);
    parts.filter_map(|part| part.data(bytes).ok()).collect()
}

/// What a Mach-O file says of how it may be run.
#[derive(Debug, Default)]
pub(super) struct Features {
    pub(super) libraries: Vec<String>,
    pub(super) has_entrypoint: bool,
    pub(super) has_exports: bool,
}

/// The features of one part.
pub(super) fn features(bytes: &[u8]) -> Option<Features> {
    match bytes {
        [0xfe, 0xed, 0xfa, 0xce, ..] | [0xce, 0xfa, 0xed, 0xfe, ..] => read_features::<MachHeader32<Endianness>>(bytes),
        [0xfe, 0xed, 0xfa, 0xcf, ..] | [0xcf, 0xfa, 0xed, 0xfe, ..] => read_features::<MachHeader64<Endianness>>(bytes),
        _ => None,
    }
}

fn read_features<Mach: MachHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Features> {
    let header = Mach::parse(bytes, 0).ok()?;
    let endian = header.endian().ok()?;
    let mut features = Features::default();
    let mut commands = header.load_commands(endian, bytes, 0).ok()?;
    for _ in 0..MAX_HEADERS {
        let Ok(Some(command)) = commands.next() else { break };
        features.has_entrypoint |= matches!(command.cmd(), LC_MAIN | LC_UNIXTHREAD);
        if command.cmd() == LC_LOAD_DYLIB
            && let Ok(Some(library)) = command.dylib()
            && let Ok(name) = command.string(endian, library.dylib.name)
        {
            features.libraries.push(String::from_utf8_lossy(name).into_owned());
        } else if let Ok(Some(table)) = command.symtab()
            && let Some(symbols) = symbols::<Mach>(bytes, table, endian)
        {
            features.has_exports |= symbols.exports();
        }
    }
    Some(features)
}

fn headers<Mach: MachHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Executable<'_>> {
    let header = Mach::parse(bytes, 0).ok()?;
    let endian = header.endian().ok()?;
    let mut file = Executable {
        bytes,
        machine: machine(header.cputype(endian).0),
        sections: Vec::new(),
        segments: Vec::new(),
        symbols: Vec::new(),
    };
    let mut commands = header.load_commands(endian, bytes, 0).ok()?;
    for _ in 0..MAX_HEADERS {
        let Ok(Some(command)) = commands.next() else { break };
        if let Ok(Some((segment, rest))) = Mach::Segment::from_command(command) {
            add_segment::<Mach>(&mut file, segment, rest, endian);
        } else if let Ok(Some(table)) = command.symtab() {
            file.symbols.extend(symbols::<Mach>(bytes, table, endian));
        }
    }
    Some(file)
}

fn add_segment<'a, Mach: MachHeader<Endian = Endianness>>(
    file: &mut Executable<'a>,
    segment: &'a Mach::Segment,
    rest: &'a [u8],
    endian: Endianness,
) {
    /// Readable and writable, and no more.
    const DATA: u32 = 3;
    let sections = segment.sections(endian, rest).unwrap_or_default();
    for section in sections.iter().take(MAX_HEADERS.saturating_sub(file.sections.len())) {
        let (address, size) = (section.addr(endian).into(), section.size(endian).into());
        let data = section.data(endian, file.bytes, section.offset(endian).into()).unwrap_or_default();
        file.sections.push(Section { name: section.name(), address, size, bytes: data });
    }
    if segment.name() == b"__PAGEZERO" {
        return;
    }
    let (file_offset, file_bytes) = segment.file_range(endian);
    let address: u64 = segment.vmaddr(endian).into();
    let is_data = segment.initprot(endian).0 == DATA && segment.maxprot(endian).0 == DATA;
    file.segments.push(Segment {
        address,
        memory_bytes: segment.vmsize(endian).into(),
        file_offset,
        file_bytes,
        is_writable_data: is_data && address != 0 && file_bytes != 0,
    });
}

fn symbols<'a, Mach: MachHeader<Endian = Endianness>>(
    bytes: &'a [u8],
    table: &SymtabCommand<Endianness>,
    endian: Endianness,
) -> Option<Symbols<'a>> {
    let (entry_bytes, value_bytes) = if size_of::<Mach::Word>() == 8 { (16, 8) } else { (12, 4) };
    let layout = Layout { entry_bytes, value_offset: 8, value_bytes, is_big_endian: endian == Endianness::Big };
    let count = u64::from(table.nsyms.get(endian)) * entry_bytes as u64;
    Some(Symbols {
        names: range(bytes, table.stroff.get(endian).into(), table.strsize.get(endian).into())?,
        table: range(bytes, table.symoff.get(endian).into(), count)?,
        layout,
    })
}

/// As Go's `macho.Cpu` prints it, without `Cpu`, in lower case.
fn machine(value: u32) -> String {
    let name = match value {
        7 => "386",
        0x0100_0007 => "amd64",
        12 => "arm",
        0x0100_000c => "arm64",
        18 => "ppc",
        0x0100_0012 => "ppc64",
        other => return other.to_string(),
    };
    name.to_owned()
}
