//! The gateway among real peers: clients and next hops that others wrote, and the administrator's own commands; and signatures beside
//! programs that others wrote.
//!
//! Everything runs on loopback, in directories of its own. Programs that are missing are installed where that is allowed; otherwise
//! their step is skipped and says so.

mod mail;
mod operator;
mod servers;
mod signatures;

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::report::{Report, Shortfall};
use crate::tools;
use crate::workspace::Workspace;
use mail::{MAILDIR, SINK, VIA_POSTFIX, arrives_whole, letter};
use servers::{Gateway, Postfix, Sink};

const BUILD: &str = "peers: build the gateway and xd";
const POSTFIX: &str = "peers: Postfix as next hop and as client";
const RECIPIENTS: &str = "peers: smtp-source and smtp-sink; a hundred recipients in one transaction";
const OPERATOR: &str = "peers: an administrator's commands";
const LARGE: &str = "peers: smtplib and Maildir; 64 MiB in bounded memory";
const SWAKS: &str = "peers: swaks and Maildir";
const STEPS: [&str; 5] = [LARGE, SWAKS, RECIPIENTS, POSTFIX, OPERATOR];

/// The largest message that is taken unless set otherwise.
const LARGEST: usize = 64 << 20;
/// What the process may have held at most after it: the content as it came, what was read of it, and room for all else.
const PEAK_MAX_MIB: u64 = 384;

/// A client that passes content on as it is. Arguments: port, forward-path, file.
const SMTPLIB: &str = "\
import smtplib, sys
client = smtplib.SMTP('127.0.0.1', int(sys.argv[1]), local_hostname='client.example.org', timeout=120)
client.sendmail('a@example.org', [sys.argv[2]], open(sys.argv[3], 'rb').read(), mail_options=['BODY=8BITMIME'])
client.quit()
";

/// Runs the steps.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    signatures::run(workspace, report);
    let built = report.step(BUILD, || {
        workspace.cargo(["build", "--package", "xd-smtpd", "--package", "xd-cli"]).run()?;
        Ok(String::new())
    });
    if !built {
        return report.skip(&STEPS, "needs the gateway and xd");
    }
    report.step(LARGE, || smtplib(workspace));
    report.step(SWAKS, || swaks(workspace));
    report.step(RECIPIENTS, || recipients(workspace));
    report.step(POSTFIX, || postfix(workspace));
    report.step(OPERATOR, || operator::run(workspace));
}

fn smtplib(workspace: &Workspace) -> Result<String, Shortfall> {
    tools::need_package(workspace, "python3", &["python3", "--version"])?;
    let place = empty(workspace, "smtplib")?;
    let mailbox = place.join("mailbox");
    let gateway = Gateway::start(workspace, &place.join("gateway"), &[(MAILDIR, format!("maildir:{}", mailbox.display()))])?;
    let send = |name: &str, content: &[u8]| {
        let file = place.join(name);
        fs::write(&file, content)?;
        send(workspace, gateway.port(), MAILDIR, &file)?;
        arrives_whole(&mailbox, content)
    };
    send("small.eml", &letter("small", 2_000))?;
    let before = gateway.peak_mib()?;
    send("large.eml", &letter("large", LARGEST))?;
    let after = gateway.peak_mib()?;
    if after > PEAK_MAX_MIB {
        return Err(Shortfall::Failed(format!("{after} MiB at most for one message, {PEAK_MAX_MIB} allowed")));
    }
    Ok(format!("byte for byte; {before} MiB at most before the large message, {after} after it"))
}

fn send(workspace: &Workspace, port: u16, domain: &str, file: &Path) -> Result<(), Shortfall> {
    let client = workspace.program("python3").arguments(["-c", SMTPLIB, &port.to_string(), &format!("b@{domain}")]);
    // The script is shown nowhere: it is above.
    if client.argument(file).succeeds() { Ok(()) } else { Err(Shortfall::Failed("smtplib was refused".to_owned())) }
}

