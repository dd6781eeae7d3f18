//! The program: arguments, signals, exit status.
//!
//! Exit status: 0 after SIGTERM or SIGINT, or when `--check` found nothing wrong; 2 when something stopped the start.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use xd_config::Config;

use crate::demo;
use crate::log::Log;
use crate::run::{Running, StartError, check, supervisor};

/// Exit status when something stopped the start.
const NOT_STARTED: u8 = 2;

/// Accepts mail, judges it, keeps it safe, and delivers it.
#[derive(Debug, Parser)]
#[command(name = "xd-smtpd", version, arg_required_else_help = true)]
struct Arguments {
    /// The configuration (TOML); docs/gateway.md describes every setting.
    #[arg(long, value_name = "FILE", required_unless_present = "demo")]
    config: Option<PathBuf>,
    /// Read and check everything, say what is wrong, and exit.
    #[arg(long, requires = "config")]
    check: bool,
    /// Run a whole gateway on loopback, feed it sample messages, show what became of them, and exit.
    #[arg(long, conflicts_with_all = ["config", "check"])]
    demo: bool,
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.config {
        Some(path) if arguments.check => load(&path).and_then(check).map(|doubts| {
            doubts.iter().for_each(|doubt| println!("{}: is this meant? {doubt}", path.display()));
            println!("{}: nothing wrong", path.display());
        }),
        Some(path) => load(&path).and_then(|config| on_runtime(serve(config, path))),
        None => on_runtime(demo::run()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xd-smtpd: {error}");
            ExitCode::from(NOT_STARTED)
        }
    }
}

fn load(path: &Path) -> Result<Config, StartError> {
    let config = Config::load(path)?;
    if config.listeners().next().is_none() {
        let why = "there is no [[listener]]: nothing would be accepted";
        return Err(StartError::io(path, std::io::Error::other(why)));
    }
    Ok(config)
}

fn on_runtime(work: impl Future<Output = Result<(), StartError>>) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| StartError::io("threads", error))?.block_on(work)
}

/// Takes as many descriptors as the system allows: a connection, a delivery, a segment each need one.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // What there is has to do then; running out is borne.
    let _ = setrlimit(Resource::Nofile, limit);
}

async fn serve(config: Config, path: PathBuf) -> Result<(), StartError> {
    raise_descriptor_limit();
    let failed = |error| StartError::io("signals", error);
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    // On a thread of its own: a long recovery must not keep signals from being heard.
    let starting = tokio::spawn(Running::start(config, Log::start()));
    let running = tokio::select! {
        started = starting => started.map_err(|error| StartError::io("start", std::io::Error::other(error)))??,
        // What was accepted in these moments is on disk, and is recovered with all else.
        _ = terminate.recv() => std::process::exit(0),
        _ = interrupt.recv() => std::process::exit(0),
    };
    supervisor::tell("READY=1");
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                supervisor::tell("RELOADING=1");
                running.reload(&path);
                supervisor::tell("READY=1");
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    supervisor::tell("STOPPING=1");
    tokio::select! {
        () = running.drain() => {}
        // Who asks twice does not want to wait; what is cut short is tried again after the next start.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
