//! The PROXY protocol, versions 1 and 2: a named peer says where a connection really comes from.
//!
//! The header stands before everything else, TLS included. It is read octet by octet where its length is not known yet, so that
//! nothing behind it is taken.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// Octets of a header of version 1 with its CRLF.
const TEXT_MAX: usize = 107;
/// Octets of what a header of version 2 begins with: signature, command, family, length.
const BINARY_HEAD: usize = 16;
/// Octets behind these. The largest addresses are those of Unix sockets with 216; certificates may stand behind them.
const BINARY_REST_MAX: usize = 4_096;

/// The client that a named peer does not know.
pub(super) const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Reads a header. `None`: the peer speaks for itself (LOCAL), as it does to see whether we are here. A client without an address that
/// could be told (UNKNOWN, a Unix socket) is [`NOBODY`], not the peer: the peer may be one of ours.
pub(super) async fn read(stream: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    // The shortest text, `PROXY UNKNOWN` and CRLF, is one octet short of the binary head.
    let mut header = vec![0; "PROXY UNKNOWN\r\n".len()];
    stream.read_exact(&mut header).await?;
    if header.starts_with(b"PROXY ") {
        while !header.ends_with(b"\r\n") {
            if header.len() >= TEXT_MAX {
                return Err(wrong("the PROXY header has no end"));
            }
            header.push(stream.read_u8().await?);
        }
        return text(&header);
    }
    header.push(stream.read_u8().await?);
    let length = usize::from(u16::from_be_bytes([header[BINARY_HEAD - 2], header[BINARY_HEAD - 1]]));
    if !header.starts_with(ppp::v2::PROTOCOL_PREFIX) || length > BINARY_REST_MAX {
        return Err(wrong("no PROXY header"));
    }
    header.resize(BINARY_HEAD + length, 0);
    stream.read_exact(&mut header[BINARY_HEAD..]).await?;
    binary(&header)
}

fn text(header: &[u8]) -> io::Result<Option<SocketAddr>> {
    let header = ppp::v1::Header::try_from(header).map_err(|_| wrong("the PROXY header makes no sense"))?;
    Ok(match header.addresses {
        ppp::v1::Addresses::Tcp4(addresses) => Some((addresses.source_address, addresses.source_port).into()),
        ppp::v1::Addresses::Tcp6(addresses) => Some((addresses.source_address, addresses.source_port).into()),
        ppp::v1::Addresses::Unknown => Some(NOBODY),
    })
}

fn binary(header: &[u8]) -> io::Result<Option<SocketAddr>> {
    let header = ppp::v2::Header::try_from(header).map_err(|_| wrong("the PROXY header makes no sense"))?;
    Ok(match (header.command, header.addresses) {
        (ppp::v2::Command::Proxy, ppp::v2::Addresses::IPv4(addresses)) => {
            Some((addresses.source_address, addresses.source_port).into())
        }
        (ppp::v2::Command::Proxy, ppp::v2::Addresses::IPv6(addresses)) => {
            Some((addresses.source_address, addresses.source_port).into())
        }
        (ppp::v2::Command::Proxy, _) => Some(NOBODY),
        (ppp::v2::Command::Local, _) => None,
    })
}

fn wrong(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_name_the_client() {
        let client: SocketAddr = "192.0.2.7:4711".parse().unwrap();
        assert_eq!(text(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n").unwrap(), Some(client));
        assert_eq!(text(b"PROXY UNKNOWN\r\n").unwrap(), Some(NOBODY));
        assert!(text(b"PROXY TCP4 192.0.2.7 x 4711 25\r\n").is_err());

        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
        header.extend_from_slice(&[192, 0, 2, 7, 192, 0, 2, 1, 0x12, 0x67, 0, 25]);
        assert_eq!(binary(&header).unwrap(), Some(client));
        header[12] = 0x20;
        assert_eq!(binary(&header).unwrap(), None);
        assert_eq!(binary(b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0").unwrap(), Some(NOBODY), "no family");
    }
}
