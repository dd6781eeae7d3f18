//! Office documents that are encrypted with a password, [MS-OFFCRYPTO] 2.3.4: a package in a compound file, beside what says how.
//!
//! The passwords of the mail are tried, and first the one that Excel tries by itself, so that whoever encrypts with it shows
//! nothing to a filter and all to a reader.

use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha384, Sha512};

use super::compound::Compound;
use super::directory::Entry;
use crate::bytes::Bytes;
use crate::crypt::aes_cbc_decrypt;
use crate::opened::{Member, Opened};
use crate::{Budget, Passwords, Sign, text};

/// The password that Excel tries by itself.
const DEFAULT: &str = "VelvetSweatshop";

/// Bytes of a description that are read; 64 KiB.
const MAX_INFO: usize = 64 << 10;

/// Adds the package, decrypted if one of the passwords opens it. Nothing happens where there is none.
pub(super) fn read<'a>(compound: &Compound<'a>, passwords: &Passwords, opened: &mut Opened<'a>, budget: &mut Budget) {
    let Some((_, package)) = compound.directory.child(0, "EncryptedPackage") else { return };
    let is_open = open(compound, package, passwords, opened, budget).is_some();
    opened.signs.add(if is_open { Sign::Decrypted } else { Sign::Encrypted });
}

fn open<'a>(
    compound: &Compound<'a>,
    package: &Entry,
    passwords: &Passwords,
    opened: &mut Opened<'a>,
    budget: &mut Budget,
) -> Option<()> {
    let (_, info) = compound.directory.child(0, "EncryptionInfo")?;
    let info = compound.read_up_to(info, MAX_INFO, budget);
    let Some(scheme) = Scheme::read(&info) else {
        opened.signs.add(Sign::Unsupported);
        return None;
    };
    for password in std::iter::once(DEFAULT).chain(passwords.iter()) {
        if !budget.charge_steps(scheme.cost()) {
            opened.signs.add(Sign::Limit);
            return None;
        }
        let Some(key) = scheme.key(password) else { continue };
        let package = compound.read(package, budget);
        if package.len() > budget.decoded_left() || !budget.charge_steps(package.len() as u64 * 10) || !budget.charge_member() {
            opened.signs.add(Sign::Limit);
            return None;
        }
        budget.charge_decoded(package.len());
        opened.members.push(Member::of_bytes("EncryptedPackage", scheme.decrypt(&key, &package).into()));
        return Some(());
    }
    None
}

#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// A hash of at most 64 bytes.
#[derive(Clone, Copy)]
struct Digest {
    bytes: [u8; 64],
    length: usize,
}

impl Digest {
    fn get(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Hash {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "SHA1" | "SHA-1" => Self::Sha1,
            "SHA256" | "SHA-256" => Self::Sha256,
            "SHA384" | "SHA-384" => Self::Sha384,
            "SHA512" | "SHA-512" => Self::Sha512,
            _ => return None,
        })
    }

    /// The hash of two runs of bytes, one behind the other.
    fn of(self, first: &[u8], second: &[u8]) -> Digest {
        let mut digest = Digest { bytes: [0; 64], length: 0 };
        let mut put = |hash: &[u8]| {
            digest.bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
            digest.length = hash.len();
        };
        match self {
            Self::Sha1 => put(&Sha1::new().chain_update(first).chain_update(second).finalize()),
            Self::Sha256 => put(&Sha256::new().chain_update(first).chain_update(second).finalize()),
            Self::Sha384 => put(&Sha384::new().chain_update(first).chain_update(second).finalize()),
            Self::Sha512 => put(&Sha512::new().chain_update(first).chain_update(second).finalize()),
        }
        digest
    }

    /// Steps of one round, measured: 100 ns for SHA-1 with instructions of its own, 310 ns for SHA-512 without.
    fn cost(self) -> u64 {
        match self {
            Self::Sha1 => 200,
            Self::Sha256 => 250,
            Self::Sha384 | Self::Sha512 => 350,
        }
    }

    /// A password's hash, hashed so many times with a counter before it.
    fn spun(self, salt: &[u8], password: &str, spins: u32) -> Digest {
        let password: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
        (0..spins).fold(self.of(salt, &password), |hash, spin| self.of(&spin.to_le_bytes(), hash.get()))
    }
}

/// How a package is encrypted.
enum Scheme {
    /// 2.3.4.5: Office 2007.
    Standard { salt: Vec<u8>, key_length: usize, verifier: Vec<u8>, verifier_hash: Vec<u8> },
    /// 2.3.4.10: Office 2010 and later.
    Agile { data: KeyInfo, password: KeyInfo, spins: u32, input: Vec<u8>, value: Vec<u8>, key: Vec<u8> },
}

