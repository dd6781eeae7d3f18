//! What an RTF document says and holds: text, HTML that was put in it ([MS-OXRTFEX]), field instructions, objects.

use super::html;
use super::tokens::{Token, Tokens};
use crate::{Budget, Sign, Signs, text};

/// What was read of a document.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) text: String,
    /// The HTML that the RTF was made of, when it was.
    pub(crate) html: Option<String>,
    pub(crate) instructions: Vec<String>,
    /// The address of a template.
    pub(crate) templates: Vec<String>,
    pub(crate) objects: Vec<ObjectData>,
    pub(crate) signs: Signs,
}

/// The bytes that stand as hexadecimal digits in `\objdata`.
#[derive(Debug, Default)]
pub(crate) struct ObjectData {
    /// Those outside of groups that a reader may pass over.
    pub(crate) plain: Digits,
    /// All of them, when there are more.
    pub(crate) all: Option<Digits>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Digits {
    pub(crate) bytes: Vec<u8>,
    has_half: bool,
}

impl ObjectData {
    /// The readings that a digit or a run of bytes belongs to.
    fn readings<'o>(&'o mut self, is_plain: bool, budget: &mut Budget) -> impl Iterator<Item = &'o mut Digits> + use<'o> {
        if !is_plain && self.all.is_none() {
            budget.charge_decoded(self.plain.bytes.len());
            self.all = Some(self.plain.clone());
        }
        is_plain.then_some(&mut self.plain).into_iter().chain(&mut self.all)
    }
}

/// Where the text of a group goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Target {
    Text,
    Nowhere,
    Instruction,
    Template,
    HtmlTag,
    Class,
    /// Digits of an object, and whether a reader may pass over them.
    Object {
        is_plain: bool,
    },
}

#[derive(Clone, Copy, Debug)]
struct Group {
    target: Target,
    /// `\*` came last: what follows is passed over by those who do not know it.
    is_optional: bool,
    /// `\htmlrtf`: text that stands only for those who read no HTML.
    is_rtf_only: bool,
    /// Characters behind `\u` that stand for those who know no Unicode.
    substitutes: u8,
}

/// Groups within groups that are told apart; 500. Word gives up at fewer.
const MAX_DEPTH: usize = 500;

/// Objects and instructions that are read of one document; 10,000 of each. Books with an index have thousands of fields.
const MAX_FOUND: usize = 10_000;

/// Destinations whose text nobody sees; sorted.
const UNSEEN: &[&[u8]] = &[
    b"author",
    b"bkmkend",
    b"bkmkstart",
    b"category",
    b"colortbl",
    b"comment",
    b"company",
    b"creatim",
    b"datafield",
    b"datastore",
    b"doccomm",
    b"filetbl",
    b"fonttbl",
    b"generator",
    b"info",
    b"keywords",
    b"latentstyles",
    b"listoverridetable",
    b"listtable",
    b"manager",
    b"objname",
    b"operator",
    b"panose",
    b"pict",
    b"rsidtbl",
    b"stylesheet",
    b"subject",
    b"themedata",
    b"title",
    b"xmlnstbl",
];

/// Reads a document as far as it goes.
pub(crate) fn read(bytes: &[u8], budget: &mut Budget) -> Document {
    let mut reader = Reader {
        document: Document::default(),
        html: String::new(),
        is_html: false,
        group: Group { target: Target::Text, is_optional: false, is_rtf_only: false, substitutes: 1 },
        groups: Vec::new(),
        beyond: 0,
        page: text::WESTERN,
        pending: Vec::new(),
        high: None,
        to_skip: 0,
        class: String::new(),
    };
    for token in Tokens::new(bytes) {
        let length = match token {
            Token::Text(run) | Token::Binary(run) => run.len() as u64,
            // Words are compared with those that mean something.
            Token::Word(..) => 20,
            _ => 0,
        };
        if !budget.charge_steps(45 + length * 3) {
            reader.document.signs.add(Sign::Limit);
            break;
        }
        reader.token(token, budget);
    }
    reader.flush();
    let mut document = reader.document;
    if reader.class.to_ascii_lowercase().contains("equation.") {
        document.signs.add(Sign::EquationObject);
    }
    if reader.is_html {
        // Each sign of markup is looked at on its own.
        let most = usize::try_from(budget.steps_left() / 30).unwrap_or(usize::MAX);
        if reader.html.len() > most {
            document.signs.add(Sign::Limit);
        }
        let html = text::cut(&reader.html, most);
        let _ = budget.charge_steps(html.len() as u64 * 30);
        document.text = html::text(html);
        document.html = Some(reader.html);
    }
    document
}

