//! Scripts as Windows' script encoder writes them (`.vbe`, `.jse`, `VBScript.Encode`): every character is another one, by one of three
//! alphabets in turn. It hides words from whoever reads the file, and from nobody who runs it.

/// What begins an encoded run; six digits of its length and `==` follow.
const BEGIN: &[u8] = b"#@~^";
/// What ends it, behind six digits of a check and `==`.
const END: &[u8] = b"==^#~@";
/// Digits and `==` behind the beginning, and digits before the end.
const LENGTH: usize = 8;
const CHECK: usize = 6;
/// Runs that are decoded in one script.
const MAX_RUNS: usize = 50;

/// What the characters from blank to delete stand for, by each alphabet. Those of `<`, `>` and `@` do not occur.
const ALPHABETS: [&[u8; 96]; 3] = [
    b".GzVBj/&IA42[vrC89pEhqO\tbD#uJ~J^@wJa]\"KoN;LPg*}tT+-,0nkf5%!dMRc?{x)(sY3\x7FmUS|:_eFX1ilZH'\\=$y7`Q 6",
    b"-uR`q^I\\b})6 |z\x7Fkc3+hQfv1dTCL:L~LE,*t'7DyY/o&rj9{?8wgSG4x]0#Z[lHUpi.L!$NP\tVs5aKX;W\"mM%(FJ2A=_OBe",
    b"20!)[83=X:5e9\\VsfNEkbYx^}JmqA`AS@B'Hru17MR\"TjGd- \x7F.L]~loytC&v%$+(#A4\t*D?w;UiacPgQIOFh|6pnz/_KZ,W",
];
/// What a tab stands for.
const TABS: &[u8; 3] = b"Wn{";
/// Which alphabet each of 64 characters is written by.
const ORDER: &[u8; 64] = b"0120121221210212021200122102122100212120200120210212001220012021";

/// Whether something in a script is encoded so.
pub(super) fn is_in(script: &str) -> bool {
    memchr::memmem::find(script.as_bytes(), BEGIN).is_some()
}

/// The encoded runs of a script, decoded, a line each; and whether there are more of them than are decoded.
pub(super) fn decode(script: &str) -> (String, bool) {
    let mut out = Vec::new();
    let mut rest = script.as_bytes();
    for _ in 0..MAX_RUNS {
        let Some(run) = memchr::memmem::find(rest, BEGIN).and_then(|at| rest.get(at + BEGIN.len() + LENGTH..)) else { break };
        // Without its end it is run as far as it goes by some, and not at all by others.
        let end = memchr::memmem::find(run, END);
        let length = end.map_or(run.len(), |end| end.saturating_sub(CHECK));
        decode_run(run.get(..length).unwrap_or(run), &mut out);
        out.push(b'\n');
        rest = end.and_then(|end| run.get(end + END.len()..)).unwrap_or_default();
    }
    (
        String::from_utf8_lossy(&out).into_owned(),
        memchr::memmem::find(rest, BEGIN).is_some_and(|at| rest.len() > at + BEGIN.len() + LENGTH),
    )
}

fn decode_run(run: &[u8], out: &mut Vec<u8>) {
    let mut place = 0;
    let mut run = run.iter().copied();
    while let Some(byte) = run.next() {
        let alphabet = usize::from(ORDER[place % ORDER.len()] - b'0');
        place += usize::from(byte.is_ascii());
        out.push(match byte {
            b'@' => match run.next() {
                Some(b'&') => b'\n',
                Some(b'#') => b'\r',
                Some(b'*') => b'>',
                Some(b'!') => b'<',
                Some(b'$') | None => b'@',
                Some(other) => other,
            },
            b'\t' => TABS[alphabet],
            b'<' | b'>' => byte,
            b' '..=0x7F => ALPHABETS[alphabet][usize::from(byte - b' ')],
            other => other,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_scripts_are_read() {
        // The first is a sample that other decoders are tested with.
        for (encoded, expected) in [
            ("\\ko$K6,JC\x7FV^GJ", "MsgBox \"Hello\""),
            (
                "/M+CD+}4L\x7FmDcJq?^DbwO Ut+^sJ*RI!U~J4YDwd)&&ShAR\x7FalswsncmWh&mg8'8E@#@&v@!NKx+@*P@$~tK:ndmx[~sWD\x7F~hKDNk~OW,oKP.W;U9POt\x7F~WMNn.,Wx^n",
                "CreateObject(\"WScript.Shell\").Run \"https://www.example.com/a?b=1\"\r\n'<done> @ home\tand more words to go round the order once",
            ),
        ] {
            let script = format!("before #@~^DgAAAA=={encoded}qAQAAA==^#~@ behind");
            assert!(is_in(&script));
            assert_eq!(decode(&script), (format!("{expected}\n"), false));
        }
        assert_eq!(decode("#@~^"), (String::new(), false));
        for (count, expected) in [(MAX_RUNS - 1, MAX_RUNS - 1), (MAX_RUNS, MAX_RUNS), (MAX_RUNS + 1, MAX_RUNS)] {
            let (lines, is_limited) = decode(&"#@~^DgAAAA==\\ko$K6qAQAAA==^#~@".repeat(count));
            assert_eq!((lines.lines().count(), is_limited), (expected, count > MAX_RUNS));
        }
        assert_eq!(decode(&"#@~^DgAAAA==".repeat(60)).0.lines().count(), 1, "what has no end goes on");
    }
}
