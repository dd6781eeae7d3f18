//! A name server on loopback, authoritative for the world of one case. It is silent where the world is, and can lose packets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::{Name as WireName, RData, Record as WireRecord, RecordType, rdata};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use xd_auth::{Absence, Answer, Name, Question, Record, RecordKind, Unknown};

use super::job::{MAX_ALIASES, Said, World};

/// A server that runs until it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    _tasks: JoinSet<()>,
}

/// Packets that are lost, of those by UDP in either direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    pub(super) percent: u64,
    pub(super) seed: u64,
}

impl Server {
    pub(super) async fn start(world: Arc<dyn World>, loss: Loss) -> io::Result<Self> {
        let (udp, tcp) = sockets().await?;
        let address = udp.local_addr()?;
        let mut tasks = JoinSet::new();
        let by_tcp = world.clone();
        tasks.spawn(async move {
            let chance = AtomicU64::new(loss.seed);
            let mut packet = [0; 4096];
            while let Ok((length, client)) = udp.recv_from(&mut packet).await {
                if is_lost(&chance, loss.percent) {
                    continue;
                }
                let Some(answer) = respond(&*world, &packet[..length], false) else { continue };
                if !is_lost(&chance, loss.percent) {
                    // Whoever asked may have gone.
                    let _ = udp.send_to(&answer, client).await;
                }
            }
        });
        tasks.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((client, _)) = tcp.accept().await {
                clients.spawn(converse(by_tcp.clone(), client));
            }
        });
        Ok(Self { address, _tasks: tasks })
    }
}

/// Both protocols at one port: where the second is taken, another is tried.
async fn sockets() -> io::Result<(UdpSocket, TcpListener)> {
    for _ in 0..ATTEMPTS {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        if let Ok(tcp) = TcpListener::bind(udp.local_addr()?).await {
            return Ok((udp, tcp));
        }
    }
    Err(io::Error::other("no port is free for both protocols"))
}

const ATTEMPTS: usize = 100;

async fn converse(world: Arc<dyn World>, mut client: TcpStream) {
    while let Ok(length) = client.read_u16().await {
        let mut request = vec![0; length.into()];
        if client.read_exact(&mut request).await.is_err() {
            return;
        }
        let Some(answer) = respond(&*world, &request, true) else { continue };
        let Ok(length) = u16::try_from(answer.len()) else { return };
        if client.write_u16(length).await.is_err() || client.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// A series of chances by splitmix64, so that a seed gives one series.
fn is_lost(chance: &AtomicU64, percent: u64) -> bool {
    let mut mixed = chance.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % 100 < percent
}

/// The response to a request; none where the world is silent, or the request is none.
fn respond(world: &dyn World, request: &[u8], by_tcp: bool) -> Option<Vec<u8>> {
    let request = Message::from_vec(request).ok()?;
    let query = request.queries.first()?.clone();
    let mut response = Message::response(request.metadata.id, OpCode::Query);
    response.metadata.authoritative = true;
    response.metadata.recursion_available = true;
    response.add_query(query.clone());
    let kind = kind_of(query.query_type());
    // What has a name of ours is asked for by it.
    let mut question = kind.and_then(|kind| Some(Question::new(name_of(query.name())?, kind)));
    let mut owner = query.name().clone();
    let mut absent = Some(Absence::Name);
    for _ in 0..=MAX_ALIASES {
        let Some(asked) = &mut question else { break };
        match world.look(asked) {
            Said::Alias(target) => {
                let target_on_wire = on_wire(&target)?;
                response.add_answer(WireRecord::from_rdata(owner, TTL, RData::CNAME(rdata::CNAME(target_on_wire.clone()))));
                (asked.name, owner) = (target, target_on_wire);
                continue;
            }
            Said::Answer(Answer::Found(records)) => {
                absent = None;
                for record in &records {
                    response.add_answer(WireRecord::from_rdata(owner.clone(), TTL, data_of(record)?));
                }
            }
            Said::Answer(Answer::Absent(absence)) => absent = Some(absence),
            Said::Answer(Answer::Unknown(Unknown::Timeout)) => return None,
            Said::Answer(Answer::Unknown(_)) => {
                response.metadata.response_code = ResponseCode::ServFail;
                return response.to_vec().ok();
            }
        }
        break;
    }
    if let Some(absence) = absent {
        if absence == Absence::Name {
            response.metadata.response_code = ResponseCode::NXDomain;
        }
        let soa = rdata::SOA::new(WireName::root(), WireName::root(), 1, 60, 60, 60, TTL);
        response.add_authority(WireRecord::from_rdata(WireName::root(), TTL, RData::SOA(soa)));
    }
    let octets = response.to_vec().ok()?;
    if by_tcp || octets.len() <= MAX_UDP { Some(octets) } else { response.truncate().to_vec().ok() }
}

const TTL: u32 = 300;
/// Octets of a response by UDP; a longer one is asked for again by TCP.
const MAX_UDP: usize = 1232;

fn kind_of(kind: RecordType) -> Option<RecordKind> {
    Some(match kind {
        RecordType::A => RecordKind::A,
        RecordType::AAAA => RecordKind::Aaaa,
        RecordType::MX => RecordKind::Mx,
        RecordType::PTR => RecordKind::Ptr,
        RecordType::TXT => RecordKind::Txt,
        _ => return None,
    })
}

fn name_of(name: &WireName) -> Option<Name> {
    let labels: Option<Vec<&str>> = name.iter().map(|label| std::str::from_utf8(label).ok()).collect();
    Name::parse_with_spaces(&labels?.join(".")).ok()
}

/// A name as it goes over the wire; none when it cannot.
pub(super) fn on_wire(name: &Name) -> Option<WireName> {
    if name.is_root() {
        return Some(WireName::root());
    }
    let mut name = WireName::from_labels(name.as_str().split('.').map(str::as_bytes)).ok()?;
    name.set_fqdn(true);
    Some(name)
}

fn data_of(record: &Record) -> Option<RData> {
    Some(match record {
        Record::A(address) => RData::A(rdata::A(*address)),
        Record::Aaaa(address) => RData::AAAA(rdata::AAAA(*address)),
        Record::Mx { preference, host } => RData::MX(rdata::MX::new(*preference, on_wire(host)?)),
        Record::Ptr(name) => RData::PTR(rdata::PTR(on_wire(name)?)),
        // No vector has one.
        Record::Tlsa { .. } => return None,
        Record::Txt(text) => RData::TXT(rdata::TXT::from_bytes(strings(text).collect())),
    })
}

/// RFC 1035 §3.3: a string has 255 octets at most. A text of none is one empty string.
pub(super) fn strings(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let empty = text.is_empty().then_some(text);
    empty.into_iter().chain(text.chunks(255))
}
