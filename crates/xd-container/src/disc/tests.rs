//! Images built by hand, sector by sector.

use super::*;
use crate::{Bounds, mutate};

fn record(at: u32, size: u32, flags: u8, name: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    bytes.extend_from_slice(&[at.to_le_bytes(), at.to_be_bytes(), size.to_le_bytes(), size.to_be_bytes()].concat());
    bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, flags, 0, 0, 1, 0, 0, 1]);
    bytes.push(u8::try_from(name.len()).unwrap());
    bytes.extend_from_slice(name);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes[0] = u8::try_from(bytes.len()).unwrap();
    bytes
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Sector 18: the first tree; 19: its directory; 20: Joliet's tree; 21 and 22: files.
fn iso(primary: &[Vec<u8>], directory: &[Vec<u8>], joliet: Option<&[Vec<u8>]>) -> Vec<u8> {
    let mut image = vec![0; 2_048 * 23];
    let mut descriptor = |number: usize, kind: u8, root: u32| {
        let sector = &mut image[number * 2_048..][..2_048];
        sector[0] = kind;
        sector[1..6].copy_from_slice(b"CD001");
        sector[128..130].copy_from_slice(&2_048_u16.to_le_bytes());
        sector[156..190].copy_from_slice(&record(root, 2_048, 2, &[0]));
        sector[88..91].copy_from_slice(if kind == 2 { b"%/E" } else { b"\0\0\0" });
    };
    descriptor(16, 1, 18);
    if joliet.is_some() {
        descriptor(17, 2, 20);
    }
    let mut put = |number: usize, bytes: &[u8]| image[number * 2_048..][..bytes.len()].copy_from_slice(bytes);
    let dots = [record(18, 2_048, 2, &[0]), record(18, 2_048, 2, &[1])].concat();
    put(18, &[dots.clone(), primary.concat()].concat());
    put(19, &directory.concat());
    put(20, &[dots, joliet.unwrap_or_default().concat()].concat());
    put(21, b"one");
    put(22, b"MZ two");
    image
}

fn opened(bytes: &[u8]) -> Opened<'_> {
    open(bytes, &mut Budget::default())
}

fn names<'o>(opened: &'o Opened<'_>) -> Vec<&'o str> {
    opened.members.iter().map(|member| member.name.as_str()).collect()
}

#[test]
fn files_of_both_trees_are_one() {
    let bytes = iso(
        &[record(21, 3, 0, b"ONE.TXT;1"), record(19, 2_048, 2, b"DIR")],
        &[record(22, 6, 0, b"TWO_LONG.EXE;1")],
        Some(&[record(21, 3, 0, &wide("one.txt")), record(22, 6, 0, &wide("tür lang.exe"))]),
    );
    let opened = opened(&bytes);
    assert_eq!(names(&opened), ["one.txt", "tür lang.exe"]);
    assert_eq!(opened.members[1].other_names, ["DIR/TWO_LONG.EXE"]);
    assert_eq!(opened.members.iter().map(Member::bytes).collect::<Vec<_>>(), [&b"one"[..], b"MZ two"]);
    assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::DiscImage]);
}

#[test]
fn trees_that_differ_are_a_sign() {
    let hidden = iso(&[record(21, 3, 0, b"ONE.TXT;1")], &[], Some(&[record(22, 6, 0, &wide("two.exe"))]));
    let opened_hidden = opened(&hidden);
    assert_eq!(names(&opened_hidden), ["two.exe", "ONE.TXT"]);
    assert!(opened_hidden.signs.contains(Sign::Disagreement));
    let renamed = iso(&[record(22, 6, 0, b"TWO.TXT;1")], &[], Some(&[record(22, 6, 0, &wide("two.exe"))]));
    let opened_renamed = opened(&renamed);
    assert_eq!(opened_renamed.members[0].other_names, ["TWO.TXT"]);
    assert!(opened_renamed.signs.contains(Sign::Disagreement));
}

#[test]
fn directories_that_hold_themselves_end() {
    let bytes = iso(&[record(19, 2_048, 2, b"DIR")], &[record(18, 2_048, 2, b"ROOT"), record(21, 3, 0, b"ONE.TXT;1")], None);
    let opened = opened(&bytes);
    assert_eq!(names(&opened), ["DIR/ONE.TXT"]);
    assert!(opened.signs.contains(Sign::Damaged));
}

