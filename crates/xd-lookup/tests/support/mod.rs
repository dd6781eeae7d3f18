//! A name server for tests: on loopback, authoritative for a table, with every fault that a test asks for.
#![allow(dead_code, reason = "each test program uses part of it")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType, rdata};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;
use xd_lookup::{Resolver, ResolverOptions, Servers};

/// How a name is answered for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// With the alias alone, whatever stands behind it.
    AliasAlone,
    /// With this code and nothing else.
    Code(ResponseCode),
    /// With records of another name.
    OtherName,
    /// With another question than was asked.
    OtherQuestion,
    /// With other servers to ask.
    Referral,
    /// Not at all.
    Silent,
}

/// What the server knows, and how it misbehaves.
#[derive(Default)]
pub(crate) struct Zone {
    records: BTreeMap<String, Vec<RData>>,
    manners: BTreeMap<String, Manner>,
    ttl: u32,
    /// Packets of a hundred that are lost, in either direction.
    lost: u64,
    chance: u64,
    /// The names and types asked for, in order, and whether by TCP.
    asked: Vec<(String, RecordType, bool)>,
}

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Zone {
    pub(crate) fn new() -> Self {
        Self { ttl: 300, chance: 1, ..Self::default() }
    }

    /// A record as a line: `mail.example A 192.0.2.1`, `example MX 10 mail.example`, `t.example TXT one|two`.
    pub(crate) fn with(mut self, lines: &[&str]) -> Self {
        for line in lines {
            self.add(line);
        }
        self
    }

    pub(crate) fn add(&mut self, line: &str) {
        let mut words = line.splitn(3, ' ');
        let (name, kind, data) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let wire = |text: &str| Name::from_ascii(format!("{text}.").replace("..", ".")).unwrap();
        let data = match kind {
            "A" => RData::A(rdata::A(data.parse().unwrap())),
            "AAAA" => RData::AAAA(rdata::AAAA(data.parse().unwrap())),
            "CNAME" => RData::CNAME(rdata::CNAME(wire(data))),
            "MX" => {
                let (preference, host) = data.split_once(' ').unwrap();
                RData::MX(rdata::MX::new(preference.parse().unwrap(), wire(host)))
            }
            "PTR" => RData::PTR(rdata::PTR(wire(data))),
            "TLSA" => {
                let mut numbers = data.split(' ');
                let mut number = || numbers.next().unwrap().parse::<u8>().unwrap();
                RData::TLSA(rdata::TLSA::new(number().into(), number().into(), number().into(), vec![number(); 32]))
            }
            "TXT" => RData::TXT(rdata::TXT::new(data.split('|').map(str::to_owned).collect())),
            other => panic!("no such type: {other}"),
        };
        self.records.entry(name.to_owned()).or_default().push(data);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.records.remove(name);
    }

    pub(crate) fn manner(mut self, name: &str, manner: Manner) -> Self {
        self.manners.insert(name.to_owned(), manner);
        self
    }

    pub(crate) fn losing(mut self, percent: u64, seed: u64) -> Self {
        (self.lost, self.chance) = (percent, seed);
        self
    }

    pub(crate) fn ttl(mut self, seconds: u32) -> Self {
        self.ttl = seconds;
        self
    }

    /// Whether this packet is lost: splitmix64, so that a seed gives one series.
    fn loses(&mut self) -> bool {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % 100 < self.lost
    }

    fn answer(&mut self, request: &[u8], by_tcp: bool) -> Option<Vec<u8>> {
        let request = Message::from_vec(request).ok()?;
        let query = request.queries.first()?.clone();
        let mut name = text(query.name());
        self.asked.push((name.clone(), query.query_type(), by_tcp));
        let mut response = Message::response(request.metadata.id, OpCode::Query);
        response.metadata.recursion_available = true;
        response.add_query(query.clone());
        let record = |owner: &str, data: RData, ttl| Record::from_rdata(Name::from_str(&format!("{owner}.")).unwrap(), ttl, data);
        match self.manners.get(&name) {
            Some(Manner::Silent) => return None,
            Some(Manner::Code(code)) => {
                response.metadata.response_code = *code;
                return response.to_vec().ok();
            }
            Some(Manner::OtherName) => {
                response.add_answer(record("elsewhere.example", RData::A(rdata::A::new(192, 0, 2, 99)), self.ttl));
                return response.to_vec().ok();
            }
            Some(Manner::OtherQuestion) => {
                let mut other = query.clone();
                other.set_name(Name::from_ascii("elsewhere.example.").unwrap());
                response.queries = vec![other];
                return response.to_vec().ok();
            }
            Some(Manner::Referral) => {
                response.add_authority(record("example", RData::NS(rdata::NS(Name::from_ascii("ns.example.").unwrap())), 60));
                return response.to_vec().ok();
            }
            Some(Manner::AliasAlone) | None => {}
        }
        for _ in 0..20 {
            let Some(records) = self.records.get(&name) else {
                response.metadata.response_code = ResponseCode::NXDomain;
                break;
            };
            let of = |kind| records.iter().filter(move |data: &&RData| data.record_type() == kind);
            response.add_answers(of(query.query_type()).map(|data| record(&name, data.clone(), self.ttl)));
            let Some(RData::CNAME(target)) = of(RecordType::CNAME).next() else { break };
            response.add_answer(record(&name, RData::CNAME(target.clone()), self.ttl));
            if matches!(self.manners.get(&name), Some(Manner::AliasAlone)) {
                return response.to_vec().ok();
            }
            name = text(&target.0);
        }
        if !response.answers.iter().any(|found| found.record_type() == query.query_type()) {
            let root = || Name::from_ascii("example.").unwrap();
            let soa = rdata::SOA::new(root(), root(), 1, 60, 60, 60, self.ttl);
            response.add_authority(record("example", RData::SOA(soa), self.ttl));
        }
        let octets = response.to_vec().ok()?;
        if by_tcp || octets.len() <= 1200 { Some(octets) } else { response.truncate().to_vec().ok() }
    }
}

