//! What the source of a macro says: whether it runs by itself, and which of its words start programs, fetch files or hide words.

use crate::{Budget, Sign, Signs};

/// Procedures that Office runs by itself, in lower case, sorted.
const AUTO_RUN: &[&str] = &[
    "app_documentopen",
    "app_newdocument",
    "app_workbookopen",
    "auto_close",
    "auto_exec",
    "auto_exit",
    "auto_new",
    "auto_open",
    "autoclose",
    "autoexec",
    "autoexit",
    "autonew",
    "autoopen",
    "document_beforeclose",
    "document_close",
    "document_new",
    "document_open",
    "documentbeforeclose",
    "documentchange",
    "documentopen",
    "inkpicture1_painted",
    "inkpicture_painted",
    "newdocument",
    "workbook_activate",
    "workbook_beforeclose",
    "workbook_close",
    "workbook_open",
    "workbook_sheetactivate",
    "worksheet_activate",
];

/// Words of macros that start programs, fetch files, call Windows, write what runs later or hide their words; in lower case,
/// sorted. Words that ordinary macros need (open, print, copy) are not among them.
const SUSPICIOUS: &[&str] = &[
    "addfromstring",
    "bitsadmin",
    "callbyname",
    "certutil",
    "createobject",
    "createprocess",
    "createprocessa",
    "createremotethread",
    "createthread",
    "cscript",
    "enumsystemlanguagegroupsw",
    "executeexcel4macro",
    "frombase64string",
    "heapcreate",
    "internetexplorer",
    "loadlibrary",
    "loadlibrarya",
    "mshta",
    "msxml2",
    "ntallocatevirtualmemory",
    "powershell",
    "regsvr32",
    "regwrite",
    "rtlmovememory",
    "rundll32",
    "savetofile",
    "serverxmlhttp",
    "shell",
    "shellexecute",
    "shellexecutea",
    "strreverse",
    "urldownloadtofile",
    "urldownloadtofilea",
    "vbscript",
    "virtualalloc",
    "virtualallocex",
    "virtualprotect",
    "winexec",
    "winhttp",
    "winhttprequest",
    "winmgmts",
    "writeprocessmemory",
    "wscript",
    "xmlhttp",
];

/// No word in the tables is shorter.
const SHORTEST: usize = 5;

/// Calls that each make one character: from so many on, words are put together so that nobody finds them.
const MANY_CHARACTERS: usize = 20;

/// Adds what a decoded source says. Names count as procedures only behind `Sub` or `Function`.
pub(crate) fn judge(source: &[u8], signs: &mut Signs, budget: &mut Budget) {
    let mut before: &[u8] = b"";
    let mut characters = 0;
    for word in words(affordable(source, signs, budget)) {
        let is_named = before.eq_ignore_ascii_case(b"sub") || before.eq_ignore_ascii_case(b"function");
        if is_named && is_in(AUTO_RUN, word) {
            signs.add(Sign::AutoRun);
        }
        characters += usize::from([&b"chr"[..], b"chrw", b"chrb"].iter().any(|chr| word.eq_ignore_ascii_case(chr)));
        if characters == MANY_CHARACTERS || is_in(SUSPICIOUS, word) {
            signs.add(Sign::SuspiciousMacros);
        }
        before = word;
    }
}

/// Adds what the names say that a project uses, where its sources are not to be had.
pub(crate) fn judge_names(names: &[u8], signs: &mut Signs, budget: &mut Budget) {
    for word in words(affordable(names, signs, budget)) {
        if is_in(AUTO_RUN, word) {
            signs.add(Sign::AutoRun);
        }
        if is_in(SUSPICIOUS, word) {
            signs.add(Sign::SuspiciousMacros);
        }
    }
}

/// Whether a name is that of a procedure which runs by itself. Excel takes names that only begin so (`Auto_Open1`), too.
pub(crate) fn is_auto_run(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    is_in(AUTO_RUN, name.as_bytes()) || name.starts_with("auto_open") || name.starts_with("auto_close")
}

/// Whether a word of any case stands in a table.
fn is_in(table: &[&str], word: &[u8]) -> bool {
    let in_lower_case = |byte: &u8| byte.to_ascii_lowercase();
    word.len() >= SHORTEST && table.binary_search_by(|entry| entry.bytes().cmp(word.iter().map(in_lower_case))).is_ok()
}

/// As much of a source as there are steps for the walk over its words and the look-ups.
fn affordable<'a>(source: &'a [u8], signs: &mut Signs, budget: &mut Budget) -> &'a [u8] {
    const STEPS: u64 = 12;
    let most = usize::try_from(budget.steps_left() / STEPS).unwrap_or(usize::MAX);
    if source.len() > most {
        signs.add(Sign::Limit);
    }
    let source = source.get(..source.len().min(most)).unwrap_or_default();
    let _ = budget.charge_steps(source.len() as u64 * STEPS);
    source
}

fn words(source: &[u8]) -> impl Iterator<Item = &[u8]> {
    source.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(source: &str) -> Vec<Sign> {
        let mut signs = Signs::default();
        judge(source.as_bytes(), &mut signs, &mut Budget::default());
        signs.iter().collect()
    }

    #[test]
    fn tables_are_sorted_and_in_lower_case() {
        for table in [AUTO_RUN, SUSPICIOUS] {
            assert!(table.is_sorted() && table.iter().all(|word| word.len() >= SHORTEST));
            assert!(table.iter().all(|word| !word.bytes().any(|byte| byte.is_ascii_uppercase())));
        }
    }

    #[test]
    fn procedures_and_words() {
        assert_eq!(signs("Sub Document_Open()\r\nMsgBox \"hello\"\r\nEnd Sub"), [Sign::AutoRun]);
        assert_eq!(signs("Private Function AUTOOPEN"), [Sign::AutoRun]);
        assert_eq!(signs("' AutoOpen is not here"), []);
        assert_eq!(signs("Set x = CreateObject(\"WScript.Shell\")"), [Sign::SuspiciousMacros]);
        assert_eq!(signs("x = Shellfish"), []);
        assert_eq!(signs(&"x = x & Chr(88)\n".repeat(19)), []);
        assert_eq!(signs(&"x = x & Chr(88)\n".repeat(20)), [Sign::SuspiciousMacros]);
        assert!(is_auto_run("Auto_Open12"));
    }
}
