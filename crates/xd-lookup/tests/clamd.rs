//! The client of clamd against one that answers, stalls, hangs up, or talks nonsense.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use xd_core::evidence::Antivirus;
use xd_core::{Known, Unknown};
use xd_lookup::clamd::{Clamd, ClamdAddress};

/// Reads a whole `INSTREAM`; what was in it.
async fn read_stream(client: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut command = [0; 10];
    client.read_exact(&mut command).await.unwrap();
    assert_eq!(&command, b"zINSTREAM\0");
    let mut message = Vec::new();
    loop {
        let length = client.read_u32().await.unwrap() as usize;
        if length == 0 {
            return message;
        }
        let start = message.len();
        message.resize(start + length, 0);
        client.read_exact(&mut message[start..]).await.unwrap();
    }
}

/// What the mock does with one client: reads all and answers by what it read.
async fn engine(mut client: impl AsyncRead + AsyncWrite + Unpin) {
    let message = read_stream(&mut client).await;
    let found = message.windows(5).any(|window| window == b"VIRUS");
    client.write_all(if found { b"stream: Test.Virus FOUND\0" } else { b"stream: OK\0" }).await.unwrap();
}

async fn at_port() -> (TcpListener, Clamd) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clamd = Clamd::new(ClamdAddress::Tcp(listener.local_addr().unwrap()));
    (listener, clamd)
}

#[tokio::test]
async fn messages_of_any_length_by_port() {
    let (listener, clamd) = at_port().await;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(engine(client));
        }
    });
    for length in [0, 1, 65_535, 65_536, 65_537, 1 << 20] {
        let mut message = vec![b'a'; length];
        assert_eq!(clamd.scan(&message).await, Known::Found(Antivirus::Clean), "{length}");
        message.extend(b"VIRUS");
        assert_eq!(clamd.scan(&message).await, Known::Found(Antivirus::Infected("Test.Virus".to_owned())), "{length}");
    }
}

#[tokio::test]
async fn a_message_by_socket() {
    let directory = std::env::temp_dir().join(format!("xd-clamd-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        engine(client).await;
    });
    let clamd = Clamd::new(ClamdAddress::Unix(path));
    assert_eq!(clamd.scan(b"hello").await, Known::Found(Antivirus::Clean));
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn an_answer_before_the_end_is_none_about_the_message() {
    for (reply, said) in [
        (&b"INSTREAM size limit exceeded. ERROR\0"[..], Unknown::Refused),
        (b"stream: OK\0", Unknown::ServerFailure),
        (b"", Unknown::ServerFailure),
    ] {
        let (listener, clamd) = at_port().await;
        let (is_gone, gone) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut some = vec![0; 200_000];
            client.read_exact(&mut some).await.unwrap();
            client.write_all(reply).await.unwrap();
            client.shutdown().await.unwrap();
            // Reads no more until the client is gone: closing at once would throw the answer away.
            gone.await.unwrap();
        });
        // So much that it cannot all be on its way.
        assert_eq!(clamd.scan(&vec![b'a'; 20 << 20]).await, Known::Unknown(said));
        is_gone.send(()).unwrap();
    }
}

#[tokio::test]
async fn whatever_goes_wrong_is_unknown() {
    // Nobody listens.
    let (listener, clamd) = at_port().await;
    drop(listener);
    assert_eq!(clamd.scan(b"hello").await, Known::Unknown(Unknown::ServerFailure));
    // It says nothing.
    let (listener, clamd) = at_port().await;
    let clamd = Clamd { deadline: Duration::from_millis(200), ..clamd };
    assert_eq!(clamd.scan(b"hello").await, Known::Unknown(Unknown::Timeout));
    // Too large to be asked about.
    let clamd = Clamd { most: 4, ..clamd };
    assert_eq!(clamd.scan(b"hello").await, Known::Unknown(Unknown::NotAsked));
    drop(listener);
    // Nonsense, and more of it than is read.
    for reply in [b"hello\0".to_vec(), vec![b'a'; 1 << 20]] {
        let (listener, clamd) = at_port().await;
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let _ = read_stream(&mut client).await;
            let _ = client.write_all(&reply).await;
        });
        assert_eq!(clamd.scan(b"hello").await, Known::Unknown(Unknown::Malformed));
    }
}
