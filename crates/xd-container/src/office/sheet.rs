//! Workbooks: names that run macros of Excel 4, and commands in cells of plain text (SYLK, CSV).

use crate::xml::{self, Event};
use crate::{Budget, Opened, Sign};

/// Reads `xl/workbook.xml`: names of the form `Auto_Open` run when the workbook is opened, also with something behind them.
pub(super) fn read_workbook(text: &str, opened: &mut Opened<'_>) {
    for event in xml::events(text) {
        let Event::Start { name: "definedName", attributes, .. } = event else { continue };
        let name = xml::attribute(attributes, "name").unwrap_or_default().to_ascii_lowercase();
        if is_auto_run(name.strip_prefix("_xlnm.").unwrap_or(&name)) {
            opened.signs.add(Sign::AutoRun);
        }
    }
}

/// Reads `xl/workbook.bin`, where names stand in UTF-16.
pub(super) fn read_binary_workbook(bytes: &[u8], opened: &mut Opened<'_>) {
    let narrow: Vec<u8> = bytes.to_ascii_lowercase();
    let stands = |name: &str| {
        let wide: Vec<u8> = name.bytes().flat_map(|b| [b, 0]).collect();
        memchr::memmem::find(&narrow, &wide).is_some()
    };
    if ["auto_open", "auto_close", "auto_activate"].iter().any(|name| stands(name)) {
        opened.signs.add(Sign::AutoRun);
    }
}

fn is_auto_run(name: &str) -> bool {
    ["auto_open", "auto_close", "auto_activate", "auto_deactivate"].iter().any(|auto| name.starts_with(auto))
}

/// Opens SYLK, a text format of tables that Excel reads with its old macros.
pub(crate) fn open_sylk<'a>(bytes: &[u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_steps(bytes.len() as u64 * 12) {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    for line in bytes.split(|b| matches!(b, b'\n' | b'\r')) {
        let line = String::from_utf8_lossy(line);
        let mut fields = line.split(';');
        match fields.next().unwrap_or_default() {
            // `O;E`: the table is a macro sheet.
            "O" if fields.clone().any(|field| field == "E") => opened.signs.add(Sign::OldMacros),
            // `NN;NAuto_open;ER1C1`: a name.
            "NN" if fields
                .clone()
                .any(|field| field.strip_prefix('N').is_some_and(|name| is_auto_run(&name.to_ascii_lowercase()))) =>
            {
                opened.signs.add(Sign::AutoRun);
            }
            "C" => {
                for field in fields {
                    match field.split_at_checked(1) {
                        Some(("E", formula)) => {
                            if is_command(formula) {
                                opened.signs.add(Sign::Dde);
                            }
                            if calls(formula) {
                                opened.signs.add(Sign::OldMacros);
                            }
                        }
                        Some(("K", value)) => {
                            opened.add_text(value.trim_matches('"'));
                            opened.end_line();
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        opened.add_links_of(line.as_bytes());
    }
    opened
}

/// Opens a table of plain text: cells that begin as formulas and name a program.
pub(crate) fn open_csv<'a>(bytes: &[u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_steps(bytes.len() as u64 * 8) {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    // A command needs the bar between program and topic.
    for at in memchr::memchr_iter(b'|', bytes) {
        if !budget.charge_steps(150) {
            opened.signs.add(Sign::Limit);
            break;
        }
        let before = bytes.get(at.saturating_sub(128)..at).unwrap_or_default();
        let cell = before.rsplit(|b| matches!(b, b',' | b';' | b'\t' | b'\n' | b'\r' | b'"')).next().unwrap_or_default();
        if !matches!(cell.trim_ascii_start().first(), Some(b'=' | b'+' | b'-' | b'@')) {
            continue;
        }
        if !budget.charge_steps(2_000) {
            opened.signs.add(Sign::Limit);
            break;
        }
        let behind = bytes.get(at + 1..).unwrap_or_default();
        let behind = behind.get(..512).unwrap_or(behind);
        let formula = [cell, b"|", behind].concat();
        let formula = String::from_utf8_lossy(&formula);
        if is_command(formula.trim_start().trim_start_matches(['=', '+', '-', '@'])) {
            opened.signs.add(Sign::Dde);
            break;
        }
    }
    opened
}

/// Whether a formula is a command of DDE: `cmd|' /C calc'!A0`.
fn is_command(formula: &str) -> bool {
    let Some((program, topic)) = formula.split_once('|') else { return false };
    let line = topic.split(['\n', '\r']).next().unwrap_or_default();
    let program = program.trim().rsplit(['(', '+', '-', '*', '=', '@', '"']).next().unwrap_or_default().trim_matches('\'');
    !program.is_empty()
        && program.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'\\' | b':'))
        && line.contains('!')
}

/// Whether a formula calls what only macros of Excel 4 may.
fn calls(formula: &str) -> bool {
    let formula = formula.to_ascii_uppercase();
    ["EXEC(", "CALL(", "REGISTER(", "ALERT(", "HALT(", "RUN(", "FOPEN(", "FWRITE("].iter().any(|name| formula.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_macros_in_a_text_table() {
        let table =
            b"ID;P\nO;E\nNN;NAuto_open;ER1C1;KOut Flank;F\nC;X1;Y1;K0;EALERT(\"Hello\")\nC;X1;Y2;K0;Ecmd|' /C start'!A0\nE\n";
        let opened = open_sylk(table, &mut Budget::default());
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::AutoRun, Sign::OldMacros, Sign::Dde]);
        let plain = open_sylk(b"ID;PWXL;N;E\nC;Y1;X1;K\"Name\"\nC;Y2;X1;K5;ESUM(R1C1)\nE\n", &mut Budget::default());
        assert_eq!((plain.signs.is_empty(), &*plain.text), (true, "Name\n5\n"));
    }

    #[test]
    fn commands_in_cells() {
        let dde = |text: &[u8]| open_csv(text, &mut Budget::default()).signs.contains(Sign::Dde);
        assert!(dde(b"a,b\n=cmd|' /C start'!A0,c\n"));
        assert!(dde(b"a;\"@SUM(1+1)*cmd|' /C start'!A0\"\n"));
        assert!(!dde(b"a|b|c\n=1|2\n"));
        assert!(!dde(b"- note|text\n"));
    }
}
