//! Asks servers one question, following aliases from response to response. Sockets, repetition and TCP after truncation are
//! hickory's; what a response means is read in `reply`.

use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverOpts};
use hickory_resolver::net::DnsHandle;
use hickory_resolver::net::RetryDnsHandle;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::FirstAnswer;
use hickory_resolver::proto::op::{DnsRequestOptions, Query};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use xd_auth::{Answer, Question, Record, Unknown};

use crate::reply::{self, Reply};
use crate::settings::{ResolverError, ResolverOptions, Servers};

/// Servers, and how they are asked.
#[derive(Clone)]
pub(crate) struct Exchange {
    servers: RetryDnsHandle<NameServerPool<TokioRuntimeProvider>>,
    options: DnsRequestOptions,
}

impl Exchange {
    /// None when nobody is to be asked.
    pub(crate) fn try_new(options: &ResolverOptions) -> Result<Option<Self>, ResolverError> {
        let (servers, mut opts) = match &options.servers {
            Servers::Off => return Ok(None),
            Servers::Listed(servers) if servers.is_empty() => return Err(ResolverError::NoServers),
            Servers::Listed(servers) => {
                let servers = servers.iter().map(|address| {
                    let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
                        let mut connection = ConnectionConfig::new(protocol);
                        connection.port = address.port();
                        connection
                    });
                    NameServerConfig::new(address.ip(), true, connections.into())
                });
                (servers.collect::<Vec<_>>(), ResolverOpts::default())
            }
            Servers::System => {
                let (config, opts) = hickory_resolver::system_conf::read_system_conf()
                    .map_err(|error| ResolverError::System(error.to_string()))?;
                // Domain and search list are left out: names are asked as they stand.
                (config.name_servers().to_vec(), opts)
            }
        };
        if servers.is_empty() {
            return Err(ResolverError::NoServers);
        }
        opts.timeout = opts.timeout.min(ATTEMPT).min(options.deadline / 2).max(Duration::from_millis(100));
        // More than that are never open; a connection that is busy is not to be told from one that failed.
        opts.max_active_requests = options.open_by_mail() + options.open_by_site();
        let mut request = DnsRequestOptions::default();
        request.recursion_desired = true;
        request.use_edns = true;
        request.edns_payload_len = opts.edns_payload_len;
        let attempts = opts.attempts;
        let tls = TlsConfig::new().map_err(|error| ResolverError::Refused(error.to_string()))?;
        let context = Arc::new(PoolContext::new(opts, tls));
        let pool = NameServerPool::from_config(servers, context, TokioRuntimeProvider::default());
        Ok(Some(Self { servers: RetryDnsHandle::new(pool, attempts), options: request }))
    }

    /// The answer to a question, and for how many seconds it may be kept.
    pub(crate) async fn ask(&self, question: &Question) -> (Answer<Record>, u32) {
        let Some(mut query) = reply::query(question) else { return (Answer::Unknown(Unknown::Malformed), 0) };
        // The least time to live of the aliases so far.
        let (mut steps_so_far, mut least) = (0, u32::MAX);
        // Ends: every alias adds a step, and `read` allows so many.
        loop {
            let reply = match self.servers.lookup(query.clone(), self.options).first_answer().await {
                Ok(response) => reply::read(&response, &query, question.kind, steps_so_far),
                Err(error) => reply::missing(&error, &query),
            };
            match reply {
                Reply::Final(answer, ttl) => return (answer, ttl.min(least)),
                Reply::Alias { target, ttl, steps } => {
                    (steps_so_far, least) = (steps, least.min(ttl));
                    query = Query::query(target, query.query_type());
                }
            }
        }
    }
}

/// How long one attempt may take; within it hickory repeats the packet three times in 1.3 s, and then only waits. Beyond it a new attempt is
/// made, which finds what the server has learned meanwhile.
const ATTEMPT: Duration = Duration::from_secs(2);
