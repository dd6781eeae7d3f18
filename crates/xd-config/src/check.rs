//! Contradictions: settings that are right alone and wrong together, or that say what nobody can mean.

use std::net::SocketAddr;

use toml::Spanned;

use crate::config::Config;
use crate::error::ConfigError;
use crate::tables::{ListenerTable, Protocol};
use crate::value::{Network, NextHop};

impl Config {
    /// Whether the settings of carrying mail go together.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.check_listeners()?;
        self.check_clients()?;
        self.check_delivery()
    }

    fn check_listeners(&self) -> Result<(), ConfigError> {
        let tables = self.tables();
        let mut seen = Vec::new();
        for listener in &tables.listener {
            let table = listener.get_ref();
            let address = table.address.get_ref();
            if address.port() != 0 && seen.contains(address) {
                return Err(self.wrong(table.address.span(), format!("{address} is listened at already")));
            }
            seen.push(*address);
            if table.protocol == Protocol::Smtps && tables.tls.is_none() {
                return Err(self.wrong(listener.span(), "smtps needs a certificate: add [tls]"));
            }
            if table.protocol == Protocol::Submission && (tables.auth.is_none() || tables.tls.is_none()) {
                return Err(self.wrong(listener.span(), "submission needs passwords and a certificate: add [auth] and [tls]"));
            }
            self.check_networks(&table.proxy_from, "everybody could say to be anybody: name the proxies")?;
            self.check_networks(&table.xclient_from, "everybody could say to be anybody: name the peers")?;
        }
        if let Some(admin) = tables.admin.as_ref()
            && admin.get_ref().port() != 0
            && seen.contains(admin.get_ref())
        {
            return Err(self.wrong(admin.span(), "a [[listener]] has this address"));
        }
        if let (Some(first), None) = (tables.listener.first(), &tables.hostname) {
            return Err(self.wrong(first.span(), "a gateway needs a name of its own: set hostname"));
        }
        let asks =
            |listener: &Spanned<ListenerTable>| matches!(listener.get_ref().protocol, Protocol::Smtps | Protocol::Submission);
        if let Some(auth) = &tables.auth
            && !tables.listener.is_empty()
            && !tables.listener.iter().any(asks)
        {
            let why = "nobody is asked for these passwords: they need a [[listener]] of protocol submission or smtps";
            return Err(self.wrong(auth.span(), why));
        }
        Ok(())
    }

    fn check_clients(&self) -> Result<(), ConfigError> {
        let tables = self.tables();
        if let Some(trusted) = &tables.trusted {
            self.check_networks(trusted, "everybody could send anywhere: name your own networks")?;
        }
        for client in &tables.client {
            let table = client.get_ref();
            if table.networks.get_ref().is_empty() {
                return Err(self.wrong(table.networks.span(), "expected at least one network"));
            }
            if table.relay {
                self.check_networks(table.networks.get_ref(), "everybody could send anywhere: name the networks that may")?;
            }
            if !table.relay && table.etrn.is_empty() {
                return Err(self.wrong(client.span(), "this says nothing of these clients: set relay or etrn"));
            }
            let waits = |name: &str| self.domains.contains_key(name) || self.routes.contains_key(name);
            if let Some(foreign) = table.etrn.iter().find(|domain| !waits(domain.get_ref().0.as_str())) {
                let why = "nothing waits here for this domain in particular: add a [[domain]] or a [[route]] of this name";
                return Err(self.wrong(foreign.span(), why));
            }
        }
        Ok(())
    }

    fn check_delivery(&self) -> Result<(), ConfigError> {
        let tables = self.tables();
        if let (Some(expire), Some(retry)) = (&tables.delivery.expire, tables.delivery.retry)
            && expire.get_ref().0 < retry.0
        {
            return Err(self.wrong(expire.span(), "mail would be given back before it is tried again: expire is below retry"));
        }
        if let Some(archive) = &tables.archive
            && *archive.next_hop.get_ref() == NextHop::Mx
        {
            let why = "an archive needs a place: HOST:PORT, lmtp:HOST:PORT or maildir:PATH";
            return Err(self.wrong(archive.next_hop.span(), why));
        }
        let domains = tables.domain.iter().map(|table| &table.get_ref().next_hop);
        let routes = tables.route.iter().map(|table| &table.get_ref().next_hop);
        for next_hops in domains.chain(routes) {
            if next_hops.get_ref().iter().any(|hop| self.is_listened_at(hop)) {
                return Err(self.wrong(next_hops.span(), "mail would come back: a [[listener]] here has this address"));
            }
        }
        Ok(())
    }

    /// Whether a next hop is written as the address of a listener.
    fn is_listened_at(&self, hop: &NextHop) -> bool {
        let (NextHop::Smtp { host, port } | NextHop::Lmtp { host, port }) = hop else { return false };
        let Ok(host) = host.parse() else { return false };
        let address = SocketAddr::new(host, *port);
        self.tables().listener.iter().any(|listener| *listener.get_ref().address.get_ref() == address)
    }

    fn check_networks(&self, networks: &[Spanned<Network>], why: &str) -> Result<(), ConfigError> {
        match networks.iter().find(|network| network.get_ref().is_everybody()) {
            Some(everybody) => Err(self.wrong(everybody.span(), why)),
            None => Ok(()),
        }
    }
}
