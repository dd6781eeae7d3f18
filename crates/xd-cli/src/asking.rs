//! Asking DNS while stored messages are judged: who really sent them, and what lists say.
//!
//! Answers are those of today, and the messages are of some other day: keys that were withdrawn since verify nothing.

use tokio::runtime::Runtime;
use xd_config::{Config, Dns};
use xd_core::Evidence;
use xd_core::evidence::Inquiry;
use xd_lookup::signature::KeyStore;
use xd_lookup::{Resolver, ResolverOptions, Rounds, RoundsOptions, Servers};

use crate::failure::Failure;

/// Whom to ask.
#[derive(Debug)]
pub(crate) struct Asking {
    runtime: Runtime,
    resolver: Resolver,
    keys: KeyStore,
}

/// Threads that wait for answers; those that judge ask them.
const THREADS: usize = 2;

impl Asking {
    /// Asks the name servers that the configuration names, else those of the system.
    pub(crate) fn try_new(config: &Config) -> Result<Self, Failure> {
        let servers = match config.dns() {
            Dns::Off => {
                return Err(Failure::operator("--dns asks name servers, and the configuration says dns = \"off\"".to_owned()));
            }
            Dns::Servers(servers) => Servers::Listed(servers.clone()),
            Dns::System => Servers::System,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .enable_all()
            .build()
            .map_err(|error| Failure::operator(format!("cannot start threads for name servers: {error}")))?;
        let resolver = {
            let _entered = runtime.enter();
            Resolver::try_new(&ResolverOptions { servers, ..ResolverOptions::default() })
                .map_err(|error| Failure::operator(error.to_string()))?
        };
        Ok(Self { runtime, resolver, keys: KeyStore::default() })
    }

    /// Asks what may matter for a message, and waits for the answers; what does not come in time is unknown.
    pub(crate) fn evidence(&self, inquiry: &mut Inquiry<'_, '_>) -> Evidence {
        let asked = async {
            let mut rounds = Rounds::new(self.resolver.clone(), RoundsOptions::default());
            rounds.run(&self.keys, |answers| inquiry.progress(answers)).await
        };
        // An inquiry ends: each round answers all that it wants.
        self.runtime.block_on(asked).unwrap_or_default()
    }
}
