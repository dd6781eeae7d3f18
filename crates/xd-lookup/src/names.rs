//! The names of a client: from its address to names (PTR), and from each name back to addresses (RFC 8601 §2.7.3 calls it
//! `iprev`). A name alone is what the owner of the address claims; one that leads back is what the owner of the name confirms.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use xd_core::{Domain, Known, Unknown};

use crate::{Answer, Resolver};

/// What names an address has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClientNames {
    /// Those of its PTR records, at most ten.
    pub reverse: Known<Vec<Domain>>,
    /// The first of them that leads back to the address. Absent only when every one of them certainly does not.
    pub confirmed: Known<Domain>,
}

/// Names of one address that are confirmed; RFC 7208 §4.6.4 takes as many.
const MAX_NAMES: usize = 10;

pub(crate) async fn client_names(resolver: &Resolver, address: IpAddr, within: Duration) -> ClientNames {
    let deadline = Instant::now() + within;
    let Ok(answer) = timeout_at(deadline, resolver.reverse_names(address)).await else {
        return ClientNames { reverse: Known::Unknown(Unknown::Timeout), confirmed: Known::Unknown(Unknown::Timeout) };
    };
    let names = match answer {
        Answer::Found(names) => names.into_iter().take(MAX_NAMES).collect::<Vec<_>>(),
        Answer::Absent(_) => return ClientNames { reverse: Known::Absent, confirmed: Known::Absent },
        Answer::Unknown(why) => return ClientNames { reverse: Known::Unknown(why), confirmed: Known::Unknown(why) },
    };
    let mut confirmed = Known::Absent;
    for name in &names {
        match timeout_at(deadline, leads_to(resolver, name, address)).await {
            Ok(Known::Found(true)) => {
                confirmed = Known::Found(name.clone());
                break;
            }
            Ok(Known::Unknown(why)) => confirmed = Known::Unknown(why),
            Ok(Known::Found(false) | Known::Absent) => {}
            Err(_) => {
                confirmed = Known::Unknown(Unknown::Timeout);
                break;
            }
        }
    }
    ClientNames { reverse: Known::Found(names), confirmed }
}

/// Whether an address is among those of a name.
async fn leads_to(resolver: &Resolver, name: &Domain, address: IpAddr) -> Known<bool> {
    match address {
        IpAddr::V4(address) => Known::from(resolver.ipv4(name).await).map(|found| found.contains(&address)),
        IpAddr::V6(address) => Known::from(resolver.ipv6(name).await).map(|found| found.contains(&address)),
    }
}
