//! TLS: certificates, and what a trace field says of a connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

/// A certificate chain and its key, from files in PEM.
#[derive(Debug)]
pub struct Certificates(Arc<ServerConfig>);

/// Why certificates cannot be used: it points at the operator. The complete set.
#[derive(Debug, thiserror::Error)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum CertificateError {
    /// The file of the chain cannot be read, or holds no certificate.
    #[error("no certificate in {0}: {1}")]
    Chain(PathBuf, rustls::pki_types::pem::Error),
    /// The file of the key cannot be read, or holds no key.
    #[error("no private key in {0}: {1}")]
    Key(PathBuf, rustls::pki_types::pem::Error),
    /// They do not go together, or are of a kind that is not supported.
    #[error("certificate {0} cannot be used: {1}")]
    Pair(PathBuf, rustls::Error),
}

impl Certificates {
    /// Reads a chain, the server's own certificate first, and its key.
    ///
    /// # Errors
    /// When a file cannot be read or the two do not go together.
    pub fn load(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, CertificateError> {
        read(chain.as_ref(), key.as_ref()).map(Self)
    }

    /// What connections are served with.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0)
    }
}

fn read(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, CertificateError> {
    let of_chain = |error| CertificateError::Chain(chain.to_owned(), error);
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(chain).map_err(of_chain)?.collect::<Result<_, _>>().map_err(of_chain)?;
    if certificates.is_empty() {
        return Err(of_chain(rustls::pki_types::pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| CertificateError::Key(key.to_owned(), error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, private))
        .map_err(|error| CertificateError::Pair(chain.to_owned(), error))?;
    Ok(Arc::new(config))
}

/// Version and cipher suite, as a trace field names them.
pub(super) fn described(connection: &ServerConnection) -> Arc<str> {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "TLS",
    };
    let suite = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("unknown");
    // TLS 1.3 suites are named TLS13_ by the library and TLS_ by the registry.
    match suite.strip_prefix("TLS13_") {
        Some(rest) => format!("{version} TLS_{rest}").into(),
        None => format!("{version} {suite}").into(),
    }
}
