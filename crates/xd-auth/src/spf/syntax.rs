//! What can be wrong with the text of a record (RFC 7208 §12).

/// Why a text is no record, or no text to expand.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxError {
    /// `/` and a length that no network of that kind has, or with a zero before it.
    #[error("a prefix length is a number up to 32 for IPv4, up to 128 for IPv6")]
    CidrLength,
    /// An octet that is no visible character of ASCII.
    #[error("only visible characters of ASCII may stand here")]
    Character,
    /// A name that ends neither in a macro nor in a dot and a top-level label.
    #[error("a domain ends in a macro, or in a dot and a label that is not only digits")]
    DomainEnd,
    /// `%{` without a known letter, or with what may not follow it, or without `}`.
    #[error("a macro is a letter, how many parts to keep, r to reverse, and delimiters")]
    Macro,
    /// `c`, `r` or `t` outside of an explanation.
    #[error("the macros c, r and t are for explanations only")]
    MacroPlace,
    /// A modifier whose name is not letters, digits, `-`, `_` and `.` after a first letter.
    #[error("the name of a modifier begins with a letter")]
    ModifierName,
    /// No address where `ip4` or `ip6` has one.
    #[error("this is no address of that kind")]
    Network,
    /// `%` before something else than `%`, `_`, `-` or `{`.
    #[error("after a percent sign comes one of %, _, - and {{")]
    Percent,
    /// `redirect` or `exp` twice.
    #[error("a record has redirect and exp at most once each")]
    Repeated,
    /// An argument that the mechanism does not take, or none where it needs one.
    #[error("the mechanism takes another argument")]
    Argument,
    /// A mechanism that there is not.
    #[error("there is no such mechanism")]
    UnknownMechanism,
}

/// A term in which something is wrong, and what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault<'a> {
    /// The term as it stands in the record.
    pub term: &'a [u8],
    /// What is wrong with it.
    pub error: SyntaxError,
}
