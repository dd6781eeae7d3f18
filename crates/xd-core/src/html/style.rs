//! Style declarations that decide whether a person sees text (CSS 2.2, as mail programs apply it).

use super::color::{self, Paint, thousandths};
use super::declaration::declarations;

/// What an element's own styles say. What they don't say stays as it is around the element.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Style {
    pub(super) display: Option<Display>,
    /// `visibility`.
    pub(super) visible: Option<bool>,
    /// `opacity` below a twentieth.
    pub(super) transparent: Option<bool>,
    /// `font-size` below 2 pixels.
    pub(super) tiny: Option<bool>,
    /// `height` or `max-height` of nothing, each.
    pub(super) flat: Option<bool>,
    pub(super) low: Option<bool>,
    /// `width` or `max-width` of nothing.
    pub(super) narrow: Option<bool>,
    /// `overflow` hidden.
    pub(super) clipped: Option<bool>,
    /// `text-indent`, `margin-left` and `margin-top` off the screen, each.
    pub(super) indented_away: Option<bool>,
    pub(super) margin_left_away: Option<bool>,
    pub(super) margin_top_away: Option<bool>,
    /// Positioned (`position`), and whether `left`, `right` and `top` lead off the screen.
    pub(super) positioned: Option<bool>,
    pub(super) left_away: Option<bool>,
    pub(super) right_away: Option<bool>,
    pub(super) top_away: Option<bool>,
    pub(super) color: Option<Paint>,
    pub(super) ground: Option<Ground>,
    /// Line ends are kept (`white-space`).
    pub(super) preformatted: Option<bool>,
    /// `width` and `height` in whole pixels.
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
}

/// The values of `display` that matter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Display {
    Block,
    Inline,
    None,
}

/// What lies behind text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ground {
    Color(Paint),
    /// An image or a gradient: nobody knows which colour.
    Picture,
    /// What lies behind the element itself.
    Through,
}

/// What declarations say, and apart from it what they say is important: that stands above all that is not, wherever it is
/// written (CSS Cascade 5 §6.4).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Declared {
    usual: Style,
    important: Option<Style>,
}

impl Declared {
    /// Says nothing.
    pub(super) const NONE: Self = Self { usual: Style::NONE, important: None };

    /// Reads the declarations of a `style` attribute or of a rule. `url` is told each address that a background names.
    pub(super) fn parse(text: &str, url: &mut dyn FnMut(&str)) -> Self {
        let mut declared = Self::default();
        for found in declarations(text) {
            let style = if found.important { declared.important.get_or_insert(Style::NONE) } else { &mut declared.usual };
            style.declare(&found.name, &found.value, url);
        }
        declared
    }

    /// These declarations with others laid over them.
    pub(super) fn overlaid(self, over: &Self) -> Self {
        let important = match (self.important, over.important) {
            (Some(below), Some(over)) => Some(below.overlaid(&over)),
            (below, over) => over.or(below),
        };
        Self { usual: self.usual.overlaid(&over.usual), important }
    }

    /// What holds in the end.
    pub(super) fn settled(&self) -> Style {
        match &self.important {
            Some(important) => self.usual.overlaid(important),
            None => self.usual,
        }
    }
}

impl From<Style> for Declared {
    fn from(usual: Style) -> Self {
        Self { usual, important: None }
    }
}

impl Style {
    /// Says nothing.
    pub(super) const NONE: Self = Self {
        display: None,
        visible: None,
        transparent: None,
        tiny: None,
        flat: None,
        low: None,
        narrow: None,
        clipped: None,
        indented_away: None,
        margin_left_away: None,
        margin_top_away: None,
        positioned: None,
        left_away: None,
        right_away: None,
        top_away: None,
        color: None,
        ground: None,
        preformatted: None,
        width: None,
        height: None,
    };

    /// Nothing hides.
    const SHOWN: Self = Self {
        display: Some(Display::Inline),
        visible: Some(true),
        transparent: Some(false),
        tiny: Some(false),
        flat: Some(false),
        low: Some(false),
        narrow: Some(false),
        clipped: Some(false),
        indented_away: Some(false),
        margin_left_away: Some(false),
        margin_top_away: Some(false),
        positioned: Some(false),
        left_away: Some(false),
        right_away: Some(false),
        top_away: Some(false),
        ..Self::NONE
    };

