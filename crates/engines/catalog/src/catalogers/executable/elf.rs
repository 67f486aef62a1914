//! ELF headers (System V gABI), both widths and byte orders.

use super::{Executable, Layout, MAX_HEADERS, Section, Segment, Symbols};
use object::Endianness;
use object::elf::{
    DF_1_PIE, DF_BIND_NOW, DT_BIND_NOW, DT_FLAGS, DT_FLAGS_1, ET_DYN, FileHeader32, FileHeader64, PF_W, PF_X,
    PT_GNU_RELRO, PT_GNU_STACK, PT_LOAD, SHN_UNDEF, SHT_DYNAMIC, SHT_DYNSYM, SHT_SYMTAB, STT_FUNC,
};
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym};
use object::{SectionIndex, read::StringTable};

pub(super) fn parse(bytes: &[u8]) -> Option<Executable<'_>> {
    match bytes.get(4)? {
        1 => headers::<FileHeader32<Endianness>>(bytes),
        2 => headers::<FileHeader64<Endianness>>(bytes),
        _ => None,
    }
}

/// The features by which an ELF file says how it may be run.
pub(super) fn features(bytes: &[u8]) -> Option<Features> {
    match bytes.get(4)? {
        1 => read_features::<FileHeader32<Endianness>>(bytes),
        2 => read_features::<FileHeader64<Endianness>>(bytes),
        _ => None,
    }
}

/// What [`features`] finds.
#[derive(Debug, Default)]
pub(super) struct Features {
    pub(super) has_entrypoint: bool,
    pub(super) has_exports: bool,
    pub(super) is_shared_object: bool,
    pub(super) is_pie: bool,
    pub(super) has_symbol_table: bool,
    pub(super) is_stack_not_executable: bool,
    pub(super) has_relro: bool,
    pub(super) binds_now: bool,
    /// Whether any of the dynamic symbols is one of these; `None` where there are no dynamic symbols.
    pub(super) has_stack_canary: Option<bool>,
    pub(super) has_safe_stack: Option<bool>,
    /// Whether a function's name says so; `None` where there are no static symbols.
    pub(super) has_cfi: Option<bool>,
    pub(super) is_fortified: Option<bool>,
}

fn read_features<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Features> {
    let header = Elf::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let table = header.sections(endian, bytes).ok()?;
    let mut features = Features {
        has_entrypoint: header.e_entry(endian).into() > 0,
        is_shared_object: header.e_type(endian) == ET_DYN,
        has_symbol_table: table.section_by_name(endian, b".symtab").is_some(),
        ..Features::default()
    };
    for segment in header.program_headers(endian, bytes).unwrap_or_default().iter().take(MAX_HEADERS) {
        match segment.p_type(endian) {
            PT_GNU_STACK => features.is_stack_not_executable = segment.p_flags(endian).0 & PF_X.0 == 0,
            PT_GNU_RELRO => features.has_relro = true,
            _ => {}
        }
    }
    let section = |kind| table.iter().take(MAX_HEADERS).find(|section| section.sh_type(endian) == kind);
    let entries = section(SHT_DYNAMIC).and_then(|section| section.data_as_array::<Elf::Dyn, _>(endian, bytes).ok());
    for entry in entries.unwrap_or_default() {
        let value = entry.val(endian);
        match entry.tag(endian) {
            DT_BIND_NOW => features.binds_now = true,
            DT_FLAGS => features.binds_now |= value & DF_BIND_NOW.0 != 0,
            DT_FLAGS_1 => features.is_pie |= features.is_shared_object && value & DF_1_PIE.0 != 0,
            _ => {}
        }
    }
    let symbols = |kind| {
        let section = section(kind)?;
        let names = table.section(section.link(endian)).ok()?.data(endian, bytes).ok()?;
        Some((names, section.data_as_array::<Elf::Sym, _>(endian, bytes).ok()?))
    };
    if let Some((names, symbols)) = symbols(SHT_DYNSYM) {
        let names_one = |name: &[u8]| memchr::memmem::find(names, name).is_some();
        features.has_exports = symbols.iter().skip(1).any(|symbol| symbol.st_shndx(endian) != SHN_UNDEF);
        features.has_stack_canary = Some(names_one(b"\0__stack_chk_fail\0") || names_one(b"\0__stack_chk_guard\0"));
        features.has_safe_stack = Some(names_one(b"\0__safestack_init\0"));
    }
    if let Some((names, symbols)) = symbols(SHT_SYMTAB) {
        // Reading every name is slow; these are rarely there at all.
        let has_function = |mark: &[u8], is_one: fn(&[u8]) -> bool| {
            memchr::memmem::find(names, mark).is_some()
                && symbols.iter().filter(|symbol| symbol.st_type() == STT_FUNC).any(|symbol| {
                    let start = usize::try_from(symbol.st_name(endian)).ok();
                    let name = start.and_then(|start| names.get(start..)).unwrap_or_default();
                    is_one(name.split(|byte| *byte == 0).next().unwrap_or_default())
                })
        };
        features.has_cfi = Some(has_function(b".cfi\0", |name| name.ends_with(b".cfi")));
        features.is_fortified = Some(has_function(b"_chk@", is_fortified));
    }
    Some(features)
}

/// `__memcpy_chk@GLIBC_2.3.4`
fn is_fortified(name: &[u8]) -> bool {
    const MARK: &[u8] = b"_chk@";
    memchr::memmem::find_iter(name, MARK).any(|at| {
        let (before, after) = name.split_at_checked(at).unwrap_or_default();
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let start = before.iter().rposition(|byte| !is_word(byte)).map_or(0, |at| at + 1);
        let word = before.get(start..).unwrap_or_default();
        // A letter at least stands between the two.
        after.len() > MARK.len() && memchr::memmem::find(word, b"__").is_some_and(|at| at + 2 < word.len())
    })
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