fn swaks(workspace: &Workspace) -> Result<String, Shortfall> {
    tools::need_debian(workspace, "swaks")?;
    let place = empty(workspace, "swaks")?;
    let mailbox = place.join("mailbox");
    let gateway = Gateway::start(workspace, &place.join("gateway"), &[(MAILDIR, format!("maildir:{}", mailbox.display()))])?;
    let content = letter("swaks", 20_000);
    let file = place.join("letter.eml");
    // It ends what it sends with a line end of its own.
    fs::write(&file, content.strip_suffix(b"\r\n").unwrap_or(&content))?;
    let server = format!("127.0.0.1:{}", gateway.port());
    let to = format!("b@{MAILDIR}");
    let program = workspace.program("swaks").arguments(["--silent", "3", "--server", &server, "--ehlo", "client.example.org"]);
    let program = program.arguments(["--pipeline", "--from", "a@example.org", "--to", &to, "--data"]);
    program.argument(format!("@{}", file.display())).run()?;
    arrives_whole(&mailbox, &content)?;
    Ok("byte for byte".to_owned())
}

fn recipients(workspace: &Workspace) -> Result<String, Shortfall> {
    need_postfix(workspace)?;
    let place = empty(workspace, "smtp-source")?;
    let sink = Sink::start(&place.join("sink"))?;
    let gateway = Gateway::start(workspace, &place.join("gateway"), &[(SINK, sink.address())])?;
    let source = |arguments: &[&str]| {
        let to = format!("b@{SINK}");
        let fixed = ["-M", "client.example.org", "-f", "a@example.org", "-t", &to];
        let server = format!("127.0.0.1:{}", gateway.port());
        workspace.program("smtp-source").arguments(fixed).arguments(arguments.iter().copied()).argument(server).run()
    };
    source(&["-m", "1", "-r", "100"])?;
    let first = sink.wait_for(1)?;
    let named = first.iter().map(|dump| count(dump, "X-Rcpt-Args:")).collect::<Vec<_>>();
    if named != [100] {
        return Err(Shortfall::Failed(format!("recipients by transaction: {named:?}")));
    }
    source(&["-s", "10", "-m", "200", "-l", "8000"])?;
    let all = sink.wait_for(201)?;
    if all.iter().any(|dump| count(dump, "Received: from client.example.org") != 1) {
        return Err(Shortfall::Failed("a message without our trace field".to_owned()));
    }
    Ok("200 messages over 10 sessions besides".to_owned())
}

fn count(text: &str, needle: &str) -> usize {
    text.matches(needle).count()
}

/// Through two gateways with Postfix between them: it is the next hop of the first and a client of the second.
fn postfix(workspace: &Workspace) -> Result<String, Shortfall> {
    need_postfix(workspace)?;
    let place = empty(workspace, "postfix")?;
    let mailbox = place.join("mailbox");
    let last = Gateway::start(workspace, &place.join("last"), &[(VIA_POSTFIX, format!("maildir:{}", mailbox.display()))])?;
    let postfix = Postfix::start(workspace, &place.join("between"), last.port())?;
    let first = Gateway::start(workspace, &place.join("first"), &[(VIA_POSTFIX, postfix.address())])?;
    for (name, bytes) in [("short", 700), ("middle", 50_000), ("long", 3 << 20)] {
        let (content, file) = (letter(name, bytes), place.join(name));
        fs::write(&file, &content)?;
        send(workspace, first.port(), VIA_POSTFIX, &file)?;
        arrives_whole(&mailbox, &content)?;
    }
    Ok("byte for byte through both".to_owned())
}

/// Postfix brings smtp-source and smtp-sink too. It only starts as root.
fn need_postfix(workspace: &Workspace) -> Result<(), Shortfall> {
    if !tools::is_root(workspace) {
        return Err(Shortfall::Skipped("Postfix starts only as root".to_owned()));
    }
    tools::need_package(workspace, "postfix", &["postconf", "-d", "mail_version"])
}

fn empty(workspace: &Workspace, name: &str) -> Result<std::path::PathBuf, Shortfall> {
    let place = workspace.target("peers").join(name);
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place)?;
    Ok(place)
}

/// How long anything may take: these are optimised for nothing and share the processor.
const PATIENCE: Duration = Duration::from_secs(60);