/// Salt, hash and length of a key.
struct KeyInfo {
    salt: Vec<u8>,
    hash: Hash,
    length: usize,
}

impl Scheme {
    fn read(info: &[u8]) -> Option<Self> {
        let mut bytes = Bytes::new(info);
        let (major, minor) = (bytes.u16_le()?, bytes.u16_le()?);
        let _flags = bytes.u32_le()?;
        if (major, minor) == (4, 4) {
            return Self::read_agile(&String::from_utf8_lossy(bytes.rest()));
        }
        if minor != 2 {
            return None;
        }
        let length = usize::try_from(bytes.u32_le()?).ok()?;
        let header = bytes.take(length)?;
        let key_length =
            usize::try_from(Bytes::from(header, 16).u32_le()? / 8).ok().filter(|length| matches!(length, 16 | 24 | 32))?;
        let salt = usize::try_from(bytes.u32_le()?).ok()?;
        let salt = bytes.take(salt)?.to_vec();
        let verifier = bytes.take(16)?.to_vec();
        let _length = bytes.u32_le()?;
        Some(Self::Standard { salt, key_length, verifier, verifier_hash: bytes.take(32)?.to_vec() })
    }

    fn read_agile(xml: &str) -> Option<Self> {
        let element = |name: &str| {
            let (_, rest) = xml.split_once(name)?;
            Some(rest.split_once('>')?.0)
        };
        fn attribute<'x>(element: &'x str, name: &str) -> Option<&'x str> {
            element.split_once(&format!(" {name}=\""))?.1.split('"').next()
        }
        let key_info = |element: &str| {
            Some(KeyInfo {
                salt: base64(attribute(element, "saltValue")?),
                hash: Hash::named(attribute(element, "hashAlgorithm")?)?,
                length: attribute(element, "keyBits")?
                    .parse::<usize>()
                    .ok()
                    .map(|bits| bits / 8)
                    .filter(|n| matches!(n, 16 | 24 | 32))?,
            })
        };
        let data = element("<keyData")?;
        let password = element("encryptedKey ").map(|rest| format!(" {rest}"))?;
        Some(Self::Agile {
            data: key_info(data)?,
            password: key_info(&password)?,
            spins: attribute(&password, "spinCount")?.parse().ok()?,
            input: base64(attribute(&password, "encryptedVerifierHashInput")?),
            value: base64(attribute(&password, "encryptedVerifierHashValue")?),
            key: base64(attribute(&password, "encryptedKeyValue")?),
        })
    }

    /// Steps that trying a password takes.
    fn cost(&self) -> u64 {
        match self {
            Self::Standard { .. } => u64::from(STANDARD_SPINS) * Hash::Sha1.cost(),
            Self::Agile { spins, password, .. } => u64::from(*spins) * password.hash.cost(),
        }
    }

    /// The key that a password gives; none when it is wrong.
    fn key(&self, password: &str) -> Option<Vec<u8>> {
        match self {
            Self::Standard { salt, key_length, verifier, verifier_hash } => {
                let hash = Hash::Sha1.spun(salt, password, STANDARD_SPINS);
                let hash = Hash::Sha1.of(hash.get(), &[0; 4]);
                let half = |pad: u8| {
                    let mut block = [pad; 64];
                    block.iter_mut().zip(hash.get()).for_each(|(byte, hash)| *byte ^= hash);
                    Hash::Sha1.of(&block, b"")
                };
                let key = [half(0x36).get(), half(0x5C).get()].concat();
                let key = key.get(..*key_length)?.to_vec();
                let verifier = single_blocks(&key, verifier);
                let expected = single_blocks(&key, verifier_hash);
                (expected.get(..20)? == Hash::Sha1.of(&verifier, b"").get()).then_some(key)
            }
            Self::Agile { password: info, spins, input, value, key, data } => {
                let hash = info.hash.spun(&info.salt, password, *spins);
                let decrypt = |block: &[u8; 8], bytes: &[u8]| {
                    let key = info.hash.of(hash.get(), block);
                    let mut key = key.get().to_vec();
                    key.resize(info.length, 0x36);
                    let mut bytes = bytes.to_vec();
                    aes_cbc_decrypt(&key, sixteen(&info.salt), &mut bytes);
                    bytes
                };
                let input = decrypt(b"\xFE\xA7\xD2\x76\x3B\x4B\x9E\x79", input);
                let value = decrypt(b"\xD7\xAA\x0F\x6D\x30\x61\x34\x4E", value);
                let expected = info.hash.of(&input, b"");
                let key = decrypt(b"\x14\x6E\x0B\xE7\xAB\xAC\xD0\xD6", key);
                (value.get(..expected.length)? == expected.get()).then_some(key.get(..data.length)?.to_vec())
            }
        }
    }

    /// The package. Its size stands before it.
    fn decrypt(&self, key: &[u8], package: &[u8]) -> Vec<u8> {
        const SEGMENT: usize = 4096;
        let size = Bytes::new(package).u64_le().and_then(|size| usize::try_from(size).ok()).unwrap_or_default();
        let package = Bytes::from(package, 8).rest();
        let mut plain = match self {
            Self::Standard { .. } => single_blocks(key, package),
            Self::Agile { data, .. } => {
                let mut plain = package.to_vec();
                for (number, segment) in (0_u32..).zip(plain.chunks_mut(SEGMENT)) {
                    let start = data.hash.of(&data.salt, &number.to_le_bytes());
                    aes_cbc_decrypt(key, sixteen(start.get()), segment);
                }
                plain
            }
        };
        plain.truncate(size);
        plain
    }
}

