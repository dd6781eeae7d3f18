//! Unicode: UTS #46 on domains, Punycode (RFC 3492), and the confusable characters of UTS #39.
//!
//! A domain is read with these settings of UTS #46: no transitional processing, hyphens anywhere (as browsers do), bidi and
//! joiners checked, letters, digits, hyphens and underscores only. A name in ASCII that is no IDN is still a name of the DNS, so
//! `Domain` takes it; that it fails UTS #46 shows in that no letters are shown for it.

use serde_json::Value;
use xd_core::{Domain, lookalike};

use super::{Case, Reading, VectorFile, same};

pub(super) fn read(file: &VectorFile) -> Reading {
    let cases = match file.json() {
        Some(value) => {
            // Nothing but the name tells a list of what does not decode.
            let decodes = !file.name().starts_with("bad");
            value.as_array().and_then(|cases| cases.iter().map(|case| punycode(case, decodes)).collect::<Option<Vec<_>>>())
        }
        None => file.text().map(|text| text.lines().filter_map(|line| confusable(line).or_else(|| idna(line))).collect()),
    };
    match cases {
        Some(cases) if !cases.is_empty() => Reading::Cases(cases),
        _ => Reading::Unknown,
    }
}

/// `source; toUnicode; toUnicodeStatus; toAsciiN; toAsciiNStatus; toAsciiT; toAsciiTStatus # comment`
fn idna(line: &str) -> Option<Case> {
    let line = line.split('#').next()?;
    let columns: Vec<&str> = line.split(';').map(str::trim).collect();
    let [source, to_unicode, unicode_status, to_ascii, ascii_status, ..] = columns.as_slice() else { return None };
    let text = |column: &str| if column == "\"\"" { Some(String::new()) } else { unescaped(column) };
    let Some(source_text) = text(source) else {
        return Some(Case::apart(*source, "no well-formed text, as every text here is"));
    };
    let or = |column: &str, other: &str| if column.is_empty() { Some(other.to_owned()) } else { text(column) };
    let shown = or(to_unicode, &source_text)?;
    let ascii = or(to_ascii, &shown)?;
    let status = if ascii_status.is_empty() { unicode_status } else { ascii_status };
    let errors: Vec<&str> = status
        .trim_matches(['[', ']'])
        .split(',')
        .map(str::trim)
        // CheckHyphens is off; a final dot names the root and is no empty label.
        .filter(|code| !matches!(*code, "" | "V2" | "V3"))
        .filter(|code| !(matches!(*code, "A4_2" | "X4_2") && only_root_is_empty(&ascii)))
        .collect();
    Some(Case::new(*source, uts46(&source_text, &shown, &ascii, &errors)))
}

fn uts46(source: &str, shown: &str, ascii: &str, errors: &[&str]) -> Result<(), String> {
    let rootless = |text: &str| text.strip_suffix('.').unwrap_or(text).to_owned();
    let found = Domain::parse(source);
    match found {
        Err(_) if !errors.is_empty() => Ok(()),
        // Empty texts are no domains, and longer ones than the DNS takes have an error of their own.
        Err(_) if rootless(ascii).is_empty() || rootless(ascii).len() > 253 => Ok(()),
        Err(error) => Err(format!("refused: {error}")),
        Ok(domain) if errors.is_empty() => {
            same(domain.as_str(), &rootless(ascii))?;
            same(&domain.to_unicode(), &rootless(shown))
        }
        // STD3: an underscore and nothing else.
        Ok(domain) if errors.iter().all(|code| *code == "U1") && domain.as_str().contains('_') => Ok(()),
        Ok(domain) if source.is_ascii() => {
            let shown = domain.to_unicode();
            if shown == domain.as_str() { Ok(()) } else { Err(format!("shown as {shown:?} in spite of {errors:?}")) }
        }
        Ok(domain) => Err(format!("read as {domain} in spite of {errors:?}")),
    }
}

/// Whether the label of the root is the only one of a length that the DNS does not take.
fn only_root_is_empty(ascii: &str) -> bool {
    ascii.strip_suffix('.').is_some_and(|rest| rest.split('.').all(|label| (1..=63).contains(&label.len())))
}