struct Reader {
    document: Document,
    html: String,
    is_html: bool,
    group: Group,
    groups: Vec<Group>,
    /// Groups that are open beyond those told apart.
    beyond: usize,
    page: u32,
    /// Bytes of the code page that are not decoded yet: characters may have two.
    pending: Vec<u8>,
    /// The first half of a character of two `\u`.
    high: Option<u16>,
    to_skip: u8,
    class: String,
}

impl Reader {
    fn token(&mut self, token: Token<'_>, budget: &mut Budget) {
        match token {
            Token::Open => {
                self.flush();
                self.to_skip = 0;
                if self.groups.len() < MAX_DEPTH {
                    self.groups.push(self.group);
                } else {
                    self.beyond += 1;
                    self.document.signs.add(Sign::Limit);
                }
                self.group.is_optional = false;
            }
            Token::Close => self.close(),
            Token::Word(name, number) => self.word(name, number),
            Token::Symbol(symbol) => self.symbol(symbol),
            Token::Hex(byte) => self.bytes(&[byte], budget),
            Token::Binary(run) => {
                if let Target::Object { is_plain } = self.group.target {
                    self.object(run, is_plain, budget);
                }
            }
            Token::Text(run) => match self.group.target {
                Target::Object { is_plain } => self.digits(run, is_plain, budget),
                _ => self.bytes(run, budget),
            },
        }
    }

    fn close(&mut self) {
        self.flush();
        self.to_skip = 0;
        if self.beyond > 0 {
            self.beyond -= 1;
        } else if let Some(group) = self.groups.pop() {
            self.group = group;
        } else {
            // What stands behind the end is read on: Word does so, too.
            self.document.signs.add(Sign::Damaged);
        }
    }

    fn word(&mut self, name: &[u8], number: Option<i32>) {
        if name != b"u" {
            self.flush();
        }
        let is_optional = std::mem::take(&mut self.group.is_optional);
        match name {
            b"ansicpg" => self.page = number.and_then(|page| u32::try_from(page).ok()).unwrap_or(self.page),
            b"fromhtml" => self.is_html |= number != Some(0),
            b"htmlrtf" => self.group.is_rtf_only = number != Some(0),
            b"uc" => self.group.substitutes = number.and_then(|count| u8::try_from(count).ok()).unwrap_or(1),
            b"u" => self.unicode(number.unwrap_or_default()),
            b"par" | b"line" | b"row" | b"sect" | b"page" => self.put("\n"),
            b"tab" | b"cell" => self.put("\t"),
            b"lquote" | b"rquote" => self.put("'"),
            b"ldblquote" | b"rdblquote" => self.put("\""),
            b"bullet" => self.put("•"),
            b"endash" | b"emdash" => self.put("-"),
            b"objupdate" => self.document.signs.add(Sign::OpenAction),
            b"objemb" | b"objlink" | b"objautlink" | b"objocx" => self.document.signs.add(Sign::EmbeddedObject),
            b"objclass" => self.group.target = Target::Class,
            b"oleclsid" => self.group.target = Target::Class,
            b"htmltag" => self.group.target = Target::HtmlTag,
            b"template" => self.begin(Target::Template),
            b"fldinst" => self.begin(Target::Instruction),
            b"objdata" => self.begin(Target::Object { is_plain: true }),
            b"fldrslt" | b"result" | b"shptxt" => self.group.target = Target::Text,
            _ => match self.group.target {
                Target::Object { .. } if is_optional => self.group.target = Target::Object { is_plain: false },
                Target::Object { .. } | Target::Instruction => {}
                _ if is_optional || UNSEEN.binary_search(&name).is_ok() => self.group.target = Target::Nowhere,
                _ => {}
            },
        }
    }

