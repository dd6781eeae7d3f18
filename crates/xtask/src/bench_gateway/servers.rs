//! What is measured, and where its mail goes: Postfix, the gateway, a sink.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::report::Shortfall;
use crate::workspace::Workspace;

/// How long a server may take to greet.
const START: Duration = Duration::from_secs(20);
/// Clock ticks a second, as /proc counts on Linux.
const TICKS: f64 = 100.0;

#[derive(Debug)]
pub(super) enum Server {
    Gateway(Gateway),
    Postfix(Postfix),
}

impl Server {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Gateway(Gateway { scan: true, .. }) => "xd-smtpd, judging",
            Self::Gateway(_) => "xd-smtpd, not judging",
            Self::Postfix(_) => "Postfix",
        }
    }

    pub(super) fn port(&self) -> u16 {
        match self {
            Self::Gateway(gateway) => gateway.port,
            Self::Postfix(postfix) => postfix.port,
        }
    }

    /// Processor time of all its processes so far, in seconds.
    pub(super) fn cpu(&self) -> Result<f64, Shortfall> {
        match self {
            Self::Gateway(gateway) => cpu_of_tree(gateway.child.id()),
            Self::Postfix(postfix) => cpu_of_tree(postfix.master()?),
        }
    }
}

/// The gateway in a directory of its own.
#[derive(Debug)]
pub(super) struct Gateway {
    child: Child,
    port: u16,
    scan: bool,
}

impl Gateway {
    pub(super) fn start(workspace: &Workspace, directory: &Path, sink: u16, scan: bool) -> Result<Self, Shortfall> {
        let directory = directory.join(if scan { "judging" } else { "not-judging" });
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory)?;
        let (port, data) = (free_port()?, directory.join("data"));
        let config = format!(
            "data = {data:?}\nhostname = \"mx.example.net\"\ndns = \"off\"\n[[listener]]\nprotocol = \"smtp\"\n\
             address = \"127.0.0.1:{port}\"\nscan = {scan}\n[[domain]]\nname = \"example.com\"\nrecipients = \"any\"\n\
             next_hop = [\"127.0.0.1:{sink}\"]\n"
        );
        let path = directory.join("xd.toml");
        fs::write(&path, config)?;
        let log = File::create(directory.join("stderr.log"))?;
        let mut command = Command::new(workspace.target("release/xd-smtpd"));
        let child = command.arg("--config").arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let gateway = Self { child, port, scan };
        greeted(port)?;
        Ok(gateway)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // If it is gone already, so much the better.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Postfix with a configuration and a queue of its own, with the concurrency that suits one near next hop.
#[derive(Debug)]
pub(super) struct Postfix {
    config: PathBuf,
    queue: PathBuf,
    port: u16,
}

impl Postfix {
    pub(super) fn start(workspace: &Workspace, directory: &Path, sink: u16) -> Result<Self, Shortfall> {
        let config = directory.join("postfix");
        let (queue, data) = (config.join("queue"), config.join("data"));
        let _ = fs::remove_dir_all(&config);
        fs::create_dir_all(&queue)?;
        fs::create_dir_all(&data)?;
        workspace.program("chown").argument("postfix").argument(&data).run()?;
        let port = free_port()?;
        let (queue_text, data_text, log) = (queue.display(), data.display(), config.join("mail.log"));
        let log = log.display();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {queue_text}\ndata_directory = {data_text}\n\
             maillog_file_prefixes = /\nmaillog_file = {log}\nmyhostname = mx.example.net\nmydestination =\nalias_maps =\n\
             local_recipient_maps =\nmynetworks = 127.0.0.0/8\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
             relay_domains = example.com\nrelay_transport = smtp:[127.0.0.1]:{sink}\nsmtpd_relay_restrictions = permit_mynetworks, reject\n\
             smtpd_peername_lookup = no\ndisable_dns_lookups = yes\nsmtp_host_lookup = native\nbiff = no\n\
             smtpd_tls_security_level = none\nsmtp_tls_security_level = none\ndefault_process_limit = 300\n\
             smtp_destination_concurrency_limit = 50\nin_flow_delay = 0\n"
        );
        fs::write(config.join("main.cf"), main)?;
        fs::write(config.join("master.cf"), format!("127.0.0.1:{port} inet n - n - - smtpd\n{SERVICES}"))?;
        let postfix = Self { config, queue, port };
        postfix.command(workspace, "start")?;
        greeted(port)?;
        Ok(postfix)
    }

