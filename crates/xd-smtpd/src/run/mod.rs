//! A gateway from its start to its end.
//!
//! Start: 1. the configuration is read and everything in it checked; 2. ports are opened; 3. the user is changed; 4. the data
//! directory is made and locked, spool and journal recovered, the engine kept; 5. the control socket is opened; 6. delivery begins;
//! 7. clients are served, while what the spool held is added to the queue. Whatever fails stops the start, and nothing was accepted or
//! sent.
//!
//! End: 1. no more connections; 2. open transactions end; 3. deliveries under way end; 4. the spool is closed, then the journal, by being
//! dropped. A kill at any moment loses nothing either.

mod descriptors;
mod doubts;
mod error;
mod fixed;
mod settings;
mod status;
pub(crate) mod supervisor;
mod user;
mod watch;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinHandle;
use xd_config::Config;
use xd_config::control::{QueueAction, Request, Response, Selection as Asked};
use xd_core::Domain;
use xd_store::{EngineStore, Journal, OsFileSystem, Spool, create_durable_dir};

use crate::admin;
use crate::control::ControlSocket;
use crate::delivery::{Applied, Control, Delivery, Selection};
use crate::gateway::{Gateway, Ledger, World};
use crate::log::Log;
use crate::server::{Listeners, Server};

pub(crate) use error::StartError;
use fixed::Fixed;

/// How long open transactions, and then deliveries, may take to end.
const DRAIN: Duration = Duration::from_secs(30);

/// A gateway at work.
#[derive(Debug)]
pub(crate) struct Running {
    server: Arc<Server<Arc<Gateway>>>,
    gateway: Arc<Gateway>,
    log: Log,
    tasks: Vec<JoinHandle<()>>,
    fixed: Fixed,
}

/// Reads and checks everything a start would, and opens nothing. Tells what is allowed and may not be meant.
///
/// # Errors
/// What would stop the start.
pub(crate) fn check(config: Config) -> Result<Vec<String>, StartError> {
    settings::server(&config)?.check()?;
    let resolver = settings::delivery(&config)?.resolver;
    let doubts = doubts::doubts(&config);
    World::try_new(config, resolver)?;
    Ok(doubts)
}

impl Running {
    /// Starts a gateway.
    pub(crate) async fn start(config: Config, log: Log) -> Result<Self, StartError> {
        let began = Instant::now();
        // 1.
        let mut server_settings = settings::server(&config)?;
        let mut delivery_options = settings::delivery(&config)?;
        if let Some(why) = descriptors::fit(&mut server_settings, &mut delivery_options) {
            log.warn("few-descriptors", why);
        }
        for doubt in doubts::doubts(&config) {
            log.warn("doubtful", json!({ "why": doubt }));
        }
        let fixed = Fixed::of(&config);
        let spool_options = settings::spool(&config);
        let (data, control) = (config.data().to_owned(), config.control());
        let (admin_address, journal_keep) = (config.admin(), milliseconds(config.journal_keep()));
        let user = config.user().map(str::to_owned);
        let world = World::try_new(config, delivery_options.resolver.clone())?;
        // 2.
        let listeners = Listeners::bind(server_settings)?;
        let admin = match admin_address {
            Some(address) => {
                let listener = tokio::net::TcpListener::bind(address).await;
                Some(listener.map_err(|error| StartError::io(address.to_string(), error))?)
            }
            None => None,
        };
        // 3.
        if let Some(user) = &user {
            user::become_user(user)?;
            // What was read as root must be read again at a reload.
            if let Err(error) = settings::server(world.config()) {
                log.warn("unreadable", json!({ "why": error.to_string(), "user": user, "then": "a reload will fail" }));
            }
        }
        // 4.
        create_durable_dir(&OsFileSystem, &data).map_err(|error| StartError::io(&data, error))?;
        let journal_options = settings::journal(journal_keep, spool_options.reserve_bytes);
        let (spool, recovery) = Spool::open(&OsFileSystem, data.join("spool"), spool_options)?;
        let (journal, journal_recovery) = Journal::open(&OsFileSystem, data.join("journal"), journal_options)?;
        EngineStore::new(OsFileSystem, data.join("engines")).keep(world.engine(), Some(crate::gateway::now()))?;
        for warning in &recovery.warnings {
            log.warn("storage", json!({ "why": warning.to_string() }));
        }
        for (path, damage) in &recovery.damages {
            log.warn("damage", json!({ "path": path.display().to_string(), "why": damage.to_string() }));
        }
        for damage in &journal_recovery.damages {
            log.warn("damage", json!({ "path": data.join("journal").display().to_string(), "why": damage.to_string() }));
        }
        for id in &recovery.torn {
            log.warn("torn", json!({ "id": id.to_string(), "why": "it was never acknowledged, and is not all on disk" }));
        }
        let ledger = Arc::new(Ledger::new(journal, spool.clone(), log.clone()));
        // 5.
        let control = ControlSocket::bind(&control).map_err(|error| StartError::io(control, error))?;
        // 6.
        let delivery = Delivery::start(delivery_options, Arc::new(spool.clone()), Arc::new(ledger.clone()), [])?;
        // Which those are is found out before others come.
        let held = spool.messages_by_id();
        let told = log.clone();
        delivery.recover(held, move |messages| told.info("recovered", json!({ "messages": messages, "took_ms": since(began) })));
        // 7.
        let gateway = Arc::new(Gateway::new(world, spool, delivery, ledger));
        let server = Arc::new(listeners.serve(gateway.clone()));
        let mut running = Self { server, gateway, log, tasks: Vec::new(), fixed };
        running.serve_control(control);
        running.tasks.push(tokio::spawn(watch::watch(running.gateway.clone(), running.log.clone())));
        if let Some(admin) = admin {
            running.serve_admin(admin);
        }
        let addresses: Vec<_> = running.server.addresses().iter().map(SocketAddr::to_string).collect();
        let engine = running.gateway.world().engine().hash().to_string();
        let facts = json!({ "listeners": addresses, "held": recovery.live, "engine": engine, "took_ms": since(began) });
        running.log.info("ready", facts);
        Ok(running)
    }

