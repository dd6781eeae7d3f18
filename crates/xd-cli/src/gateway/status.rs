//! `xd status`: how a gateway is doing.

use std::process::ExitCode;

use xd_config::control::{Percentiles, Request, Response, Status as Answer};

use super::arguments::Status;
use super::socket;
use crate::arguments::ScanFormat;
use crate::escape::Plain;
use crate::failure::{FAILED, Failure};
use crate::json;
use crate::output::Output;
use crate::terminal::Terminal;

pub(crate) fn run(arguments: &Status) -> Result<ExitCode, Failure> {
    let Response::Status(status) = socket::ask(&arguments.place.control()?, &Request::Status)? else {
        return Err(Failure::operator("the gateway answered something else"));
    };
    let mut output = Output::new(Terminal::of_output());
    let mut text = Vec::new();
    match arguments.place.format {
        ScanFormat::Text => text = self::text(&status).into_bytes(),
        ScanFormat::Jsonl => json::write_line(&mut text, &*status)?,
    }
    output.lines(text)?;
    output.finish()?;
    Ok(if status.ready { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn text(status: &Answer) -> String {
    let ready = match &status.not_ready {
        Some(why) => format!("not accepting mail: {}", Plain(why)),
        None => "accepting mail".to_owned(),
    };
    let mut text = format!("{ready}, up {}, {} connections, engine {}\n", span(status.up_ms), status.connections, status.engine);
    text += &format!("accepted   {} messages, refused {} after their content\n", status.accepted, status.refused);
    text += &format!(
        "delivered  {} recipients; {} refused for good, {} deferrals\n",
        status.delivered, status.failed, status.deferred
    );
    text += &format!("queued     {} messages, {} of them held\n", status.queued, status.held);
    let spool = &status.spool;
    text += &format!(
        "spool      {} bytes, {} commits, {} failed, {} waiting, the oldest for {} ms\n",
        spool.bytes, spool.syncs, spool.sync_failures, spool.waiting, spool.oldest_waiting_ms
    );
    if let Some(why) = &spool.short {
        text += &format!("           something is used up: {}\n", Plain(why));
    }
    if spool.unreadable > 0 {
        text += &format!("           {} messages could not be read any more\n", spool.unreadable);
    }
    let journal = &status.journal;
    text += &format!("journal    {} records waiting, {} left out", journal.waiting, journal.lost);
    text += &journal.short.as_ref().map_or_else(|| "\n".to_owned(), |why| format!("; something is used up: {}\n", Plain(why)));
    text += &format!("answers    {}\ndelivery   {}\n", times(status.answer), times(status.delivery));
    if !status.destinations.is_empty() {
        text +=
            &format!("\n{:>8}  {:>7}  {:>9}  {:>8}  {:>7}  destination\n", "waiting", "oldest", "open/most", "per s", "done in");
    }
    for destination in &status.destinations {
        let open = format!("{}/{}", destination.connections, destination.limit);
        let eta = destination.eta_ms.map_or_else(|| "-".to_owned(), span);
        let (waiting, oldest, rate) = (destination.waiting, span(destination.oldest_ms), destination.rate);
        text += &format!("{waiting:>8}  {oldest:>7}  {open:>9}  {rate:>8.1}  {eta:>7}  {}", Plain(&destination.name));
        if let Some(down) = destination.down_ms {
            text += &format!(", down for {}: {}", span(down), Plain(&destination.last_error));
        }
        text.push('\n');
    }
    text
}

fn times(times: Percentiles) -> String {
    format!("half within {:.1} ms, 95 % within {:.1} ms, 99 % within {:.1} ms", times.p50_ms, times.p95_ms, times.p99_ms)
}

/// A span of time in its largest whole unit.
fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_one_unit() {
        let spans = [0, 119_999, 120_000, 7_199_999, 7_200_000, 172_800_000].map(span);
        assert_eq!(spans, ["0s", "119s", "2m", "119m", "2h", "2d"]);
    }
}
