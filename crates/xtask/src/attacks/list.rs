//! The attacks: each makes a new message of a caught one, that says the same to a person.
//!
//! Some know the model: they touch the very words that weigh most. No sender has it so easy, so what withstands these withstands guessing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::letter::{Letter, Text, Transfer, Written};
use super::words::{self, cut, each_word, outside_tags};
use super::{Attack, Target, Wanted};

type Made = Option<Vec<u8>>;

/// Attacks under which more than one of the messages of the tests turn clean, and how many: none may get worse unseen. The reasons stand in
/// docs/robustness.md. Whoever mends one lowers its number here.
const KNOWN: [(&str, usize); 27] = [
    ("hammy words: 200 heaviest, shown", 43),
    ("answer that quotes wanted text", 42),
    ("wanted texts: twenty shown below", 38),
    ("wanted text: quoted below", 25),
    ("wanted text: attached message", 23),
    ("wanted text: after a hundred lines", 21),
    ("wanted text: shown above", 21),
    ("wanted text: shown below", 21),
    ("a link instead of the text", 17),
    ("wanted text: plain beside the page", 11),
    ("hammy words: 20 heaviest, shown", 12),
    ("whole message attached to a short one", 12),
    ("subject and fields of an answer", 11),
    ("a picture instead of the text", 9),
    ("hammy subject", 7),
    ("hash-buster: two hundred words", 7),
    ("ten heaviest words unknown to it", 6),
    ("lookalikes: all words", 5),
    ("links: domain of From", 4),
    ("blanks between letters: ten heaviest words", 4),
    ("blanks between letters", 4),
    ("digits for letters: all words", 4),
    ("accents: all words", 3),
    ("hash-buster: five thousand words", 3),
    ("five heaviest words left out", 2),
    ("slips in long words", 2),
    ("text in an attached page", 2),
];
/// How many turn clean under any other, at most.
const OTHERS: usize = 1;