    fn serve_control(&mut self, socket: ControlSocket) {
        let answering = self.answering();
        self.tasks.push(tokio::spawn(async move {
            socket.serve(move |request| answering.clone().answer(request)).await;
        }));
    }

    fn serve_admin(&mut self, listener: tokio::net::TcpListener) {
        let (answering, gateway, log) = (self.answering(), self.gateway.clone(), self.log.clone());
        let hostname = self.gateway.world().hostname().to_owned();
        let router = admin::router(Arc::new(move || answering.status()), Arc::new(move || gateway.not_ready()), &hostname);
        self.tasks.push(tokio::spawn(async move {
            if let Err(error) = axum::serve(admin::Visits::new(listener), router).await {
                log.warn("admin", json!({ "why": error.to_string() }));
            }
        }));
    }

    fn answering(&self) -> Answering {
        Answering { server: self.server.clone(), gateway: self.gateway.clone(), began: Instant::now() }
    }

    /// The addresses listened at, in the order of the configuration.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        self.server.addresses()
    }

    #[cfg(test)]
    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Reads the configuration again, all or nothing.
    pub(crate) fn reload(&self, path: &Path) {
        match self.try_reload(path) {
            Ok((engine, waiting)) => {
                self.log.info("reloaded", json!({ "engine": engine }));
                if !waiting.is_empty() {
                    self.log.warn("needs-restart", json!({ "changed": waiting, "kept": "the settings of the start" }));
                }
            }
            Err(error) => self.log.warn("reload-failed", json!({ "why": error.to_string(), "kept": "the settings in force" })),
        }
    }

    /// The engine's hash, and the settings that changed and are read at the start only.
    fn try_reload(&self, path: &Path) -> Result<(String, Vec<&'static str>), StartError> {
        let config = Config::load(path)?;
        let mut server = settings::server(&config)?;
        let mut delivery = settings::delivery(&config)?;
        if let Some(why) = descriptors::fit(&mut server, &mut delivery) {
            self.log.warn("few-descriptors", why);
        }
        let waiting = self.fixed.changed(&Fixed::of(&config));
        let world = World::try_new(config, delivery.resolver.clone())?;
        EngineStore::new(OsFileSystem, self.fixed.data().join("engines")).keep(world.engine(), Some(crate::gateway::now()))?;
        let engine = world.engine().hash().to_string();
        // Nothing behind the first of these can fail.
        self.server.reload(server)?;
        self.gateway.delivery().reload(delivery);
        self.gateway.replace_world(world);
        Ok((engine, waiting))
    }

    /// Ends in good order.
    pub(crate) async fn drain(self) {
        let left = self.server.drain(DRAIN).await;
        // A next hop may take ten minutes to answer; what it says then is told by the next attempt.
        let ended = tokio::time::timeout(DRAIN, self.gateway.delivery().drain()).await.is_ok();
        self.tasks.iter().for_each(JoinHandle::abort);
        // What finds no room until the spool is closed is forgotten: those recipients get their mail twice.
        let spool = self.gateway.spool().clone();
        // It does not panic; were it to, what waits is what is known.
        let closed = tokio::task::spawn_blocking(move || spool.close()).await;
        let unwritten = closed.unwrap_or_else(|_| self.gateway.spool().gauges().waiting);
        self.log.info("stopped", json!({ "connections_left": left, "deliveries_ended": ended, "unwritten": unwritten }));
        self.log.flush();
    }
}

/// What answers the control socket and the admin port.
#[derive(Clone, Debug)]
struct Answering {
    server: Arc<Server<Arc<Gateway>>>,
    gateway: Arc<Gateway>,
    began: Instant,
}

impl Answering {
    async fn answer(self, request: Request) -> Response {
        match request {
            Request::Queue { action, selection, dry_run } => self.change_queue(action, selection, dry_run).await,
            Request::Status => Response::Status(Box::new(self.status())),
            _ => Response::Error { why: "this gateway does not know that request".to_owned() },
        }
    }

    async fn change_queue(self, action: QueueAction, asked: Asked, dry_run: bool) -> Response {
        let selection = match asked {
            Asked::All => Selection::All,
            Asked::Domain(domain) => match Domain::parse(&domain) {
                Ok(domain) => Selection::Domain(domain.as_str().to_owned()),
                Err(_) => return Response::Error { why: "that is no domain".to_owned() },
            },
            Asked::Held => Selection::Held,
            Asked::Ids(names) => match names.iter().map(|name| name.parse()).collect() {
                Ok(ids) => Selection::Ids(ids),
                Err(xd_store::QueueIdError) => return Response::Error { why: "that is no queue id".to_owned() },
            },
        };
        let delivery = self.gateway.delivery();
        let Applied { messages, left, .. } = if dry_run {
            return Response::Count { messages: delivery.count(selection).await, left: 0 };
        } else {
            delivery
                .control(match action {
                    QueueAction::Delete => Control::Delete(selection),
                    QueueAction::Hold => Control::Hold(selection),
                    QueueAction::Release => Control::Release(selection),
                    QueueAction::Retry => Control::Retry(selection),
                })
                .await
        };
        Response::Count { messages, left }
    }
}

fn since(moment: Instant) -> u64 {
    milliseconds(moment.elapsed())
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
