//! The three forms, built byte by byte with the same headers; those that rpm itself writes are read in the tests of the
//! cataloger.

use super::header::tag;
use super::{Header, headers};
use proptest::prelude::*;

/// A header of two short texts and a list of `files` names.
fn header(name: &str, files: usize) -> Vec<u8> {
    let names: String = (0..files).map(|file| format!("file-{file}\0")).collect();
    let mut data = format!("{name}\x001.0\0").into_bytes();
    let list_at = u32::try_from(data.len()).unwrap();
    data.extend(names.bytes());
    let name_bytes = u32::try_from(name.len()).unwrap();
    let count = u32::try_from(files).unwrap();
    let index = [[tag::NAME, 6, 0, 1], [tag::VERSION, 6, name_bytes + 1, 1], [tag::BASE_NAMES, 8, list_at, count]];
    let sizes = [3, u32::try_from(data.len()).unwrap()];
    let numbers = sizes.into_iter().chain(index.into_iter().flatten());
    numbers.flat_map(u32::to_be_bytes).chain(data).collect()
}

fn samples() -> Vec<Vec<u8>> {
    vec![header("short", 1), header("long", 400), header("middle", 40)]
}

fn put(page: &mut [u8], at: usize, bytes: &[u8]) {
    page[at..at + bytes.len()].copy_from_slice(bytes);
}

fn le(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_le_bytes()
}

fn ndb(blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0; 4096];
    put(&mut file, 0, b"RpmP");
    put(&mut file, 12, &le(1));
    (2..256).for_each(|slot| put(&mut file, slot * 16, b"Slot"));
    for (index, blob) in blobs.iter().enumerate() {
        let at = file.len() / 16;
        put(&mut file, (index + 5) * 16 + 4, &[le(index + 1), le(at), le(1)].concat());
        file.extend(b"BlbS");
        file.extend([le(index + 1), le(7), le(blob.len())].concat());
        file.extend(blob);
        file.resize(file.len().next_multiple_of(16), 0);
    }
    file
}

fn bdb(values: &[Vec<u8>]) -> Vec<u8> {
    const PAGE: usize = 512;
    let mut pages = vec![[0; PAGE], [0; PAGE]];
    put(&mut pages[0], 12, &le(0x0006_1561));
    put(&mut pages[0], 20, &le(PAGE));
    pages[0][25] = 8;
    pages[1][25] = 13;
    let mut free = PAGE;
    let mut items: Vec<u16> = Vec::new();
    let mut push = |page: &mut [u8; PAGE], item: &[u8]| {
        free -= item.len();
        put(page, free, item);
        items.push(u16::try_from(free).unwrap());
        put(page, 20, &u16::try_from(items.len()).unwrap().to_le_bytes());
        put(page, 26 + 2 * (items.len() - 1), &items[items.len() - 1].to_le_bytes());
    };
    push(&mut pages[1], &[1, 0, 0, 0, 0]);
    push(&mut pages[1], &[1, 3, 0, 0, 0]);
    for (number, value) in values.iter().enumerate() {
        push(&mut pages[1], &[&[1], &le(number + 1)[..]].concat());
        if value.len() < 100 {
            push(&mut pages[1], &[&[1], &value[..]].concat());
            continue;
        }
        let first = pages.len();
        push(&mut pages[1], &[le(3), le(first), le(value.len())].concat());
        let parts: Vec<&[u8]> = value.chunks(PAGE - 26).collect();
        for (index, part) in parts.iter().enumerate() {
            let mut page = [0; PAGE];
            page[25] = 7;
            put(&mut page, 16, &le(if index + 1 < parts.len() { first + index + 1 } else { 0 }));
            put(&mut page, 22, &u16::try_from(part.len()).unwrap().to_le_bytes());
            put(&mut page, 26, part);
            pages.push(page);
        }
    }
    let last = le(pages.len() - 1);
    put(&mut pages[0], 32, &last);
    pages.concat()
}

fn varint(number: usize) -> Vec<u8> {
    assert!(number < 1 << 14);
    if number < 128 {
        return vec![u8::try_from(number).unwrap()];
    }
    vec![u8::try_from(number >> 7).unwrap() | 0x80, u8::try_from(number & 0x7f).unwrap()]
}

fn sqlite(blobs: &[Vec<u8>]) -> Vec<u8> {
    const PAGE: usize = 1024;
    let mut pages = vec![[0; PAGE], [0; PAGE]];
    put(&mut pages[0], 0, b"SQLite format 3\0");
    put(&mut pages[0], 16, &u16::try_from(PAGE).unwrap().to_be_bytes());
    let schema = [&[6, 23, 29, 29, 1, 13][..], b"tablePackagesPackages", &[2]].concat();
    leaf(&mut pages, 0, 100, &[schema]);
    let rows: Vec<Vec<u8>> = blobs
        .iter()
        .map(|blob| {
            let kind = varint(12 + 2 * blob.len());
            [&[u8::try_from(2 + kind.len()).unwrap(), 0][..], &kind, blob].concat()
        })
        .collect();
    leaf(&mut pages, 1, 0, &rows);
    pages.concat()
}

