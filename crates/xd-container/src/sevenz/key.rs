//! Keys of encrypted 7z archives: SHA-256 over salt, password and a counter, half a million times.

use sha2::{Digest as _, Sha256};

use crate::Budget;

/// What a byte that is hashed costs, in steps: half a step where the processor has an instruction for it, and four where not.
const HASH_BYTE: u64 = 3;

/// The most rounds that are tried, as a power of two. 7-Zip writes 19.
const MAX_POWER: u8 = 20;

/// One password, and the keys that were derived from it: an archive uses one key for all of its folders.
pub(super) struct Keys<'p> {
    password: Option<&'p str>,
    known: Vec<(Vec<u8>, [u8; 32])>,
}

impl<'p> Keys<'p> {
    pub(super) fn new(password: Option<&'p str>) -> Self {
        Self { password, known: Vec::new() }
    }

    /// Key and initialization vector by the properties of the coder. None without a password or beyond a bound.
    pub(super) fn key(&mut self, properties: &[u8], budget: &mut Budget) -> Option<([u8; 32], [u8; 16])> {
        let [first, rest @ ..] = properties else { return None };
        let (second, rest) = if first & 0xC0 == 0 { (0, rest) } else { rest.split_first().map(|(byte, rest)| (*byte, rest))? };
        let salt_length = usize::from(first >> 7 & 1) + usize::from(second >> 4);
        let iv_length = usize::from(first >> 6 & 1) + usize::from(second & 0x0F);
        let (salt, rest) = rest.split_at_checked(salt_length)?;
        let mut iv = [0; 16];
        iv.iter_mut().zip(rest.iter().take(iv_length)).for_each(|(to, from)| *to = *from);
        let power = first & 0x3F;
        let id = [&[power], salt].concat();
        if let Some((_, key)) = self.known.iter().find(|(known, _)| *known == id) {
            return Some((*key, iv));
        }
        let password: Vec<u8> = self.password?.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let key = derive(power, salt, &password, budget)?;
        self.known.push((id, key));
        Some((key, iv))
    }
}

fn derive(power: u8, salt: &[u8], password: &[u8], budget: &mut Budget) -> Option<[u8; 32]> {
    if power == 0x3F {
        let mut key = [0; 32];
        key.iter_mut().zip(salt.iter().chain(password)).for_each(|(to, from)| *to = *from);
        return Some(key);
    }
    if power > MAX_POWER {
        return None;
    }
    let rounds = 1_u64 << power;
    let bytes = (salt.len() + password.len() + 8) as u64;
    if !budget.charge_steps(rounds.saturating_mul(bytes).saturating_mul(HASH_BYTE)) {
        return None;
    }
    let mut hash = Sha256::new();
    for round in 0..rounds {
        hash.update(salt);
        hash.update(password);
        hash.update(round.to_le_bytes());
    }
    Some(hash.finalize().into())
}
