//! What a next hop offers in its reply to EHLO or LHLO (RFC 5321 §4.1.1.1).

use super::Reply;

/// The extensions that matter for delivery.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Extensions {
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// SIZE (RFC 1870).
    pub size: bool,
    /// The largest content it takes, in bytes, where SIZE names one.
    pub max_size: Option<u64>,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
}

impl Extensions {
    /// Reads a reply to EHLO. Its first line greets; what is unknown is passed over.
    #[must_use]
    pub fn read(reply: &Reply) -> Self {
        let mut extensions = Self::default();
        for line in reply.text.split('\n').skip(1) {
            let mut words = line.split(' ').filter(|word| !word.is_empty());
            let Some(keyword) = words.next() else { continue };
            let is = |name: &str| keyword.eq_ignore_ascii_case(name);
            if is("8BITMIME") {
                extensions.eight_bit_mime = true;
            } else if is("DSN") {
                extensions.dsn = true;
            } else if is("PIPELINING") {
                extensions.pipelining = true;
            } else if is("SIZE") {
                extensions.size = true;
                // RFC 1870 §4: zero is no fixed limit.
                extensions.max_size = words.next().and_then(|size| size.parse().ok()).filter(|size| *size != 0);
            } else if is("SMTPUTF8") {
                extensions.smtputf8 = true;
            } else if is("STARTTLS") {
                extensions.starttls = true;
            }
        }
        extensions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_in_any_case_with_parameters() {
        let text = "mx.example.com DSN\npipelining\nSIZE 1000\n8bitMIME\nX-ODD what\nSTARTTLS";
        let extensions = Extensions::read(&Reply { code: 250, enhanced: None, text: text.into() });
        let expected = Extensions {
            eight_bit_mime: true,
            pipelining: true,
            size: true,
            max_size: Some(1000),
            starttls: true,
            ..Default::default()
        };
        assert_eq!(extensions, expected, "the first line names no extension");
    }

    #[test]
    fn sizes_without_a_limit() {
        for text in ["x\nSIZE", "x\nSIZE 0", "x\nSIZE many", "x\nSIZE 99999999999999999999999"] {
            let extensions = Extensions::read(&Reply { code: 250, enhanced: None, text: text.into() });
            assert_eq!((extensions.size, extensions.max_size), (true, None), "{text}");
        }
    }
}
