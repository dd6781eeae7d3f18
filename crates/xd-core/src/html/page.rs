//! A page as it is read: which text is seen and which is not, which links it holds, what it asks for.

mod links;

use self::links::{Anchor, is_escaped, refresh_target};
use super::HtmlFacts;
use super::attributes::{Attribute, Attributes};
use super::element::{Kind, Raw, Tag};
use super::flow::{Flow, Gap, fold_blanks, needs_folding};
use super::memo::Memo;
use super::sheet::Sheet;
use super::stack::{Sight, Stack};
use super::style::{Declared, Display, Ground, Style};
use super::{HtmlSink, color};
use crate::link::{LinkCollector, SHOWN_BYTES};
use crate::message::{is_blank, is_invisible};
use crate::{Defect, Defects, Limits, LinkOrigin};

/// Bytes of visible text that wait to be searched for links; 64 KiB.
const RUN_BYTES: usize = 64 << 10;

/// Bytes of the longest base that relative links are put behind; 512. It is copied for each of them.
const BASE_BYTES: usize = 512;

/// Bytes of a comment from which on it is long.
const LONG_COMMENT: usize = 200;

/// What is known of the page so far.
pub(super) struct Page<'s> {
    visible: Flow<'s>,
    hidden: Flow<'s>,
    links: &'s mut LinkCollector,
    facts: &'s mut HtmlFacts,
    defects: &'s mut Defects,
    stack: Stack,
    sheet: Sheet,
    styles: Memo,
    /// The raw text that is being read, and whether it is seen.
    raw: Option<(Raw, Sight)>,
    /// A style sheet that is being read.
    css: Vec<u8>,
    /// Whether the style sheet applies to screens.
    css_applies: bool,
    anchor: Option<Anchor>,
    /// Where relative links start: the page's `base`.
    base: Option<String>,
    /// Visible text outside anchors that is to be searched for links.
    run: String,
    /// Whether a tag or comment came since the last text.
    marked: bool,
    folded: String,
}

impl<'s> Page<'s> {
    pub(super) fn new(limits: &Limits, sink: HtmlSink<'s>) -> Self {
        Self {
            visible: Flow::new(sink.visible),
            hidden: Flow::new(sink.hidden),
            links: sink.links,
            facts: sink.facts,
            defects: sink.defects,
            stack: Stack::new(limits.html_depth),
            sheet: Sheet::default(),
            styles: Memo::default(),
            raw: None,
            css: Vec::new(),
            css_applies: true,
            anchor: None,
            base: None,
            run: String::new(),
            marked: false,
            folded: String::new(),
        }
    }

    /// Text between tags.
    pub(super) fn text(&mut self, text: &str) {
        let sight = match self.raw {
            Some((Raw::Dropped, _)) => return,
            Some((Raw::Style, _)) => {
                let room = self.sheet.room().saturating_sub(self.css.len());
                self.css.extend_from_slice(text.as_bytes().get(..room).unwrap_or(text.as_bytes()));
                return;
            }
            Some((Raw::Title, _)) => {
                // Hidden, but every page has one: it is not counted.
                self.hidden.write(text);
                return;
            }
            Some((Raw::Listing | Raw::TextArea, sight)) => sight,
            None => self.stack.sight(),
        };
        let hidden = sight.hides();
        if sight.preformatted {
            self.write(text, hidden);
            return;
        }
        let trimmed = text.trim_ascii_start();
        if trimmed.len() < text.len() {
            self.flow(hidden).gap(Gap::Blank);
        }
        let inner = trimmed.trim_ascii_end();
        if inner.is_empty() {
            return;
        }
        if needs_folding(inner) {
            let mut folded = std::mem::take(&mut self.folded);
            folded.clear();
            fold_blanks(inner, &mut folded);
            self.write(&folded, hidden);
            self.folded = folded;
        } else {
            self.write(inner, hidden);
        }
        if inner.len() < trimmed.len() {
            self.flow(hidden).gap(Gap::Blank);
        }
    }

