//! What a person sees of HTML, what is hidden from them, and what the page tries to do.
//!
//! A page is read as the standard tokenizes it; here the tokens become text as a mail program shows it: blocks separate words,
//! hidden elements go to a text of their own, scripts and comments are dropped. No tree is built, nothing is loaded, no
//! script runs, and media queries, selectors of several parts and layout are not computed: what then stays uncertain
//! counts as seen.

mod attributes;
mod color;
mod declaration;
mod element;
mod flow;
mod memo;
mod page;
mod reference;
mod sheet;
mod stack;
mod standard;
mod style;
mod tag;
mod tokens;

use std::borrow::Cow;

use self::page::Page;
use self::tokens::Tokens;
use crate::link::LinkCollector;
use crate::message::TextCollector;
use crate::{Defects, Limits};

/// Counts of what was found in the HTML parts of a message; nested messages not included.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HtmlFacts {
    /// HTML parts read.
    pub parts: u32,
    /// Tags, opening and closing.
    pub tags: u32,
    /// `form` elements.
    pub forms: u32,
    /// `input`, `textarea`, `select` and `button` elements, hidden inputs not counted.
    pub inputs: u32,
    /// Inputs of type password, or whose name or placeholder asks for a password, PIN or card number.
    pub credential_inputs: u32,
    /// `script` elements, event-handler attributes and `javascript:` links.
    pub scripts: u32,
    /// `iframe`, `frame`, `object`, `embed` and `applet` elements.
    pub frames: u32,
    /// `meta http-equiv=refresh` elements.
    pub refreshes: u32,
    /// `base` elements with a target.
    pub bases: u32,
    /// `img` elements and backgrounds, of any source.
    pub images: u32,
    /// Images whose source is remote (http or https, or relative to the protocol).
    pub remote_images: u32,
    /// Images that are embedded (`cid:` or `data:`).
    pub embedded_images: u32,
    /// Remote images of at most 2×2 pixels, or hidden: they tell the sender that the mail was opened.
    pub tracking_pixels: u32,
    /// `data:` URLs that hold HTML or script.
    pub data_documents: u32,
    /// Characters a person sees, blanks not counted.
    pub visible_chars: u32,
    /// Characters hidden from a person, blanks not counted.
    pub hidden_chars: u32,
    /// Characters written as a numeric entity though plain ASCII would do.
    pub needless_entities: u32,
    /// Comments longer than 200 bytes, conditional comments not counted.
    pub long_comments: u32,
    /// Words broken by a tag or a comment in their middle (`vi<b></b>agra`).
    pub broken_words: u32,
}

/// Where the contents of HTML go.
#[derive(Debug)]
pub(crate) struct HtmlSink<'s> {
    /// What a person sees, alternative texts of images and labels of inputs included.
    pub(crate) visible: &'s mut TextCollector,
    /// What a person does not see, the title included.
    pub(crate) hidden: &'s mut TextCollector,
    /// Links of elements, and of visible text outside anchors.
    pub(crate) links: &'s mut LinkCollector,
    /// What is counted.
    pub(crate) facts: &'s mut HtmlFacts,
    /// Limits that were reached.
    pub(crate) defects: &'s mut Defects,
}

/// Reads one HTML part.
pub(crate) fn read(html: &str, limits: &Limits, sink: HtmlSink<'_>) {
    sink.facts.parts += 1;
    sink.facts.needless_entities = sink.facts.needless_entities.saturating_add(needless_entities(html));
    let html = with_plain_line_ends(html);
    Tokens::new(&html, Page::new(limits, sink), limits.link_bytes).read();
}