/// `\uXXXX` and `\x{XXXX}` undone; none for half of a surrogate pair.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (digits, length) = match escape.strip_prefix("x{") {
            Some(braced) => {
                let end = braced.find('}')?;
                (&braced[..end], end + 3)
            }
            None => (escape.strip_prefix('u')?.get(..4)?, 5),
        };
        out.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
        rest = &escape[length..];
    }
    out.push_str(rest);
    Some(out)
}

/// `{"decoded": …, "encoded": …}`; without the one, or a text alone, what does not decode.
fn punycode(case: &Value, decodes: bool) -> Option<Case> {
    let encoded = case.as_str().or_else(|| case.get("encoded")?.as_str())?;
    let decoded = case.get("decoded").and_then(Value::as_str).filter(|_| decodes);
    let name = case.get("description").and_then(Value::as_str).unwrap_or(encoded);
    let label = format!("xn--{encoded}");
    let shown = Domain::parse(&label).map(|domain| domain.to_unicode());
    let Some(decoded) = decoded else {
        let kept = shown.is_err() || shown.as_ref().is_ok_and(|shown| shown.is_ascii());
        return Some(Case::new(name, if kept { Ok(()) } else { Err(format!("shown as {shown:?}")) }));
    };
    let is_label = |c: char| !c.is_uppercase() && (!c.is_ascii() || c.is_ascii_digit() || c.is_ascii_lowercase() || c == '-');
    if decoded.is_ascii() || label.len() > 63 || !decoded.chars().all(is_label) {
        return Some(Case::apart(name, "no label of a domain: in ASCII only, too long, or with other characters"));
    }
    Some(Case::new(name, same(shown.unwrap_or_default().as_str(), decoded)))
}

/// `source ; target ; MA # comment`: the two look the same.
fn confusable(line: &str) -> Option<Case> {
    let mut columns = line.split('#').next()?.split(';').map(str::trim);
    let (source, target, kind) = (columns.next()?, columns.next()?, columns.next()?);
    if kind != "MA" {
        return None;
    }
    let text = |column: &str| -> Option<String> {
        column.split_whitespace().map(|hex| char::from_u32(u32::from_str_radix(hex, 16).ok()?)).collect()
    };
    let (from, to) = (text(source)?, text(target)?);
    let outcome = if lookalike::skeleton(&from) == lookalike::skeleton(&to) || lookalike::folded(&from) == lookalike::folded(&to)
    {
        Ok(())
    } else {
        Err(format!("{from:?} is seen as {:?}, {to:?} as {:?}", lookalike::skeleton(&from), lookalike::skeleton(&to)))
    };
    Some(Case::new(source, outcome))
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn what_does_not_decode_is_not_shown() {
        let case = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (text, decodes) in [
            (r#"{"decoded": "b\u00FCcher", "encoded": "bcher-kva"}"#, true),
            (r#"{"decoded": "x", "encoded": "0"}"#, false),
            (r#""0""#, true),
        ] {
            assert_eq!(punycode(&case(text), decodes).unwrap().outcome, Outcome::Passed, "{text}");
        }
        let shown = punycode(&case(r#"{"encoded": "bcher-kva"}"#), true).unwrap();
        assert!(matches!(shown.outcome, Outcome::Missed(_)));
    }

    #[test]
    fn lines_are_read() {
        for (line, passes) in [
            ("faß.de; ; ; xn--fa-hia.de; ; fass.de;  # faß.de", true),
            ("FASS.DE; fass.de; ; ; ; ;  # fass.de", true),
            ("\\u00E0\\u05D0; ; [B5, B6]; xn--0ca24w; ; ;  # àא", true),
            ("faß.de; ; ; fass.de; ; ;  #", false),
            ("b\\x{FC}cher.; ; [A4_2]; xn--bcher-kva.; ; ; # ", true),
        ] {
            assert_eq!(idna(line).unwrap().outcome == Outcome::Passed, passes, "{line}");
        }
        assert!(idna("# a comment; of; more; columns; than; one").is_none());
        assert_eq!(confusable("0430 ;\t0061 ;\tMA\t# ( а → a )").unwrap().outcome, Outcome::Passed);
        assert!(matches!(confusable("0430 ;\t0062 ;\tMA").unwrap().outcome, Outcome::Missed(_)));
    }
}
