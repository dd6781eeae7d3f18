//! Colours as style sheets and old attributes spell them (CSS Color 4 §6, HTML §2.3.6), as far as mail uses them.

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rgb(pub(super) u8, pub(super) u8, pub(super) u8);

impl Rgb {
    pub(super) const BLACK: Self = Self(0, 0, 0);
    pub(super) const WHITE: Self = Self(255, 255, 255);
    /// Links, as browsers draw them that nobody visited.
    pub(super) const LINK: Self = Self(0, 0, 238);

    /// Whether text of this colour can't be seen on the other.
    pub(super) fn vanishes_on(self, ground: Self) -> bool {
        let apart = |a: u8, b: u8| u16::from(a.abs_diff(b));
        apart(self.0, ground.0) + apart(self.1, ground.1) + apart(self.2, ground.2) <= VANISHING
    }
}

/// The sum of differences over the three channels (each 0 to 255) up to which text counts as unseen; 36, twelve a channel.
/// `#f3f3f3` on white is hidden; `#eee`, in which newsletters draw rules and footers, is not.
const VANISHING: u16 = 36;

/// A colour laid over others, in thousandths of its full strength.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Paint {
    pub(super) color: Rgb,
    pub(super) alpha: u16,
}

impl Paint {
    pub(super) const TRANSPARENT: Self = Self { color: Rgb::BLACK, alpha: 0 };

    pub(super) const fn full(color: Rgb) -> Self {
        Self { color, alpha: FULL }
    }

    /// What is seen of it over another colour.
    pub(super) fn over(self, ground: Rgb) -> Rgb {
        let mix = |above: u8, below: u8| {
            let (alpha, rest) = (u32::from(self.alpha), u32::from(FULL - self.alpha));
            u8::try_from((u32::from(above) * alpha + u32::from(below) * rest) / u32::from(FULL)).unwrap_or(u8::MAX)
        };
        Rgb(mix(self.color.0, ground.0), mix(self.color.1, ground.1), mix(self.color.2, ground.2))
    }
}

/// The alpha of a colour that hides what lies behind it.
const FULL: u16 = 1_000;

/// Reads a colour of a style sheet: a name, `#rgb`, `#rrggbb`, with alpha too, `rgb()`, `rgba()`, `hsl()`, `hsla()`.
pub(super) fn parse(text: &str) -> Option<Paint> {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix('#') {
        return parse_hex(digits);
    }
    if let Some((function, arguments)) = text.split_once('(') {
        return parse_function(function.trim(), arguments.trim_end().trim_end_matches(')'));
    }
    if text.eq_ignore_ascii_case("transparent") {
        return Some(Paint::TRANSPARENT);
    }
    named(text).map(Paint::full)
}

/// Reads the colour of an old attribute: as a style sheet's, and hex digits without `#`.
pub(super) fn parse_attribute(text: &str) -> Option<Rgb> {
    let text = text.trim();
    parse(text).or_else(|| parse_hex(text)).filter(|paint| paint.alpha == FULL).map(|paint| paint.color)
}

fn parse_hex(digits: &str) -> Option<Paint> {
    let mut values = [0u8; 8];
    let digits = digits.as_bytes();
    for (value, &digit) in values.iter_mut().zip(digits) {
        *value = u8::try_from(char::from(digit).to_digit(16)?).ok()?;
    }
    let [a, b, c, d, e, f, g, h] = values;
    let (color, alpha) = match digits.len() {
        3 => (Rgb(a * 17, b * 17, c * 17), 255),
        4 => (Rgb(a * 17, b * 17, c * 17), d * 17),
        6 => (Rgb(a * 16 + b, c * 16 + d, e * 16 + f), 255),
        8 => (Rgb(a * 16 + b, c * 16 + d, e * 16 + f), g * 16 + h),
        _ => return None,
    };
    Some(with_alpha(color, i64::from(alpha) * 1_000 / 255))
}

/// The colour with an alpha in thousandths.
fn with_alpha(color: Rgb, alpha: i64) -> Paint {
    Paint { color, alpha: u16::try_from(alpha.clamp(0, i64::from(FULL))).unwrap_or(FULL) }
}