    /// A start tag.
    pub(super) fn start(&mut self, tag: Tag, attributes: &Attributes<'_>) {
        self.facts.tags = self.facts.tags.saturating_add(1);
        self.facts.scripts = self.facts.scripts.saturating_add(attributes.handlers);
        let style = self.style(tag, attributes);
        let kind = tag.kind();
        self.separate(tag, kind, &style);
        match kind {
            Kind::Void => {
                let sight = self.stack.sight().within(&style);
                self.void(tag, attributes, &style, sight);
            }
            Kind::Raw(raw) => {
                let mut sight = self.stack.sight().within(&style);
                sight.preformatted |= matches!(raw, Raw::Listing | Raw::TextArea);
                self.raw = Some((raw, sight));
            }
            _ => {
                if tag == Tag::A {
                    self.end_anchor();
                }
                self.stack.open(tag, &style);
            }
        }
        self.notice(tag, attributes, &style);
    }

    /// An end tag.
    pub(super) fn end(&mut self, tag: Tag) {
        self.facts.tags = self.facts.tags.saturating_add(1);
        if self.raw.take().is_some() {
            self.end_raw(tag);
            return;
        }
        match tag {
            Tag::A | Tag::Td | Tag::Th | Tag::Table | Tag::Body | Tag::Html => self.end_anchor(),
            _ => {}
        }
        match tag {
            // HTML §13.2.6.4.7: `</br>` is a line end, `</p>` without a start an empty paragraph; text after the body is seen.
            Tag::Br | Tag::Body | Tag::Html => self.gap(Gap::Line),
            _ => {
                let display = self.stack.close(tag);
                self.gap(edge(tag, tag.kind(), display));
            }
        }
        self.marked = true;
    }

    /// A comment of so many bytes; conditional comments address Outlook.
    pub(super) fn comment(&mut self, len: usize, conditional: bool) {
        if len > LONG_COMMENT && !conditional {
            self.facts.long_comments = self.facts.long_comments.saturating_add(1);
        }
        self.marked = true;
    }

    /// The end of everything.
    pub(super) fn end_of_page(&mut self) {
        self.end_anchor();
        self.search_run();
        if self.stack.reached() {
            self.defects.record(Defect::HtmlDepthLimit);
        }
    }

