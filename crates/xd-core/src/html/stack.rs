//! The open elements, and what a person sees inside the innermost (HTML Living Standard §13.2.4.2 and §13.2.6, simplified).
//!
//! Tags that don't nest are treated as browsers treat them as far as it changes what is seen: markup of text closes
//! through blocks, table cells keep markup in, paragraphs, list items and cells end where the next begins, end tags
//! without a start mean nothing. All searching together is linear in the number of tags.

use super::color::{Paint, Rgb};
use super::element::{Kind, Tag};
use super::style::{Display, Ground, Style};

/// How text inside an element looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Sight {
    /// Not shown, and nothing inside can change that.
    removed: bool,
    invisible: bool,
    tiny: bool,
    ink: Paint,
    /// None when it is a picture.
    ground: Option<Rgb>,
    pub(super) preformatted: bool,
}

impl Sight {
    /// A page before any style: black on white.
    const PAGE: Self = Self {
        removed: false,
        invisible: false,
        tiny: false,
        ink: Paint::full(Rgb::BLACK),
        ground: Some(Rgb::WHITE),
        preformatted: false,
    };

    /// Whether a person sees no text here.
    pub(super) fn hides(self) -> bool {
        self.hides_pictures()
            || self.tiny
            || match self.ground {
                Some(ground) => self.ink.over(ground).vanishes_on(ground),
                None => self.ink.alpha < FAINT,
            }
    }

    /// Whether a person sees no image here.
    pub(super) fn hides_pictures(self) -> bool {
        self.removed || self.invisible
    }

    /// The sight inside an element of this style.
    pub(super) fn within(self, style: &Style) -> Self {
        Self {
            removed: self.removed || style.removes(),
            invisible: style.visible.map_or(self.invisible, |visible| !visible),
            tiny: style.tiny.unwrap_or(self.tiny),
            ink: style.color.unwrap_or(self.ink),
            ground: match style.ground {
                Some(Ground::Color(paint)) => match self.ground {
                    Some(ground) => Some(paint.over(ground)),
                    None => (paint.alpha > HALF).then_some(paint.color),
                },
                Some(Ground::Picture) => None,
                Some(Ground::Through) | None => self.ground,
            },
            preformatted: style.preformatted.unwrap_or(self.preformatted),
        }
    }
}

/// Text fainter than a twentieth is unseen on any picture.
const FAINT: u16 = 50;

/// A ground stronger than half hides the picture behind it as far as text is concerned.
const HALF: u16 = 500;

#[derive(Clone, Debug)]
struct Open {
    tag: Tag,
    style: Style,
    sight: Sight,
}

/// The open elements, outermost first.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    open: Vec<Open>,
    most: usize,
    /// Elements open beyond the bound; they look as the innermost below it.
    beyond: usize,
    reached: bool,
    /// Steps that may still be taken in searches: a loan on every tag, so that all searches together are linear.
    credit: usize,
}

/// Steps of search that each tag pays for.
const STEPS_PER_TAG: usize = 24;

/// Steps of search that are there from the beginning: a page with few tags is read exactly.
const FIRST_STEPS: usize = 20_000;

/// How far past blocks an element of markup is closed; 8, as browsers give up on it after so many.
const REACH: usize = 8;

impl Stack {
    /// A stack of at most `most` elements.
    pub(super) fn new(most: usize) -> Self {
        Self { open: Vec::new(), most, beyond: 0, reached: false, credit: FIRST_STEPS }
    }

    /// Opens an element; ends first what its start ends.
    pub(super) fn open(&mut self, tag: Tag, style: &Style) {
        self.pay();
        self.end_implied(tag);
        if self.open.len() >= self.most {
            self.beyond += 1;
            self.reached = true;
            return;
        }
        let sight = self.sight().within(style);
        self.open.push(Open { tag, style: *style, sight });
    }