/// Writes a leaf of a table; what is too long goes to new pages at the end.
fn leaf(pages: &mut Vec<[u8; 1024]>, page: usize, start: usize, rows: &[Vec<u8>]) {
    const USABLE: usize = 1024;
    pages[page][start] = 0x0d;
    put(&mut pages[page], start + 3, &u16::try_from(rows.len()).unwrap().to_be_bytes());
    let mut free = USABLE;
    for (index, row) in rows.iter().enumerate() {
        let mut cell = [varint(row.len()), varint(index + 1)].concat();
        if row.len() <= USABLE - 35 {
            cell.extend(row);
        } else {
            let least = (USABLE - 12) * 32 / 255 - 23;
            let fits = least + (row.len() - least) % (USABLE - 4);
            let (local, rest) = row.split_at(if fits <= USABLE - 35 { fits } else { least });
            cell.extend(local);
            let first = pages.len();
            cell.extend(u32::try_from(first + 1).unwrap().to_be_bytes());
            let parts: Vec<&[u8]> = rest.chunks(USABLE - 4).collect();
            for (part_index, part) in parts.iter().enumerate() {
                let mut page = [0; USABLE];
                let next = if part_index + 1 < parts.len() { first + part_index + 2 } else { 0 };
                put(&mut page, 0, &u32::try_from(next).unwrap().to_be_bytes());
                put(&mut page, 4, part);
                pages.push(page);
            }
        }
        free -= cell.len();
        put(&mut pages[page], free, &cell);
        put(&mut pages[page], start + 8 + 2 * index, &u16::try_from(free).unwrap().to_be_bytes());
    }
}

fn read(file: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut found = Vec::new();
    let result = headers(file, |header| {
        found.push(header.to_vec());
        Ok(())
    });
    (found, result.is_err())
}

fn check(file: &[u8], expected: &[Vec<u8>], fails: bool) {
    let (found, failed) = read(file);
    assert_eq!((found.len(), failed), (expected.len(), fails));
    assert!(found == expected);
}

#[test]
fn all_forms_hold_the_same() {
    let samples = samples();
    for file in [ndb(&samples), bdb(&samples), sqlite(&samples)] {
        check(&file, &samples, false);
    }
    check(&ndb(&[]), &[], false);
    check(b"", &[], true);
    check(&[0; 4096], &[], true);
}

#[test]
fn damage_is_told_and_keeps_what_was_read() {
    let samples = samples();
    let ndb = ndb(&samples);
    check(&ndb[..ndb.len() - 100], &samples[..2], true);
    let bdb = bdb(&samples);
    check(&bdb[..bdb.len() - 512], &samples[..2], true);
    let mut cycle = bdb.clone();
    put(&mut cycle, 3 * 512 + 16, &le(2));
    check(&cycle, &samples[..1], true);
    let mut shared = self::bdb(&[samples[1].clone(), samples[1].clone()]);
    let second = shared.windows(4).position(|bytes| bytes == le(13)).unwrap();
    put(&mut shared, second, &le(2));
    assert!(read(&shared).1);
    let sqlite = sqlite(&samples);
    check(&sqlite[..sqlite.len() - 1024], &samples[..1], true);
}

#[test]
fn header_values() {
    let bytes = header("bash", 3);
    let header = Header::parse(&bytes).unwrap();
    assert_eq!(header.text(tag::NAME), "bash");
    assert_eq!(header.text(tag::VERSION), "1.0");
    assert_eq!(header.text(tag::RELEASE), "");
    assert_eq!(header.texts(tag::BASE_NAMES), ["file-0", "file-1", "file-2"]);
    assert_eq!(header.texts(tag::NAME), Vec::<String>::new());
    assert!(header.binary(tag::NAME).is_empty());
    assert_eq!(header.numbers(tag::NAME).count(), 0);
    for cut in [0, 7, 20, bytes.len() - 1] {
        assert!(Header::parse(&bytes[..cut]).is_err(), "{cut}");
    }
}

proptest! {
    #[test]
    fn never_panics_on_damage(
        form in 0_usize..3,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        near_start in any::<bool>(),
    ) {
        let mut file = [ndb, bdb, sqlite][form](&samples());
        let reach = if near_start { 600.min(file.len()) } else { file.len() };
        for (index, byte) in changes {
            file[index.index(reach)] = byte;
        }
        let _ = headers(&file, |header| {
            let Ok(header) = Header::parse(header) else { return Ok(()) };
            header.text(tag::NAME);
            header.texts(tag::BASE_NAMES);
            let _ = (header.numbers(tag::EPOCH).count(), header.small_numbers(tag::FILE_MODES).count());
            header.binary(tag::PGP);
            Ok(())
        });
    }

    #[test]
    fn never_panics_on_headers(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let sizes = [0, 0, 0, 2, 0, 0, 0, 40];
        if let Ok(header) = Header::parse(&[&sizes[..], &bytes].concat()) {
            for number in [0, 1, tag::NAME, tag::BASE_NAMES] {
                header.text(number);
                header.texts(number);
            }
        }
    }
}
