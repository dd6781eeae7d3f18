//! TLS towards next hops: encryption against listeners, and certificates checked where a route asks for it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Settings of TLS for each policy.
#[derive(Clone, Debug)]
pub(super) struct TlsConfigs {
    /// Whoever answers is believed.
    pub(super) unverified: Arc<ClientConfig>,
    /// The certificate must be valid for the name.
    pub(super) verified: Arc<ClientConfig>,
}

impl TlsConfigs {
    /// Both settings. With no roots given, those of the system.
    pub(super) fn try_new(roots: &[CertificateDer<'static>]) -> Result<Self, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut store = RootCertStore::empty();
        if roots.is_empty() {
            // Certificates of the system that cannot be read are left out: what they vouch for does not verify then.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        } else {
            for root in roots {
                store.add(root.clone())?;
            }
        }
        let builder = || ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let verified = builder()?.with_root_certificates(store).with_no_client_auth();
        let anybody = Arc::new(Anybody(provider.clone()));
        let unverified = builder()?.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth();
        Ok(Self { unverified: Arc::new(unverified), verified: Arc::new(verified) })
    }
}

/// Believes any certificate. Mail servers have certificates of their own making (RFC 7435): refusing them would send mail in clear
/// instead. That the peer holds the key of what it shows is checked all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
