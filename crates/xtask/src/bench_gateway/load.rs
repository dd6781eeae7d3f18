//! The senders: sessions that each send one message after another and wait for every answer, as fast as they can or at set moments.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::mail::Mail;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is sent to a port of this machine, through how many sessions.
pub(super) struct Load<'m> {
    pub(super) mail: &'m Mail,
    pub(super) messages: usize,
    pub(super) sessions: usize,
    /// Messages a second, each at its moment, whether those before were answered or not; `None`: as fast as answers allow.
    pub(super) rate: Option<f64>,
}

impl Load<'_> {
    /// Sends all. MAIL, RCPT and DATA leave together, as all usual senders do it where PIPELINING is offered. How long each answer to
    /// a content took, in order of length.
    pub(super) fn send(&self, port: u16) -> io::Result<Vec<Duration>> {
        let next = AtomicUsize::new(0);
        let begin = Instant::now();
        let mut answers = thread::scope(|scope| {
            let all: Vec<_> = (0..self.sessions).map(|_| scope.spawn(|| self.session(port, &next, begin))).collect();
            let panicked = |_| Err(io::Error::other("a sender panicked"));
            all.into_iter().map(|session| session.join().unwrap_or_else(panicked)).collect::<io::Result<Vec<_>>>()
        })?
        .concat();
        answers.sort_unstable();
        Ok(answers)
    }

    fn session(&self, port: u16, next: &AtomicUsize, begin: Instant) -> io::Result<Vec<Duration>> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut replies = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        expect(&mut replies, &mut line, "220")?;
        stream.write_all(b"EHLO client.example.org\r\n")?;
        expect(&mut replies, &mut line, "250")?;
        let (mut content, mut answers) = (Vec::new(), Vec::new());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.messages {
                break;
            }
            if let Some(rate) = self.rate {
                let moment = begin + Duration::from_secs_f64(number as f64 / rate);
                thread::sleep(moment.saturating_duration_since(Instant::now()));
            }
            stream.write_all(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n")?;
            for code in ["250", "250", "354"] {
                expect(&mut replies, &mut line, code)?;
            }
            content.clear();
            write!(content, "Message-ID: <{number}.{port}@client.example.org>\r\n")?;
            content.extend_from_slice(self.mail.content(number));
            stream.write_all(&content)?;
            let ended = Instant::now();
            expect(&mut replies, &mut line, "250")?;
            answers.push(ended.elapsed());
        }
        stream.write_all(b"QUIT\r\n")?;
        expect(&mut replies, &mut line, "221")?;
        Ok(answers)
    }
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
