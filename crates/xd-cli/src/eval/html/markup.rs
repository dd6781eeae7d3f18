//! Text made safe to stand in a page. Paths and names come from mail: nothing in them may become markup, nor turn the direction of a line.

use std::fmt::{self, Write as _};

use crate::escape::Plain;

/// A text as a page shows it: `&`, `<`, `>` and quotes as entities, what is not seen spelled out (see [`Plain`]).
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", Plain(self.0))
    }
}

struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.write_str("&amp;")?,
                '<' => self.0.write_str("&lt;")?,
                '>' => self.0.write_str("&gt;")?,
                '"' => self.0.write_str("&quot;")?,
                '\'' => self.0.write_str("&#39;")?,
                c => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A table: its headings, and rows of cells that are markup already. Cells of all columns but the first `texts` are numbers.
pub(super) fn table(texts: usize, headings: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let class = |at: usize| if at < texts { "" } else { " class=\"n\"" };
    let cells = |name: &str, cells: &[String]| -> String {
        cells.iter().enumerate().map(|(at, cell)| format!("<{name}{}>{cell}</{name}>", class(at))).collect()
    };
    let headings: Vec<String> = headings.iter().map(|heading| Text(heading).to_string()).collect();
    let rows: String = rows.map(|row| format!("<tr>{}</tr>\n", cells("td", &row))).collect();
    format!("<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n", cells("th", &headings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup() {
        assert_eq!(Text("<b a=\"1\" c='2'>&amp;").to_string(), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;");
        assert_eq!(Text("a\u{202e}b\nc").to_string(), "a\\u{202e}b\\nc");
        assert_eq!(Text("Grüße 日本").to_string(), "Grüße 日本");
    }
}
