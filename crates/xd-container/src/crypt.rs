//! Checksums, keys and ciphers that archives use, put together from the primitives that others keep.

use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use aes::{Aes128, Aes192, Aes256};
use sha1::Sha1;

/// The table of CRC-32 (ISO 3309), as zip, gzip and others use it.
const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { 0xEDB8_8320 ^ (value >> 1) } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| crc32_step(crc, *byte))
}

/// One byte more, without the complements at both ends.
pub(crate) fn crc32_step(crc: u32, byte: u8) -> u32 {
    CRC[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8)
}

/// PBKDF2 with HMAC-SHA-1 (RFC 8018).
pub(crate) fn pbkdf2_sha1(password: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
    // It fails for no length of key: HMAC takes all.
    let _ = pbkdf2::pbkdf2::<hmac::Hmac<Sha1>>(password, salt, rounds, key);
}

enum Aes {
    Bits128(Box<Aes128>),
    Bits192(Box<Aes192>),
    Bits256(Box<Aes256>),
}

impl Aes {
    fn new(key: &[u8]) -> Option<Self> {
        Some(match key.len() {
            16 => Self::Bits128(Box::new(Aes128::new_from_slice(key).ok()?)),
            24 => Self::Bits192(Box::new(Aes192::new_from_slice(key).ok()?)),
            32 => Self::Bits256(Box::new(Aes256::new_from_slice(key).ok()?)),
            _ => return None,
        })
    }

    fn encrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        match self {
            Self::Bits128(cipher) => cipher.encrypt_block(&mut block),
            Self::Bits192(cipher) => cipher.encrypt_block(&mut block),
            Self::Bits256(cipher) => cipher.encrypt_block(&mut block),
        }
        block.into()
    }

    fn decrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        match self {
            Self::Bits128(cipher) => cipher.decrypt_block(&mut block),
            Self::Bits192(cipher) => cipher.decrypt_block(&mut block),
            Self::Bits256(cipher) => cipher.decrypt_block(&mut block),
        }
        block.into()
    }
}

/// AES in counter mode as WinZip counts: little-endian, from one.
pub(crate) struct AesCtr {
    cipher: Aes,
    counter: u128,
}

impl AesCtr {
    /// None for a key of any other length than 16, 24 or 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        Some(Self { cipher: Aes::new(key)?, counter: 0 })
    }

    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(16) {
            self.counter = self.counter.wrapping_add(1);
            let pad = self.cipher.encrypt(self.counter.to_le_bytes());
            chunk.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
        }
    }
}

/// AES in cipher block chaining. What is left of a block at the end is not decrypted.
pub(crate) fn aes_cbc_decrypt(key: &[u8], mut chain: [u8; 16], bytes: &mut [u8]) {
    let Some(cipher) = Aes::new(key) else { return };
    for chunk in bytes.chunks_exact_mut(16) {
        let Ok(block) = <[u8; 16]>::try_from(&*chunk) else { return };
        let plain = cipher.decrypt(block);
        chunk.iter_mut().zip(plain.iter().zip(chain)).for_each(|(byte, (plain, before))| *byte = plain ^ before);
        chain = block;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        // ISO 3309's check value.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn keys_are_those_of_rfc_6070() {
        let mut key = [0; 20];
        pbkdf2_sha1(b"password", b"salt", 2, &mut key);
        assert_eq!(key[..4], [0xEA, 0x6C, 0x01, 0x4D]);
    }

    #[test]
    fn blocks_are_those_of_fips_197() {
        let key: Vec<u8> = (0..32).collect();
        let plain: Vec<u8> = (0..16).map(|nibble| nibble * 0x11).collect();
        let cipher = Aes::new(&key).unwrap();
        let block = cipher.encrypt(plain.clone().try_into().unwrap());
        assert_eq!(block[..4], [0x8E, 0xA2, 0xB7, 0xCA]);
        let mut bytes = block;
        aes_cbc_decrypt(&key, [0; 16], &mut bytes);
        assert_eq!(bytes.to_vec(), plain);
    }
}