fn parse_function(name: &str, arguments: &str) -> Option<Paint> {
    let mut parts = arguments.split([',', ' ', '/']).filter(|part| !part.is_empty());
    let mut next = || parts.next();
    let (first, second, third, alpha) = (next()?, next()?, next()?, next());
    let alpha = match alpha {
        Some(text) => match text.strip_suffix('%') {
            Some(percent) => thousandths(percent)? / 100,
            None => thousandths(text)?,
        },
        None => 1_000,
    };
    let channel = |text: &str| -> Option<u8> {
        let value = match text.strip_suffix('%') {
            Some(percent) => thousandths(percent)? * 255 / 100,
            None => thousandths(text)?,
        };
        u8::try_from((value / 1_000).clamp(0, 255)).ok()
    };
    let starts = |prefix: &str| name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let color = if starts("rgb") {
        Rgb(channel(first)?, channel(second)?, channel(third)?)
    } else if starts("hsl") {
        let degrees = thousandths(first.trim_end_matches("deg"))? / 1_000;
        let percent = |text: &str| Some((thousandths(text.trim_end_matches('%'))? / 1_000).clamp(0, 100));
        from_hsl(degrees.rem_euclid(360), percent(second)?, percent(third)?)
    } else {
        return None;
    };
    Some(with_alpha(color, alpha))
}

/// CSS Color 4 §7.1 in integers: hue in degrees, saturation and lightness in percent.
fn from_hsl(hue: i64, saturation: i64, lightness: i64) -> Rgb {
    let reach = saturation * lightness.min(100 - lightness);
    let channel = |n: i64| {
        let k = (n * 30 + hue) % 360;
        let slope = (k - 90).min(270 - k).clamp(-30, 30);
        // lightness − reach × slope, in ten-thousandths
        let value = lightness * 100 - reach * slope / 30;
        u8::try_from((value * 255 / 10_000).clamp(0, 255)).unwrap_or(u8::MAX)
    };
    Rgb(channel(0), channel(8), channel(4))
}

