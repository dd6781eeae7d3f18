//! Encrypted members: PKWARE's own cipher (APPNOTE 6.1) and WinZip's AES (AE-1 and AE-2).

use super::header::{Entry, STRONG};
use crate::crypt::{self, AesCtr};
use crate::unpack::{End, Method, Unpacker};
use crate::{Budget, Passwords};

/// WinZip's field, and the method that stands for it.
const AES: u16 = 0x9901;
const AES_METHOD: u16 = 99;

/// Bytes of the header that PKWARE's cipher writes before a member.
const HEADER: usize = 12;

/// What decrypting a byte costs, in steps.
const CIPHER_BYTE: u64 = 5;
const AES_BYTE: u64 = 3;
/// A key of WinZip's AES: up to four blocks of 1,000 rounds.
const AES_KEY: u64 = 1_600_000;

/// The method and the bytes behind the encryption, where one of the passwords opens it.
pub(super) fn decrypt(entry: &Entry<'_>, packed: &[u8], passwords: &Passwords, budget: &mut Budget) -> Option<(u16, Vec<u8>)> {
    if entry.flags & STRONG != 0 {
        return None;
    }
    let aes = entry.extra(AES).filter(|_| entry.method == AES_METHOD);
    passwords.iter().find_map(|password| match aes {
        Some(field) => winzip(field, packed, password, budget),
        None if entry.method == AES_METHOD => None,
        None => pkware(entry, packed, password, budget).map(|plain| (entry.method, plain)),
    })
}

/// The salt stands first, then two bytes that tell a wrong password, and ten of authentication at the end.
fn winzip(field: &[u8], packed: &[u8], password: &str, budget: &mut Budget) -> Option<(u16, Vec<u8>)> {
    let [_, _, _, _, strength, method_low, method_high, ..] = *field else { return None };
    let key_length = match strength {
        1 => 16,
        2 => 24,
        3 => 32,
        _ => return None,
    };
    let (salt, rest) = packed.split_at_checked(key_length / 2)?;
    let (check, rest) = rest.split_at_checked(2)?;
    let data = rest.get(..rest.len().checked_sub(10)?)?;
    if !budget.charge_steps(AES_KEY) {
        return None;
    }
    let mut keys = [0; 66];
    let keys = keys.get_mut(..2 * key_length + 2)?;
    crypt::pbkdf2_sha1(password.as_bytes(), salt, 1_000, keys);
    let (key, rest) = keys.split_at(key_length);
    if rest.get(key_length..)? != check || data.len() > budget.decoded_left() {
        return None;
    }
    if !budget.charge_steps(data.len() as u64 * AES_BYTE) {
        return None;
    }
    budget.charge_decoded(data.len());
    let mut plain = data.to_vec();
    AesCtr::new(key)?.apply(&mut plain);
    Some((u16::from_le_bytes([method_low, method_high]), plain))
}

fn pkware(entry: &Entry<'_>, packed: &[u8], password: &str, budget: &mut Budget) -> Option<Vec<u8>> {
    let (header, data) = packed.split_at_checked(HEADER)?;
    let mut keys = Keys::new(password.as_bytes());
    let header: Vec<u8> = header.iter().map(|byte| keys.decrypt(*byte)).collect();
    // The last byte tells a wrong password in 255 of 256 cases.
    let [.., check] = *header else { return None };
    let expected = [entry.crc.to_be_bytes()[0], entry.time.to_be_bytes()[0]];
    if check != expected[0] && !(entry.has_descriptor() && check == expected[1]) {
        return None;
    }
    if data.len() > budget.decoded_left() || !budget.charge_steps(data.len() as u64 * CIPHER_BYTE) {
        return None;
    }
    budget.charge_decoded(data.len());
    let plain: Vec<u8> = data.iter().map(|byte| keys.decrypt(*byte)).collect();
    is_right(entry, &plain, budget).then_some(plain)
}

/// Whether the bytes look decrypted: they have the checksum, or decode at all.
fn is_right(entry: &Entry<'_>, plain: &[u8], budget: &mut Budget) -> bool {
    let (packed, method) = super::method(entry.method, plain, entry);
    if matches!(method, Method::Stored) {
        return crypt::crc32(plain) == entry.crc;
    }
    let mut unpacker = Unpacker::new(&method, packed, budget);
    match unpacker.advance(4_096, budget) {
        End::Complete => crypt::crc32(unpacker.output()) == entry.crc,
        End::Damaged => false,
        _ => true,
    }
}

/// The three keys of PKWARE's cipher (APPNOTE 6.1.5).
struct Keys([u32; 3]);

impl Keys {
    fn new(password: &[u8]) -> Self {
        let mut keys = Self([0x1234_5678, 0x2345_6789, 0x3456_7890]);
        password.iter().for_each(|byte| keys.update(*byte));
        keys
    }

    fn update(&mut self, byte: u8) {
        let [first, second, third] = &mut self.0;
        *first = crypt::crc32_step(*first, byte);
        *second = second.wrapping_add(*first & 0xFF).wrapping_mul(134_775_813).wrapping_add(1);
        *third = crypt::crc32_step(*third, second.to_be_bytes()[0]);
    }

    fn decrypt(&mut self, byte: u8) -> u8 {
        let third = (self.0[2] & 0xFFFF) | 2;
        let plain = byte ^ (third.wrapping_mul(third ^ 1) >> 8).to_le_bytes()[0];
        self.update(plain);
        plain
    }
}