    /// This style with another laid over it.
    pub(super) fn overlaid(self, over: &Self) -> Self {
        Self {
            display: over.display.or(self.display),
            visible: over.visible.or(self.visible),
            transparent: over.transparent.or(self.transparent),
            tiny: over.tiny.or(self.tiny),
            flat: over.flat.or(self.flat),
            low: over.low.or(self.low),
            narrow: over.narrow.or(self.narrow),
            clipped: over.clipped.or(self.clipped),
            indented_away: over.indented_away.or(self.indented_away),
            margin_left_away: over.margin_left_away.or(self.margin_left_away),
            margin_top_away: over.margin_top_away.or(self.margin_top_away),
            positioned: over.positioned.or(self.positioned),
            left_away: over.left_away.or(self.left_away),
            right_away: over.right_away.or(self.right_away),
            top_away: over.top_away.or(self.top_away),
            color: over.color.or(self.color),
            ground: over.ground.or(self.ground),
            preformatted: over.preformatted.or(self.preformatted),
            width: over.width.or(self.width),
            height: over.height.or(self.height),
        }
    }

    /// Whether the element with all inside it is not shown, whatever the styles inside say.
    pub(super) fn removes(&self) -> bool {
        let is = |flag: Option<bool>| flag == Some(true);
        self.display == Some(Display::None)
            || is(self.transparent)
            || is(self.indented_away)
            || is(self.margin_left_away)
            || is(self.margin_top_away)
            || (is(self.clipped) && (is(self.flat) || is(self.low) || is(self.narrow)))
            || (is(self.positioned) && (is(self.left_away) || is(self.right_away) || is(self.top_away)))
    }

    /// Leaves out what has no meaning for an element within a line (CSS 2.2 §10.2, §16.1): sizes, clipping, indents.
    pub(super) fn within_a_line(self) -> Self {
        Self { clipped: None, indented_away: None, margin_top_away: None, ..self }
    }

    fn declare(&mut self, name: &str, value: &str, url: &mut dyn FnMut(&str)) {
        let mut lower = [0u8; NAME_BYTES];
        let Some(key) = lower.get_mut(..name.len()) else { return };
        key.copy_from_slice(name.as_bytes());
        key.make_ascii_lowercase();
        // What a browser does not understand leaves standing what came before.
        let or = |flag: Option<bool>, before: Option<bool>| flag.or(before);
        match &*key {
            b"display" => self.display = display(value).or(self.display),
            b"visibility" => self.visible = or(choice(value, &["visible"], &["hidden", "collapse"]), self.visible),
            b"opacity" => {
                let share = ratio(value).map(|ratio| ratio < 50).or_else(|| is_wide(value).then_some(false));
                self.transparent = or(share, self.transparent);
            }
            b"font-size" => self.tiny = or(is_tiny(value), self.tiny),
            b"font" => self.tiny = or(is_tiny_font(value), self.tiny),
            b"height" => {
                self.height = whole_pixels(value);
                self.flat = or(is_nothing(value, "auto"), self.flat);
            }
            b"max-height" => self.low = or(is_nothing(value, "none"), self.low),
            b"width" => {
                self.width = whole_pixels(value);
                self.narrow = or(is_nothing(value, "auto"), self.narrow);
            }
            b"max-width" => self.narrow = or(is_nothing(value, "none"), self.narrow),
            b"overflow" | b"overflow-x" | b"overflow-y" => {
                self.clipped = or(choice(value, &["hidden", "clip"], &["visible", "auto", "scroll", "overlay"]), self.clipped);
            }
            b"text-indent" => self.indented_away = or(is_far(value), self.indented_away),
            b"position" => {
                self.positioned = or(choice(value, &["absolute", "fixed", "relative"], &["static", "sticky"]), self.positioned);
            }
            b"left" => self.left_away = or(is_far(value), self.left_away),
            b"right" => self.right_away = or(is_far(value), self.right_away),
            b"top" => self.top_away = or(is_far(value), self.top_away),
            b"margin-left" => self.margin_left_away = or(is_far(value), self.margin_left_away),
            b"margin-top" => self.margin_top_away = or(is_far(value), self.margin_top_away),
            b"margin" => self.margin(value),
            b"color" | b"-webkit-text-fill-color" => self.color = color::parse(value).or(self.color),
            b"background-color" => self.ground = ground(value).or(self.ground),
            b"background" | b"background-image" => self.background(value, url),
            b"white-space" => {
                self.preformatted = Some(["pre", "pre-wrap", "pre-line"].iter().any(|word| is(value, word)));
            }
            b"all" if is_wide(value) => *self = Self::SHOWN,
            _ => {}
        }
    }

