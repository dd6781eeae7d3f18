//! Messages built to cost far more than their size: each looks for one place where work grows faster than the input.

use std::fmt::Write;

use crate::{KIB, MIB, Random, mail, page, prose};

const PLAIN: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// Each class of hostile message, under its name.
#[must_use]
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("10,000 parts", parts(10_000)),
        ("1,000 nested multiparts", multiparts(1_000)),
        ("1,000 nested messages", messages(1_000)),
        (
            "100,000 header fields",
            mail::with_fields(&repeated(100_000, |n| format!("X-H{n}: value {n}\r\n")), PLAIN, "hello\r\n"),
        ),
        ("5,000 trace fields", mail::with_fields(&repeated(5_000, hop), PLAIN, "hello\r\n")),
        ("a header field of 1 MiB", mail::with_fields(&format!("X-Long: {}\r\n", "a".repeat(MIB)), PLAIN, "hello\r\n")),
        ("20,000 recipients", mail::with_fields(&recipients(20_000), PLAIN, "hello\r\n")),
        ("50,000 encoded words", mail::with_fields(&encoded_words(50_000), PLAIN, "hello\r\n")),
        ("a line of 2 MiB", mail::message(PLAIN, &"a".repeat(2 * MIB))),
        ("2 MiB of dots and colons", mail::message(PLAIN, &"a.:/".repeat(MIB / 2))),
        (
            "20,000 links",
            mail::message(PLAIN, &repeated(20_000, |n| format!("http://u{n}.example{}.example/path/{n}\r\n", n % 977))),
        ),
        ("512 KiB of look-alikes", mail::message(PLAIN, &"ﷺẛ̣ раураӏ 𝐅𝐑𝐄𝐄 e\u{301}\u{302} ".repeat(512 * KIB / 56))),
        ("100,000 nested elements", mail::message(HTML, &["<div>".repeat(100_000), "</div>".repeat(100_000)].join("deep"))),
        ("200,000 unclosed tags", mail::message(HTML, &"<b><a href=x ".repeat(100_000))),
        ("50,000 attributes", mail::message(HTML, &format!("<p {}>", repeated(50_000, |n| format!("a{n}=1 "))))),
        ("20,000 style rules", mail::message(HTML, &styles(20_000))),
        ("a line of HTML of 2 MiB", mail::message(HTML, &page::newsletter(&mut Random::new(5), 2 * MIB).replace("\r\n", " "))),
        ("7 MiB of text in base64", mail::encoded(prose::text(&mut Random::new(1), 7 * MIB).as_bytes())),
        ("7 MiB of noise in base64", mail::encoded(&mail::noise(7 * MIB))),
        ("words that nearly match", mail::message(PLAIN, &near_matches(MIB))),
    ]
}

fn repeated(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect()
}

fn parts(count: usize) -> Vec<u8> {
    let parts = repeated(count, |n| format!("--b\r\nContent-Type: text/plain\r\n\r\npart {n}\r\n"));
    mail::message("multipart/mixed; boundary=b", &(parts + "--b--\r\n"))
}

fn multiparts(depth: usize) -> Vec<u8> {
    let open = |n| format!("--b{n}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n", n + 1);
    let mut body = repeated(depth, open);
    // Writing to a String cannot fail.
    let _ = write!(body, "--b{depth}\r\n\r\ninnermost\r\n");
    (0..=depth).rev().for_each(|n| body.push_str(&format!("--b{n}--\r\n")));
    mail::message("multipart/mixed; boundary=b0", &body)
}

fn messages(depth: usize) -> Vec<u8> {
    let level = |n| format!("From: a{n}@example.net\r\nContent-Type: message/rfc822\r\n\r\n");
    mail::message("message/rfc822", &(repeated(depth, level) + "Subject: innermost\r\n\r\nhello\r\n"))
}

fn hop(n: usize) -> String {
    let address = format!("198.51.{}.{}", n >> 8 & 255, n & 255);
    format!(
        "Received: from h{n}.example.net (h{n}.example.net [{address}]) by h{}.example.net with ESMTP id {n};\r\n\
         \tSun, 22 Nov 2026 00:59:{:02} +0000\r\n",
        n + 1,
        n % 60
    )
}

fn recipients(count: usize) -> String {
    format!("Cc: nobody@example.com{}\r\n", repeated(count, |n| format!(",\r\n user{n}@example.com")))
}

fn encoded_words(count: usize) -> String {
    format!("X-Words:{}\r\n", "\r\n =?utf-8?q?=C3=BC?=".repeat(count))
}

fn styles(count: usize) -> String {
    let rules = repeated(count, |n| format!(".c{n} p, #i{n} > .d{n}{{color:#fff;display:none}}\r\n"));
    format!("<style>{rules}</style>{}", repeated(count, |n| format!("<p class=\"c{n} d{n}\">x")))
}

/// Text in which the beginnings of much-sought phrases stand everywhere.
fn near_matches(bytes: usize) -> String {
    const BEGINNINGS: [&str; 8] =
        ["click ", "your account ", "bank ", "million dollar ", "http:/ ", "verify ", "gift car ", "unsubscrib "];
    let mut random = Random::new(6);
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        text.push_str(BEGINNINGS[random.below(BEGINNINGS.len())]);
        if random.below(9) == 0 {
            text.push_str(&prose::phrase(&mut random, 1));
            text.push_str("\r\n");
        }
    }
    text
}