    fn command(&self, workspace: &Workspace, word: &str) -> Result<(), Shortfall> {
        workspace.program("postfix").argument("-c").argument(&self.config).argument(word).output().map(drop)
    }

    fn master(&self) -> Result<u32, Shortfall> {
        let text = fs::read_to_string(self.queue.join("pid/master.pid"))?;
        text.trim().parse().map_err(|_| Shortfall::Failed(format!("no process id: {text}")))
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // If it is gone already, so much the better.
        let _ = Command::new("postfix").arg("-c").arg(&self.config).arg("stop").stderr(Stdio::null()).status();
    }
}

/// The services of master.cf besides the listener.
pub(crate) const SERVICES: &str = "\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
";

/// `smtp-sink`, which takes and counts.
#[derive(Debug)]
pub(super) struct Sink {
    child: Child,
    counts: PathBuf,
    port: u16,
}

impl Sink {
    pub(super) fn start(workspace: &Workspace) -> Result<Self, Shortfall> {
        let directory = workspace.target("bench-gateway");
        fs::create_dir_all(&directory)?;
        let (counts, port) = (directory.join("sink.counts"), free_port()?);
        let output = File::create(&counts)?;
        let mut command = Command::new("smtp-sink");
        command.args(["-u", "nobody", "-c", &format!("127.0.0.1:{port}"), "4096"]).stdin(Stdio::null());
        let child = command.stdout(output.try_clone()?).stderr(output).spawn()?;
        let sink = Self { child, counts, port };
        greeted(port)?;
        Ok(sink)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Messages taken so far: the last `mesg=N` it wrote.
    pub(super) fn count(&self) -> Result<u64, Shortfall> {
        let mut file = File::open(&self.counts)?;
        let bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(bytes.saturating_sub(200)))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let last = text.rsplit("mesg=").next().filter(|_| text.contains("mesg="));
        let digits = last.map_or("0", |last| last.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("0"));
        Ok(digits.parse().unwrap_or(0))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn free_port() -> Result<u16, Shortfall> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

pub(crate) fn greeted(port: u16) -> Result<(), Shortfall> {
    let until = Instant::now() + START;
    while Instant::now() < until {
        let mut line = String::new();
        let connected = TcpStream::connect(("127.0.0.1", port));
        if connected.is_ok_and(|stream| BufReader::new(stream).read_line(&mut line).is_ok()) && line.starts_with("220") {
            return Ok(());
        }
        sleep(Duration::from_millis(20));
    }
    Err(Shortfall::Failed(format!("nobody greets at port {port}")))
}

/// Processor time of a process and all that descend from it, ended children included.
fn cpu_of_tree(root: u32) -> Result<f64, Shortfall> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It may have ended meanwhile.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        // The name in parentheses may hold anything; what follows it does not.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        // proc(5): parent is field 4; utime, stime, cutime, cstime are 14 to 17. The first here is field 3.
        processes.push((pid, number(1) as u32, (11..15).map(number).sum::<u64>()));
    }
    let (mut tree, mut ticks) = (vec![root], 0);
    while let Some(parent) = tree.pop() {
        ticks += processes.iter().filter(|(pid, ..)| *pid == parent).map(|(.., ticks)| ticks).sum::<u64>();
        tree.extend(processes.iter().filter(|(_, of, _)| *of == parent).map(|(pid, ..)| *pid));
    }
    Ok(ticks as f64 / TICKS)
}
