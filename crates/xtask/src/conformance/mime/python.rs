//! Python's `email`, where there is a Python: what it makes of a message.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::facts::{Facts, folded};

/// Reads a message from standard input and prints the facts as JSON.
const PROGRAM: &str = r#"
import email, email.policy, json, sys
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
tree, texts, names = [], [], []
def walk(part, depth):
    tree.append("%d:%s" % (depth, part.get_content_type()))
    try:
        name = part.get_filename()
        if name is not None: names.append(str(name))
    except Exception: pass
    kind = part.get_content_maintype()
    children = part.get_payload() if part.is_multipart() else []
    if kind == "message" and part.get_content_subtype() not in ("rfc822", "global"): children = []
    for child in children: walk(child, depth + 1)
    if kind == "text" and not part.is_multipart():
        body = part.get_payload(decode=True) or b""
        for charset in (part.get_content_charset() or "utf-8", "utf-8", "latin-1"):
            try: texts.append(body.decode(charset, "replace"))
            except Exception: pass
walk(message, 0)
print(json.dumps({"tree": tree, "texts": texts, "names": names}))
"#;

/// What it makes of a message; none without a Python, or when it fails.
pub(super) fn read(raw: &[u8]) -> Option<Facts> {
    let mut python = Command::new("python3")
        .args(["-I", "-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // It reads all before it prints anything, so that neither waits for the other. A broken pipe shows in what it prints.
    let _ = python.stdin.take()?.write_all(raw);
    let output = python.wait_with_output().ok()?;
    let value: Value = serde_json::from_slice(&output.stdout).ok()?;
    let list = |key: &str| -> Option<Vec<String>> {
        Some(value.get(key)?.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    };
    Some(Facts { tree: list("tree")?, texts: list("texts")?.iter().map(|text| folded(text)).collect(), names: list("names") })
}