/// The page with LF for CRLF and CR (HTML §13.2.3.5).
fn with_plain_line_ends(html: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\r', html.as_bytes()).is_none() {
        return Cow::Borrowed(html);
    }
    let mut plain = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = memchr::memchr(b'\r', rest.as_bytes()) {
        plain.push_str(rest.get(..at).unwrap_or_default());
        plain.push('\n');
        rest = rest.get(at + 1..).unwrap_or_default();
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// How many numeric entities stand for ASCII letters, digits or blanks in between.
fn needless_entities(html: &str) -> u32 {
    let bytes = html.as_bytes();
    let needless = |&at: &usize| plain_entity(bytes.get(at..).unwrap_or_default());
    memchr::memmem::find_iter(bytes, b"&#").filter(needless).count().try_into().unwrap_or(u32::MAX)
}

/// Whether a numeric entity at the beginning stands for an ASCII letter or digit.
fn plain_entity(bytes: &[u8]) -> bool {
    entity_value(bytes).is_some_and(|code| u8::try_from(code).is_ok_and(|byte| byte.is_ascii_alphanumeric()))
}

/// The number of a numeric entity at the beginning; at most seven digits are read.
fn entity_value(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"&#")?;
    let (digits, radix) = match digits.first()? {
        b'x' | b'X' => (digits.get(1..)?, 16),
        _ => (digits, 10),
    };
    let mut value = None;
    for &byte in digits.iter().take(7) {
        let Some(digit) = char::from(byte).to_digit(radix) else { break };
        value = Some(value.unwrap_or(0) * radix + digit);
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Defect, Link, LinkOrigin, LinkTrick};

    /// What came out of one page.
    #[derive(Debug, PartialEq)]
    struct Outcome {
        visible: String,
        hidden: String,
        links: Vec<Link>,
        facts: HtmlFacts,
        defects: Defects,
    }

    fn read_with(html: &str, limits: &Limits) -> Outcome {
        outcome(limits, |sink| read(html, limits, sink))
    }

    /// The page as html5gum alone reads it.
    fn read_by_standard(html: &str) -> Outcome {
        let limits = Limits::default();
        outcome(&limits, |sink| {
            sink.facts.parts = 1;
            sink.facts.needless_entities = needless_entities(html);
            Tokens::new(html, Page::new(&limits, sink), limits.link_bytes).read_by_standard();
        })
    }

    fn outcome(limits: &Limits, read: impl FnOnce(HtmlSink<'_>)) -> Outcome {
        let (mut visible, mut hidden) = (TextCollector::new(1 << 20, 0), TextCollector::new(1 << 20, 0));
        let mut links = LinkCollector::new(limits);
        let (mut facts, mut defects) = (HtmlFacts::default(), Defects::default());
        let sink =
            HtmlSink { visible: &mut visible, hidden: &mut hidden, links: &mut links, facts: &mut facts, defects: &mut defects };
        read(sink);
        let links = links.finish(&mut defects);
        let text = |collector: TextCollector| collector.finish().0.original().to_owned();
        Outcome { visible: text(visible), hidden: text(hidden), links, facts, defects }
    }

    fn read_page(html: &str) -> Outcome {
        read_with(html, &Limits::default())
    }

    #[test]
    fn what_a_person_sees() {
        for (html, visible) in [
            ("", ""),
            ("Hello", "Hello"),
            ("<p>One<p>Two<br>Three", "One\nTwo\nThree"),
            ("<div>One</div>Two", "One\nTwo"),
            ("a <b>b</b> c", "a b c"),
            ("vi<b></b>ag<!-- x -->ra", "viagra"),
            ("  a \r\n\t b  ", "a b"),
            ("<td>a</td><td>b</td>", "a\nb"),
            ("&lt;b&gt; &amp; &#65;&#x42;&nbsp;&copy", "<b> & AB\u{a0}©"),
            ("<pre>a\n  b</pre>", "a\n  b"),
            ("a<script>var b = '<p>';</script>c", "ac"),
            ("a<style>p{}</style>b<xmp><b></xmp>c", "ab\n<b>\nc"),
            ("<noscript>seen</noscript>", "seen"),
            ("a<iframe>b</iframe>c", "ac"),
            ("<textarea>a</textarea>", "a"),
            ("<plaintext><b>", "<b>"),
            ("x<img alt='Log in' src=a>y", "x Log in y"),
            ("<input type=submit value=Go><input placeholder='Your PIN'>", "Go Your PIN"),
            ("<span style='display:block'>a</span><span>b</span>", "a\nb"),
            ("<span>a</span><span>b</span>", "ab"),
            ("a <!-- b --> c<![if !mso]>d<![endif]>", "a cd"),
            ("<option>a<option>b", "a\nb"),
            ("<", "<"),
            ("<é", "<é"),
            ("a</p>b</br>c", "a\nb\nc"),
            ("<script>a", ""),
            ("<b", ""),
            ("<svg><text>a</text></svg>", "a"),
        ] {
            assert_eq!(read_page(html).visible, visible, "{html}");
        }
    }

    #[test]
    fn what_is_hidden() {
        for html in [
            "<div style='display:none'>x</div>",
            "<div hidden>x</div>",
            "<div style='visibility:hidden'>x</div>",
            "<div style='font-size:0px'>x</div>",
            "<div style=\"opacity:0\">x</div>",
            "<div style='max-height:0;overflow:hidden;mso-hide:all'>x</div>",
            "<div style='color:#fff'>x</div>",
            "<div style='color:#fefefe'>x</div>",
            "<font color=white>x</font>",
            "<font color='FFFFFF'>x</font>",
            "<table bgcolor=black><td><font color=#000001>x</font></table>",
            "<body bgcolor=red text=red>x",
            "<div style='background:navy;color:#000080'>x</div>",
            "<span style='position:absolute;left:-9999px'>x</span>",
            "<style>.a{display:none}</style><p class='b a'>x",
            "<style>#a{font-size:0}</style><p id=a>x",
            "<p style='display/**/:/**/none'>x",
            "<p style='&#100;isplay:none'>x",
            "<template>x</template>",
            "<a href='#' style='color:white'>x</a>",
            "<div style='display:none'><table><td>x</table></div>",
        ] {
            let outcome = read_page(html);
            assert_eq!((outcome.visible.as_str(), outcome.hidden.as_str()), ("", "x"), "{html}");
            assert_eq!((outcome.facts.visible_chars, outcome.facts.hidden_chars), (0, 1), "{html}");
        }
    }

    #[test]
    fn what_is_not_hidden() {
        for html in [
            "<div aria-hidden=true>x</div>",
            "<div style='color:#eee'>x</div>",
            "<div style='background:#000;color:#fff'>x</div>",
            "<table bgcolor=navy><td><font color=white>x</font></table>",
            "<td background=a.png><font color=white>x</font>",
            "<div style='background:url(a.png) white;color:white'>x</div>",
            "<div style='font-size:0'><span style='font-size:12px'>x</span></div>",
            "<div style='color:white'><a href=#>x</a></div>",
            "<style>@media print{.a{display:none}}</style><p class=a>x",
            "<style media=print>.a{display:none}</style><p class=a>x",
            "<style>.a .b{display:none}</style><p class=b>x",
            "<style>.dark{background:#000}</style><div class=dark><font color=white>x",
            "<div style='display:none'></div>x",
            "<b style='display:none'><div></b>x",
            "<p style='display:none'><p>x",
            "<font size=1>x</font>",
            "<div style='max-height:0'>x</div>",
            // A browser throws these declarations away, or lays others over them.
            "<div style='display:none!x'>x</div>",
            "<div style='a:(;display:none'>x</div>",
            "<style>p{display:block!important}</style><p style='display:none'>x",
            "<style>p{x:';}p{display:none}';}</style><p>x",
            // Sizes mean nothing within a line.
            "<span style='max-height:0;overflow:hidden'>x</span>",
            "<span style='text-indent:-9999px'>x</span>",
            // No style in SVG is raw text, and a paragraph ends the picture.
            "<svg><style><p>x</style>",
            "<math><iframe><p>x",
        ] {
            let outcome = read_page(html);
            assert_eq!((outcome.visible.as_str(), outcome.hidden.as_str()), ("x", ""), "{html}");
        }
    }

    #[test]
    fn a_title_is_hidden_and_not_counted() {
        let outcome = read_page("<html><head><title>News &amp; <b></title></head><body>Hi</body></html>after");
        assert_eq!((outcome.visible.as_str(), outcome.hidden.as_str()), ("Hi\nafter", "News & <b>"));
        assert_eq!(outcome.facts.hidden_chars, 0);
    }

    #[test]
    fn links_know_what_they_show() {
        let html = "<a href=' https://evil.example/?a=1&amp;b=2 '><b>www.bank</b>.example</a> \
            see www.seen.example now <span style='display:none'>www.unseen.example</span>\
            <a href=https://a.example/><img src=//b.example/i.png width=100></a>\
            <a href=https://c.example/></a><a href=https://d.example/ style=display:none>x</a>\
            <form action=http://e.example/p></form><a href=&#104;ttp://f.example/x>f</a><link href=http://g.example/>";
        let outcome = read_page(html);
        let links: Vec<_> =
            outcome.links.iter().map(|link| (link.origin, link.url.as_str(), link.shown.as_deref(), link.hidden)).collect();
        assert_eq!(
            links,
            [
                (LinkOrigin::Anchor, "https://evil.example/?a=1&b=2", Some("www.bank.example"), false),
                (LinkOrigin::Text, "http://www.seen.example/", None, false),
                (LinkOrigin::Anchor, "https://a.example/", None, false),
                (LinkOrigin::Image, "//b.example/i.png", None, false),
                (LinkOrigin::Anchor, "https://c.example/", None, true),
                (LinkOrigin::Anchor, "https://d.example/", None, true),
                (LinkOrigin::Form, "http://e.example/p", None, false),
                (LinkOrigin::Anchor, "http://f.example/x", Some("f"), false),
                (LinkOrigin::Resource, "http://g.example/", None, true),
            ]
        );
        assert!(outcome.links[0].misleads());
        assert!(outcome.links[7].tricks.contains(LinkTrick::EscapedHost));
        assert!(!outcome.links[0].tricks.contains(LinkTrick::EscapedHost));
    }

    #[test]
    fn a_base_moves_relative_links() {
        let outcome =
            read_page("<base href=http://evil.example/a/b><a href=c>1</a><a href=/d>2</a><a href=http://e.example/>3</a>");
        let urls: Vec<_> = outcome.links.iter().map(|link| link.url.as_str()).collect();
        assert_eq!(urls, ["http://evil.example/a/c", "http://evil.example/d", "http://e.example/"]);
        assert_eq!(outcome.facts.bases, 1);
    }

    #[test]
    fn text_links_do_not_join_over_blocks() {
        let outcome = read_page("<p>www.a.example<p>/x www.b<b>.exam</b>ple");
        let urls: Vec<_> = outcome.links.iter().map(|link| link.url.as_str()).collect();
        assert_eq!(urls, ["http://www.a.example/", "http://www.b.example/"]);
    }

    #[test]
    fn facts() {
        type Fact = fn(&HtmlFacts) -> u32;
        let cases: [(&str, Fact, u32); 24] = [
            ("<p>a</p><br>", |f| f.tags, 3),
            ("<form></form>", |f| f.forms, 1),
            ("<input><input type=hidden><select></select><textarea></textarea><button></button>", |f| f.inputs, 4),
            ("<input type=password>", |f| f.credential_inputs, 1),
            ("<input name=card-number><input placeholder='Your PIN'><input name=shipping>", |f| f.credential_inputs, 2),
            ("<script></script><b onclick=x><a href='java\nscript:x'>y</a>", |f| f.scripts, 3),
            ("<iframe></iframe><object></object><embed>", |f| f.frames, 3),
            ("<meta http-equiv=Refresh content='0;url=http://a.example'>", |f| f.refreshes, 1),
            ("<base href=x><base>", |f| f.bases, 1),
            ("<img src=a><td background=b><p style='background:url(c)'>", |f| f.images, 3),
            ("<img src=http://a.example/><img src=//b.example/><img src=c>", |f| f.remote_images, 2),
            ("<img src=cid:a><img src=data:image/png;base64,>", |f| f.embedded_images, 2),
            ("<img src=http://a.example/ width=1 height=1>", |f| f.tracking_pixels, 1),
            ("<img src=http://a.example/ style='width:2px;height:2px'>", |f| f.tracking_pixels, 1),
            ("<img src=http://a.example/ style='display:none'>", |f| f.tracking_pixels, 1),
            ("<img src=http://a.example/ width=1 height=3><img src=x width=1 height=1>", |f| f.tracking_pixels, 0),
            ("<a href='data:text/html,x'>a</a><img src=data:image/png,x>", |f| f.data_documents, 1),
            ("<p>a b&nbsp;\u{200b}é</p>", |f| f.visible_chars, 3),
            ("&#65;&#x42;&#8217;&#32;&amp;", |f| f.needless_entities, 2),
            ("<!--[if mso]>aaaa<![endif]--><!-- short -->", |f| f.long_comments, 0),
            ("vi<b></b>agra", |f| f.broken_words, 1),
            ("vi<!-- x -->ag<i>ra</i> a<b> b</b> c<br>d <td>e</td><td>f", |f| f.broken_words, 2),
            ("vi<span style='display:none'>xxx</span>agra", |f| f.broken_words, 1),
            ("one&amp;two on<wbr>e", |f| f.broken_words, 0),
        ];
        for (html, fact, count) in cases {
            assert_eq!(fact(&read_page(html).facts), count, "{html}");
        }
        assert_eq!(read_page(&format!("<!--{}-->", "x".repeat(201))).facts.long_comments, 1);
        assert_eq!(read_page(&format!("<!--{}-->", "x".repeat(200))).facts.long_comments, 0);
    }

    #[test]
    fn depth_is_bounded_and_text_goes_on() {
        let limits = Limits { html_depth: 4, ..Limits::default() };
        let page = |depth: usize| format!("{}x{}y", "<div>".repeat(depth), "</div>".repeat(depth));
        assert!(read_with(&page(4), &limits).defects.is_empty());
        let outcome = read_with(&page(5), &limits);
        assert!(outcome.defects.contains(Defect::HtmlDepthLimit));
        assert_eq!(outcome.visible, "x\ny");
    }

    #[test]
    fn long_attributes_are_cut() {
        let html = format!("<p style='{}display:none'>x", " ".repeat(1 << 20));
        assert_eq!(read_page(&html).visible, "x");
        let outcome = read_page(&format!("<a href='http://a.example/{}'>x</a>", "b".repeat(1 << 20)));
        assert!(outcome.defects.contains(Defect::LinkBytesLimit));
        assert_eq!(outcome.links[0].url.len(), Limits::default().link_bytes);
    }

    /// Pieces of tags, usual and not.
    const SHAPES: &str = "(<|>|</|/>|/|=|\"|'|&|;|#|&amp;|&#65;|&#x|&copy|&not|&lt;|\r\n|\r|\n| |\0|\u{7f}|é|a|b=|P|<a|<A\
        |<a href=|<a href=\"http://a\\.example/\\?x&amp;y=|<p|</p>|<b|</b>|<p style='display:none'>|<td class=x|<img alt=|<img src='\
        |<title>|</title>|<style>|</style>|<script>|</script|<!--|-->|--!>|<!|<\\?|<!DOCTYPE|<!\\[CDATA\\[|<textarea>|<plaintext>\
        |<xmp>|</xmp >| onclick| hidden|alt|style=color:#fff){0,24}";

    proptest! {
        #[test]
        fn usual_shapes_are_read_as_the_standard_says(html in SHAPES) {
            prop_assert_eq!(read_page(&html), read_by_standard(&html));
        }

        #[test]
        fn any_page_is_read(html in "(\\PC|[<>/='\" &;#]|<(/)?(p|b|a|td|table|div|style|script|font|title|li)( (style|href|color|class)='?(color:#fff|x|white|http://a.example)'?)?>){0,60}") {
            let outcome = read_page(&html);
            prop_assert!(outcome.facts.visible_chars as usize <= html.len());
            prop_assert!(outcome.links.len() <= html.len());
        }
    }
}