    /// `margin`: top, right, bottom and left; what is left out is as its opposite.
    fn margin(&mut self, value: &str) {
        let mut parts = value.split_ascii_whitespace();
        let first = parts.next();
        let (second, third, fourth) = (parts.next(), parts.next(), parts.next());
        let left = fourth.or(second).or(first);
        let far = |part: Option<&str>| part.and_then(is_far);
        let is_valid = [first, second, third, fourth].into_iter().flatten().all(|part| is_far(part).is_some());
        if is_valid && parts.next().is_none() {
            self.margin_top_away = far(first).or(self.margin_top_away);
            self.margin_left_away = far(left).or(self.margin_left_away);
        }
    }

    fn background(&mut self, value: &str, url: &mut dyn FnMut(&str)) {
        if let Some(at) = memchr::memmem::find(value.as_bytes(), b"url(") {
            let address = value.get(at + 4..).unwrap_or_default();
            let address = address.get(..address.find(')').unwrap_or(address.len())).unwrap_or_default();
            url(address.trim().trim_matches(['"', '\'']));
            self.ground = Some(Ground::Picture);
            return;
        }
        if value.contains("gradient(") {
            self.ground = Some(Ground::Picture);
            return;
        }
        if let Some(found) = ground(value) {
            self.ground = Some(found);
            return;
        }
        // `background: #fff none repeat`: at most the first few parts name a colour.
        if let Some(found) = value.split_ascii_whitespace().take(4).find_map(ground) {
            self.ground = Some(found);
        }
    }
}

/// Bytes of the longest property that is read.
const NAME_BYTES: usize = 24;

fn is(value: &str, word: &str) -> bool {
    value.eq_ignore_ascii_case(word)
}

/// Whether a value is a word that every property knows: nothing of the property's own then holds (CSS Cascade 5 §7.3). What an
/// element inherits counts as shown here; what is above it may hide it all the same.
fn is_wide(value: &str) -> bool {
    value.starts_with(['i', 'I', 'r', 'R', 'u', 'U'])
        && ["inherit", "initial", "revert", "revert-layer", "unset"].iter().any(|word| is(value, word))
}

/// Whether a value is one of the first words; false for one of the others; none when a browser would not know it.
fn choice(value: &str, yes: &[&str], no: &[&str]) -> Option<bool> {
    let among = |words: &[&str], part: &str| words.iter().any(|word| is(part, word));
    if is_wide(value) {
        // The words that hide stand on either side.
        return Some(yes == ["visible"]);
    }
    let mut found = None;
    for part in value.split_ascii_whitespace() {
        let part = if among(yes, part) { true } else { among(no, part).then_some(false)? };
        found = Some(found.unwrap_or(false) | part);
    }
    found
}

/// None for a word that browsers do not know: it sets nothing.
fn display(value: &str) -> Option<Display> {
    const BOXES: &[&str] = &[
        "block",
        "flex",
        "flow-root",
        "grid",
        "inline-block",
        "inline-flex",
        "inline-grid",
        "inline-table",
        "list-item",
        "math",
        "ruby",
        "table",
        "table-caption",
        "table-cell",
        "table-column",
        "table-column-group",
        "table-footer-group",
        "table-header-group",
        "table-row",
        "table-row-group",
        "-webkit-box",
        "-webkit-flex",
        "-webkit-inline-box",
        "-webkit-inline-flex",
    ];
    if is(value, "none") {
        return Some(Display::None);
    }
    if is(value, "inline") || is(value, "contents") || is_wide(value) {
        return Some(Display::Inline);
    }
    let known = |part: &str| is(part, "inline") || is(part, "flow") || BOXES.iter().any(|word| is(part, word));
    // Boxes within a line separate words too.
    (!value.is_empty() && value.split_ascii_whitespace().all(known)).then_some(Display::Block)
}