/// A UDF entry at its tag: fixed fields and the places of its bytes, in the entry itself (3) or as short extents (0).
fn udf_entry(kind: u8, size: u64, allocated: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 176];
    bytes[..2].copy_from_slice(&261_u16.to_le_bytes());
    bytes[34] = kind;
    bytes[56..64].copy_from_slice(&size.to_le_bytes());
    bytes[172..176].copy_from_slice(&u32::try_from(allocated.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(allocated);
    bytes
}

fn identifier(characteristics: u8, place: u32, name: &[u8; 2]) -> Vec<u8> {
    let mut bytes = vec![0; 38];
    bytes[..2].copy_from_slice(&257_u16.to_le_bytes());
    (bytes[18], bytes[19]) = (characteristics, 2);
    bytes[24..28].copy_from_slice(&place.to_le_bytes());
    bytes.extend_from_slice(name);
    bytes
}

/// Block 258 is the first of the partition: the file set; 259: the root with these names; 262: a file.
fn udf(names: &[Vec<u8>], file: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 2_048 * 262];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    let word = |value: u32| value.to_le_bytes();
    put(256 * 2_048, &[2, 0]);
    put(256 * 2_048 + 20, &word(128));
    put(128 * 2_048, &[5, 0]);
    put(128 * 2_048 + 188, &word(258));
    put(129 * 2_048, &[6, 0]);
    put(129 * 2_048 + 212, &word(2_048));
    put(129 * 2_048 + 252, &word(0));
    put(258 * 2_048, &[0, 1]);
    put(258 * 2_048 + 404, &word(1));
    let names = names.concat();
    put(259 * 2_048, &udf_entry(3, names.len() as u64, &names));
    image.extend_from_slice(file);
    image
}

#[test]
fn files_of_udf_are_listed() {
    let bytes = udf(&[identifier(0, 4, b"\x08a"), identifier(0, 4, b"\x08b")], &udf_entry(3, 3, b"one"));
    let opened = opened(&bytes);
    assert_eq!(names(&opened), ["a", "b"]);
    assert_eq!(opened.members[1].bytes(), b"one");
}

/// Ten thousand extents each: a hundred names are a million of them.
#[test]
fn extents_of_a_file_are_paid_for_by_each_name() {
    let extents: Vec<u8> = [8_u32, 1].map(u32::to_le_bytes).concat().repeat(10_000);
    let bytes = udf(&vec![identifier(0, 4, b"\x08a"); 100], &udf_entry(0, 0, &extents));
    let opened = open(&bytes, &mut Budget::new(Bounds { steps: 1_000_000, ..Bounds::default() }));
    assert!(opened.signs.contains(Sign::Limit));
    assert!(opened.members.len() <= 10, "{}", opened.members.len());
}

#[test]
fn other_names_of_a_file_are_bounded() {
    let names: Vec<_> = (0..120).map(|number| identifier(0, 4, &[8, b'!' + number])).collect();
    let mut bytes = udf(&names, &udf_entry(0, 3, &[3, 0, 0, 0, 5, 0, 0, 0]));
    bytes.resize(2_048 * 263, 0);
    bytes.extend_from_slice(b"one");
    let tree = iso(&[record(263, 3, 0, b"ONE.TXT;1")], &[], None);
    bytes[16 * 2_048..19 * 2_048].copy_from_slice(&tree[16 * 2_048..19 * 2_048]);
    let opened = opened(&bytes);
    assert_eq!((opened.members.len(), opened.members[0].other_names.len()), (1, MAX_OTHER_NAMES));
    assert!(opened.signs.contains(Sign::Limit));
}

fn entry(name: &[u8; 11], attributes: u8, cluster: u16, size: u32) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.push(attributes);
    bytes.extend_from_slice(&[0; 14]);
    bytes.extend_from_slice(&cluster.to_le_bytes());
    bytes.extend_from_slice(&size.to_le_bytes());
    bytes
}

fn long_entry(number: u8, text: &str) -> Vec<u8> {
    let mut units: Vec<u16> = text.encode_utf16().collect();
    units.push(0);
    units.resize(13, 0xFFFF);
    let bytes: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
    [&[number], &bytes[..10], &[0x0F, 0, 0], &bytes[10..22], &[0, 0], &bytes[22..]].concat()
}

