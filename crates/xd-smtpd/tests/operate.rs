//! A real gateway as its administrator meets it: the control socket, SIGHUP with a good file and with a broken one, `--check`
//! beside it, SIGTERM.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use xd_config::control::{QueueAction, Request, Response, Selection, Status};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct Gateway {
    directory: PathBuf,
    address: SocketAddr,
    child: Child,
}

/// An address that nobody listens at.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Gateway {
    fn start(name: &str) -> Self {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let (address, nobody, data) = (free(), free(), directory.join("data"));
        let config = format!(
            "data = {data:?}\nhostname = \"mx.example.net\"\ndns = \"off\"\n[[listener]]\nprotocol = \"smtp\"\naddress = \"{address}\"\n\
             [[domain]]\nname = \"example.com\"\nrecipients = \"any\"\nnext_hop = [\"{nobody}\"]\n"
        );
        fs::write(directory.join("xd.toml"), config).unwrap();
        let log = fs::File::create(directory.join("stderr.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_xd-smtpd"));
        command.arg("--config").arg(directory.join("xd.toml")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let gateway = Self { child: command.spawn().unwrap(), directory, address };
        gateway.logged("\"ready\"");
        gateway
    }

    fn ask(&self, request: &Request) -> Response {
        let stream = UnixStream::connect(self.directory.join("data/control.sock")).unwrap();
        let line = serde_json::to_string(request).unwrap() + "\n";
        (&stream).write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        BufReader::new(&stream).read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn change(&self, action: QueueAction, selection: Selection, dry_run: bool) -> u64 {
        match self.ask(&Request::Queue { action, selection, dry_run }) {
            Response::Count { messages, .. } => messages,
            other => panic!("{other:?}"),
        }
    }

    fn status(&self) -> Status {
        match self.ask(&Request::Status) {
            Response::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    /// Sends a message; gives the last reply.
    fn send(&self, to: &str) -> String {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        let content = "Subject: x\r\n\r\nhello\r\n.\r\n";
        let recipient = format!("RCPT TO:<{to}>\r\n");
        for command in ["", "HELO client.example.org\r\n", "MAIL FROM:<a@example.org>\r\n", &recipient, "DATA\r\n", content] {
            (&stream).write_all(command.as_bytes()).unwrap();
            line.clear();
            reader.read_line(&mut line).unwrap();
            if line.starts_with(['4', '5']) {
                break;
            }
        }
        line
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("stderr.log")).unwrap()
    }

    fn logged(&self, what: &str) {
        self.eventually(what, || self.log().contains(what));
    }

    fn eventually(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < until, "waited in vain for {what}: {}", self.log());
            sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // A failed test leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_queue_is_in_the_administrators_hands() {
    let gateway = Gateway::start("operate-queue");
    assert!(gateway.send("a@example.com").starts_with("250"));
    assert!(gateway.send("b@example.com").starts_with("250"));
    // An attempt under way is left alone: these are made while nothing is.
    gateway.eventually("a next hop that is down", || gateway.status().destinations.iter().any(|at| at.down_ms.is_some()));
    let domain = || Selection::Domain("EXAMPLE.com".to_owned());
    assert_eq!(gateway.change(QueueAction::Hold, domain(), true), 2);
    assert_eq!(gateway.status().held, 0, "a rehearsal changes nothing");
    gateway.eventually("two held", || {
        gateway.change(QueueAction::Hold, Selection::All, false);
        gateway.status().held == 2
    });
    assert_eq!(gateway.change(QueueAction::Release, Selection::Held, false), 2);
    gateway.eventually("none held", || gateway.status().held == 0);
    assert_eq!(gateway.change(QueueAction::Delete, Selection::Domain("example.org".to_owned()), false), 0);
    gateway.eventually("an empty queue", || {
        gateway.change(QueueAction::Delete, Selection::All, false);
        gateway.status().queued == 0
    });
    let wrong =
        Request::Queue { action: QueueAction::Delete, selection: Selection::Ids(vec!["no id".to_owned()]), dry_run: false };
    assert!(matches!(gateway.ask(&wrong), Response::Error { .. }));
}

#[test]
fn a_broken_configuration_changes_nothing() {
    let gateway = Gateway::start("operate-reload");
    let path = gateway.directory.join("xd.toml");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{good}unknown = 1\n")).unwrap();
    let check = || Command::new(env!("CARGO_BIN_EXE_xd-smtpd")).arg("--check").arg("--config").arg(&path).output().unwrap();
    assert_eq!(check().status.code(), Some(2));
    gateway.signal("HUP");
    gateway.logged("\"reload-failed\"");
    assert!(gateway.send("a@example.com").starts_with("250"));

    let more = good.replace(
        "[[domain]]\nname = \"example.com\"\nrecipients = \"any\"",
        "[[domain]]\nname = \"example.com\"\nrecipients = [\"b\"]",
    );
    fs::write(&path, more).unwrap();
    assert!(check().status.success(), "checked beside the gateway that runs");
    gateway.signal("HUP");
    gateway.logged("\"reloaded\"");
    assert!(gateway.send("a@example.com").starts_with("550"));
    assert!(gateway.send("b@example.com").starts_with("250"));

    // What is read at the start only is told, and the rest takes effect.
    let elsewhere = good.replace("operate-reload/data", "operate-reload/elsewhere");
    fs::write(&path, format!("{elsewhere}[journal]\nkeep = \"1d\"\n")).unwrap();
    gateway.signal("HUP");
    gateway.logged("\"changed\":[\"control\",\"data\",\"journal.keep\"]");
    assert!(gateway.send("a@example.com").starts_with("250"));
    assert!(!gateway.directory.join("elsewhere").exists());
}

#[test]
fn who_asks_twice_does_not_wait() {
    let mut gateway = Gateway::start("operate-twice");
    let stream = TcpStream::connect(gateway.address).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for command in ["", "HELO client.example.org\r\n", "MAIL FROM:<a@example.org>\r\n"] {
        (&stream).write_all(command.as_bytes()).unwrap();
        reader.read_line(&mut String::new()).unwrap();
    }
    let began = Instant::now();
    gateway.signal("TERM");
    gateway.eventually("a closed port", || TcpStream::connect(gateway.address).is_err());
    gateway.signal("TERM");
    assert!(gateway.child.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(25), "the transaction would have been waited for");
}

#[test]
fn sigterm_lets_an_open_transaction_end() {
    let mut gateway = Gateway::start("operate-drain");
    let stream = TcpStream::connect(gateway.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut ask = |command: &str| {
        (&stream).write_all(command.as_bytes()).unwrap();
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line
    };
    ask("");
    for command in ["HELO client.example.org\r\n", "MAIL FROM:<a@example.org>\r\n", "RCPT TO:<b@example.com>\r\n", "DATA\r\n"] {
        assert!(!ask(command).starts_with(['4', '5']));
    }
    gateway.signal("TERM");
    gateway.eventually("a closed port", || TcpStream::connect(gateway.address).is_err());
    assert!(ask("Subject: x\r\n\r\nhello\r\n.\r\n").starts_with("250"));
    assert!(gateway.child.wait().unwrap().success());
    gateway.logged("\"stopped\"");
}