    fn flow(&mut self, hidden: bool) -> &mut Flow<'s> {
        if hidden { &mut self.hidden } else { &mut self.visible }
    }

    fn gap(&mut self, gap: Gap) {
        if gap != Gap::None {
            self.visible.gap(gap);
            self.hidden.gap(gap);
        }
    }

    /// Writes text that a person sees or does not see.
    fn write(&mut self, text: &str, hidden: bool) {
        let chars = count_chars(text);
        if hidden {
            self.facts.hidden_chars = self.facts.hidden_chars.saturating_add(chars);
            self.hidden.write(text);
            return;
        }
        self.facts.visible_chars = self.facts.visible_chars.saturating_add(chars);
        if self.marked && self.visible.in_word() && text.starts_with(char::is_alphanumeric) {
            self.facts.broken_words = self.facts.broken_words.saturating_add(1);
        }
        self.marked = false;
        let gap = self.visible.write(text);
        self.keep(text, gap);
        if let Some(anchor) = &mut self.anchor {
            anchor.seen |= chars > 0;
        }
    }

    /// Keeps visible text for the open anchor, or for the search for links.
    fn keep(&mut self, text: &str, gap: Gap) {
        let glue = match gap {
            Gap::None => "",
            Gap::Blank => " ",
            Gap::Line => "\n",
        };
        let Some(anchor) = &mut self.anchor else {
            if self.run.len() > RUN_BYTES && (gap != Gap::None || self.run.len() > 16 * RUN_BYTES) {
                self.search_run();
            }
            self.run.push_str(glue);
            self.run.push_str(text);
            return;
        };
        // More than is kept: blanks are folded later.
        let room = (4 * SHOWN_BYTES).saturating_sub(anchor.shown.len());
        if room > glue.len() {
            anchor.shown.push_str(glue);
            anchor.shown.push_str(text.get(..text.floor_char_boundary(room - glue.len())).unwrap_or(text));
        }
    }

    /// Adds the links of the visible text so far.
    fn search_run(&mut self) {
        if !self.run.is_empty() {
            self.links.find_in_text(&self.run);
            self.run.clear();
        }
    }

    /// The style of an element: its sheet's rules, old attributes below them, its own declarations above.
    fn style(&mut self, tag: Tag, attributes: &Attributes<'_>) -> Style {
        let mut style = Style::NONE;
        match tag {
            Tag::A if attributes.has(Attribute::Href) => style.color = Some(color::Paint::full(color::Rgb::LINK)),
            Tag::Font => style.color = attributes.get(Attribute::Color).and_then(color::parse_attribute).map(color::Paint::full),
            Tag::Body => style.color = attributes.get(Attribute::Text).and_then(color::parse_attribute).map(color::Paint::full),
            Tag::Pre | Tag::Listing => style.preformatted = Some(true),
            Tag::Template => style.display = Some(Display::None),
            _ => {}
        }
        if attributes.has(Attribute::Background) {
            style.ground = Some(Ground::Picture);
            self.background(attributes.trimmed(Attribute::Background));
        } else if let Some(ground) = attributes.get(Attribute::BgColor).and_then(color::parse_attribute) {
            style.ground = Some(Ground::Color(color::Paint::full(ground)));
        }
        if attributes.has(Attribute::Hidden) {
            style.display = Some(Display::None);
        }
        let own = attributes.get(Attribute::Style).map(|text| self.own_style(text));
        if !self.sheet.is_empty() {
            let class = attributes.get(Attribute::Class).unwrap_or_default();
            let sheet = self.sheet.style(tag, class, attributes.get(Attribute::Id).unwrap_or_default());
            let declared = Declared::from(style).overlaid(&sheet);
            style = own.map_or(declared, |own| declared.overlaid(&own)).settled();
        } else if let Some(own) = own {
            style = style.overlaid(&own.settled());
        }
        let in_line = matches!(tag.kind(), Kind::Formatting | Kind::Inline)
            && matches!(style.display, None | Some(Display::Inline))
            && style.positioned != Some(true);
        if in_line { style.within_a_line() } else { style }
    }

    /// What a style attribute says.
    fn own_style(&mut self, text: &str) -> Declared {
        if let Some(style) = self.styles.find(text) {
            return style;
        }
        let mut address = None;
        let style = Declared::parse(text, &mut |url| address = Some(url.to_owned()));
        match address {
            Some(address) => self.background(&address),
            // A picture is counted each time.
            None => self.styles.keep(text, style),
        }
        style
    }

    /// Sets the text of an element apart from the text around it, as its kind and style say.
    fn separate(&mut self, tag: Tag, kind: Kind, style: &Style) {
        let gap = edge(tag, kind, style.display);
        if style.display != Some(Display::None) {
            self.gap(gap);
        } else if gap != Gap::None {
            // What is not shown takes no room: the words around it touch.
            self.hidden.gap(gap);
        }
        self.marked |= tag != Tag::Wbr;
    }

    /// An element without content.
    fn void(&mut self, tag: Tag, attributes: &Attributes<'_>, style: &Style, sight: Sight) {
        match tag {
            Tag::Img | Tag::Image => self.image(attributes, style, sight),
            Tag::Input => self.input(attributes, sight),
            Tag::Base => {
                let href = attributes.trimmed(Attribute::Href);
                if !href.is_empty() {
                    self.facts.bases = self.facts.bases.saturating_add(1);
                    // HTML §4.2.3: the first counts.
                    if self.base.is_none() && href.len() <= BASE_BYTES {
                        self.base = Some(href.to_owned());
                    }
                }
            }
            Tag::Meta if attributes.trimmed(Attribute::HttpEquiv).eq_ignore_ascii_case("refresh") => {
                self.facts.refreshes = self.facts.refreshes.saturating_add(1);
                if let Some(url) = refresh_target(attributes.get(Attribute::Content).unwrap_or_default()) {
                    self.add_link(LinkOrigin::Resource, url, true, false);
                }
            }
            Tag::Frame | Tag::Embed => {
                self.facts.frames = self.facts.frames.saturating_add(1);
                self.add_link(LinkOrigin::Resource, attributes.trimmed(Attribute::Src), sight.hides_pictures(), false);
            }
            Tag::Link => self.add_link(LinkOrigin::Resource, attributes.trimmed(Attribute::Href), true, false),
            _ => {}
        }
    }

    fn image(&mut self, attributes: &Attributes<'_>, style: &Style, sight: Sight) {
        let src = attributes.trimmed(Attribute::Src);
        let remote = self.count_image(src);
        let side = |attribute, own: Option<u32>| own.or_else(|| leading_number(attributes.trimmed(attribute)));
        let small = |side: Option<u32>| side.is_some_and(|side| side <= 2);
        let (width, height) = (side(Attribute::Width, style.width), side(Attribute::Height, style.height));
        let hidden = sight.hides_pictures();
        let pixel = (small(width) && small(height)) || hidden;
        if remote && pixel {
            self.facts.tracking_pixels = self.facts.tracking_pixels.saturating_add(1);
        }
        if let Some(anchor) = self.anchor.as_mut().filter(|_| !pixel) {
            anchor.seen = true;
        }
        self.add_link(LinkOrigin::Image, src, pixel, false);
        // Seen while images are not loaded, which is how most unknown mail is seen.
        let alt = attributes.trimmed(Attribute::Alt);
        if !alt.is_empty() {
            self.aside(alt, sight.hides());
        }
    }

    /// Text that stands for something: set apart, not counted.
    fn aside(&mut self, text: &str, hidden: bool) {
        let mut folded = std::mem::take(&mut self.folded);
        folded.clear();
        fold_blanks(text, &mut folded);
        let flow = self.flow(hidden);
        flow.gap(Gap::Blank);
        flow.write(&folded);
        flow.gap(Gap::Blank);
        self.folded = folded;
    }

    fn input(&mut self, attributes: &Attributes<'_>, sight: Sight) {
        let kind = attributes.trimmed(Attribute::Type);
        let is = |name: &str| kind.eq_ignore_ascii_case(name);
        if is("hidden") {
            return;
        }
        self.count_input(attributes, is("password"));
        if is("image") {
            let src = attributes.trimmed(Attribute::Src);
            self.count_image(src);
            self.add_link(LinkOrigin::Image, src, sight.hides_pictures(), false);
        }
        let button = is("submit") || is("button") || is("reset");
        let label = attributes.trimmed(if button { Attribute::Value } else { Attribute::Placeholder });
        if !label.is_empty() {
            self.aside(label, sight.hides());
        }
    }

    fn count_input(&mut self, attributes: &Attributes<'_>, password: bool) {
        self.facts.inputs = self.facts.inputs.saturating_add(1);
        let asks = [Attribute::Name, Attribute::Id, Attribute::Placeholder]
            .into_iter()
            .any(|attribute| asks_for_credentials(attributes.get(attribute).unwrap_or_default()));
        if password || asks {
            self.facts.credential_inputs = self.facts.credential_inputs.saturating_add(1);
        }
    }

    /// Counts an image; whether it is remote.
    fn count_image(&mut self, src: &str) -> bool {
        self.facts.images = self.facts.images.saturating_add(1);
        let starts = |prefix: &str| src.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let remote = starts("http:") || starts("https:") || starts("//");
        if remote {
            self.facts.remote_images = self.facts.remote_images.saturating_add(1);
        } else if starts("cid:") || starts("data:") {
            self.facts.embedded_images = self.facts.embedded_images.saturating_add(1);
        }
        remote
    }

    /// What an element that is no void one means beyond its text.
    fn notice(&mut self, tag: Tag, attributes: &Attributes<'_>, style: &Style) {
        match tag {
            Tag::A => self.begin_anchor(attributes, style),
            Tag::Area => {
                let href = attributes.trimmed(Attribute::Href);
                let escaped = is_escaped(attributes.source(Attribute::Href));
                let hidden = self.stack.sight().hides_pictures();
                self.add_link(LinkOrigin::Anchor, href, hidden, escaped);
            }
            Tag::Form => {
                self.facts.forms = self.facts.forms.saturating_add(1);
                let escaped = is_escaped(attributes.source(Attribute::Action));
                let hidden = self.stack.sight().hides_pictures();
                self.add_link(LinkOrigin::Form, attributes.trimmed(Attribute::Action), hidden, escaped);
            }
            Tag::Textarea | Tag::Select | Tag::Button => self.count_input(attributes, false),
            Tag::Script => {
                self.facts.scripts = self.facts.scripts.saturating_add(1);
                self.add_link(LinkOrigin::Resource, attributes.trimmed(Attribute::Src), true, false);
            }
            Tag::Iframe | Tag::Object | Tag::Applet => {
                self.facts.frames = self.facts.frames.saturating_add(1);
                let from = if tag == Tag::Object { Attribute::Data } else { Attribute::Src };
                let hidden = self.stack.sight().hides_pictures();
                self.add_link(LinkOrigin::Resource, attributes.trimmed(from), hidden, false);
            }
            Tag::Style => {
                let media = attributes.trimmed(Attribute::Media);
                self.css_applies = ["", "all", "screen"].iter().any(|word| media.eq_ignore_ascii_case(word));
            }
            _ => {}
        }
        if matches!(tag, Tag::Button | Tag::Input) {
            self.add_link(LinkOrigin::Form, attributes.trimmed(Attribute::FormAction), false, false);
        }
    }

    fn end_raw(&mut self, tag: Tag) {
        match tag {
            Tag::Style => {
                let css = std::mem::take(&mut self.css);
                if self.css_applies {
                    let css =
                        String::from_utf8(css).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
                    self.sheet.read(&css);
                }
            }
            Tag::Title => self.hidden.gap(Gap::Line),
            _ => self.gap(edge(tag, tag.kind(), None)),
        }
        self.marked = true;
    }
}