/// All attacks.
pub(super) fn attacks() -> Vec<Attack> {
    let mut all = Vec::new();
    let most = |name| KNOWN.iter().find(|(known, _)| *known == name).map_or(OTHERS, |(_, most)| *most);
    let mut add = |name, make| all.push(Attack { name, make, most: most(name) });
    // Hammy words.
    add("hammy words: 20 heaviest, shown", |to, wanted| appended(to, &wanted.heaviest(20)));
    add("hammy words: 200 heaviest, shown", |to, wanted| appended(to, &wanted.heaviest(200)));
    add("hammy words: 200 heaviest, hidden", |to, wanted| hidden(to, "display:none", &wanted.heaviest(200)));
    add("wanted text: shown below", |to, wanted| appended(to, wanted.text(to)));
    add("wanted text: shown above", |to, wanted| prepended(to, wanted.text(to)));
    add("wanted text: quoted below", |to, wanted| appended(to, &quoted(wanted.text(to))));
    add("wanted text: after a hundred lines", |to, wanted| appended(to, &format!("{}{}", "\n".repeat(100), wanted.text(to))));
    add("wanted text: display none", |to, wanted| hidden(to, "display:none", wanted.text(to)));
    add("wanted text: white on white", |to, wanted| hidden(to, "color:#ffffff;background-color:#ffffff", wanted.text(to)));
    add("wanted text: one pixel", |to, wanted| hidden(to, "font-size:1px;line-height:1px", wanted.text(to)));
    add("wanted text: plain beside the page", plain_beside_page);
    add("wanted text: attached message", attached_message);
    add("wanted texts: twenty shown below", |to, wanted| appended(to, &wanted.many(to, 20)));
    add("hammy subject", |to, wanted| to.letter.with_field("Subject", wanted.subject(to)).map(|letter| letter.raw().to_vec()));
    add("subject and fields of an answer", answer);
    add("answer that quotes wanted text", |to, wanted| {
        let answer = Letter::read(&answer(to, wanted)?)?;
        letter_with(&answer, |text| Some(with_appended(text, &quoted(wanted.text(to)))))
    });
    // Noise.
    add("hash-buster: one word in the subject", |to, _| {
        let subject = to.letter.field("subject").unwrap_or_default();
        let letter = to.letter.with_field("Subject", &format!("{subject} {}", to.chance().letters()))?;
        Some(letter.raw().to_vec())
    });
    add("hash-buster: ten words", |to, _| appended(to, &noise(to, 10)));
    add("hash-buster: two hundred words", |to, _| appended(to, &noise(to, 200)));
    add("hash-buster: five thousand words", |to, _| appended(to, &noise(to, 5_000)));
    // Words changed.
    add("synonyms", |to, _| {
        each(to, &|word| words::synonym(word).is_some(), |word| words::synonym(word).unwrap_or(word).to_owned())
    });
    add("five heaviest words left out", |to, _| each(to, &|word| to.is_heavy(word, 5), |_| "…".to_owned()));
    add("ten heaviest words unknown to it", |to, _| {
        let mut chance = to.chance();
        let unknown: Vec<String> = to.heavy.iter().map(|_| chance.letters()).collect();
        each(to, &|word| to.is_heavy(word, 10), |word| {
            let at = to.heavy.iter().position(|heavy| word.eq_ignore_ascii_case(heavy));
            at.and_then(|at| unknown.get(at)).cloned().unwrap_or_default()
        })
    });
    add("slips in long words", |to, _| each(to, &|word| word.len() >= 6, words::with_slip));
    // Letters changed.
    add("lookalikes: all words", |to, _| each(to, &|_| true, words::in_lookalikes));
    add("lookalikes: one letter in long words", |to, _| each(to, &|word| word.len() >= 5, words::with_one_lookalike));
    add("lookalikes: three heaviest words", |to, _| each(to, &|word| to.is_heavy(word, 3), words::in_lookalikes));
    add("accents: all words", |to, _| each(to, &|_| true, words::with_accents));
    add("digits for letters: all words", |to, _| each(to, &|word| word.len() >= 4, words::with_digits));
    add("mathematical letters: all words", |to, _| each(to, &|_| true, words::styled));
    add("mathematical letters: ten heaviest words", |to, _| each(to, &|word| to.is_heavy(word, 10), words::styled));
    // Words cut apart.
    add("zero-width spaces in words", |to, _| each(to, &|word| word.len() >= 4, |word| cut(word, "\u{200B}")));
    add("soft hyphens in words", |to, _| each(to, &|word| word.len() >= 4, |word| cut(word, "\u{AD}")));
    add("tags in words", |to, _| each_of_page(to, |word| cut(word, "<b></b>")));
    add("comments in words", |to, _| each_of_page(to, |word| cut(word, "<!-- x -->")));
    add("hidden letters in words", |to, _| each_of_page(to, |word| cut(word, "<span style=\"display:none\">q</span>")));
    add("one-pixel letters in words", |to, _| each_of_page(to, |word| cut(word, "<span style=\"font-size:1px\">q</span>")));
    add("blanks between letters", |to, _| each(to, &|word| word.len() >= 4, words::spaced));
    add("blanks between letters: ten heaviest words", |to, _| each(to, &|word| to.is_heavy(word, 10), words::spaced));
    // Other spellings of the same bytes.
    add("base64", |to, _| written(to, "utf-8", Transfer::Base64, |text| text.as_bytes().to_vec()));
    add("quoted-printable", |to, _| written(to, "utf-8", Transfer::QuotedPrintable, |text| text.as_bytes().to_vec()));
    add("utf-16", |to, _| {
        written(to, "utf-16le", Transfer::Base64, |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect())
    });
    add("utf-7", |to, _| written(to, "utf-7", Transfer::SevenBit, utf_7));
    add("unknown charset", |to, _| written(to, "x-secret", Transfer::EightBit, |text| text.as_bytes().to_vec()));
    add("utf-8 called latin 1", |to, _| written(to, "iso-8859-1", Transfer::EightBit, |text| text.as_bytes().to_vec()));
    add("page of entities", |to, _| {
        let entities = |text: &str| {
            text.chars().map(|c| if c.is_ascii_alphabetic() { format!("&#{};", u32::from(c)) } else { c.to_string() }).collect()
        };
        letter_with(&to.page()?, |text| text.is_html.then(|| outside_tags(&text.content, entities)))
    });
    add("plain text as a page", |to, _| if to.letter.has_html() { None } else { Some(to.page()?.raw().to_vec()) });
    // Text elsewhere.
    add("text in an attached page", attached_page);
    add("whole message attached to a short one", |to, _| {
        let inner = String::from_utf8_lossy(to.letter.raw()).into_owned();
        Some(to.letter.with_content(|_, eol| {
            format!(
                "Content-Type: multipart/mixed; boundary=\"{B}\"{eol}{eol}--{B}{eol}Content-Type: text/plain{eol}{eol}Please see below.{eol}{eol}--{B}{eol}Content-Type: message/rfc822{eol}{eol}{}{eol}--{B}--{eol}",
                in_latin_1(&inner)
            )
        }))
    });
    // Links.
    add("links: reputable host", |to, _| links(to, |_| "https://docs.google.com/document/d/1aBcDeFgHiJkLmNoP/edit".to_owned()));
    add("links: redirector", |to, _| links(to, |link| format!("https://www.google.com/url?q={link}")));
    add("links: shortener", |to, _| links(to, |_| "https://bit.ly/3xQzPwR".to_owned()));
    add("links: domain of From", |to, _| {
        let from = to.letter.field("from")?;
        let domain = from.rsplit_once('@')?.1.split(['>', ' ', ')', ',', '"']).next()?.to_owned();
        links(to, |_| format!("https://www.{domain}/news"))
    });
    add("links: none", |to, _| links(to, |_| String::new()));
    // From.
    add("display name left out", |to, _| {
        let from = to.letter.field("from")?;
        let address = from.rsplit_once('<')?.1.split('>').next()?.to_owned();
        Some(to.letter.with_field("From", &address)?.raw().to_vec())
    });
    // Nothing but the header is left to judge by.
    add("a picture instead of the text", picture);
    add("a link instead of the text", only_link);
    all
}

