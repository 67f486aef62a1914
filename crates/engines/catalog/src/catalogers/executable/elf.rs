//! ELF headers (System V gABI), both widths and byte orders.

use super::{Executable, Layout, MAX_HEADERS, Section, Segment, Symbols};
use object::Endianness;
use object::elf::{FileHeader32, FileHeader64, PF_W, PF_X, PT_LOAD, SHT_DYNAMIC, SHT_DYNSYM, SHT_SYMTAB};
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, SectionTable};
use object::{SectionIndex, read::StringTable};

pub(super) fn parse(bytes: &[u8]) -> Option<Executable<'_>> {
    match bytes.get(4)? {
        1 => headers::<FileHeader32<Endianness>>(bytes),
        2 => headers::<FileHeader64<Endianness>>(bytes),
        _ => None,
    }
}

/// The libraries that a dynamically linked ELF file names, in its order; none for anything else.
pub(in crate::catalogers) fn imported_libraries(bytes: &[u8]) -> Vec<String> {
    match bytes {
        [0x7f, b'E', b'L', b'F', 1, ..] => libraries::<FileHeader32<Endianness>>(bytes),
        [0x7f, b'E', b'L', b'F', 2, ..] => libraries::<FileHeader64<Endianness>>(bytes),
        _ => None,
    }
    .unwrap_or_default()
}

fn headers<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Executable<'_>> {
    let header = Elf::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    // A file without usable section headers still has segments.
    let table = header.sections(endian, bytes).unwrap_or_default();
    let sections = table.iter().take(MAX_HEADERS).filter_map(|section| {
        let name = table.section_name(endian, section).ok()?;
        let (address, size) = (section.sh_addr(endian).into(), section.sh_size(endian).into());
        Some(Section { name, address, size, bytes: section.data(endian, bytes).unwrap_or_default() })
    });
    let segments = header.program_headers(endian, bytes).unwrap_or_default().iter().take(MAX_HEADERS);
    let segments = segments.map(|segment| {
        let is_data = segment.p_flags(endian).0 & (PF_W.0 | PF_X.0) == PF_W.0;
        Segment {
            address: segment.p_vaddr(endian).into(),
            memory_bytes: segment.p_memsz(endian).into(),
            file_offset: segment.p_offset(endian).into(),
            file_bytes: segment.p_filesz(endian).into(),
            is_writable_data: is_data && segment.p_type(endian) == PT_LOAD,
        }
    });
    Some(Executable {
        bytes,
        machine: machine(header.e_machine(endian).0),
        sections: sections.collect(),
        segments: segments.collect(),
        symbols: symbols(&table, endian, bytes),
    })
}

/// The static symbols, then the dynamic ones.
fn symbols<'a, Elf: FileHeader<Endian = Endianness>>(
    table: &SectionTable<'a, Elf>,
    endian: Endianness,
    bytes: &'a [u8],
) -> Vec<Symbols<'a>> {
    let layout = if size_of::<Elf::Word>() == 8 { (24, 8, 8) } else { (16, 4, 4) };
    let (entry_bytes, value_offset, value_bytes) = layout;
    let layout = Layout { entry_bytes, value_offset, value_bytes, is_big_endian: endian == Endianness::Big };
    [SHT_SYMTAB, SHT_DYNSYM]
        .into_iter()
        .filter_map(|kind| {
            let section = table.iter().take(MAX_HEADERS).find(|section| section.sh_type(endian) == kind)?;
            let names = table.section(section.link(endian)).ok()?;
            let names = names.data(endian, bytes).ok()?;
            Some(Symbols { names, table: section.data(endian, bytes).ok()?, layout })
        })
        .collect()
}

fn libraries<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Vec<String>> {
    /// More than any program needs.
    const MAX_LIBRARIES: usize = 4096;
    let header = Elf::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let table = header.sections(endian, bytes).ok()?;
    let section = table.iter().take(MAX_HEADERS).find(|section| section.sh_type(endian) == SHT_DYNAMIC)?;
    let entries: &[Elf::Dyn] = section.data_as_array(endian, bytes).ok()?;
    let strings: StringTable<'_> = table.strings(endian, bytes, SectionIndex(section.sh_link(endian) as usize)).ok()?;
    let needed = entries.iter().filter(|entry| entry.tag(endian) == object::elf::DT_NEEDED).take(MAX_LIBRARIES);
    let names = needed.filter_map(|entry| strings.get(u32::try_from(entry.val(endian)).ok()?).ok());
    Some(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}

/// As Go's `elf.Machine` prints it, without `EM_`, in lower case; a number where it knows none.
fn machine(value: u16) -> String {
    let name = match value {
        2 => "sparc",
        3 => "386",
        8 => "mips",
        20 => "ppc",
        21 => "ppc64",
        22 => "s390",
        40 => "arm",
        43 => "sparcv9",
        50 => "ia_64",
        62 => "x86_64",
        183 => "aarch64",
        243 => "riscv",
        247 => "bpf",
        258 => "loongarch",
        other => return other.to_string(),
    };
    name.to_owned()
}