/// What the edge of an element puts between the texts on its sides.
fn edge(tag: Tag, kind: Kind, display: Option<Display>) -> Gap {
    match (tag, kind) {
        _ if display == Some(Display::Block) => Gap::Line,
        // Not so cells: in a row they stand apart whatever their style.
        (_, Kind::Block) if display == Some(Display::Inline) => Gap::None,
        (Tag::Br | Tag::Hr, _) | (_, Kind::Block | Kind::Cell | Kind::Raw(Raw::Listing | Raw::TextArea)) => Gap::Line,
        (Tag::Select | Tag::Button | Tag::Input, _) => Gap::Blank,
        _ => Gap::None,
    }
}

/// Characters that show something: neither blanks nor invisible.
fn count_chars(text: &str) -> u32 {
    let count = if text.is_ascii() {
        // Sums of a byte each, over blocks too short to overflow, compile to vector code.
        let seen = |byte: u8| u8::from(byte > b' ') & u8::from(byte != 0x7f);
        let in_block = |block: &[u8]| usize::from(block.iter().map(|&byte| seen(byte)).fold(0, u8::wrapping_add));
        text.as_bytes().chunks(192).map(in_block).sum()
    } else {
        let seen = |c: char| if c.is_ascii() { c > ' ' && c != '\u{7f}' } else { !is_blank(c) && !is_invisible(c) };
        text.chars().filter(|&c| seen(c)).count()
    };
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The whole number at the beginning of a text; `1px` is 1.
fn leading_number(text: &str) -> Option<u32> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).take(6).count();
    text.get(..digits)?.parse().ok()
}

/// Whether the name or the placeholder of an input asks for what nobody should write into a mail.
fn asks_for_credentials(text: &str) -> bool {
    let lower = text.get(..text.floor_char_boundary(256)).unwrap_or(text).to_ascii_lowercase();
    [
        "passw",
        "passwort",
        "kennwort",
        "pwd",
        "cardnumber",
        "card_number",
        "card-number",
        "card number",
        "creditcard",
        "credit card",
        "cvv",
        "cvc",
    ]
    .iter()
    .any(|word| lower.contains(word))
        || lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| matches!(word, "pin" | "otp" | "ssn" | "pass" | "tan"))
}
