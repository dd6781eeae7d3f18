//! Shortcuts that are written as settings: `.url`, `.website`, `.desktop`, `.scf`.

use crate::{Budget, Opened, Sign, xml};

/// Reads a shortcut that is written as settings.
pub(crate) fn open<'a>(bytes: &[u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_steps(bytes.len() as u64 * 2) {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    for line in xml::decode(bytes).lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        match &*key.trim().to_ascii_lowercase() {
            "url" | "exec" | "workingdirectory" => {
                opened.add_text(value);
                opened.end_line();
                if !opened.add_link(value) {
                    opened.add_links_of(value.as_bytes());
                }
            }
            // An icon in another host is fetched when the directory is looked at, and tells who asks.
            "iconfile" | "icon" => {
                opened.add_link(value);
            }
            _ => {}
        }
    }
    opened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_written_shortcuts() {
        let opened = open(
            b"[InternetShortcut]\r\nURL=file://server.example.com/a.exe\r\nIconFile=\\\\server.example.net\\a.ico\r\n",
            &mut Budget::default(),
        );
        assert_eq!(opened.links, ["file://server.example.com/a.exe", "\\\\server.example.net\\a.ico"]);
    }
}
