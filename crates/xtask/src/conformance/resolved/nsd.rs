//! A second opinion: NSD serves what suites of SPF, and of messages with keys, describe, as zone files. The same results must follow.
//!
//! A zone file says less than a suite: no server that fails, no name beside its alias. Cases that need such are left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use xd_auth::{Answer, Name, Question, Record, RecordKind};

use super::job::{Said, World, straight};
use super::server::strings;
use super::{Outcome, PATIENCE, Placed, ask, otherwise};
use crate::bench_gateway::servers::free_port;
use crate::report::Shortfall;
use crate::tools;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace, jobs: &[Arc<Placed>]) -> Result<String, Shortfall> {
    if !tools::is_root(workspace) && !workspace.program("nsd").argument("-v").succeeds() {
        return Err(Shortfall::Skipped("nsd is not installed, and only root can install it".to_owned()));
    }
    tools::need_package(workspace, "nsd", &["nsd", "-v"])?;
    let place = workspace.target("peers/nsd");
    let _ = fs::remove_dir_all(&place);
    // Cases of one world share a server.
    let mut worlds: BTreeMap<String, Vec<&Placed>> = BTreeMap::new();
    let (mut left_out, mut same, mut total, mut wrong) = (0, 0, 0, Vec::new());
    // Those of DMARC are as many as their cases.
    for placed in jobs.iter().filter(|placed| placed.topic != "dmarc") {
        let is_all_known =
            |answers: &xd_auth::Answers| !answers.all_records().any(|(_, answer)| matches!(answer, Answer::Unknown(_)));
        let zone = zone_file(&*placed.job.world);
        match (zone, straight(&placed.job)) {
            (Some(zone), Ok((_, answers))) if is_all_known(&answers) => worlds.entry(zone).or_default().push(placed),
            _ => left_out += 1,
        }
    }
    let runtime = Runtime::new()?;
    let mut worlds: Vec<(String, Vec<&Placed>)> = worlds.into_iter().collect();
    worlds.sort_by_key(|(_, jobs)| std::cmp::Reverse(jobs.len()));
    let others: usize = worlds.iter().skip(MOST).map(|(_, jobs)| jobs.len()).sum();
    for (number, (zone, jobs)) in worlds.iter().take(MOST).enumerate() {
        let Some(server) = Nsd::start(&place.join(number.to_string()), zone)? else {
            left_out += jobs.len();
            continue;
        };
        for placed in jobs {
            let job = &placed.job;
            let Ok((expected, _)) = straight(job) else { continue };
            total += 1;
            match runtime.block_on(ask(job, server.address, PATIENCE, PATIENCE * 10)) {
                Ok((found, _)) if found.results == expected.results => same += 1,
                Ok((found, answers)) => match otherwise(job, &answers, &expected, &found) {
                    Outcome::Apart(_) => {
                        total -= 1;
                        left_out += 1;
                    }
                    _ => wrong.push(format!("{}: {} where it is {}", job.name, found.text, expected.text)),
                },
                Err(why) => wrong.push(format!("{}: {why}", job.name)),
            }
        }
    }
    let counts = format!("{same} of {total}; {left_out} that no zone file can say or nobody asks, {others} not tried");
    if wrong.is_empty() && total > 0 { Ok(counts) } else { Err(Shortfall::Failed(format!("{counts}\n{}", wrong.join("\n")))) }
}

/// Worlds that are served: a start takes some tenths of a second.
const MOST: usize = 24;

/// A world as a file for the root zone; none when it cannot be told, or says nothing.
fn zone_file(world: &dyn World) -> Option<String> {
    let mut zone = "$TTL 300\n. SOA . . 1 60 60 60 60\n. NS ns.invalid.\n".to_owned();
    let questions = world.questions();
    if questions.is_empty() {
        return None;
    }
    for question in questions {
        let owner = escaped(&question.name);
        match world.look(&question) {
            Said::Alias(target) if question.kind == RecordKind::Txt => {
                let _ = writeln!(zone, "{owner} CNAME {}", escaped(&target));
            }
            Said::Answer(Answer::Found(records)) => {
                for record in records {
                    let _ = writeln!(zone, "{owner} {}", data(&record)?);
                }
            }
            _ => {}
        }
    }
    Some(zone)
}

fn data(record: &Record) -> Option<String> {
    Some(match record {
        Record::A(address) => format!("A {address}"),
        Record::Aaaa(address) => format!("AAAA {address}"),
        Record::Mx { preference, host } => format!("MX {preference} {}", escaped(host)),
        Record::Ptr(name) => format!("PTR {}", escaped(name)),
        Record::Txt(text) => {
            let quoted = strings(text).map(|string| {
                let octets: String = string.iter().map(|octet| format!("\\{octet:03}")).collect();
                format!(" \"{octets}\"")
            });
            format!("TXT{}", quoted.collect::<String>())
        }
        // No vector has one.
        Record::Tlsa { .. } => return None,
    })
}

/// A name whose octets other than letters, digits and dots are escaped (RFC 1035 §5.1).
fn escaped(name: &Name) -> String {
    let octet = |octet: u8| match octet {
        b'.' => ".".to_owned(),
        _ if octet.is_ascii_alphanumeric() => char::from(octet).to_string(),
        _ => format!("\\{octet:03}"),
    };
    name.as_str().bytes().map(octet).collect::<String>() + "."
}

/// A running NSD.
struct Nsd {
    child: Child,
    address: SocketAddr,
}

impl Nsd {
    /// Starts one for the root zone; none when it refuses the zone.
    fn start(directory: &Path, zone: &str) -> Result<Option<Self>, Shortfall> {
        fs::create_dir_all(directory)?;
        fs::write(directory.join("zone"), zone)?;
        let port = free_port()?;
        let place = directory.display();
        let config = format!(
            "server:\n server-count: 1\n ip-address: 127.0.0.1@{port}\n username: \"\"\n database: \"\"\n zonesdir: \"{place}\"\n \
             pidfile: \"{place}/pid\"\n xfrdfile: \"{place}/xfrd\"\n xfrdir: \"{place}\"\n zonelistfile: \"{place}/list\"\n \
             cookie-secret-file: \"\"\nremote-control:\n control-enable: no\nzone:\n name: \".\"\n zonefile: \"{place}/zone\"\n"
        );
        fs::write(directory.join("nsd.conf"), config)?;
        // Whether it takes the zone.
        if !Command::new("nsd-checkzone")
            .arg(".")
            .arg(directory.join("zone"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?
            .success()
        {
            return Ok(None);
        }
        let log = File::create(directory.join("stderr.log"))?;
        let child = Command::new("nsd")
            .arg("-d")
            .arg("-c")
            .arg(directory.join("nsd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let nsd = Self { child, address: (Ipv4Addr::LOCALHOST, port).into() };
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if std::net::TcpStream::connect(nsd.address).is_ok() {
                return Ok(Some(nsd));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(Shortfall::Failed(format!("nsd does not answer: {}", directory.display())))
    }
}

impl Drop for Nsd {
    fn drop(&mut self) {
        // It ends its own children on a signal, not when it is killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// The questions that a zone file answers under some names.
pub(in super::super) fn every_kind(names: impl Iterator<Item = Name>) -> Vec<Question> {
    const KINDS: [RecordKind; 5] = [RecordKind::A, RecordKind::Aaaa, RecordKind::Mx, RecordKind::Ptr, RecordKind::Txt];
    names.flat_map(|name| KINDS.map(|kind| Question::new(name.clone(), kind))).collect()
}