fn ground(value: &str) -> Option<Ground> {
    if is(value, "none") || is(value, "inherit") {
        return Some(Ground::Through);
    }
    color::parse(value).map(Ground::Color)
}

/// A share in thousandths, written as a number or in percent.
fn ratio(value: &str) -> Option<i64> {
    match value.strip_suffix('%') {
        Some(percent) => thousandths(percent).map(|value| value / 100),
        None => thousandths(value),
    }
}

/// A length in thousandths of a pixel; a font's height counts as 16, of which percents are taken.
fn pixels(value: &str) -> Option<i64> {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    let number = thousandths(digits)?;
    let unit = value.get(digits.len()..)?;
    let is = |name: &str| unit.eq_ignore_ascii_case(name);
    Some(if unit.is_empty() || is("px") {
        number
    } else if is("pt") {
        number * 4 / 3
    } else if is("em") || is("rem") || is("ex") || is("ch") {
        number * 16
    } else if is("%") || is("vh") || is("vw") {
        number * 16 / 100
    } else if is("in") {
        number * 96
    } else if is("cm") {
        number * 38
    } else if is("mm") {
        number * 4
    } else {
        return None;
    })
}

/// Whether a length is worked out from others (`calc(1px + 2vw)`): nobody knows it here, and it hides nothing.
fn is_computed(value: &str) -> bool {
    value.contains('(')
}

/// Whether a font size is below 2 pixels; none when a browser would not know it.
fn is_tiny(value: &str) -> Option<bool> {
    const WORDS: &[&str] =
        &["large", "larger", "medium", "small", "smaller", "x-large", "x-small", "xx-large", "xx-small", "xxx-large"];
    if let Some(size) = pixels(value) {
        return (size >= 0).then_some(size < 2_000);
    }
    (is_wide(value) || is_computed(value) || WORDS.iter().any(|word| is(value, word))).then_some(false)
}

/// The same for `font: 0/0 a`: the size is the first part with a digit, the family must follow it.
fn is_tiny_font(value: &str) -> Option<bool> {
    if is_wide(value) {
        return Some(false);
    }
    let (before, _) = value.rsplit_once(|c: char| c.is_ascii_whitespace())?;
    let is_size = |part: &&str| part.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    // A weight is a number without a unit, and no size but nought is.
    let is_weight =
        |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()) && thousandths(part).is_some_and(|number| number > 0);
    let mut parts = before.split(|c: char| c == '/' || c.is_ascii_whitespace());
    is_tiny(parts.find(|part| is_size(part) && !is_weight(part))?)
}

fn whole_pixels(value: &str) -> Option<u32> {
    pixels(value).and_then(|thousandths| u32::try_from(thousandths / 1_000).ok())
}

/// Whether a size is zero; none when a browser would not know it, as a negative one. `free` is the word for no limit.
fn is_nothing(value: &str, free: &str) -> Option<bool> {
    if let Some(length) = pixels(value) {
        return (length >= 0).then_some(length == 0);
    }
    (is(value, free) || is_wide(value) || is_computed(value) || value.ends_with("-content")).then_some(false)
}