/// 2.3.4.7: how often the standard scheme hashes.
const STANDARD_SPINS: u32 = 50_000;

/// AES where each block stands alone: what chaining mixed in is taken out again.
fn single_blocks(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut plain = bytes.to_vec();
    aes_cbc_decrypt(key, [0; 16], &mut plain);
    let whole = bytes.len() / 16 * 16;
    plain.iter_mut().take(whole).skip(16).zip(bytes).for_each(|(plain, before)| *plain ^= before);
    plain
}

fn sixteen(bytes: &[u8]) -> [u8; 16] {
    bytes.first_chunk().copied().unwrap_or_default()
}

fn base64(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text::cut(text, 1024).bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.extend(u8::try_from(bits >> count & 0xFF));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ole::sample;

    /// By msoffcrypto-tool 6.1.0, which reads a zip archive without members in it: agile, SHA-512, AES-256.
    const INFO: &str = concat!(
        r#"<keyData saltSize="16" blockSize="16" keyBits="256" hashSize="64" cipherAlgorithm="AES""#,
        r#" cipherChaining="ChainingModeCBC" hashAlgorithm="SHA512" saltValue="xd3Oj3z7vqJm5gW1Jkha2w==" /><p:encryptedKey"#,
        r#" spinCount="1000" saltSize="16" blockSize="16" keyBits="256" hashSize="64" cipherAlgorithm="AES""#,
        r#" cipherChaining="ChainingModeCBC" hashAlgorithm="SHA512" saltValue="Qyofme4DANVM/sGZ50t9wQ==""#,
        r#" encryptedVerifierHashInput="I8jLnkY3dKlBXx/DxQwROg==""#,
        r#" encryptedVerifierHashValue="kfG53Koid9M2GU431ugXrf0V//lTMQeDmimcgSmTXuzRPTNu0PVtLp/tpIJS9ClW3TBqDalgoKGRlna8xHQhVA==""#,
        r#" encryptedKeyValue="+PqoHgmAlpk9VA5lJJJdNugNuQvYTfR/03M+dDV1cGw=" />"#
    );
    const PACKAGE: &[u8] = b"\x16\x00\x00\x00\x00\x00\x00\x00\x77\x2A\xF1\xFA\xC8\x6B\x37\x4A\xF7\xA3\x78\x65\x8E\x67\x92\xD2\
        \x27\xE8\x1A\x53\x62\x53\x3C\x39\x46\xAD\x48\x8C\xF8\x4E\xA6\x1E";

    fn signs(passwords: &[&str]) -> (Vec<Sign>, usize) {
        let info = [b"\x04\0\x04\0\x40\0\0\0", INFO.as_bytes()].concat();
        let bytes = sample::file(&[("EncryptionInfo", &info), ("EncryptedPackage", PACKAGE)]);
        let passwords = Passwords::new(passwords.iter().map(|password| (*password).to_owned()));
        let opened = super::super::document::open(&bytes, &passwords, &mut Budget::default());
        let starts = opened.members.iter().filter(|member| member.bytes().starts_with(b"PK\x05\x06")).count();
        (opened.signs.iter().collect(), starts)
    }

    #[test]
    fn the_right_password_opens_it() {
        assert_eq!(signs(&["1234", "secret"]), (vec![Sign::Decrypted], 1));
        assert_eq!(signs(&["1234"]), (vec![Sign::Encrypted], 0));
    }
}