const B: &str = "b1_7e2f90c4";

fn letter_with(letter: &Letter, edit: impl Fn(&Text) -> Option<String>) -> Made {
    Some(letter.with_texts(edit)?.raw().to_vec())
}

fn each(to: &Target, wants: words::Wants<'_>, edit: impl Fn(&str) -> String) -> Made {
    letter_with(&to.letter, |text| {
        let words = |run: &str| each_word(run, wants, &edit);
        Some(if text.is_html { outside_tags(&text.content, words) } else { words(&text.content) })
    })
}

/// Edits long words of the page; a plain text becomes a page for it.
fn each_of_page(to: &Target, edit: impl Fn(&str) -> String) -> Made {
    letter_with(&to.page()?, |text| {
        text.is_html.then(|| outside_tags(&text.content, |run| each_word(run, &|word| word.len() >= 4, &edit)))
    })
}

fn appended(to: &Target, what: &str) -> Made {
    letter_with(&to.letter, |text| Some(with_appended(text, what)))
}

fn with_appended(text: &Text, what: &str) -> String {
    if text.is_html { before_end(&text.content, &paragraphs(what)) } else { format!("{}\n\n{what}\n", text.content) }
}

fn prepended(to: &Target, what: &str) -> Made {
    letter_with(&to.letter, |text| {
        let content = &text.content;
        if !text.is_html {
            return Some(format!("{what}\n\n{content}"));
        }
        let body = content.to_ascii_lowercase().find("<body").and_then(|at| Some(at + content[at..].find('>')? + 1)).unwrap_or(0);
        Some(format!("{}{}{}", &content[..body], paragraphs(what), &content[body..]))
    })
}

