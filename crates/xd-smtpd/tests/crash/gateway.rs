//! The gateway under test: a real process in a directory of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take to greet after its start.
const START: Duration = Duration::from_secs(30);

/// Where a test keeps its files.
pub(crate) fn directory(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

pub(crate) struct Gateway {
    directory: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
}

impl Gateway {
    /// A gateway that delivers to this sink, soon tries again what was deferred, and keeps its data there.
    pub(crate) fn configured(directory: &Path, data: &Path, sink: SocketAddr) -> Self {
        fs::create_dir_all(directory).unwrap();
        // A port that is free now; the process needs the same one after each start.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = format!(
            "data = {data:?}\nhostname = \"mx.example.net\"\ndns = \"off\"\n[[listener]]\nprotocol = \"smtp\"\naddress = \"{address}\"\n\
             [[domain]]\nname = \"example.com\"\nrecipients = \"any\"\nnext_hop = [\"{sink}\"]\n[delivery]\nretry = \"1s\"\n\
             [limits]\nspool_free_bytes = 16777216\n"
        );
        fs::write(directory.join("xd.toml"), config).unwrap();
        Self { directory: directory.to_owned(), address, child: None }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it and waits for its greeting.
    pub(crate) fn start(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.directory.join("stderr.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_xd-smtpd"));
        command.arg("--config").arg(self.directory.join("xd.toml")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        let until = Instant::now() + START;
        while !self.greets() {
            assert!(Instant::now() < until, "no greeting; see {}", self.directory.display());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn greets(&self) -> bool {
        let mut line = String::new();
        let connected = TcpStream::connect(self.address).and_then(|stream| {
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            BufReader::new(stream).read_line(&mut line)
        });
        connected.is_ok() && line.starts_with("220")
    }

    /// Stops it where it stands: from then on it says nothing.
    pub(crate) fn freeze(&self) {
        let id = self.child.as_ref().unwrap().id();
        assert!(Command::new("kill").args(["-STOP", &id.to_string()]).status().unwrap().success());
        // Each thread stops by itself: one that still runs could be told that a sync succeeded.
        let is_stopped = || {
            let mut threads = fs::read_dir(format!("/proc/{id}/task")).unwrap().map(|thread| thread.unwrap().path().join("stat"));
            // One that ended meanwhile says nothing any more.
            threads.all(|stat| fs::read_to_string(stat).is_ok_and(|stat| stat.contains(") T ")))
        };
        while !is_stopped() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Kills it where it stands.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks it to end, and says whether it did so in good order.
    pub(crate) fn terminate(&mut self) -> bool {
        let mut child = self.child.take().unwrap();
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        child.wait().unwrap().success()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // A failed test leaves nothing running.
        self.child.iter_mut().for_each(|child| drop(child.kill().and_then(|()| child.wait())));
    }
}
