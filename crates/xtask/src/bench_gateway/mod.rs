//! `cargo xtask bench-gateway`: the gateway beside Postfix on this machine, in one run.
//!
//! Both take the same varied mail, make it durable and pass it on to Postfix's `smtp-sink`, all over loopback. The gateway judges
//! every message besides; a second row shows it without. Each cell is run three times in turn, so that whatever else the machine does
//! disturbs all alike; medians are shown. Figures are for comparing columns of one run: senders and sink share the processors with
//! what is measured.

mod cell;
mod load;
mod mail;
pub(crate) mod servers;

use crate::report::{Report, Shortfall};
use crate::tools;
use crate::workspace::Workspace;
use cell::Figures;
use load::Load;
use mail::Mail;
use servers::{Gateway, Postfix, Server, Sink};

/// Bytes of a message, messages of a cell.
const SIZES: [(usize, usize); 3] = [(4 << 10, 6_000), (64 << 10, 3_000), (1 << 20, 400)];
const SESSIONS: usize = 50;
const ROUNDS: usize = 3;
/// Sessions while the gateway gets half of what it can take.
const CALM_SESSIONS: usize = 200;

pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    if !report.step("Postfix, the other side", || postfix(workspace)) {
        return;
    }
    let built = report.step("build the optimised gateway", || {
        workspace.cargo(["build", "--release", "--package", "xd-smtpd"]).run()?;
        Ok(String::new())
    });
    if built {
        report.step("side by side", || side_by_side(workspace));
    }
}

fn postfix(workspace: &Workspace) -> Result<String, Shortfall> {
    tools::need_package(workspace, "postfix", &["postconf", "-d", "mail_version"])?;
    Ok(String::new())
}

fn side_by_side(workspace: &Workspace) -> Result<String, Shortfall> {
    let directory = workspace.target("bench-gateway");
    let sink = Sink::start(workspace)?;
    let servers = [
        Server::Postfix(Postfix::start(workspace, &directory, sink.port())?),
        Server::Gateway(Gateway::start(workspace, &directory, sink.port(), true)?),
        Server::Gateway(Gateway::start(workspace, &directory, sink.port(), false)?),
    ];
    let (mut rows, mut capacity) = (Vec::new(), 0.0);
    for (bytes, messages) in SIZES {
        let mail = Mail::new(bytes);
        let mut figures: [Vec<Figures>; 3] = Default::default();
        for _ in 0..ROUNDS {
            for (server, figures) in servers.iter().zip(&mut figures) {
                let load = Load { mail: &mail, messages, sessions: SESSIONS, rate: None };
                figures.push(load.measure(server, &sink)?);
            }
        }
        let medians = figures.map(|figures| Figures::median(&figures));
        // The first size is the smallest.
        capacity = if rows.is_empty() { medians[1].per_second } else { capacity };
        rows.extend(servers.iter().zip(&medians).map(|(server, own)| row(server.name(), bytes, own, &medians[0])));
    }
    println!(
        "{:<22} {:>8} {:>11} {:>12} {:>10} {:>10} {:>8}",
        "server", "bytes", "delivered/s", "CPU ms each", "x Postfix", "CPU share", "p99 ms"
    );
    rows.iter().for_each(|row| println!("{row}"));
    let (bytes, messages) = SIZES[0];
    let calm = Load { mail: &Mail::new(bytes), messages, sessions: CALM_SESSIONS, rate: Some(capacity / 2.0) };
    let calm = calm.measure(&servers[1], &sink)?;
    println!(
        "{}, {CALM_SESSIONS} sessions, {:.0}/s, each at its moment: {:.1} ms until 99 in 100 answers",
        servers[1].name(),
        capacity / 2.0,
        calm.p99_ms
    );
    Ok(format!("{SESSIONS} sessions, medians of {ROUNDS}"))
}

fn row(name: &str, bytes: usize, own: &Figures, postfix: &Figures) -> String {
    let (times, share) = (own.per_second / postfix.per_second, own.cpu_ms / postfix.cpu_ms);
    format!("{name:<22} {bytes:>8} {:>11.0} {:>12.3} {times:>10.2} {share:>10.2} {:>8.1}", own.per_second, own.cpu_ms, own.p99_ms)
}