/// A decimal number in thousandths; digits beyond the third are dropped. Numbers are cut at a million.
pub(super) fn thousandths(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let point = digits.bytes().position(|byte| byte == b'.');
    let (whole, part) = match point.and_then(|at| digits.split_at_checked(at)) {
        Some((whole, part)) => (whole, part.get(1..).unwrap_or_default()),
        None => (digits, ""),
    };
    if (whole.is_empty() && part.is_empty()) || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole = whole.bytes().fold(0i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(1_000_000));
    let part = part.bytes().chain([b'0'; 3]).take(3).fold(0i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let value = whole * 1_000 + part;
    Some(if negative { -value } else { value })
}

fn named(name: &str) -> Option<Rgb> {
    let mut lower = [0u8; 20];
    let to = lower.get_mut(..name.len())?;
    to.copy_from_slice(name.as_bytes());
    to.make_ascii_lowercase();
    let at = NAMED.binary_search_by(|&(other, _)| other.as_bytes().cmp(to)).ok()?;
    NAMED.get(at).map(|&(_, [r, g, b])| Rgb(r, g, b))
}

/// CSS Color 4 §6.1.
#[rustfmt::skip]
const NAMED: &[(&str, [u8; 3])] = &[
    ("aliceblue", [240, 248, 255]), ("antiquewhite", [250, 235, 215]), ("aqua", [0, 255, 255]),
    ("aquamarine", [127, 255, 212]), ("azure", [240, 255, 255]), ("beige", [245, 245, 220]), ("bisque", [255, 228, 196]),
    ("black", [0, 0, 0]), ("blanchedalmond", [255, 235, 205]), ("blue", [0, 0, 255]), ("blueviolet", [138, 43, 226]),
    ("brown", [165, 42, 42]), ("burlywood", [222, 184, 135]), ("cadetblue", [95, 158, 160]), ("chartreuse", [127, 255, 0]),
    ("chocolate", [210, 105, 30]), ("coral", [255, 127, 80]), ("cornflowerblue", [100, 149, 237]),
    ("cornsilk", [255, 248, 220]), ("crimson", [220, 20, 60]), ("cyan", [0, 255, 255]), ("darkblue", [0, 0, 139]),
    ("darkcyan", [0, 139, 139]), ("darkgoldenrod", [184, 134, 11]), ("darkgray", [169, 169, 169]),
    ("darkgreen", [0, 100, 0]), ("darkgrey", [169, 169, 169]), ("darkkhaki", [189, 183, 107]),
    ("darkmagenta", [139, 0, 139]), ("darkolivegreen", [85, 107, 47]), ("darkorange", [255, 140, 0]),
    ("darkorchid", [153, 50, 204]), ("darkred", [139, 0, 0]), ("darksalmon", [233, 150, 122]),
    ("darkseagreen", [143, 188, 143]), ("darkslateblue", [72, 61, 139]), ("darkslategray", [47, 79, 79]),
    ("darkslategrey", [47, 79, 79]), ("darkturquoise", [0, 206, 209]), ("darkviolet", [148, 0, 211]),
    ("deeppink", [255, 20, 147]), ("deepskyblue", [0, 191, 255]), ("dimgray", [105, 105, 105]), ("dimgrey", [105, 105, 105]),
    ("dodgerblue", [30, 144, 255]), ("firebrick", [178, 34, 34]), ("floralwhite", [255, 250, 240]),
    ("forestgreen", [34, 139, 34]), ("fuchsia", [255, 0, 255]), ("gainsboro", [220, 220, 220]),
    ("ghostwhite", [248, 248, 255]), ("gold", [255, 215, 0]), ("goldenrod", [218, 165, 32]), ("gray", [128, 128, 128]),
    ("green", [0, 128, 0]), ("greenyellow", [173, 255, 47]), ("grey", [128, 128, 128]), ("honeydew", [240, 255, 240]),
    ("hotpink", [255, 105, 180]), ("indianred", [205, 92, 92]), ("indigo", [75, 0, 130]), ("ivory", [255, 255, 240]),
    ("khaki", [240, 230, 140]), ("lavender", [230, 230, 250]), ("lavenderblush", [255, 240, 245]),
    ("lawngreen", [124, 252, 0]), ("lemonchiffon", [255, 250, 205]), ("lightblue", [173, 216, 230]),
    ("lightcoral", [240, 128, 128]), ("lightcyan", [224, 255, 255]), ("lightgoldenrodyellow", [250, 250, 210]),
    ("lightgray", [211, 211, 211]), ("lightgreen", [144, 238, 144]), ("lightgrey", [211, 211, 211]),
    ("lightpink", [255, 182, 193]), ("lightsalmon", [255, 160, 122]), ("lightseagreen", [32, 178, 170]),
    ("lightskyblue", [135, 206, 250]), ("lightslategray", [119, 136, 153]), ("lightslategrey", [119, 136, 153]),
    ("lightsteelblue", [176, 196, 222]), ("lightyellow", [255, 255, 224]), ("lime", [0, 255, 0]),
    ("limegreen", [50, 205, 50]), ("linen", [250, 240, 230]), ("magenta", [255, 0, 255]), ("maroon", [128, 0, 0]),
    ("mediumaquamarine", [102, 205, 170]), ("mediumblue", [0, 0, 205]), ("mediumorchid", [186, 85, 211]),
    ("mediumpurple", [147, 112, 219]), ("mediumseagreen", [60, 179, 113]), ("mediumslateblue", [123, 104, 238]),
    ("mediumspringgreen", [0, 250, 154]), ("mediumturquoise", [72, 209, 204]), ("mediumvioletred", [199, 21, 133]),
    ("midnightblue", [25, 25, 112]), ("mintcream", [245, 255, 250]), ("mistyrose", [255, 228, 225]),
    ("moccasin", [255, 228, 181]), ("navajowhite", [255, 222, 173]), ("navy", [0, 0, 128]), ("oldlace", [253, 245, 230]),
    ("olive", [128, 128, 0]), ("olivedrab", [107, 142, 35]), ("orange", [255, 165, 0]), ("orangered", [255, 69, 0]),
    ("orchid", [218, 112, 214]), ("palegoldenrod", [238, 232, 170]), ("palegreen", [152, 251, 152]),
    ("paleturquoise", [175, 238, 238]), ("palevioletred", [219, 112, 147]), ("papayawhip", [255, 239, 213]),
    ("peachpuff", [255, 218, 185]), ("peru", [205, 133, 63]), ("pink", [255, 192, 203]), ("plum", [221, 160, 221]),
    ("powderblue", [176, 224, 230]), ("purple", [128, 0, 128]), ("rebeccapurple", [102, 51, 153]), ("red", [255, 0, 0]),
    ("rosybrown", [188, 143, 143]), ("royalblue", [65, 105, 225]), ("saddlebrown", [139, 69, 19]),
    ("salmon", [250, 128, 114]), ("sandybrown", [244, 164, 96]), ("seagreen", [46, 139, 87]), ("seashell", [255, 245, 238]),
    ("sienna", [160, 82, 45]), ("silver", [192, 192, 192]), ("skyblue", [135, 206, 235]), ("slateblue", [106, 90, 205]),
    ("slategray", [112, 128, 144]), ("slategrey", [112, 128, 144]), ("snow", [255, 250, 250]),
    ("springgreen", [0, 255, 127]), ("steelblue", [70, 130, 180]), ("tan", [210, 180, 140]), ("teal", [0, 128, 128]),
    ("thistle", [216, 191, 216]), ("tomato", [255, 99, 71]), ("turquoise", [64, 224, 208]), ("violet", [238, 130, 238]),
    ("wheat", [245, 222, 179]), ("white", [255, 255, 255]), ("whitesmoke", [245, 245, 245]), ("yellow", [255, 255, 0]),
    ("yellowgreen", [154, 205, 50]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (text, paint) in [
            ("white", Some(Paint::full(Rgb::WHITE))),
            (" WHITE ", Some(Paint::full(Rgb::WHITE))),
            ("#fff", Some(Paint::full(Rgb::WHITE))),
            ("#FeFeFe", Some(Paint::full(Rgb(254, 254, 254)))),
            ("#fff0", Some(Paint { color: Rgb::WHITE, alpha: 0 })),
            ("#ffffff80", Some(Paint { color: Rgb::WHITE, alpha: 501 })),
            ("rgb(1, 2,3)", Some(Paint::full(Rgb(1, 2, 3)))),
            ("rgb(100%,0%,50.5%)", Some(Paint::full(Rgb(255, 0, 128)))),
            ("RGBA(1,2,3,.5)", Some(Paint { color: Rgb(1, 2, 3), alpha: 500 })),
            ("rgba(1,2,3,0.04)", Some(Paint { color: Rgb(1, 2, 3), alpha: 40 })),
            ("rgb(1 2 3 / 0%)", Some(Paint { color: Rgb(1, 2, 3), alpha: 0 })),
            ("rgb(999,-5,3)", Some(Paint::full(Rgb(255, 0, 3)))),
            ("hsl(0, 0%, 100%)", Some(Paint::full(Rgb::WHITE))),
            ("hsl(120, 100%, 50%)", Some(Paint::full(Rgb(0, 255, 0)))),
            ("hsl(240deg 100% 50%)", Some(Paint::full(Rgb(0, 0, 255)))),
            ("transparent", Some(Paint::TRANSPARENT)),
            ("rebeccapurple", Some(Paint::full(Rgb(102, 51, 153)))),
            ("inherit", None),
            ("#ffff1", None),
            ("#xyz", None),
            ("rgb(1,2)", None),
            ("", None),
        ] {
            assert_eq!(parse(text), paint, "{text}");
        }
        assert_eq!(parse_attribute("ffffff"), Some(Rgb::WHITE));
        assert_eq!(parse_attribute("#FFFFFF"), Some(Rgb::WHITE));
        assert_eq!(parse_attribute("White"), Some(Rgb::WHITE));
        assert_eq!(parse_attribute("chucknorris"), None);
    }

    #[test]
    fn names_are_sorted() {
        assert!(NAMED.is_sorted_by_key(|&(name, _)| name));
        assert_eq!(NAMED.len(), 148);
    }

    #[test]
    fn vanishing_has_an_edge() {
        assert!(Rgb(243, 243, 243).vanishes_on(Rgb::WHITE));
        assert!(!Rgb(243, 243, 242).vanishes_on(Rgb::WHITE));
        assert!(Rgb::BLACK.vanishes_on(Rgb::BLACK));
    }

    #[test]
    fn paint_mixes_with_what_lies_behind() {
        let paint = |alpha| Paint { color: Rgb::WHITE, alpha };
        assert_eq!(paint(0).over(Rgb(10, 20, 30)), Rgb(10, 20, 30));
        assert_eq!(paint(1_000).over(Rgb::BLACK), Rgb::WHITE);
        assert_eq!(paint(100).over(Rgb::BLACK), Rgb(25, 25, 25));
    }

    #[test]
    fn numbers() {
        for (text, value) in [
            ("1", Some(1_000)),
            (".5", Some(500)),
            ("-1.2345", Some(-1_234)),
            ("+2.", Some(2_000)),
            ("1e3", None),
            (".", None),
            ("", None),
            ("99999999999999999999", Some(1_000_000_000)),
        ] {
            assert_eq!(thousandths(text), value, "{text}");
        }
    }
}
