//! What an administrator does all day: looks at the queue, holds, releases, exports and deletes, reads the journal, changes the
//! configuration, stops the gateway.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::mail::{MAILDIR, SINK, arrives_whole, letter};
use super::servers::Gateway;
use super::{PATIENCE, empty, send};
use crate::bench_gateway::servers::free_port;
use crate::report::Shortfall;
use crate::tools;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<String, Shortfall> {
    tools::need_package(workspace, "python3", &["python3", "--version"])?;
    let place = empty(workspace, "operator")?;
    let mailbox = place.join("mailbox");
    // Nobody listens there: what goes to it waits.
    let nobody = format!("127.0.0.1:{}", free_port()?);
    let domains = [(MAILDIR, format!("maildir:{}", mailbox.display())), (SINK, nobody)];
    let mut gateway = Gateway::start(workspace, &place.join("gateway"), &domains)?;
    let xd = Commands { workspace, config: gateway.config().display().to_string() };

    let (content, file) = (letter("kept for now", 3_000), place.join("kept.eml"));
    fs::write(&file, &content)?;
    send(workspace, gateway.port(), SINK, &file)?;
    send(workspace, gateway.port(), SINK, &file)?;
    send(workspace, gateway.port(), MAILDIR, &file)?;
    arrives_whole(&mailbox, &content)?;

    // Queue: list, show, export.
    let list = xd.says(&["queue", "list"], "2 messages")?;
    let ids: Vec<&str> =
        list.lines().filter(|line| line.contains(SINK)).filter_map(|line| line.split_whitespace().next()).collect();
    let [first, second] = ids[..] else { return Err(Shortfall::Failed(format!("no two queue ids in:\n{list}"))) };
    xd.says(&["queue", "list", "--domain", SINK], "2 messages")?;
    xd.says(&["queue", "list", "--held"], "0 messages")?;
    xd.says(&["queue", "show", first], &format!("b@{SINK}"))?;
    if !xd.bytes(&["queue", "export", first])?.ends_with(&content) {
        return Err(Shortfall::Failed("the export is not what was sent".to_owned()));
    }

    // Hold, release, retry, delete; each also as a rehearsal.
    xd.says(&["queue", "hold", "--all", "--dry-run"], "2 messages would be held")?;
    xd.says(&["queue", "list", "--held"], "0 messages")?;
    xd.says(&["queue", "hold", first], "1 message held")?;
    xd.says(&["queue", "list", "--held"], first)?;
    xd.says(&["queue", "release", "--held"], "1 message released")?;
    xd.says(&["queue", "list", "--held"], "0 messages")?;
    xd.says(&["queue", "retry", "--domain", SINK], "2 messages tried now")?;
    xd.says(&["queue", "delete", second], "1 message deleted")?;
    xd.says(&["queue", "list"], "1 message\n")?;
    if xd.succeeds(&["queue", "delete"]) {
        return Err(Shortfall::Failed("`queue delete` without a choice was obeyed".to_owned()));
    }

    // How it is doing, and what happened.
    xd.says(&["status"], "accepting mail")?;
    xd.says(&["status"], "queued     1 messages")?;
    xd.says(&["log", "search", "--to", "B@MAILDIR.", "--from", "a@example", "--subject", "kept FOR"], MAILDIR)?;
    xd.says(&["log", "tail", "-n", "100"], second)?;

    // The configuration: checked beside the running gateway, broken, mended.
    let check = workspace.program(workspace.target("debug/xd-smtpd")).arguments(["--check", "--config", &xd.config]);
    check.run()?;
    let good = fs::read_to_string(gateway.config())?;
    fs::write(gateway.config(), format!("{good}unknown = 1\n"))?;
    gateway.signal("HUP")?;
    logged(&gateway, "reload-failed")?;
    fs::write(&file, letter("under the old settings", 3_000))?;
    send(workspace, gateway.port(), MAILDIR, &file)?;
    let better = good.replace(&domains[1].1, &format!("maildir:{}", mailbox.display()));
    fs::write(gateway.config(), better)?;
    gateway.signal("HUP")?;
    logged(&gateway, "\"reloaded\"")?;
    // What waited goes where the new settings say.
    xd.says(&["queue", "retry", "--all"], "tried now")?;
    emptied(&xd)?;

    gateway.signal("TERM")?;
    gateway.ends_well()?;
    logged(&gateway, "\"stopped\"")?;
    // What is on disk can be read without it.
    xd.says(&["queue", "list"], "0 messages")?;
    xd.says(&["log", "tail", "-n", "100"], first)?;
    if xd.succeeds(&["status"]) {
        return Err(Shortfall::Failed("a gateway that ended has a status".to_owned()));
    }
    Ok(String::new())
}

fn logged(gateway: &Gateway, what: &str) -> Result<(), Shortfall> {
    eventually(&format!("`{what}` on standard error"), || Ok(gateway.log()?.contains(what)))
}

fn emptied(xd: &Commands<'_>) -> Result<(), Shortfall> {
    eventually("an empty queue", || Ok(String::from_utf8_lossy(&xd.bytes(&["queue", "list"])?).contains("0 messages")))
}

fn eventually(what: &str, mut holds: impl FnMut() -> Result<bool, Shortfall>) -> Result<(), Shortfall> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if holds()? {
            return Ok(());
        }
        sleep(Duration::from_millis(100));
    }
    Err(Shortfall::Failed(format!("waited in vain for {what}")))
}

/// `xd`, asked about one gateway.
struct Commands<'w> {
    workspace: &'w Workspace,
    config: String,
}

impl Commands<'_> {
    fn bytes(&self, words: &[&str]) -> Result<Vec<u8>, Shortfall> {
        let xd = self.workspace.program(self.workspace.target("debug/xd"));
        xd.arguments(words.iter().copied()).arguments(["--config", &self.config]).output()
    }

    /// What it prints, in which this must stand.
    fn says(&self, words: &[&str], expected: &str) -> Result<String, Shortfall> {
        let text = String::from_utf8_lossy(&self.bytes(words)?).into_owned();
        if text.contains(expected) {
            return Ok(text);
        }
        Err(Shortfall::Failed(format!("`xd {}` does not say `{expected}` but:\n{text}", words.join(" "))))
    }

    fn succeeds(&self, words: &[&str]) -> bool {
        let xd = self.workspace.program(self.workspace.target("debug/xd"));
        xd.arguments(words.iter().copied()).arguments(["--config", &self.config]).succeeds()
    }
}