    /// Closes an element and returns its own `display`, or that of a block that ends with it.
    pub(super) fn close(&mut self, tag: Tag) -> Option<Display> {
        self.pay();
        if self.beyond > 0 {
            // What is open beyond the bound is not known by name.
            self.beyond -= 1;
            return None;
        }
        match tag.kind() {
            Kind::Formatting => self.close_formatting(tag),
            Kind::Inline => {
                let at = self.find(|open| open == tag, |open| !matches!(open.kind(), Kind::Inline | Kind::Formatting))?;
                self.truncate(at)
            }
            Kind::Block | Kind::Cell => {
                // A cell's end reaches through other cells' blocks only to its own table.
                let table = matches!(tag, Tag::Td | Tag::Th | Tag::Tr | Tag::Tbody | Tag::Thead | Tag::Tfoot | Tag::Caption);
                let barrier = |open: Tag| if table { open == Tag::Table } else { open.kind() == Kind::Cell && tag != open };
                // A table's own end reaches everywhere.
                let at = self.find(|open| open == tag, |open| tag != Tag::Table && barrier(open))?;
                self.truncate(at)
            }
            Kind::Raw(_) | Kind::Void => None,
        }
    }

    /// Whether the bound was reached.
    pub(super) fn reached(&self) -> bool {
        self.reached
    }

    /// What a person sees in the innermost element.
    pub(super) fn sight(&self) -> Sight {
        self.open.last().map_or(Sight::PAGE, |open| open.sight)
    }

    fn pay(&mut self) {
        self.credit = (self.credit + STEPS_PER_TAG).min(FIRST_STEPS.saturating_mul(8));
    }

    /// The innermost open element that is sought, unless a barrier stands before it.
    fn find(&mut self, sought: impl Fn(Tag) -> bool, barrier: impl Fn(Tag) -> bool) -> Option<usize> {
        for (at, open) in self.open.iter().enumerate().rev() {
            if sought(open.tag) {
                return Some(at);
            }
            if barrier(open.tag) {
                return None;
            }
            self.credit = self.credit.checked_sub(1)?;
        }
        None
    }

    /// Closes an element of markup: with everything in it, or, when blocks are open in it, alone.
    fn close_formatting(&mut self, tag: Tag) -> Option<Display> {
        let at = self.find(|open| open == tag, |open| open.kind() == Kind::Cell)?;
        let inside = self.open.get(at + 1..).unwrap_or_default();
        if inside.iter().all(|open| matches!(open.tag.kind(), Kind::Inline | Kind::Formatting)) {
            self.truncate(at)
        } else {
            if inside.len() <= REACH {
                self.remove(at);
            }
            None
        }
    }

    /// Closes everything from an element on.
    fn truncate(&mut self, at: usize) -> Option<Display> {
        let display = self.open.get(at)?.style.display;
        let block = self.open.get(at..)?.iter().any(|open| open.style.display == Some(Display::Block));
        self.open.truncate(at);
        if block { Some(Display::Block) } else { display }
    }

    /// Takes one element out from under others, which then look as if it had never been.
    fn remove(&mut self, at: usize) {
        self.open.remove(at);
        let mut sight = at.checked_sub(1).and_then(|below| self.open.get(below)).map_or(Sight::PAGE, |open| open.sight);
        for open in self.open.iter_mut().skip(at) {
            sight = sight.within(&open.style);
            open.sight = sight;
        }
    }

