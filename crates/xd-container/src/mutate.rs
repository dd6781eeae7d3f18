//! Damages samples for tests, the same way each time.

/// How many damaged copies of a sample are tried.
const COPIES: u64 = 400;

/// Calls `check` with damaged copies of a sample, and with the place of the first damage.
pub(crate) fn check(sample: &[u8], mut check: impl FnMut(&[u8], usize)) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: usize| {
        // xorshift64* (Vigna 2016).
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        usize::try_from(state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % below.max(1)
    };
    for copy in 0..COPIES {
        let mut bytes = sample.to_vec();
        let mut first = bytes.len();
        for _ in 0..=copy % 3 {
            let at = random(bytes.len());
            first = first.min(at);
            match random(5) {
                0 => bytes.truncate(at),
                1 => {
                    let end = (at + 1 + random(40)).min(bytes.len());
                    bytes.drain(at..end);
                }
                2 => (0..=random(20)).for_each(|_| bytes.insert(at, u8::try_from(random(256)).unwrap())),
                3 => bytes.iter_mut().skip(at).take(4).for_each(|byte| *byte = 0xFF),
                _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random(8)),
            }
        }
        check(&bytes, first);
    }
}