    /// A destination begins, of which the document may have several.
    fn begin(&mut self, target: Target) {
        let found = &mut self.document;
        let is_begun = match target {
            Target::Template => push(&mut found.templates),
            Target::Instruction if self.group.target == Target::Instruction => true,
            Target::Instruction => push(&mut found.instructions),
            _ => push(&mut found.objects),
        };
        if !is_begun {
            found.signs.add(Sign::Limit);
        }
        self.group.target = if is_begun { target } else { Target::Nowhere };
    }

    fn symbol(&mut self, symbol: u8) {
        match symbol {
            b'*' => self.group.is_optional = true,
            b'~' => self.put("\u{A0}"),
            b'_' => self.put("-"),
            b'\r' | b'\n' => self.put("\n"),
            b'\t' => self.put("\t"),
            b'{' | b'}' | b'\\' => self.put(char::from(symbol).encode_utf8(&mut [0; 4])),
            _ => {}
        }
    }

    fn unicode(&mut self, number: i32) {
        // Numbers above 32,767 are written as negative ones.
        let unit = u16::try_from(number & 0xFFFF).unwrap_or_default();
        let units = [self.high.take(), Some(unit)];
        for character in char::decode_utf16(units.into_iter().flatten()) {
            match character {
                Ok(character) => {
                    self.flush();
                    self.put(character.encode_utf8(&mut [0; 4]));
                }
                Err(half) if half.unpaired_surrogate() == unit && unit < 0xDC00 => self.high = Some(unit),
                Err(_) => self.put("\u{FFFD}"),
            }
        }
        self.to_skip = self.group.substitutes;
    }

    /// Bytes of the code page.
    fn bytes(&mut self, run: &[u8], budget: &mut Budget) {
        for &byte in run.iter().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)) {
            if self.to_skip > 0 {
                self.to_skip -= 1;
            } else if self.pending.len() < budget.decoded_left() {
                self.pending.push(byte);
            }
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            let pending = std::mem::take(&mut self.pending);
            self.put(&text::by_code_page(&pending, self.page));
        }
    }

    fn put(&mut self, text: &str) {
        if !self.pending.is_empty() {
            self.flush();
        }
        let group = self.group;
        match group.target {
            Target::Text => {
                self.document.text.push_str(text);
                if !group.is_rtf_only {
                    self.html.push_str(text);
                }
            }
            Target::HtmlTag => self.html.push_str(text),
            Target::Instruction => self.document.instructions.last_mut().into_iter().for_each(|last| last.push_str(text)),
            Target::Template => self.document.templates.last_mut().into_iter().for_each(|last| last.push_str(text)),
            Target::Class => self.class.push_str(text),
            Target::Nowhere | Target::Object { .. } => {}
        }
    }

    /// Hexadecimal digits; whatever else stands between them means nothing.
    fn digits(&mut self, run: &[u8], is_plain: bool, budget: &mut Budget) {
        let Some(object) = self.document.objects.last_mut() else { return };
        for digits in object.readings(is_plain, budget) {
            let room = digits.bytes.len().saturating_add(budget.decoded_left());
            let before = digits.bytes.len();
            let values =
                run.iter().filter_map(|byte| char::from(*byte).to_digit(16)).filter_map(|digit| u8::try_from(digit).ok());
            for value in values {
                digits.has_half = !digits.has_half;
                if !digits.has_half {
                    digits.bytes.last_mut().into_iter().for_each(|last| *last = *last << 4 | value);
                } else if digits.bytes.len() < room {
                    digits.bytes.push(value);
                } else {
                    self.document.signs.add(Sign::Limit);
                    break;
                }
            }
            budget.charge_decoded(digits.bytes.len() - before);
        }
    }

    fn object(&mut self, run: &[u8], is_plain: bool, budget: &mut Budget) {
        let Some(object) = self.document.objects.last_mut() else { return };
        for digits in object.readings(is_plain, budget) {
            let run = run.get(..run.len().min(budget.decoded_left())).unwrap_or_default();
            budget.charge_decoded(run.len());
            digits.has_half = false;
            digits.bytes.extend_from_slice(run);
        }
    }
}

fn push<T: Default>(list: &mut Vec<T>) -> bool {
    let is_room = list.len() < MAX_FOUND;
    if is_room {
        list.push(T::default());
    }
    is_room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_sorted() {
        assert!(UNSEEN.is_sorted());
    }
}
