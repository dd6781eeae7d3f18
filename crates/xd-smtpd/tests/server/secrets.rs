//! Certificates and passwords, and what outlasts their renewal.

use argon2::{Argon2, PasswordHasher as _};
use xd_smtpd::server::{Certificates, Passwords};

use super::*;

struct Pki {
    directory: std::path::PathBuf,
    root: rustls::RootCertStore,
}

impl Pki {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("xd-smtpd-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let mut pki = Self { directory, root: rustls::RootCertStore::empty() };
        pki.renew();
        pki
    }

    fn renew(&mut self) {
        let made = rcgen::generate_simple_self_signed(vec!["mx.example.net".to_owned()]).unwrap();
        std::fs::write(self.directory.join("chain.pem"), made.cert.pem()).unwrap();
        std::fs::write(self.directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        self.root = rustls::RootCertStore::empty();
        self.root.add(made.cert.der().clone()).unwrap();
    }

    fn certificates(&self) -> Arc<Certificates> {
        Arc::new(Certificates::load(self.directory.join("chain.pem"), self.directory.join("key.pem")).unwrap())
    }

    fn client(&self) -> rustls::ClientConnection {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(self.root.clone()).with_no_client_auth();
        rustls::ClientConnection::new(Arc::new(config), "mx.example.net".try_into().unwrap()).unwrap()
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn tls_passwords_and_their_renewal() {
    let mut pki = Pki::new("tls");
    let hasher = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, argon2::Params::new(64, 1, 1, None).unwrap());
    let hash = hasher.hash_password_with_salt(b"secret", b"saltsaltsalt").unwrap().to_string();
    let file = pki.directory.join("passwords");
    std::fs::write(&file, format!("# ours\nu:{hash}\n")).unwrap();
    let (certificates, passwords) = (pki.certificates(), Arc::new(Passwords::load(&file).unwrap()));
    let world = World::new(|settings, options| {
        settings.certificates = Some(Arc::clone(&certificates));
        settings.passwords = Some(Arc::clone(&passwords));
        (options.starttls, options.auth, options.require_auth) = (true, true, true);
    });

    let begin = |pki: &Pki| {
        let mut client = world.connect();
        client.reply();
        client.ask("EHLO c");
        // What is sent in the clear behind STARTTLS is never answered.
        assert!(client.ask("STARTTLS").starts_with("220"));
        rustls::StreamOwned::new(pki.client(), client.0.into_inner())
    };
    let ask = |stream: &mut rustls::StreamOwned<rustls::ClientConnection, TcpStream>, octets: &[u8]| {
        stream.write_all(octets).unwrap();
        let mut heard = vec![0; 4_096];
        let length = stream.read(&mut heard).unwrap();
        String::from_utf8_lossy(&heard[..length]).into_owned()
    };
    let mut stream = begin(&pki);
    assert!(ask(&mut stream, b"EHLO c\r\n").contains("250-AUTH PLAIN LOGIN\r\n"));
    assert!(ask(&mut stream, b"MAIL FROM:<>\r\n").starts_with("530 5.7.0"));
    assert!(ask(&mut stream, b"AUTH PLAIN AHUAd3Jvbmc=\r\n").starts_with("535 5.7.8"));
    assert!(ask(&mut stream, b"AUTH PLAIN AHUAc2VjcmV0\r\n").starts_with("235 2.7.0"));
    assert!(ask(&mut stream, b"MAIL FROM:<>\r\n").starts_with("250"));
    assert!(ask(&mut stream, b"RCPT TO:<b@example.net>\r\n").starts_with("250"));
    assert!(ask(&mut stream, b"BDAT 3 LAST\r\nx\r\n").starts_with("250 2.0.0 kept"));
    let (peer, transaction) = world.server.front().kept.lock().unwrap()[0].clone();
    assert_eq!((peer.authenticated.as_deref(), transaction.tls), (Some("u"), true));
    assert!(peer.tls.unwrap().starts_with("TLSv1.3 TLS_"));

    // What is broken is not read.
    let chain = pki.directory.join("chain.pem");
    std::fs::write(&chain, "nonsense").unwrap();
    assert!(Certificates::load(&chain, pki.directory.join("key.pem")).is_err());
    pki.renew();
    let mut settings = world.settings.clone();
    settings.certificates = Some(pki.certificates());
    world.server.reload(settings).unwrap();
    let mut stream = begin(&pki);
    assert!(ask(&mut stream, b"NOOP\r\n").starts_with("250"));
}

#[test]
fn what_was_tried_in_vain_outlasts_a_reload() {
    let pki = Pki::new("outlast");
    let hasher = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, argon2::Params::new(64, 1, 1, None).unwrap());
    let hash = hasher.hash_password_with_salt(b"secret", b"saltsaltsalt").unwrap().to_string();
    let file = pki.directory.join("passwords");
    std::fs::write(&file, format!("u:{hash}\n")).unwrap();
    let world = World::new(|settings, options| {
        settings.certificates = Some(pki.certificates());
        settings.passwords = Some(Arc::new(Passwords::load(&file).unwrap()));
        settings.listeners[0].implicit_tls = true;
        (options.auth, options.limits.failed_authentications) = (true, 100);
    });
    let guess = |line: &[u8]| {
        let mut stream = rustls::StreamOwned::new(pki.client(), world.connect().0.into_inner());
        let mut heard = String::new();
        for line in [b"".as_slice(), b"EHLO c\r\n", line] {
            stream.write_all(line).unwrap();
            let mut octets = vec![0; 4_096];
            let length = stream.read(&mut octets).unwrap();
            heard = String::from_utf8_lossy(&octets[..length]).into_owned();
        }
        heard
    };
    for _ in 0..10 {
        assert!(guess(b"AUTH PLAIN AHUAd3Jvbmc=\r\n").starts_with("535"));
    }
    assert!(guess(b"AUTH PLAIN AHUAc2VjcmV0\r\n").starts_with("454"), "it is locked out");
    let mut settings = world.settings.clone();
    settings.passwords = Some(Arc::new(Passwords::load(&file).unwrap()));
    world.server.reload(settings).unwrap();
    assert!(guess(b"AUTH PLAIN AHUAc2VjcmV0\r\n").starts_with("454"), "and stays so");
}

#[test]
fn guessing_locks_out() {
    use xd_smtpd::session::{Authentication, Credentials};
    let pki = Pki::new("guess");
    let hasher = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, argon2::Params::new(64, 1, 1, None).unwrap());
    let hash = hasher.hash_password_with_salt(b"secret", b"saltsaltsalt").unwrap().to_string();
    let file = pki.directory.join("passwords");
    std::fs::write(&file, format!("u:{hash}\n")).unwrap();
    let passwords = Passwords::load(&file).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let check = |password: &[u8], address: &str, trusted| {
        let credentials = Credentials { user: "u".to_owned(), authorization: String::new(), password: password.to_vec() };
        runtime.block_on(passwords.check(credentials, address.parse().unwrap(), trusted))
    };
    for _ in 0..10 {
        assert_eq!(check(b"wrong", "2001:db8::1", false), Authentication::Refused);
        assert_eq!(check(b"wrong", "192.0.2.1", true), Authentication::Refused);
    }
    assert_eq!(check(b"secret", "2001:db8::2", false), Authentication::Unavailable);
    assert_eq!(check(b"secret", "192.0.2.1", false), Authentication::Accepted("u".into()));

    for text in
        ["u", ":x", "u:x", "u:$argon2id$v=19$m=999999999,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", &format!("u:{hash}\nu:{hash}")]
    {
        std::fs::write(&file, text).unwrap();
        assert!(Passwords::load(&file).unwrap_err().to_string().contains("passwords:"), "{text}");
    }
}
