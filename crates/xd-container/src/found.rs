//! Addresses and text that a document holds, in bounds.

use crate::Opened;

/// Addresses that are kept of one document; 500. Long lists of sources have fewer.
const MAX_LINKS: usize = 500;
/// The longest address that is kept, in bytes. What is longer is cut: its host stands at its beginning.
const MAX_LINK: usize = 2_048;
/// Text that is kept of one document, in bytes. Rules look at beginnings.
pub(crate) const MAX_TEXT: usize = 128 << 10;

/// Schemes of addresses that lead somewhere. Files of one's own disk are no place to lead to.
const SCHEMES: &[&str] = &["http://", "https://", "ftp://", "ftps://", "mailto:", "tel:", "smb://", "\\\\"];

impl Opened<'_> {
    /// Keeps an address when it leads to another host. Says whether it does.
    pub(crate) fn add_link(&mut self, address: &str) -> bool {
        let address = address.trim_matches(|c: char| c.is_whitespace() || c.is_control());
        if !leads_away(address) {
            return false;
        }
        let address = address.get(..address.floor_char_boundary(MAX_LINK)).unwrap_or(address);
        if self.links.len() < MAX_LINKS && !self.known_links.contains(address) {
            self.known_links.insert(address.to_owned());
            self.links.push(address.to_owned());
        }
        true
    }

    /// Keeps text, as much as fits.
    pub(crate) fn add_text(&mut self, text: &str) {
        let room = MAX_TEXT.saturating_sub(self.text.len());
        self.text.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
    }

    /// Ends a line of the text, unless it is empty.
    pub(crate) fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.add_text("\n");
        }
    }

    /// Keeps all web addresses that stand in a text of any kind.
    pub(crate) fn add_links_of(&mut self, text: &[u8]) {
        for at in memchr::memmem::find_iter(text, b"://") {
            if self.links.len() >= MAX_LINKS {
                break;
            }
            let before = text.get(..at).unwrap_or_default();
            let Some(scheme) = [&b"https"[..], b"http", b"ftp"].into_iter().find(|scheme| ends_with(before, scheme)) else {
                continue;
            };
            let address = text.get(at - scheme.len()..).unwrap_or_default();
            let address = address.get(..MAX_LINK).unwrap_or(address);
            let ends =
                |b: &u8| *b <= b' ' || matches!(b, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\' | b'^' | b'{' | b'}' | b'|' | 0x7F);
            let end = address.iter().position(ends).unwrap_or(address.len());
            let address = address.get(..end).unwrap_or(address).trim_ascii_end();
            let address = String::from_utf8_lossy(address);
            let address = address.trim_end_matches(['.', ',', ';', ')', ']', '!', '?']);
            // The scheme alone is no address.
            if address.len() > scheme.len() + 3 {
                self.add_link(address);
            }
        }
    }
}

/// Whether an address leads to another host.
pub(crate) fn leads_away(address: &str) -> bool {
    let begins = |scheme: &&str| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    SCHEMES.iter().any(|scheme| begins(scheme) && address.len() > scheme.len()) || is_file_of_a_host(address)
}

/// Whether an address is fetched from another host when something loads it: mail and telephone are not.
pub(crate) fn is_fetched(address: &str) -> bool {
    let address = address.trim();
    let begins = |scheme: &str| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    // Windows reads `mhtml:https://…`, `ms-…:…` and `script:https://…` by handlers of their own.
    leads_away(address) && !begins("mailto:") && !begins("tel:")
        || ["mhtml:", "script:", "javascript:", "ms-", "search-ms:", "url:", "http:", "https:", "its:", "mk:"]
            .iter()
            .any(|scheme| begins(scheme))
}

/// `file://host/…` leads to a host; `file:///C:/…` and `file://localhost/…` do not.
fn is_file_of_a_host(address: &str) -> bool {
    let Some(rest) = address.get(..5).filter(|start| start.eq_ignore_ascii_case("file:")).and_then(|_| address.get(5..)) else {
        return false;
    };
    let path = rest.trim_start_matches(['/', '\\']);
    let slashes = rest.len() - path.len();
    let host = path.split(['/', '\\']).next().unwrap_or_default();
    let is_local = host.is_empty() || host.contains([':', '|', '%']) || host.eq_ignore_ascii_case("localhost");
    matches!(slashes, 2 | 4 | 5) && !is_local
}

fn ends_with(text: &[u8], end: &[u8]) -> bool {
    text.len() >= end.len() && text.get(text.len() - end.len()..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_other_hosts_are_kept_once() {
        let mut opened = Opened::new();
        assert!(opened.add_link(" https://www.example.com/a "));
        assert!(opened.add_link("https://www.example.com/a"));
        assert!(opened.add_link("file://server.example.com/share/a.dot"));
        assert!(opened.add_link("\\\\server.example.com\\share"));
        assert!(!opened.add_link("file:///C:/Users/Normal.dotm"));
        assert!(!opened.add_link("file://localhost/a"));
        assert!(!opened.add_link("#chapter"));
        assert!(!opened.add_link("http://"));
        assert_eq!(opened.links.len(), 3);
    }

    #[test]
    fn addresses_in_text() {
        let mut opened = Opened::new();
        opened.add_links_of(
            b"a (see https://www.example.com/a?b=c). var u='HTTP://x.example.net/';://nothing http:// ftp://f.example.org",
        );
        assert_eq!(opened.links, ["https://www.example.com/a?b=c", "HTTP://x.example.net/", "ftp://f.example.org"]);
    }

    #[test]
    fn links_and_text_stay_in_bounds() {
        let mut opened = Opened::new();
        for number in 0..MAX_LINKS + 1 {
            opened.add_link(&format!("https://www.example.com/{number}"));
        }
        opened.add_text(&"ä".repeat(MAX_TEXT));
        assert_eq!((opened.links.len(), opened.text.len()), (MAX_LINKS, MAX_TEXT));
    }
}