impl Server {
    pub(crate) async fn start(zone: Zone) -> Self {
        // Both protocols at one port: where the second is taken, another is tried.
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let zone = Arc::new(Mutex::new(zone));
        let shared = zone.clone();
        let by_udp = tokio::spawn(async move {
            let mut packet = [0; 4096];
            while let Ok((length, client)) = udp.recv_from(&mut packet).await {
                let answer = {
                    let mut zone = shared.lock().unwrap();
                    if zone.loses() { None } else { zone.answer(&packet[..length], false).filter(|_| !zone.loses()) }
                };
                if let Some(answer) = answer {
                    udp.send_to(&answer, client).await.unwrap();
                }
            }
        });
        let shared = zone.clone();
        let by_tcp = tokio::spawn(async move {
            while let Ok((mut client, _)) = tcp.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move {
                    while let Ok(length) = client.read_u16().await {
                        let mut request = vec![0; length.into()];
                        client.read_exact(&mut request).await.unwrap();
                        let Some(answer) = shared.lock().unwrap().answer(&request, true) else { continue };
                        client.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                        client.write_all(&answer).await.unwrap();
                    }
                });
            }
        });
        Self { address, zone, tasks: vec![by_udp, by_tcp] }
    }

    pub(crate) fn resolver(&self) -> Resolver {
        self.resolver_within(Duration::from_secs(10))
    }

    pub(crate) fn resolver_within(&self, deadline: Duration) -> Resolver {
        let servers = Servers::Listed(vec![self.address]);
        Resolver::try_new(&ResolverOptions { servers, deadline, ..ResolverOptions::default() }).unwrap()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Zone)) {
        change(&mut self.zone.lock().unwrap());
    }

    /// How often a name was asked for.
    pub(crate) fn asked(&self, name: &str) -> usize {
        self.zone.lock().unwrap().asked.iter().filter(|(asked, ..)| asked == name).count()
    }

    /// How many names were asked for, and whether any by TCP.
    pub(crate) fn asked_in_all(&self) -> (usize, bool) {
        let zone = self.zone.lock().unwrap();
        (zone.asked.len(), zone.asked.iter().any(|(.., by_tcp)| *by_tcp))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn text(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}
