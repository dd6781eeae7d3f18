//! Real handshakes: what each policy does when the next hop offers TLS, doesn't, breaks it, or shows a certificate of somebody else.

use tokio_rustls::TlsAcceptor;
use xd_config::TlsPolicy;

use super::*;

const OFFERED: &str = "250-sink\r\n250-STARTTLS\r\n250 SIZE 1000000\r\n";

/// A certificate for a name, and what begins TLS with it.
fn identity(name: &str) -> (rustls::pki_types::CertificateDer<'static>, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    (made.cert.der().clone(), TlsAcceptor::from(Arc::new(config)))
}

/// How a message leaves: encrypted, in clear, or not. `trusted` tells whether the operator trusts the certificate.
async fn leaves(policy: TlsPolicy, name: &str, trusted: bool, extensions: &'static str, rules: &[Rule]) -> &'static str {
    let (certificate, acceptor) = identity(name);
    let (sink, address) = Sink::start(rules).await;
    *sink.extensions.lock().unwrap() = extensions;
    *sink.acceptor.lock().unwrap() = Some(acceptor);
    let roots = if trusted { vec![certificate] } else { vec![identity("other.example").0] };
    let world = world(&[address.to_string()], |options| {
        let route = Route { tls: policy, ..(*options.outbound).clone() };
        (options.outbound, options.tls_roots) = (Arc::new(route), roots);
    });
    let id = world.send(&["bob@example.org"], |_| {});
    world.until("attempted", || !world.attempts().is_empty()).await;
    let Some(last) = world.attempts().pop() else { panic!() };
    match (last.done, &last.tls) {
        (Some(Done::Delivered), Some(tls)) => {
            assert!(tls.starts_with("TLSv1_3 TLS") || tls.starts_with("TLSv1.3 TLS"), "{tls}");
            "encrypted"
        }
        (Some(Done::Delivered), None) => "clear",
        (None, _) => {
            assert_eq!((sink.count(), world.states(id)), (0, vec![RecipientState::Waiting]));
            "waits"
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn policies_and_what_next_hops_offer() {
    use TlsPolicy::{Never, Opportunistic, Required, Verified};
    const BARE: &str = "250 sink\r\n";
    let refused = &[("STARTTLS", "454 4.7.0 not now", 99)][..];
    let broken = &[("STARTTLS", "close", 99)][..];
    for (policy, name, trusted, extensions, rules, expected) in [
        (Never, "127.0.0.1", true, OFFERED, &[][..], "clear"),
        (Opportunistic, "127.0.0.1", false, OFFERED, &[], "encrypted"),
        (Opportunistic, "other.example", false, OFFERED, &[], "encrypted"),
        (Opportunistic, "127.0.0.1", true, BARE, &[], "clear"),
        (Opportunistic, "127.0.0.1", true, OFFERED, refused, "clear"),
        (Required, "other.example", false, OFFERED, &[], "encrypted"),
        (Required, "127.0.0.1", true, BARE, &[], "waits"),
        (Required, "127.0.0.1", true, OFFERED, refused, "waits"),
        (Required, "127.0.0.1", true, OFFERED, broken, "waits"),
        (Verified, "127.0.0.1", true, OFFERED, &[], "encrypted"),
        (Verified, "127.0.0.1", false, OFFERED, &[], "waits"),
        (Verified, "other.example", true, OFFERED, &[], "waits"),
        (Verified, "127.0.0.1", true, BARE, &[], "waits"),
    ] {
        let left = leaves(policy, name, trusted, extensions, rules).await;
        assert_eq!(left, expected, "{policy:?} {name} {trusted} {extensions} {rules:?}");
    }
}

/// A handshake that fails is tried once more in clear, where that is allowed (RFC 7435 §3).
#[tokio::test]
async fn a_handshake_that_fails_falls_back() {
    // It says yes to STARTTLS and then closes: there is no acceptor.
    let (sink, address) = Sink::start(&[]).await;
    *sink.extensions.lock().unwrap() = OFFERED;
    let world = world(&[address.to_string()], |_| {});
    let id = world.send(&["bob@example.org"], |_| {});
    world.done(id).await;
    assert_eq!((sink.count(), sink.connections.load(Ordering::SeqCst)), (1, 2));
    let attempts = world.attempts();
    assert_eq!((attempts[0].done, &attempts[0].tls), (Some(Done::Delivered), &None));
}
