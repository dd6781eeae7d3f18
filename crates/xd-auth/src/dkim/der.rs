//! How many bits an RSA key has: as much of DER as that needs.

/// The object identifier `rsaEncryption`, 1.2.840.113549.1.1.1 (RFC 8017 appendix C).
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Bits of the modulus of a `SubjectPublicKeyInfo` or `RSAPublicKey` (RFC 6376 §3.6.1, RFC 8017 appendix A.1.1); none when it is neither.
pub(crate) fn modulus_bits(der: &[u8]) -> Option<u32> {
    let (key, rest) = take(der, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    let Some((algorithm, rest)) = take(key, SEQUENCE) else { return bits_of_key(key) };
    let (identifier, _) = take(algorithm, OBJECT_IDENTIFIER)?;
    let (bits, rest) = take(rest, BIT_STRING).filter(|_| identifier == RSA_ENCRYPTION)?;
    // The first octet of a bit string says how many bits of the last one are not used.
    let (key, beyond) = take(bits.strip_prefix(&[0])?, SEQUENCE)?;
    if rest.is_empty() && beyond.is_empty() { bits_of_key(key) } else { None }
}

/// Bits of the first of the two integers in an `RSAPublicKey`.
fn bits_of_key(key: &[u8]) -> Option<u32> {
    let (modulus, rest) = take(key, INTEGER)?;
    let (_exponent, rest) = take(rest, INTEGER)?;
    // A leading octet of zero says that the integer is positive.
    let modulus = match modulus {
        [0, positive @ ..] => positive,
        [first, ..] if *first < 0x80 => modulus,
        _ => return None,
    };
    let first = modulus.first().filter(|_| rest.is_empty())?;
    let octets = u32::try_from(modulus.len()).ok()?;
    (octets * 8).checked_sub(first.leading_zeros())
}

/// The content of a value of a type, and what follows it.
fn take(der: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
        0x82 => rest.split_first_chunk().map(|(&length, rest)| (usize::from(u16::from_be_bytes(length)), rest))?,
        // Longer than any key that is accepted, or not DER.
        _ => return None,
    };
    rest.split_at_checked(length).filter(|_| found == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[kind, 0x82], &length[..], content].concat()
    }

    fn key(modulus: &[u8]) -> Vec<u8> {
        value(SEQUENCE, &[value(INTEGER, modulus), value(INTEGER, &[1, 0, 1])].concat())
    }

    fn info(identifier: &[u8], key: &[u8]) -> Vec<u8> {
        let algorithm = value(SEQUENCE, &value(OBJECT_IDENTIFIER, identifier));
        value(SEQUENCE, &[algorithm, value(BIT_STRING, &[&[0], key].concat())].concat())
    }

    #[test]
    fn bits_are_counted() {
        let modulus = [&[0, 0xff][..], &[0xaa; 127]].concat();
        assert_eq!(modulus_bits(&key(&modulus)), Some(1024));
        assert_eq!(modulus_bits(&info(RSA_ENCRYPTION, &key(&modulus))), Some(1024));
        assert_eq!(modulus_bits(&key(&[0x7f, 1])), Some(15));
        assert_eq!(modulus_bits(&key(&[1])), Some(1));
    }

    #[test]
    fn what_is_no_key() {
        let good = info(RSA_ENCRYPTION, &key(&[0x7f; 128]));
        assert_eq!(modulus_bits(&good), Some(1023));
        assert!((0..good.len()).all(|length| modulus_bits(&good[..length]).is_none()));
        assert_eq!(modulus_bits(&[&good[..], &[0]].concat()), None);
        assert_eq!(modulus_bits(&info(&[0x2b, 0x65, 0x70], &key(&[0x7f; 128]))), None);
        assert_eq!(modulus_bits(&key(&[0xff; 128])), None);
        assert_eq!(modulus_bits(&key(&[])), None);
        assert_eq!(modulus_bits(&key(&[0])), None);
    }
}
