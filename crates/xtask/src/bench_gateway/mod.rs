//! `cargo xtask bench-gateway`: the gateway beside Postfix on this machine, in one run.
//!
//! Both take mail from `smtp-source`, make it durable and pass it on to `smtp-sink`, all over loopback and all of them from Postfix's
//! package. The gateway judges every message besides; a second row shows it without. Each cell is run three times in turn, so that
//! whatever else the machine does disturbs all alike; medians are shown. Figures are for comparing columns of one run: the load generator
//! and the sink share the processors with what is measured.

mod cell;
pub(crate) mod servers;

use crate::report::{Report, Shortfall};
use crate::tools;
use crate::workspace::Workspace;
use cell::{Cell, Figures};
use servers::{Gateway, Postfix, Server, Sink};

/// Bytes of a message, messages of a cell.
const SIZES: [(usize, usize); 3] = [(4 << 10, 6_000), (64 << 10, 3_000), (1 << 20, 400)];
const SESSIONS: usize = 50;
const ROUNDS: usize = 3;

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
    let mut rows = Vec::new();
    for (bytes, messages) in SIZES {
        let mut figures: [Vec<Figures>; 3] = Default::default();
        for _ in 0..ROUNDS {
            for (server, figures) in servers.iter().zip(&mut figures) {
                let cell = Cell { bytes, messages, sessions: SESSIONS };
                figures.push(cell.run(workspace, server, &sink)?);
            }
        }
        let medians = figures.map(|figures| Figures::median(&figures));
        rows.extend(servers.iter().zip(&medians).map(|(server, own)| row(server.name(), bytes, own, &medians[0])));
    }
    println!(
        "{:<22} {:>8} {:>11} {:>12} {:>10} {:>10}",
        "server", "bytes", "delivered/s", "CPU ms each", "x Postfix", "CPU share"
    );
    rows.iter().for_each(|row| println!("{row}"));
    Ok(format!("{SESSIONS} sessions, medians of {ROUNDS}"))
}

fn row(name: &str, bytes: usize, own: &Figures, postfix: &Figures) -> String {
    let (times, share) = (own.per_second / postfix.per_second, own.cpu_ms / postfix.cpu_ms);
    format!("{name:<22} {bytes:>8} {:>11.0} {:>12.3} {times:>10.2} {share:>10.2}", own.per_second, own.cpu_ms)
}