    /// Ends what the start of an element ends.
    fn end_implied(&mut self, tag: Tag) {
        let found = match tag {
            Tag::Td | Tag::Th => self.find(|open| matches!(open, Tag::Td | Tag::Th), |open| matches!(open, Tag::Tr | Tag::Table)),
            Tag::Tr => self.find(|open| open == Tag::Tr, |open| open == Tag::Table),
            Tag::Tbody | Tag::Thead | Tag::Tfoot => {
                self.find(|open| matches!(open, Tag::Tbody | Tag::Thead | Tag::Tfoot), |open| open == Tag::Table)
            }
            Tag::Li => self.find(|open| open == Tag::Li, |open| open.kind() == Kind::Cell || matches!(open, Tag::Ul | Tag::Ol)),
            Tag::Dd | Tag::Dt => {
                self.find(|open| matches!(open, Tag::Dd | Tag::Dt), |open| open.kind() == Kind::Cell || open == Tag::Dl)
            }
            Tag::Option => self.find(|open| open == Tag::Option, |open| open != Tag::Option),
            // A second link ends the first, and its markup with it.
            Tag::A => {
                self.close_formatting(Tag::A);
                None
            }
            _ if tag.kind() == Kind::Block || tag == Tag::Table => {
                let paragraph = self.find(|open| open == Tag::P, |open| !matches!(open.kind(), Kind::Inline | Kind::Formatting));
                // Browsers open the paragraph's markup anew in the next block.
                if let Some(at) = paragraph.filter(|at| self.open.len() - at <= REACH) {
                    self.remove(at);
                }
                None
            }
            _ => None,
        };
        if let Some(at) = found {
            self.open.truncate(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::style::Declared;

    const HIDDEN: Style = Style { display: Some(Display::None), ..Style::NONE };

    /// Whether text is hidden after these tags; `!` marks an element that is hidden, `/` an end.
    fn hidden_after(tags: &str) -> bool {
        let mut stack = Stack::new(64);
        for word in tags.split_whitespace() {
            let name = Tag::from_name(word.trim_matches(['!', '/']).as_bytes());
            match word.strip_prefix('/') {
                Some(_) => {
                    let _ = stack.close(name);
                }
                None => stack.open(name, if word.ends_with('!') { &HIDDEN } else { &Style::NONE }),
            }
        }
        stack.sight().hides()
    }

    #[test]
    fn tags_that_do_not_nest() {
        for (tags, hidden) in [
            ("div!", true),
            ("div! /div", false),
            ("div! b /div", false),
            ("div! /span /b /p", true),
            ("div! span /div", false),
            // Markup closes through blocks, other inline elements don't.
            ("font! div /font", false),
            ("span! div /span", true),
            ("b div! /b", true),
            // Cells keep markup in, tables keep cells in.
            ("b! table tr td /b", true),
            ("table tr td! table tr td /td /tr /table", true),
            ("table tr td! div /td", false),
            ("div table tr td! /div", true),
            ("div! table tr td /table /div", false),
            // Starts that end what is open.
            ("p! p", false),
            ("p! b p", false),
            ("p! div", false),
            ("p! span", true),
            ("li! li", false),
            ("ul li! ul li", true),
            ("tr td! td", false),
            ("tr! td tr", false),
            ("a! a", false),
            ("dt! dd", false),
            ("x! y /x", false),
            ("x! /y", true),
        ] {
            assert_eq!(hidden_after(tags), hidden, "{tags}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let plain = Style::NONE;
        let mut stack = Stack::new(3);
        for _ in 0..3 {
            stack.open(Tag::Div, &plain);
        }
        assert!(!stack.reached());
        stack.open(Tag::Div, &HIDDEN);
        assert!(stack.reached() && !stack.sight().hides());
        stack.close(Tag::Div);
        stack.close(Tag::Div);
        stack.open(Tag::Div, &HIDDEN);
        assert!(stack.sight().hides());
    }

    #[test]
    fn searches_are_paid_for() {
        let mut stack = Stack::new(512);
        for _ in 0..512 {
            stack.open(Tag::Span, &Style::NONE);
        }
        for _ in 0..100_000 {
            stack.close(Tag::I);
        }
        assert!(stack.credit < 512);
        // Once searches are paid for again, they find what they seek.
        stack.close(Tag::Span);
        assert_eq!(stack.open.len(), 511);
    }

    #[test]
    fn colours_are_judged_against_what_lies_behind() {
        let color = |text: &str| Declared::parse(text, &mut |_| {}).settled();
        let look = |outer: &str, inner: &str| Sight::PAGE.within(&color(outer)).within(&color(inner)).hides();
        assert!(look("", "color:#fff"));
        assert!(look("background:#000", "color:#010101"));
        assert!(!look("background:#000", "color:#fff"));
        assert!(!look("background:url(x.png)", "color:#fff"));
        assert!(look("color:transparent", ""));
        assert!(look("", "color:rgba(0,0,0,.02)"));
        assert!(look("background:url(x.png)", "color:rgba(0,0,0,.02)"));
        assert!(!look("background:#16213e", "background:rgba(255,255,255,.1);color:#fff"));
        assert!(look("background:#fff", "background:rgba(0,0,0,.02);color:#fff"));
        assert!(!look("font-size:0", "font-size:12px"));
        assert!(!look("visibility:hidden", "visibility:visible"));
        assert!(look("display:none", "display:block"));
    }
}