/// FAT12 with sectors and clusters of 512 bytes: the boot sector, the table, a root of 16 entries, and clusters from 2 on.
fn fat() -> Vec<u8> {
    let mut image = vec![0; 512 * 12];
    image[..3].copy_from_slice(&[0xEB, 0x3C, 0x90]);
    image[11..24].copy_from_slice(&[0, 2, 1, 1, 0, 1, 16, 0, 12, 0, 0xF8, 1, 0]);
    image[510..512].copy_from_slice(&[0x55, 0xAA]);
    // Cluster 2 goes on in 4, which ends; 3 and 5 end: twelve bits each.
    image[512..521].copy_from_slice(&[0xF8, 0xFF, 0xFF, 0x04, 0xF0, 0xFF, 0xFF, 0xFF, 0xFF]);
    let root = [
        entry(b"LABEL      ", 8, 0, 0),
        long_entry(0x42, "exe"),
        long_entry(1, "long-name-it."),
        entry(b"LONG-N~1EXE", 0x20, 2, 520),
        entry(b"\xE5ONE    TXT", 0x20, 3, 3),
        entry(b"SUB        ", 0x10, 3, 0),
    ]
    .concat();
    image[1_024..1_024 + root.len()].copy_from_slice(&root);
    let data = |cluster: usize| 1_536 + (cluster - 2) * 512;
    image[data(2)..data(3)].fill(b'a');
    image[data(4)..data(4) + 8].fill(b'b');
    let sub = [entry(b".          ", 0x10, 3, 0), entry(b"TWO     TXT", 0x20, 5, 3), entry(b"SELF       ", 0x10, 3, 0)].concat();
    image[data(3)..data(3) + sub.len()].copy_from_slice(&sub);
    image[data(5)..data(5) + 3].copy_from_slice(b"two");
    image
}

#[test]
fn files_of_a_disk_follow_their_chains() {
    let bytes = fat();
    assert!(is_disk(&bytes));
    let opened = opened(&bytes);
    assert_eq!(names(&opened), ["long-name-it.exe", "SUB/TWO.TXT"]);
    assert_eq!(opened.members[0].bytes(), [&[b'a'; 512][..], b"bbbbbbbb"].concat());
    assert_eq!(opened.members[1].bytes(), b"two");
    // The directory that holds itself.
    assert!(opened.signs.contains(Sign::Damaged));
}

/// Eight directories of two thousand clusters, of which each takes one, wait as one number each.
#[test]
fn chains_of_directories_are_followed_when_they_are_entered() {
    let mut image = vec![0; 512 * 2_100];
    image[..3].copy_from_slice(&[0xEB, 0x3C, 0x90]);
    image[11..24].copy_from_slice(&[0, 2, 1, 1, 0, 1, 16, 0, 0x34, 8, 0xF8, 12, 0]);
    image[510..512].copy_from_slice(&[0x55, 0xAA]);
    for cluster in (2..2_002_u16).step_by(2) {
        let ([one, high], [low, two]) = ((cluster + 1).to_le_bytes(), ((cluster + 2) << 4).to_le_bytes());
        let at = 512 + usize::from(cluster) * 3 / 2;
        image[at..at + 3].copy_from_slice(&[one, high | low, two]);
    }
    let mut root: Vec<u8> = (2..10).flat_map(|cluster| entry(b"SUB        ", 0x10, cluster, 0)).collect();
    root.extend(entry(b"ONE     TXT", 0x20, 2, 3));
    image[13 * 512..13 * 512 + root.len()].copy_from_slice(&root);
    let opened = open(&image, &mut Budget::new(Bounds { steps: 20_000, ..Bounds::default() }));
    assert_eq!(names(&opened), ["ONE.TXT"]);
    assert!(opened.signs.contains(Sign::Limit));
}

#[test]
fn disks_with_partitions_are_read() {
    let mut disk = vec![0; 1_024];
    disk[446..462].copy_from_slice(&[0x80, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 12, 0, 0, 0]);
    disk[510..512].copy_from_slice(&[0x55, 0xAA]);
    disk.extend(fat());
    assert!(is_disk(&disk));
    assert_eq!(names(&opened(&disk)), ["long-name-it.exe", "SUB/TWO.TXT"]);
}

