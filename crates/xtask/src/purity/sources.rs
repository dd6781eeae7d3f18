//! Which names a source file uses, held against what reaches outside a pure function.
//!
//! Names are read as text: paths that start with `std`, written out or in a `use` tree. Macros like `env!`, which run at
//! build time, are left alone. What text cannot show (a re-export under another name) is left to the lints.

use std::fmt;

use super::code;

/// Modules and items the core must not name. A module covers all below it.
const IMPURE: [&str; 18] = [
    "std::env",
    "std::fs",
    "std::io::Stderr",
    "std::io::Stdin",
    "std::io::Stdout",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::time::UNIX_EPOCH",
];

/// An impure path and where it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ImpureName {
    line: usize,
    path: String,
}

impl fmt::Display for ImpureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} names {}", self.line, self.path)
    }
}

/// Every impure path the code of a file names; comments and literals are not code.
pub(super) fn impure_names(source: &str) -> impl Iterator<Item = ImpureName> {
    let code = code::without_comments_and_literals(source);
    let tokens = tokens(&code);
    let mut names = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let starts_path =
            tokens[at].text == "std" && !(at > 0 && tokens[at - 1].text == "::" && at > 1 && is_word(tokens[at - 2].text));
        if starts_path {
            let line = tokens[at].line;
            let mut paths = Vec::new();
            at = read_tree(&tokens, at, "", &mut paths);
            let is_macro = tokens.get(at).is_some_and(|token| token.text == "!");
            names.extend(paths.into_iter().filter(|path| !is_macro && is_impure(path)).map(|path| ImpureName { line, path }));
        } else {
            at += 1;
        }
    }
    names.into_iter()
}

/// Whether a crate root forbids `unsafe`.
pub(super) fn forbids_unsafe(source: &str) -> bool {
    let code: String = code::without_comments_and_literals(source).split_whitespace().collect();
    code.contains("#![forbid(unsafe_code)]")
}

/// Impure itself, below something impure, or a module that holds something impure: importing `std::net` or `std::net::*`
/// would make `net::TcpStream` or `TcpStream` reachable under a name that no longer shows it.
fn is_impure(path: &str) -> bool {
    let module = path.strip_suffix("::*").unwrap_or(path);
    IMPURE.iter().any(|impure| module == *impure || is_below(module, impure) || is_below(impure, module))
}

fn is_below(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"))
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// Words, `::`, and single other characters.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, text) in code.lines().enumerate() {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if is_word_character(first) {
                rest.find(|c| !is_word_character(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (text, after) = rest.split_at(length);
            tokens.push(Token { text, line: index + 1 });
            rest = after.trim_start();
        }
    }
    tokens
}

fn is_word(text: &str) -> bool {
    text.chars().all(is_word_character)
}

fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Reads the path or `use` tree at `at`, adds every full path in it, and returns the index after it.
fn read_tree(tokens: &[Token<'_>], mut at: usize, prefix: &str, paths: &mut Vec<String>) -> usize {
    let mut path = prefix.to_owned();
    loop {
        match tokens.get(at).map(|token| token.text) {
            Some("{") => {
                at += 1;
                while let Some(token) = tokens.get(at) {
                    match token.text {
                        "}" => return at + 1,
                        "{" | "*" => at = read_tree(tokens, at, &path, paths),
                        text if is_word(text) => at = read_tree(tokens, at, &path, paths),
                        _ => at += 1,
                    }
                }
                return at;
            }
            // `{self}` names the module itself.
            Some("self") if !path.is_empty() => at += 1,
            Some(text) if is_word(text) || text == "*" => {
                if !path.is_empty() {
                    path.push_str("::");
                }
                path.push_str(text);
                at += 1;
            }
            _ => {}
        }
        let continues = tokens.get(at).is_some_and(|token| token.text == "::")
            && tokens.get(at + 1).is_some_and(|token| is_word(token.text) || matches!(token.text, "{" | "*"));
        if !continues {
            paths.push(path);
            return at;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<String> {
        impure_names(source).map(|name| name.path).collect()
    }

    #[test]
    fn each_way_of_naming_is_seen() {
        for (source, path) in [
            ("fn f() { std::fs::read(p); }", "std::fs::read"),
            ("fn f() { ::std::fs::read(p); }", "std::fs::read"),
            ("use std::fs;", "std::fs"),
            ("use std::fs as files;", "std::fs"),
            ("use std::{collections::BTreeMap, fs::{self, File}};", "std::fs"),
            ("use std::{io::{Read, stdin}};", "std::io::stdin"),
            ("use std::time::{Duration, Instant};", "std::time::Instant"),
            ("let t: std::time::SystemTime;", "std::time::SystemTime"),
            ("std :: thread\n:: spawn(f)", "std::thread::spawn"),
            ("use std::os::unix::net::UnixStream;", "std::os::unix::net::UnixStream"),
            ("use std::net::TcpStream;", "std::net::TcpStream"),
            ("std::env::var(name)", "std::env::var"),
            ("std::process::exit(1)", "std::process::exit"),
        ] {
            assert_eq!(found(source).first().map(String::as_str), Some(path), "{source}");
        }
    }

    #[test]
    fn a_module_that_holds_something_impure_is_not_imported_whole() {
        for source in ["use std::net;", "use std::net::*;", "use std::time::{self, Duration};", "use std::*;", "use std as s;"] {
            assert_eq!(found(source).len(), 1, "{source}");
        }
    }

    #[test]
    fn pure_names_pass() {
        for source in [
            "use std::net::{IpAddr, Ipv4Addr};",
            "use std::time::Duration;",
            "use std::collections::{BTreeMap, BTreeSet};",
            "use std::io::Read;",
            "use std::fmt::{self, Write as _};",
            "let x = std::mem::take(&mut y);",
            "std::env!(\"X\")",
            "use crate::message::std::fs;",
            "struct Threads; fn fs() {}",
            "//! std::fs is forbidden\n/* std::net::TcpStream */ const S: &str = \"std::env\";",
        ] {
            assert_eq!(found(source), [""; 0], "{source}");
        }
    }

    #[test]
    fn the_line_is_told() {
        let names: Vec<String> = impure_names("//! A module.\n\nuse std::fs;\n").map(|name| name.to_string()).collect();
        assert_eq!(names, ["line 3 names std::fs"]);
    }

    #[test]
    fn unsafe_is_forbidden_by_an_attribute_not_by_a_comment() {
        assert!(forbids_unsafe("//! Core.\n#![forbid( unsafe_code )]\n"));
        assert!(!forbids_unsafe("//! Core.\n// #![forbid(unsafe_code)]\n"));
        assert!(!forbids_unsafe("#![deny(unsafe_code)]"));
    }
}
