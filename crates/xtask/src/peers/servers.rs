//! The gateway, Postfix and smtp-sink, each in a directory of its own; all end with the step that started them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::PATIENCE;
use crate::bench_gateway::servers::{SERVICES, free_port, greeted};
use crate::report::Shortfall;
use crate::workspace::Workspace;

/// The gateway as developers build it.
#[derive(Debug)]
pub(super) struct Gateway {
    child: Child,
    directory: PathBuf,
    port: u16,
}

impl Gateway {
    /// Starts one that takes mail for some domains, each with its next hop.
    pub(super) fn start(workspace: &Workspace, directory: &Path, domains: &[(&str, String)]) -> Result<Self, Shortfall> {
        fs::create_dir_all(directory)?;
        let port = free_port()?;
        let data = directory.join("data");
        let mut config = format!(
            "data = {data:?}\nhostname = \"mx.example.net\"\ndns = \"off\"\n[[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:{port}\"\n"
        );
        for (name, next_hop) in domains {
            config += &format!("[[domain]]\nname = \"{name}\"\nrecipients = \"any\"\nnext_hop = [\"{next_hop}\"]\n");
        }
        fs::write(directory.join("xd.toml"), config)?;
        let log = File::create(directory.join("stderr.log"))?;
        let mut command = Command::new(workspace.target("debug/xd-smtpd"));
        command.arg("--config").arg(directory.join("xd.toml")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let gateway = Self { child: command.spawn()?, directory: directory.to_owned(), port };
        greeted(port)?;
        Ok(gateway)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn config(&self) -> PathBuf {
        self.directory.join("xd.toml")
    }

    /// What it wrote to standard error so far.
    pub(super) fn log(&self) -> Result<String, Shortfall> {
        Ok(fs::read_to_string(self.directory.join("stderr.log"))?)
    }

    /// The most memory it has held so far.
    pub(super) fn peak_mib(&self) -> Result<u64, Shortfall> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok());
        kib.map(|kib| kib / 1_024).ok_or_else(|| Shortfall::Failed("the kernel tells no VmHWM".to_owned()))
    }

    /// Sends it a signal by its name.
    pub(super) fn signal(&self, name: &str) -> Result<(), Shortfall> {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status()?;
        if sent.success() { Ok(()) } else { Err(Shortfall::Failed(format!("cannot send {name}"))) }
    }

    /// Waits for its end, which must be in good order.
    pub(super) fn ends_well(&mut self) -> Result<(), Shortfall> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(Shortfall::Failed(format!("the gateway ended with {status}"))),
                None => sleep(Duration::from_millis(20)),
            }
        }
        Err(Shortfall::Failed("the gateway does not end".to_owned()))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // If it is gone already, so much the better.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Postfix, passing all mail on to one port of this host.
#[derive(Debug)]
pub(super) struct Postfix {
    directory: PathBuf,
    port: u16,
}

impl Postfix {
    pub(super) fn start(workspace: &Workspace, directory: &Path, next_hop: u16) -> Result<Self, Shortfall> {
        let (queue, data) = (directory.join("queue"), directory.join("data"));
        fs::create_dir_all(&queue)?;
        fs::create_dir_all(&data)?;
        workspace.program("chown").argument("postfix").argument(&data).run()?;
        let port = free_port()?;
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {}\ndata_directory = {}\nmaillog_file_prefixes = /\nmaillog_file = {}\n\
             myhostname = postfix.example.net\nmydestination =\nalias_maps =\nlocal_recipient_maps =\nmynetworks = 127.0.0.0/8\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nrelay_domains = example.com\n\
             relay_transport = smtp:[127.0.0.1]:{next_hop}\nsmtpd_relay_restrictions = permit_mynetworks, reject\n\
             smtpd_peername_lookup = no\ndisable_dns_lookups = yes\nsmtp_host_lookup = native\nbiff = no\n\
             smtpd_tls_security_level = none\nsmtp_tls_security_level = none\n",
            queue.display(),
            data.display(),
            directory.join("mail.log").display()
        );
        fs::write(directory.join("main.cf"), main)?;
        fs::write(directory.join("master.cf"), format!("127.0.0.1:{port} inet n - n - - smtpd\n{SERVICES}"))?;
        workspace.program("postfix").argument("-c").argument(directory).argument("start").output()?;
        let postfix = Self { directory: directory.to_owned(), port };
        greeted(port)?;
        Ok(postfix)
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // If it is gone already, so much the better.
        let _ = Command::new("postfix").arg("-c").arg(&self.directory).arg("stop").stderr(Stdio::null()).status();
    }
}

/// `smtp-sink`, which writes a file for each transaction, the envelope at its head.
#[derive(Debug)]
pub(super) struct Sink {
    child: Child,
    directory: PathBuf,
    port: u16,
}

impl Sink {
    pub(super) fn start(directory: &Path) -> Result<Self, Shortfall> {
        use std::os::unix::fs::PermissionsExt;
        fs::create_dir_all(directory)?;
        // It runs as `nobody`, and is told a template relative to where it stands: all above may be closed to it.
        fs::set_permissions(directory, fs::Permissions::from_mode(0o777))?;
        let port = free_port()?;
        let mut command = Command::new("smtp-sink");
        command.args(["-u", "nobody", "-d", "dump.", &format!("127.0.0.1:{port}"), "64"]).current_dir(directory);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let sink = Self { child, directory: directory.to_owned(), port };
        greeted(port)?;
        Ok(sink)
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Waits for so many transactions, and a little longer for one too many; gives them all.
    pub(super) fn wait_for(&self, transactions: usize) -> Result<Vec<String>, Shortfall> {
        let until = Instant::now() + PATIENCE;
        let mut complete = Vec::new();
        while complete.len() < transactions && Instant::now() < until {
            sleep(Duration::from_millis(200));
            complete.clear();
            for entry in fs::read_dir(&self.directory)? {
                let dump = String::from_utf8_lossy(&fs::read(entry?.path())?).into_owned();
                // It writes a file as the transaction goes on; the end of smtp-source's content is an empty line.
                if dump.contains("Received: ") {
                    complete.push(dump);
                }
            }
        }
        if complete.len() == transactions {
            return Ok(complete);
        }
        Err(Shortfall::Failed(format!("smtp-sink got {} transactions, {transactions} expected", complete.len())))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