#[test]
fn partitions_that_are_not_read_say_so() {
    let mut disk = vec![0; 1_024];
    disk[446..462].copy_from_slice(&[0x80, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 12, 0, 0, 0]);
    disk[462..478].copy_from_slice(&[0, 0, 0, 0, 7, 0, 0, 0, 14, 0, 0, 0, 8, 0, 0, 0]);
    disk[510..512].copy_from_slice(&[0x55, 0xAA]);
    disk.extend(fat());
    disk.resize(disk.len() + 4_096, 0);
    assert!(!opened(&disk).signs.contains(Sign::Unsupported), "an empty one");
    disk[14 * 512 + 3..][..8].copy_from_slice(b"NTFS    ");
    assert_eq!(names(&opened(&disk)), ["long-name-it.exe", "SUB/TWO.TXT"]);
    assert!(opened(&disk).signs.contains(Sign::Unsupported));

    let mut disk = disk[..1_024].to_vec();
    disk[512..520].copy_from_slice(b"EFI PART");
    for count in [6, 7] {
        let entry = |number: u8| [&[number; 32][..], &[99, 0, 0, 0, 0, 0, 0, 0], &[0; 88]].concat();
        let disk = [disk.clone(), (0..count).flat_map(entry).collect()].concat();
        assert_eq!(opened(&disk).signs.contains(Sign::Limit), count == 7);
    }
}

#[test]
fn trees_that_are_not_found_or_cut_say_so() {
    let mut bytes = iso(&[record(21, 3, 0, b"ONE.TXT;1")], &[], None);
    bytes[17 * 2_048 + 1..][..5].copy_from_slice(b"NSR02");
    assert_eq!(opened(&bytes).signs.iter().collect::<Vec<_>>(), [Sign::DiscImage, Sign::Unsupported]);

    let mut bytes = iso(&[record(21, 3, 0, b"ONE.TXT;1")], &[], None);
    bytes[16 * 2_048 + 156..][..34].copy_from_slice(&record(18, (1 << 20) + 1, 2, &[0]));
    bytes.resize(18 * 2_048 + (1 << 20), 0);
    assert!(!opened(&bytes).signs.contains(Sign::Limit));
    bytes.push(0);
    let cut = opened(&bytes);
    assert!(names(&cut).contains(&"ONE.TXT") && cut.signs.contains(Sign::Limit));

    let mut bytes = vec![0; 2_048 * 32];
    for number in 16..32 {
        bytes[number * 2_048..][..6].copy_from_slice(b"\x01CD001");
    }
    assert!(opened(&bytes).signs.contains(Sign::Limit));
    bytes[31 * 2_048..].fill(0);
    assert!(!opened(&bytes).signs.contains(Sign::Limit));
}

#[test]
fn other_images_are_recognised() {
    let opened = opened(b"vhdxfile");
    assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::DiscImage, Sign::Unsupported]);
}

#[test]
fn bounds_hold() {
    let bytes = fat();
    let opened = open(&bytes, &mut Budget::new(Bounds { members: 1, ..Bounds::default() }));
    assert_eq!(opened.members.len(), 1);
    assert!(opened.signs.contains(Sign::Limit));
    let opened = open(&bytes, &mut Budget::new(Bounds { decoded_bytes: 100, ..Bounds::default() }));
    assert!(opened.members[0].signs.contains(Sign::Limit));
}

#[test]
fn nothing_panics_and_what_stands_before_the_damage_survives() {
    let image = iso(&[record(21, 3, 0, b"ONE.TXT;1")], &[], Some(&[record(21, 3, 0, &wide("one.txt"))]));
    for sample in [fat(), image] {
        // Most of an image is zeros: mutations hit what counts when only that is damaged.
        let used = sample.len() - 512;
        mutate::check(&sample, |bytes, damage_at| {
            let opened = opened(bytes);
            if damage_at > used {
                assert!(!opened.members.is_empty());
            }
        });
        let start = sample.iter().position(|byte| *byte != 0).unwrap();
        mutate::check(&sample[start..(start + 2_100).min(sample.len())], |bytes, _| {
            let image = [&sample[..start], bytes, sample.get(start + 2_100..).unwrap_or_default()].concat();
            let _ = opened(&image);
        });
    }
}