/// Appends what nobody sees, to the page.
fn hidden(to: &Target, style: &str, what: &str) -> Made {
    letter_with(&to.page()?, |text| {
        text.is_html.then(|| before_end(&text.content, &format!("<div style=\"{style}\">{}</div>", paragraphs(what))))
    })
}

fn before_end(page: &str, what: &str) -> String {
    let end = page.to_ascii_lowercase().rfind("</body").unwrap_or(page.len());
    format!("{}{what}{}", &page[..end], &page[end..])
}

pub(super) fn paragraphs(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.split("\n\n").map(|paragraph| format!("<p>{}</p>\n", paragraph.replace('\n', "<br>\n"))).collect()
}

fn quoted(text: &str) -> String {
    let lines: String = text.lines().map(|line| format!("> {line}\n")).collect();
    format!("On Mon, 2 Nov 2026 at 10:12, Ann <ann@example.com> wrote:\n{lines}")
}

fn noise(to: &Target, words: usize) -> String {
    let mut chance = to.chance();
    (0..words).map(|at| chance.letters() + if at % 10 == 9 { "\n" } else { " " }).collect()
}

fn written(to: &Target, charset: &str, transfer: Transfer, bytes: impl Fn(&str) -> Vec<u8>) -> Made {
    let write = |text: &Text| {
        let content = if transfer == Transfer::Base64 { text.content.replace('\n', "\r\n") } else { text.content.clone() };
        Some(Written { charset: charset.to_owned(), transfer, bytes: bytes(&content) })
    };
    Some(to.letter.with_written(write)?.raw().to_vec())
}

/// RFC 2152, every run of letters encoded as well.
fn utf_7(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in text.split_inclusive(['\n', ' ']) {
        let (word, end) = piece.split_at(piece.trim_end_matches(['\n', ' ']).len());
        if !word.is_empty() {
            let bytes: Vec<u8> = word.encode_utf16().flat_map(u16::to_be_bytes).collect();
            out.push(b'+');
            out.extend(STANDARD.encode(bytes).trim_end_matches('=').bytes());
            out.push(b'-');
        }
        out.extend_from_slice(end.as_bytes());
    }
    out
}

