//! A name from mail as a name on disk: nothing that leads elsewhere, hides its ending, or makes a system run it.

/// The longest name, in bytes: with number and ending well below what file systems take.
const LONGEST: usize = 100;

/// What is left of a name: letters, digits and `-_.` of its last component, and an ending that nothing runs.
pub(super) fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let mut safe: String = last.chars().filter(|c| !c.is_control()).map(plain).collect();
    safe.truncate(safe.floor_char_boundary(LONGEST));
    let safe = safe.trim_matches('.');
    if safe.is_empty() { "file.part".to_owned() } else { format!("{safe}.part") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_name_leads_elsewhere() {
        for (name, expected) in [
            ("invoice.pdf", "invoice.pdf.part"),
            ("../../etc/passwd", "passwd.part"),
            ("C:\\autoexec.bat", "autoexec.bat.part"),
            ("a\u{202e}fdp.exe", "a_fdp.exe.part"),
            (".bashrc", "bashrc.part"),
            ("..", "file.part"),
            ("", "file.part"),
            ("a b;c|d\0e", "a_b_c_de.part"),
            ("Grüße.txt", "Grüße.txt.part"),
        ] {
            assert_eq!(safe(name), expected, "{name:?}");
        }
        assert!(safe(&"ü".repeat(500)).len() <= LONGEST + 5);
    }
}
