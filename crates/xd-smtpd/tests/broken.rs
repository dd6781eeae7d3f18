//! A disk that fails under a running gateway: it stops acknowledging, says so, and has everything that was acknowledged at the next start.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Gateway(Child);

impl Gateway {
    /// Starts one whose files cannot grow beyond so many blocks: writes fail then, as on a disk that does.
    fn start(directory: &Directory, blocks: &str, smtp: SocketAddr, admin: SocketAddr) -> Self {
        let config = directory.0.join("xd.toml");
        let text = format!(
            r#"data = {:?}
hostname = "mx.example.net"
admin = "{admin}"
dns = "off"
trusted = []
[[listener]]
protocol = "smtp"
address = "{smtp}"
scan = false
[[domain]]
name = "example.com"
recipients = "any"
next_hop = ["127.0.0.1:1"]
"#,
            directory.0.join("data")
        );
        std::fs::write(&config, text).unwrap();
        // The signal that goes with the limit is ignored: what is left is a write that fails.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --config \"$1\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_xd-smtpd")]).arg(config);
        let gateway = Self(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(smtp).is_err() || TcpStream::connect(admin).is_err() {
            assert!(Instant::now() < until, "it does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        gateway
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody has.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(stream))
    }

    fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap_or(0);
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    fn ask(&mut self, line: &str) -> String {
        // A connection that was closed is seen at the reply.
        let _ = self.0.get_mut().write_all(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    fn send(&mut self, content: &str) -> String {
        self.ask("MAIL FROM:<a@example.org>");
        let reply = self.ask("RCPT TO:<b@example.com>");
        if !reply.starts_with('2') || !self.ask("DATA").starts_with('3') {
            return reply;
        }
        self.ask(&format!("Subject: x\r\n\r\n{content}\r\n."))
    }
}

fn http(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn after_a_failed_write_nothing_is_acknowledged() {
    let directory = Directory(std::env::temp_dir().join(format!("xd-smtpd-broken-{}", std::process::id())));
    std::fs::create_dir_all(&directory.0).unwrap();
    let (smtp, admin) = (free(), free());
    let gateway = Gateway::start(&directory, "2000", smtp, admin);
    let mut client = Client::connect(smtp);
    assert!(client.reply().starts_with("220"));
    client.ask("EHLO c");
    assert!(http(admin, "/readyz").starts_with("HTTP/1.1 200"));
    let content = "0123456789012345678901234567890123456789012345678901234567890123456789012345\r\n".repeat(1_000);
    let mut acknowledged = 0;
    let refused = loop {
        let reply = client.send(&content);
        if !reply.starts_with("250") {
            break reply;
        }
        acknowledged += 1;
        assert!(acknowledged < 100, "the limit was never met");
    };
    assert!(refused.starts_with("451 4.3.0"), "{refused}");
    assert!(acknowledged > 0);
    // Nobody is taken in any more, and whoever watches is told.
    assert!(Client::connect(smtp).reply().starts_with("421 4.3.2"));
    assert!(http(admin, "/readyz").starts_with("HTTP/1.1 503"));
    assert!(http(admin, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(http(admin, "/metrics").contains("xd_ready 0.0"));
    drop(gateway);
    // With a disk that works, all that was acknowledged is there.
    let (smtp, admin) = (free(), free());
    let _gateway = Gateway::start(&directory, "unlimited", smtp, admin);
    assert!(http(admin, "/readyz").starts_with("HTTP/1.1 200"));
    let queued = format!("xd_queued_messages {acknowledged}.0");
    let metrics = http(admin, "/metrics");
    assert!(metrics.contains(&queued), "{queued} in {metrics}");
}
