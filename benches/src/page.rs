//! Pages as newsletters have them: tables, inline styles, links with long queries, remote pictures.

use std::fmt::Write;

use crate::{Random, prose};

/// A newsletter of at least `bytes` bytes.
#[must_use]
pub fn newsletter(random: &mut Random, bytes: usize) -> String {
    let mut page = String::with_capacity(bytes + 2048);
    page.push_str(HEAD);
    while page.len() < bytes {
        article(random, &mut page);
    }
    page.push_str(FOOT);
    page
}

/// A page of links and little else: at least `bytes` bytes.
#[must_use]
pub fn links(random: &mut Random, bytes: usize) -> String {
    let mut page = String::from("<html><body>\r\n");
    while page.len() < bytes {
        let host = random.below(400);
        let shown = if random.below(4) == 0 { format!("www.shop{host}.example") } else { prose::phrase(random, 2) };
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "<a href=\"https://www.shop{host}.example/{}?id={}\">{shown}</a>\r\n",
            random.below(50),
            random.number()
        );
    }
    page
}

const HEAD: &str = "<!DOCTYPE html>\r\n<html><head><meta charset=\"utf-8\"><title>News</title>\r\n\
    <style type=\"text/css\">body{margin:0;padding:0;background:#f4f4f4} .wrap{width:600px} .small{font-size:11px;color:#777777}\r\n\
    @media only screen and (max-width:600px){.wrap{width:100%!important}} .preheader{display:none;font-size:1px}</style></head>\r\n\
    <body bgcolor=\"#f4f4f4\"><div class=\"preheader\">What is new this month</div>\r\n\
    <!--[if mso]><table width=\"600\"><tr><td><![endif]-->\r\n<table class=\"wrap\" align=\"center\" cellpadding=\"0\">\r\n";

const FOOT: &str = "</table>\r\n<p class=\"small\">You get this because you asked for it. \
    <a href=\"https://news.example/leave?id=7731\">Unsubscribe</a> &middot; 12 Harbour Street</p>\r\n\
    <img src=\"https://news.example/open.gif?id=7731\" width=\"1\" height=\"1\" alt=\"\">\r\n</body></html>\r\n";

fn article(random: &mut Random, page: &mut String) {
    let id = random.number();
    let heading = prose::phrase(random, 4);
    let length = 200 + random.below(400);
    let text = prose::text(random, length);
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<tr><td style=\"padding:12px 24px;font-family:Arial,Helvetica,sans-serif;font-size:14px;line-height:20px;color:#333333\">\r\n\
         <a href=\"https://news.example/article/{id}?utm_source=news&amp;utm_medium=email&amp;c={id:x}\" style=\"text-decoration:none\">\
         <img src=\"https://pictures.news.example/{id:x}.jpg\" width=\"552\" height=\"240\" alt=\"{heading}\" border=\"0\"></a>\r\n\
         <h2 style=\"margin:0 0 8px 0;font-weight:bold;color:#004466\">{heading}</h2>\r\n<p style=\"margin:0\">{text}&nbsp;&hellip; \
         <a href=\"https://news.example/article/{id}\"><b>Read&nbsp;more</b></a></p></td></tr>\r\n"
    );
}
