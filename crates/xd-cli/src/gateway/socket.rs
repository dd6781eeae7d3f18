//! Asking a running gateway: one line of JSON to its control socket, one line back.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use xd_config::control::{Request, Response};

use crate::failure::{Failure, reason};

/// A gateway that is busy with a disk that is full still answers sooner.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Asks the gateway that listens at this socket.
pub(super) fn ask(socket: &Path, request: &Request) -> Result<Response, Failure> {
    let failed = |error: std::io::Error| Failure::operator(format!("{}: {}", socket.display(), reason(&error)));
    let stream = UnixStream::connect(socket)
        .map_err(|error| Failure::operator(format!("{}: {}; is the gateway running?", socket.display(), reason(&error))))?;
    stream.set_read_timeout(Some(TIMEOUT)).map_err(failed)?;
    stream.set_write_timeout(Some(TIMEOUT)).map_err(failed)?;
    let mut line = serde_json::to_vec(request).map_err(|error| Failure::operator(error.to_string()))?;
    line.push(b'\n');
    (&stream).write_all(&line).map_err(failed)?;
    let mut answer = String::new();
    BufReader::new(&stream).read_line(&mut answer).map_err(failed)?;
    match serde_json::from_str(&answer) {
        Ok(Response::Error { why }) => Err(Failure::operator(why)),
        Ok(response) => Ok(response),
        Err(_) => Err(Failure::operator(format!("{}: the answer makes no sense", socket.display()))),
    }
}