/// Whether a length leads off the screen, 500 pixels or more to the left or the top; none when a browser would not know it.
fn is_far(value: &str) -> Option<bool> {
    match pixels(value) {
        Some(length) => Some(length <= -500_000),
        None => (is(value, "auto") || is_wide(value) || is_computed(value)).then_some(false),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::html::color::Rgb;

    fn style(text: &str) -> Style {
        Declared::parse(text, &mut |_| {}).settled()
    }

    #[test]
    fn what_hides() {
        for text in [
            "display:none",
            "DISPLAY : None !important;",
            "color:red;display:none",
            "display/**/:/**/none",
            "display:none;display:foo",
            "display:none!important;display:block",
            "visibility:x;display:none",
            "position:absolute;left:-999px;left:-1q",
            "margin:0 0 0 -9999px",
            "max-height:0;max-height:-1px;overflow:hidden",
            "d\\69splay:none",
            "display:no\\6e e",
            "opacity:0",
            "opacity: .04",
            "opacity:4%",
            "max-height:0;overflow:hidden",
            "height:0px; overflow : hidden",
            "width:0;overflow:hidden",
            "text-indent:-9999px",
            "position:absolute;left:-500px",
            "top:-100em;position:fixed",
            "margin-left:-9999px",
            "background:url(data:image/png;base64,AA==);display:none",
        ] {
            assert!(style(text).removes(), "{text}");
        }
        for text in [
            "",
            "display",
            "display:block",
            "display:none;display:block",
            "opacity:.05",
            "max-height:0",
            "max-height:1px;overflow:hidden",
            "overflow:hidden",
            "text-indent:-499px",
            "left:-9999px",
            "position:absolute;left:-10px",
            // Hidden in one mail program only.
            "mso-hide:all",
            "dis/**/play:none",
            "display:none!x",
            "display:none inherit",
            "a:(;display:none",
            "x:';display:none;'",
            "x:{;display:none;}",
            "x:[;display:none;]",
            "display:block!important;display:none",
            "display:none;display:initial",
            "display:none;all:unset",
            "opacity:0;opacity:initial",
            "max-height:-1px;overflow:hidden",
            "height:0;height:auto;overflow:hidden",
            "position:absolute;left:-9999px;left:0",
            "margin-left:-9999px;margin:0",
            "overflow:hidden;max-height:0;overflow:visible",
            "xdisplay:none",
            "font-family:'display:none'",
        ] {
            assert!(!style(text).removes(), "{text}");
        }
    }

    #[test]
    fn font_sizes() {
        for (text, tiny) in [
            ("font-size:0", Some(true)),
            ("font-size:1px", Some(true)),
            ("font-size:1.9px", Some(true)),
            ("font-size:2px", Some(false)),
            ("font-size:1pt", Some(true)),
            ("font-size:1.5pt", Some(false)),
            ("font-size:.1em", Some(true)),
            ("font-size:1%", Some(true)),
            ("font-size:small", Some(false)),
            ("font:0/0 a", Some(true)),
            ("font:bold 12px/1.5 Arial", Some(false)),
            ("font:inherit", Some(false)),
            ("font:0", None),
            ("font:700 0 a", Some(true)),
            ("font-size:-1px", None),
            ("font-size:0;font-size:initial", Some(false)),
            ("font-size:0;font-size:foo", Some(true)),
            ("font-size:12px!important;font-size:0", Some(false)),
            ("font-size:calc(0px)", Some(false)),
            ("font-size:inherit", Some(false)),
            ("line-height:0", None),
        ] {
            assert_eq!(style(text).tiny, tiny, "{text}");
        }
    }

    #[test]
    fn backgrounds() {
        for (text, ground) in [
            ("background:#fff", Some(Ground::Color(Paint::full(Rgb::WHITE)))),
            ("background:none repeat scroll 0 0 white", Some(Ground::Through)),
            ("background:scroll white", Some(Ground::Color(Paint::full(Rgb::WHITE)))),
            ("background-color:transparent", Some(Ground::Color(Paint::TRANSPARENT))),
            ("background:rgb(255, 255, 255)", Some(Ground::Color(Paint::full(Rgb::WHITE)))),
            ("background-image:linear-gradient(red,blue)", Some(Ground::Picture)),
            ("background:#fff url('http://a.example/b.png')", Some(Ground::Picture)),
            ("color:red", None),
        ] {
            assert_eq!(style(text).ground, ground, "{text}");
        }
        let mut urls = Vec::new();
        let _ = Declared::parse("background:#fff url( 'http://a.example/b;c.png' ) x; color:red", &mut |url| {
            urls.push(url.to_owned());
        });
        assert_eq!(urls, ["http://a.example/b;c.png"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\PC|[:;(){}/*\\\\0-9-]|display|color|font-size|background|url){0,40}") {
            let _ = style(&text);
        }
    }
}