/// A text as one whose characters are its bytes.
fn in_latin_1(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

fn part(kind: &str, text: &str, eol: &str) -> String {
    let encoded = STANDARD.encode(text);
    let lines: Vec<&str> = encoded.as_bytes().chunks(76).filter_map(|line| str::from_utf8(line).ok()).collect();
    format!("Content-Type: {kind}; charset=utf-8{eol}Content-Transfer-Encoding: base64{eol}{eol}{}{eol}", lines.join(eol))
}

/// A program that reads pages shows the page; the plain text stands beside it for programs that do not.
fn plain_beside_page(to: &Target, wanted: &Wanted) -> Made {
    if !to.letter.has_html() {
        return None;
    }
    let page = to.letter.main_text()?.content.clone();
    Some(to.letter.with_content(|_, eol| {
        let [plain, page] = [part("text/plain", wanted.text(to), eol), part("text/html", &page, eol)];
        format!("Content-Type: multipart/alternative; boundary=\"{B}\"{eol}{eol}--{B}{eol}{plain}--{B}{eol}{page}--{B}--{eol}")
    }))
}

fn attached_message(to: &Target, wanted: &Wanted) -> Made {
    Some(to.letter.with_content(|was, eol| {
        let inner = in_latin_1(&wanted.text(to).replace('\n', eol));
        format!(
            "Content-Type: multipart/mixed; boundary=\"{B}\"{eol}{eol}--{B}{eol}{was}{eol}--{B}{eol}Content-Type: message/rfc822{eol}{eol}\
             From: Ann <ann@example.com>{eol}To: Bob <bob@example.com>{eol}Date: Mon, 2 Nov 2026 10:12:00 +0000{eol}Message-ID: <1@example.com>{eol}\
             Subject: {}{eol}MIME-Version: 1.0{eol}Content-Type: text/plain; charset=utf-8{eol}Content-Transfer-Encoding: 8bit{eol}{eol}{inner}{eol}--{B}--{eol}",
            in_latin_1(wanted.subject(to))
        )
    }))
}

fn attached_page(to: &Target, _: &Wanted) -> Made {
    let page = to.page()?.main_text()?.content.clone();
    Some(to.letter.with_content(|_, eol| {
        let page = part("text/html; name=\"details.html\"", &page, eol).replacen(
            "Content-Transfer",
            &format!("Content-Disposition: attachment; filename=\"details.html\"{eol}Content-Transfer"),
            1,
        );
        format!(
            "Content-Type: multipart/mixed; boundary=\"{B}\"{eol}{eol}--{B}{eol}Content-Type: text/plain{eol}{eol}\
             Please find the details attached.{eol}{eol}--{B}{eol}{page}--{B}--{eol}"
        )
    }))
}

fn answer(to: &Target, wanted: &Wanted) -> Made {
    let subject = wanted.subject(to);
    let id = "<5f1c2e90-77aa-4d1b-9d39-2f0f6d1f7a41@example.com>";
    let letter = to.letter.with_field("Subject", &format!("Re: {subject}"))?;
    Some(letter.with_field("In-Reply-To", id)?.with_field("References", id)?.raw().to_vec())
}

/// Replaces every link to the web by what `other` gives.
fn links(to: &Target, other: impl Fn(&str) -> String) -> Made {
    letter_with(&to.letter, |text| {
        let (mut out, mut rest) = (String::new(), text.content.as_str());
        while let Some(at) = rest.find("http") {
            let (before, link) = rest.split_at(at);
            out.push_str(before);
            let end =
                link.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | ']')).unwrap_or(link.len());
            // What names a document type or a name space leads nowhere.
            let leads = link.contains("://") && !link.starts_with("http://www.w3.org") && !link.starts_with("http://schemas.");
            let (link, after) = link.split_at(end);
            out.push_str(&if leads { other(link) } else { link.to_owned() });
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    })
}

fn picture(to: &Target, _: &Wanted) -> Made {
    let link = to.link().unwrap_or_else(|| "http://www.example.com/".to_owned());
    let mut chance = to.chance();
    let noise: Vec<u8> = (0..6_000).map(|_| u8::try_from(chance.below(256)).unwrap_or_default()).collect();
    let png =
        [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x58\x00\x00\x01\x90\x08\x02\x00\x00\x00".as_slice(), &noise].concat();
    Some(to.letter.with_content(|_, eol| {
        let page = format!("<html><body><a href=\"{link}\"><img src=\"cid:p1@mail\" width=600 height=400></a></body></html>");
        let page = part("text/html", &page, eol);
        let encoded = STANDARD.encode(&png);
        let lines: Vec<&str> = encoded.as_bytes().chunks(76).filter_map(|line| str::from_utf8(line).ok()).collect();
        format!(
            "Content-Type: multipart/related; boundary=\"{B}\"{eol}{eol}--{B}{eol}{page}--{B}{eol}Content-Type: image/png; name=\"p1.png\"{eol}\
             Content-ID: <p1@mail>{eol}Content-Disposition: inline; filename=\"p1.png\"{eol}Content-Transfer-Encoding: base64{eol}{eol}{}{eol}--{B}--{eol}",
            lines.join(eol)
        )
    }))
}

fn only_link(to: &Target, _: &Wanted) -> Made {
    let link = to.link()?;
    Some(to.letter.with_content(|_, eol| format!("Content-Type: text/plain{eol}{eol}{}{eol}", in_latin_1(&link))))
}
