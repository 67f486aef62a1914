//! PE headers (Microsoft's PE format specification).

use super::{Executable, Layout, MAX_HEADERS, Section, Segment, Symbols, range};
use object::LittleEndian as LE;
use object::pe::{
    IMAGE_NT_OPTIONAL_HDR64_MAGIC, ImageDosHeader, ImageNtHeaders32, ImageNtHeaders64, ImageSectionHeader,
};
use object::read::pe::{DataDirectories, ImageNtHeaders, ImageOptionalHeader, SectionTable, optional_header_magic};

pub(super) fn parse(bytes: &[u8]) -> Option<Executable<'_>> {
    if optional_header_magic(bytes).ok()? == IMAGE_NT_OPTIONAL_HDR64_MAGIC {
        headers::<ImageNtHeaders64>(bytes)
    } else {
        headers::<ImageNtHeaders32>(bytes)
    }
}

/// Where a data directory is, and its content.
pub(in crate::catalogers) struct Directory<'a> {
    /// Relative to where the image is loaded, as all addresses in it are.
    pub(in crate::catalogers) address: u32,
    /// `None` where it is not all in the file or larger than such directories are.
    pub(in crate::catalogers) content: Option<&'a [u8]>,
}

/// The data directories with these numbers of a PE file; the outer `None` where it is no PE file.
pub(in crate::catalogers) fn directories<const N: usize>(
    bytes: &[u8],
    numbers: [usize; N],
) -> Option<[Option<Directory<'_>>; N]> {
    if optional_header_magic(bytes).ok()? == IMAGE_NT_OPTIONAL_HDR64_MAGIC {
        let (_, directories, sections) = read::<ImageNtHeaders64>(bytes)?;
        Some(numbers.map(|number| directory(bytes, &directories, &sections, number)))
    } else {
        let (_, directories, sections) = read::<ImageNtHeaders32>(bytes)?;
        Some(numbers.map(|number| directory(bytes, &directories, &sections, number)))
    }
}

fn directory<'a>(
    bytes: &'a [u8],
    directories: &DataDirectories<'a>,
    sections: &SectionTable<'a>,
    number: usize,
) -> Option<Directory<'a>> {
    /// Resources and .NET headers run to a few MB.
    const MAX_DIRECTORY_BYTES: u32 = 128 << 20;
    let directory = directories.get(number)?;
    let (address, size) = (directory.virtual_address.get(LE), directory.size.get(LE));
    if address == 0 || size == 0 {
        return None;
    }
    let section = sections.iter().find_map(|section| {
        let offset = address.checked_sub(section.virtual_address.get(LE))?;
        (offset < section.virtual_size.get(LE)).then(|| section.pointer_to_raw_data.get(LE).checked_add(offset))?
    });
    let section = section.filter(|_| size <= MAX_DIRECTORY_BYTES);
    Some(Directory { address, content: section.and_then(|offset| range(bytes, offset.into(), size.into())) })
}

fn read<Pe: ImageNtHeaders>(bytes: &[u8]) -> Option<(&Pe, DataDirectories<'_>, SectionTable<'_>)> {
    let mut offset = ImageDosHeader::parse(bytes).ok()?.nt_headers_offset().into();
    let (header, directories) = Pe::parse(bytes, &mut offset).ok()?;
    Some((header, directories, header.sections(bytes, offset).ok()?))
}

fn headers<Pe: ImageNtHeaders>(bytes: &[u8]) -> Option<Executable<'_>> {
    let (header, _, table) = read::<Pe>(bytes)?;
    let image_base = header.optional_header().image_base();
    let sections = table.iter().take(MAX_HEADERS);
    Some(Executable {
        bytes,
        machine: header.file_header().machine.get(LE).0.to_string(),
        sections: sections.clone().map(|section| named(section, bytes)).collect(),
        segments: sections.map(|section| mapped(section, image_base)).collect(),
        symbols: symbols(header, bytes).into_iter().collect(),
    })
}

fn named<'a>(section: &'a ImageSectionHeader, bytes: &'a [u8]) -> Section<'a> {
    let (offset, size) = (section.pointer_to_raw_data.get(LE).into(), section.size_of_raw_data.get(LE).into());
    Section {
        name: section.raw_name(),
        address: section.virtual_address.get(LE).into(),
        size: section.virtual_size.get(LE).into(),
        bytes: range(bytes, offset, size).unwrap_or_default(),
    }
}

fn mapped(section: &ImageSectionHeader, image_base: u64) -> Segment {
    /// Initialised data, readable and writable, whatever its alignment up to 32 bytes.
    const DATA: u32 = 0xc000_0040;
    const ALIGNMENT: u32 = 0x0060_0000;
    let address = u64::from(section.virtual_address.get(LE));
    let file_bytes = section.size_of_raw_data.get(LE).into();
    let is_data = section.characteristics.get(LE).0 & !ALIGNMENT == DATA;
    Segment {
        address: image_base.wrapping_add(address),
        memory_bytes: section.virtual_size.get(LE).into(),
        file_offset: section.pointer_to_raw_data.get(LE).into(),
        file_bytes,
        is_writable_data: is_data && address != 0 && file_bytes != 0,
    }
}

/// The COFF symbols that some linkers leave in; their names follow them.
fn symbols<'a, Pe: ImageNtHeaders>(header: &Pe, bytes: &'a [u8]) -> Option<Symbols<'a>> {
    const ENTRY_BYTES: u64 = 18;
    let header = header.file_header();
    let start = u64::from(header.pointer_to_symbol_table.get(LE));
    let table_bytes = u64::from(header.number_of_symbols.get(LE)) * ENTRY_BYTES;
    if start == 0 || table_bytes == 0 {
        return None;
    }
    let names = bytes.get(usize::try_from(start.checked_add(table_bytes)?).ok()?..)?;
    let layout = Layout { entry_bytes: 18, value_offset: 8, value_bytes: 4, is_big_endian: false };
    Some(Symbols { names, table: range(bytes, start, table_bytes)?, layout })
}
