//! Signatures to verify or to make: the work that needs cryptography, as questions.

/// How a signature is made (RFC 6376 §3.3, RFC 8463 §3). RSA with SHA-1 is not among them: RFC 8301 §3.1 forbids it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "whoever answers must know them all")]
pub enum Algorithm {
    /// Ed25519 over the SHA-256 hash of what is signed.
    Ed25519Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaSha256,
}

/// Whether a signature is that of a key over some octets.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Verification {
    /// How it was made.
    pub algorithm: Algorithm,
    /// The public key: for Ed25519 its 32 octets, for RSA a `SubjectPublicKeyInfo` or `RSAPublicKey` in DER, whichever was published.
    pub key: Box<[u8]>,
    /// What is signed, not hashed yet.
    pub signed: Box<[u8]>,
    /// The signature.
    pub signature: Box<[u8]>,
}

/// A signature to make.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Signing {
    /// Whose key makes it.
    pub key: SigningKey,
    /// What is to be signed, not hashed yet.
    pub signed: Box<[u8]>,
}

/// Names a private key without holding it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SigningKey {
    /// How it signs.
    pub algorithm: Algorithm,
    /// The domain that signs (`d=`).
    pub domain: crate::Name,
    /// Under which name below `_domainkey` of the domain its public half stands (`s=`).
    pub selector: crate::Name,
}
