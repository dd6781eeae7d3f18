//! Compound files for tests, made of paths and bytes.

use std::iter::repeat_n;

const SECTOR: usize = 512;
const END: u32 = 0xFFFF_FFFE;
const FREE: u32 = 0xFFFF_FFFF;

struct Node {
    name: String,
    parent: usize,
    stream: Option<Vec<u8>>,
    class: [u8; 16],
}

/// A file with these streams. Storages come with their streams; `class` is that of the root.
pub(crate) fn file_of_class(streams: &[(&str, &[u8])], class: [u8; 16]) -> Vec<u8> {
    let mut nodes = vec![Node { name: "Root Entry".into(), parent: usize::MAX, stream: None, class }];
    for (path, stream) in streams {
        let mut parent = 0;
        let parts: Vec<&str> = path.split('/').collect();
        for (depth, part) in parts.iter().enumerate() {
            let is_last = depth + 1 == parts.len();
            let known = nodes.iter().position(|node| node.parent == parent && node.name == *part);
            parent = known.unwrap_or_else(|| {
                let stream = is_last.then(|| stream.to_vec());
                nodes.push(Node { name: (*part).into(), parent, stream, class: [0; 16] });
                nodes.len() - 1
            });
        }
    }
    write(&nodes)
}

pub(crate) fn file(streams: &[(&str, &[u8])]) -> Vec<u8> {
    file_of_class(streams, [0; 16])
}

/// A compressed container of [MS-OVBA] that holds literals only.
pub(crate) fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![1];
    for chunk in bytes.chunks(3000) {
        let data: Vec<u8> = chunk.chunks(8).flat_map(|eight| [&[0], eight].concat()).collect();
        out.extend((0xB000 | u16::try_from(data.len() - 1).unwrap()).to_le_bytes());
        out.extend(data);
    }
    out
}

/// The stream `dir` of a project with these modules, whose sources stand at these offsets.
pub(crate) fn dir(modules: &[(&str, u32)]) -> Vec<u8> {
    let record = |id: u16, data: &[u8]| [&id.to_le_bytes()[..], &u32::try_from(data.len()).unwrap().to_le_bytes(), data].concat();
    let mut dir = record(3, &1252_u16.to_le_bytes());
    // The record whose length is wrong by two.
    dir.extend(b"\x09\0\x04\0\0\0\x01\0\0\0\x02\0");
    for (name, offset) in modules {
        dir.extend(record(0x1A, name.as_bytes()));
        dir.extend(record(0x31, &offset.to_le_bytes()));
        dir.extend(record(0x2B, b""));
    }
    compressed(&dir)
}

fn write(nodes: &[Node]) -> Vec<u8> {
    let (mut sectors, mut fat) = (Vec::new(), Vec::new());
    let (mut mini, mut mini_fat) = (Vec::new(), Vec::new());
    let mut places = vec![(END, 0_usize); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        let Some(stream) = &node.stream else { continue };
        let start = if stream.is_empty() {
            END
        } else if stream.len() < 4096 {
            append(&mut mini, &mut mini_fat, stream, 64)
        } else {
            append(&mut sectors, &mut fat, stream, SECTOR)
        };
        places[index] = (start, stream.len());
    }
    places[0] = (append(&mut sectors, &mut fat, &mini, SECTOR), mini.len());
    let table: Vec<u8> = mini_fat.iter().flat_map(|next: &u32| next.to_le_bytes()).collect();
    let mini_fat_start = append(&mut sectors, &mut fat, &table, SECTOR);
    let directory: Vec<u8> = (0..nodes.len()).flat_map(|index| entry(nodes, index, places[index])).collect();
    let directory_start = append(&mut sectors, &mut fat, &directory, SECTOR);
    let tables = fat.len() / (SECTOR / 4 - 1) + 1;
    let first_table = fat.len();
    fat.extend(repeat_n(0xFFFF_FFFD, tables));
    fat.resize(tables * SECTOR / 4, FREE);
    sectors.extend(fat.iter().flat_map(|next: &u32| next.to_le_bytes()));

    let mut header = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    header.resize(24, 0);
    header.extend(b"\x3E\0\x03\0\xFE\xFF\x09\0\x06\0\0\0\0\0\0\0\0\0\0\0");
    let number = |number: usize| u32::try_from(number).unwrap();
    for field in [number(tables), directory_start, 0, 4096, mini_fat_start, 1, END, 0] {
        header.extend(field.to_le_bytes());
    }
    (0..109).for_each(|table| header.extend(if table < tables { number(first_table + table) } else { FREE }.to_le_bytes()));
    [header, sectors].concat()
}

/// Puts bytes behind the others, in units that follow one another, and tells the first.
fn append(space: &mut Vec<u8>, table: &mut Vec<u32>, bytes: &[u8], unit: usize) -> u32 {
    let start = table.len();
    space.extend(bytes);
    space.resize(space.len().next_multiple_of(unit), 0);
    let end = space.len() / unit;
    table.extend((start + 1..=end).map(|next| if next == end { END } else { u32::try_from(next).unwrap() }));
    if start == end { END } else { u32::try_from(start).unwrap() }
}

fn entry(nodes: &[Node], index: usize, (start, size): (u32, usize)) -> Vec<u8> {
    let node = &nodes[index];
    let mut bytes: Vec<u8> = node.name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = u8::try_from(bytes.len() + 2).unwrap();
    bytes.resize(64, 0);
    let kind = if index == 0 { 5 } else { 1 + u8::from(node.stream.is_some()) };
    bytes.extend([length, 0, kind, 1]);
    // Trees that are lists: each entry leads to the next of its storage.
    let find = |from: usize, parent: usize| (from..nodes.len()).find(|other| nodes[*other].parent == parent);
    let number = |found: Option<usize>| found.map_or(FREE, |found| u32::try_from(found).unwrap());
    let right = if index == 0 { None } else { find(index + 1, node.parent) };
    for field in [FREE, number(right), number(find(1, index))] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(node.class);
    bytes.resize(116, 0);
    bytes.extend(start.to_le_bytes());
    bytes.extend(u64::try_from(size).unwrap().to_le_bytes());
    bytes
}
