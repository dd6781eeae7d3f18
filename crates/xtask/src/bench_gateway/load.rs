//! The senders: sessions that each send one message after another and wait for every answer.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::mail::Mail;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends so many messages through so many sessions to a port of this machine. MAIL, RCPT and DATA leave together, as all usual senders do
/// it where PIPELINING is offered.
pub(super) fn send(port: u16, sessions: usize, messages: usize, mail: &Mail) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let all: Vec<_> = (0..sessions).map(|_| scope.spawn(|| session(port, &next, messages, mail))).collect();
        let panicked = |_| Err(io::Error::other("a sender panicked"));
        all.into_iter().try_for_each(|session| session.join().unwrap_or_else(panicked))
    })
}

fn session(port: u16, next: &AtomicUsize, messages: usize, mail: &Mail) -> io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut replies = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    expect(&mut replies, &mut line, "220")?;
    stream.write_all(b"EHLO client.example.org\r\n")?;
    expect(&mut replies, &mut line, "250")?;
    let mut content = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= messages {
            break;
        }
        stream.write_all(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n")?;
        for code in ["250", "250", "354"] {
            expect(&mut replies, &mut line, code)?;
        }
        content.clear();
        write!(content, "Message-ID: <{number}.{port}@client.example.org>\r\n")?;
        content.extend_from_slice(mail.content(number));
        stream.write_all(&content)?;
        expect(&mut replies, &mut line, "250")?;
    }
    stream.write_all(b"QUIT\r\n")?;
    expect(&mut replies, &mut line, "221")
}

/// Reads one reply, which may have several lines.
fn expect(replies: &mut impl BufRead, line: &mut String, code: &str) -> io::Result<()> {
    loop {
        line.clear();
        replies.read_line(line)?;
        if !line.starts_with(code) {
            return Err(io::Error::other(format!("{code} was expected: {line:?}")));
        }
        if !line[3..].starts_with('-') {
            return Ok(());
        }
    }
}
