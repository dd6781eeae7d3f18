//! Passwords that the text of a mail states: an archive is encrypted so that filters cannot look in, and its password stands beside it.

use xd_container::Passwords;

use super::text::TextCollector;

/// Words after which a password comes, in lower case.
const KEYWORDS: &[&str] = &[
    "password",
    "passwort",
    "kennwort",
    "passcode",
    "passphrase",
    "pass",
    "pwd",
    "pw",
    "contraseña",
    "clave",
    "senha",
    "passe",
    "parola",
    "wachtwoord",
    "lösenord",
    "adgangskode",
    "salasana",
    "hasło",
    "heslo",
    "jelszó",
    "parolă",
    "şifre",
    "пароль",
    "密码",
    "密碼",
    "パスワード",
    "암호",
    "비밀번호",
];

/// Words that may mean one, and mostly do not: signatures and footers have them.
const WEAK_KEYWORDS: &[&str] = &["pin", "code", "key"];

/// Words that stand between such a word and the password.
const BETWEEN: &[&str] = &[
    "is",
    "ist",
    "lautet",
    "est",
    "es",
    "é",
    "è",
    "är",
    "er",
    "for",
    "to",
    "of",
    "the",
    "this",
    "your",
    "file",
    "archive",
    "attachment",
    "zip",
    "document",
    "open",
    "für",
    "das",
    "die",
    "den",
    "der",
    "datei",
    "archiv",
    "de",
    "du",
    "le",
    "la",
    "del",
    "para",
    "do",
    "和",
    "是",
];

/// Those that everyone uses, for what the text does not state.
const USUAL: [&str; 4] = ["infected", "1234", "123456", "123"];

/// Words looked at behind a keyword.
const REACH: usize = 8;
/// Words taken behind a keyword.
const TAKEN: usize = 2;
/// Passwords taken from the text.
const STATED_MAX: usize = 6;
/// Bytes of text that are searched.
const SEARCHED: usize = 64 << 10;
/// A password's length in bytes: longer runs are something else.
const LENGTHS: std::ops::RangeInclusive<usize> = 1..=64;

/// What the subject and these texts state, in their order, then what stands behind words that may mean something else, and then the
/// usual ones.
pub(super) fn stated(subject: Option<&str>, texts: [&TextCollector; 3]) -> Passwords {
    let mut passwords: Vec<String> = Vec::new();
    for keywords in [KEYWORDS, WEAK_KEYWORDS] {
        for text in subject.into_iter().chain(texts.into_iter().map(TextCollector::beginning)) {
            find(text.get(..text.floor_char_boundary(SEARCHED)).unwrap_or(text), keywords, &mut passwords);
        }
    }
    passwords.truncate(STATED_MAX);
    passwords.extend(USUAL.iter().map(|&usual| usual.to_owned()));
    Passwords::new(passwords)
}

fn find(text: &str, keywords: &[&str], passwords: &mut Vec<String>) {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || matches!(c, ':' | '=' | '：')).filter(|word| !word.is_empty()).collect();
    for (at, word) in words.iter().enumerate() {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        if !keywords.contains(&word.as_str()) {
            continue;
        }
        let behind = words.iter().skip(at + 1).take(REACH).filter(|word| {
            let plain = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
            ![BETWEEN, KEYWORDS, WEAK_KEYWORDS].iter().any(|words| words.contains(&plain.as_str()))
        });
        for candidate in behind.take(TAKEN) {
            // As it stands, and without what a sentence or quotation puts around it.
            let quoted = candidate.trim_end_matches(is_stop).trim_matches(is_quote);
            for form in [quoted, quoted.trim_matches(is_stop), candidate] {
                if LENGTHS.contains(&form.len()) && !passwords.iter().any(|known| known == form) {
                    passwords.push(form.to_owned());
                }
            }
            if passwords.len() >= STATED_MAX {
                return;
            }
        }
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '“' | '”' | '„' | '‘' | '’' | '«' | '»' | '<' | '>' | '(' | ')' | '[' | ']')
}

fn is_stop(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | '!' | '?' | '。')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_comes_first() {
        for (text, expected) in [
            ("The password for the attached archive is: 7788", "attached"),
            ("Password: 4431", "4431"),
            ("password is \"Rechnung2020\".", "Rechnung2020"),
            ("Das Passwort lautet 'geheim!'", "geheim!"),
            ("Archive pass - 555", "-"),
            ("no secret here", "infected"),
        ] {
            let mut collector = TextCollector::new(1_000, 1_000);
            collector.push(text);
            let passwords = stated(None, [&collector, &TextCollector::new(10, 10), &TextCollector::new(10, 10)]);
            assert_eq!(passwords.iter().next(), Some(expected), "{text}");
        }
        let mut collector = TextCollector::new(1_000, 1_000);
        collector.push("The password for the attached archive is: 7788");
        let passwords = stated(None, [&collector, &TextCollector::new(10, 10), &TextCollector::new(10, 10)]);
        assert!(passwords.iter().any(|password| password == "7788"));
    }
    #[test]
    fn subjects_come_first_and_footers_last() {
        let collector = |text: &str| {
            let mut collector = TextCollector::new(1_000, 1_000);
            collector.push(text);
            collector
        };
        let footer = collector("Code: A1 Key: B2 Pin: C3 Code: D4 E5 F6 G7 your password: 77");
        let attached = collector("password: attached9");
        let passwords = stated(Some("Invoice, pw 4711"), [&footer, &collector(""), &attached]);
        let first: Vec<_> = passwords.iter().take(3).collect();
        assert_eq!(first, ["4711", "77", "attached9"]);
    }
}
