//! Style declarations that decide whether a person sees text (CSS 2.2, as mail programs apply it).

use std::borrow::Cow;

use super::color::{self, Paint, thousandths};

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
    /// `mso-hide: all`.
    pub(super) mso_hidden: Option<bool>,
    /// `height` or `max-height` of nothing, each.
    pub(super) flat: Option<bool>,
    pub(super) low: Option<bool>,
    /// `width` or `max-width` of nothing.
    pub(super) narrow: Option<bool>,
    /// `overflow` hidden.
    pub(super) clipped: Option<bool>,
    /// `text-indent` off the screen.
    pub(super) indented_away: Option<bool>,
    /// Positioned (`position`), and where to (`left`, `top`): off the screen or not.
    pub(super) positioned: Option<bool>,
    pub(super) off_screen: Option<bool>,
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

impl Style {
    /// Says nothing.
    pub(super) const NONE: Self = Self {
        display: None,
        visible: None,
        transparent: None,
        tiny: None,
        mso_hidden: None,
        flat: None,
        low: None,
        narrow: None,
        clipped: None,
        indented_away: None,
        positioned: None,
        off_screen: None,
        color: None,
        ground: None,
        preformatted: None,
        width: None,
        height: None,
    };

    /// This style with another laid over it.
    pub(super) fn overlaid(self, over: &Self) -> Self {
        Self {
            display: over.display.or(self.display),
            visible: over.visible.or(self.visible),
            transparent: over.transparent.or(self.transparent),
            tiny: over.tiny.or(self.tiny),
            mso_hidden: over.mso_hidden.or(self.mso_hidden),
            flat: over.flat.or(self.flat),
            low: over.low.or(self.low),
            narrow: over.narrow.or(self.narrow),
            clipped: over.clipped.or(self.clipped),
            indented_away: over.indented_away.or(self.indented_away),
            positioned: over.positioned.or(self.positioned),
            off_screen: over.off_screen.or(self.off_screen),
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
            || is(self.mso_hidden)
            || is(self.indented_away)
            || (is(self.clipped) && (is(self.flat) || is(self.low) || is(self.narrow)))
            || (is(self.positioned) && is(self.off_screen))
    }

    /// Reads the declarations of a `style` attribute or of a rule. `url` is told each address that a background names.
    pub(super) fn parse(text: &str, url: &mut dyn FnMut(&str)) -> Self {
        let mut style = Self::default();
        let text = plain(text);
        let mut rest = &*text;
        while !rest.is_empty() {
            let (colon, end) = bounds_of_declaration(rest);
            let (declaration, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            if let Some((name, value)) = colon.and_then(|colon| declaration.split_at_checked(colon)) {
                style.declare(name.trim_ascii(), value.get(1..).unwrap_or_default(), url);
            }
        }
        style
    }

    fn declare(&mut self, name: &str, value: &str, url: &mut dyn FnMut(&str)) {
        let mut lower = [0u8; NAME_BYTES];
        let Some(key) = lower.get_mut(..name.len()) else { return };
        key.copy_from_slice(name.as_bytes());
        key.make_ascii_lowercase();
        match &*key {
            b"display" => self.display = parse_display(important(value)),
            b"visibility" => {
                let value = important(value);
                self.visible = Some(!(is(value, "hidden") || is(value, "collapse")));
            }
            b"opacity" => self.transparent = ratio(important(value)).map(|ratio| ratio < 50),
            b"font-size" => self.tiny = is_tiny(important(value)).or(self.tiny),
            b"font" => {
                let value = important(value);
                // `font: 0/0 a`: the size is the part before a slash, or the first with a digit.
                if let Some(size) =
                    value.split(['/', ' ']).find(|part| part.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
                {
                    self.tiny = is_tiny(size).or(self.tiny);
                }
            }
            b"mso-hide" => self.mso_hidden = Some(is(important(value), "all")),
            b"height" => {
                let length = pixels(important(value));
                self.height = length.and_then(|thousandths| u32::try_from(thousandths / 1_000).ok());
                self.flat = Some(length.is_some_and(|length| length <= 0));
            }
            b"max-height" => self.low = Some(is_nothing(important(value))),
            b"width" => {
                let length = pixels(important(value));
                self.width = length.and_then(|thousandths| u32::try_from(thousandths / 1_000).ok());
                self.narrow = Some(length.is_some_and(|length| length <= 0));
            }
            b"max-width" => self.narrow = Some(is_nothing(important(value))),
            b"overflow" | b"overflow-x" | b"overflow-y" => {
                let value = important(value);
                self.clipped = Some(is(value, "hidden") || is(value, "clip"));
            }
            b"text-indent" => self.indented_away = Some(is_far(important(value))),
            b"position" => {
                let value = important(value);
                self.positioned = Some(is(value, "absolute") || is(value, "fixed") || is(value, "relative"));
            }
            b"left" | b"top" | b"right" if is_far(important(value)) => self.off_screen = Some(true),
            b"margin-left" | b"margin-top" if is_far(important(value)) => self.indented_away = Some(true),
            b"color" | b"-webkit-text-fill-color" => self.color = color::parse(important(value)).or(self.color),
            b"background-color" => self.ground = ground(important(value)).or(self.ground),
            b"background" | b"background-image" => self.background(important(value), url),
            b"white-space" => {
                let value = important(value);
                self.preformatted = Some(is(value, "pre") || is(value, "pre-wrap") || is(value, "pre-line"));
            }
            _ => {}
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

/// The text without comments and with escapes decoded (CSS Syntax 3 §4.3.2, §4.3.7): `d\69splay`, `dis/**/play`.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let special = |at: usize| bytes.get(at) == Some(&b'\\') || bytes.get(at + 1) == Some(&b'*');
    if !memchr::memchr2_iter(b'\\', b'/', bytes).any(special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '/']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.find("*/").map_or("", |end| &comment[end + 2..]);
        } else if let Some(escape) = rest.strip_prefix('\\') {
            let digits = escape.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
            let code = u32::from_str_radix(&escape[..digits], 16).ok();
            if digits > 0 {
                out.push(code.and_then(char::from_u32).unwrap_or('\u{fffd}'));
                rest = &escape[digits..];
                rest = rest.strip_prefix([' ', '\n', '\t']).unwrap_or(rest);
            } else {
                rest = escape;
            }
        } else {
            out.push('/');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where the first colon of the first declaration stands, and where the declaration ends. Most are shorter than what a search
/// for each of their signs would take.
fn bounds_of_declaration(text: &str) -> (Option<usize>, usize) {
    let mut colon = None;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b':' if colon.is_none() => colon = Some(at),
            b';' => return (colon, at),
            b'(' => {
                let end = end_of_declaration(text);
                let colon = colon.or_else(|| memchr::memchr(b':', text.as_bytes().get(..end)?));
                return (colon, end);
            }
            _ => {}
        }
    }
    (colon, text.len())
}

/// Where the first declaration ends: at a semicolon that stands in no brackets (`url(data:image/png;base64,…)`).
fn end_of_declaration(text: &str) -> usize {
    let bytes = text.as_bytes();
    let semicolon = memchr::memchr(b';', bytes).unwrap_or(bytes.len());
    let before = bytes.get(..semicolon).unwrap_or_default();
    let Some(open) = memchr::memchr(b'(', before) else { return semicolon };
    if memchr::memchr(b')', before.get(open..).unwrap_or_default()).is_some() {
        return semicolon;
    }
    let Some(close) = memchr::memchr(b')', bytes.get(semicolon..).unwrap_or_default()) else { return semicolon };
    let from = semicolon + close;
    memchr::memchr(b';', bytes.get(from..).unwrap_or_default()).map_or(bytes.len(), |at| from + at)
}

/// The value without `!important` and blanks.
fn important(value: &str) -> &str {
    memchr::memchr(b'!', value.as_bytes()).and_then(|at| value.get(..at)).unwrap_or(value).trim_ascii()
}

fn is(value: &str, word: &str) -> bool {
    value.eq_ignore_ascii_case(word)
}

fn parse_display(value: &str) -> Option<Display> {
    if is(value, "none") {
        Some(Display::None)
    } else if is(value, "inline") || is(value, "contents") {
        Some(Display::Inline)
    } else if ["inherit", "initial", "unset", ""].iter().any(|word| is(value, word)) {
        None
    } else {
        // Boxes within a line separate words too.
        Some(Display::Block)
    }
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

/// Whether a font size is below 2 pixels. Words (`small`) and unknown units are not.
fn is_tiny(value: &str) -> Option<bool> {
    if value.eq_ignore_ascii_case("inherit") {
        return None;
    }
    Some(pixels(value).is_some_and(|size| size < 2_000))
}

/// Whether a length is zero, or negative.
fn is_nothing(value: &str) -> bool {
    pixels(value).is_some_and(|length| length <= 0)
}

/// Whether a length leads off the screen: 500 pixels or more to the left or the top.
fn is_far(value: &str) -> bool {
    pixels(value).is_some_and(|length| length <= -500_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::html::color::Rgb;

    fn style(text: &str) -> Style {
        Style::parse(text, &mut |_| {})
    }

    #[test]
    fn what_hides() {
        for text in [
            "display:none",
            "DISPLAY : None !important;",
            "color:red;display:none",
            "dis/**/play:none",
            "d\\69splay:none",
            "display:no\\6e e",
            "opacity:0",
            "opacity: .04",
            "opacity:4%",
            "mso-hide:all",
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
            "mso-hide:none",
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
            ("font:inherit", None),
            ("font-size:inherit", None),
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
        let _ =
            Style::parse("background:#fff url( 'http://a.example/b;c.png' ) x; color:red", &mut |url| urls.push(url.to_owned()));
        assert_eq!(urls, ["http://a.example/b;c.png"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\PC|[:;(){}/*\\\\0-9-]|display|color|font-size|background|url){0,40}") {
            let _ = style(&text);
        }
    }
}
