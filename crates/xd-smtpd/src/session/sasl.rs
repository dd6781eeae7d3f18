//! AUTH: the exchanges of PLAIN (RFC 4616) and LOGIN (as draft-murchison-sasl-login writes it down), inside RFC 4954.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::dialogue::{Asked, Session, State};
use super::{Credentials, Event, Reply};

/// An exchange, and what it waits for.
#[derive(Debug)]
pub(super) enum Sasl {
    LoginPassword(String),
    LoginUser,
    Plain,
}

/// Octets of a name or a password; none in use comes near, and what checks them need not bear more.
const FIELD_MAX: usize = 1_024;

impl Sasl {
    /// The exchange of a mechanism.
    pub(super) fn new(mechanism: &str) -> Option<Self> {
        if mechanism.eq_ignore_ascii_case("PLAIN") {
            Some(Self::Plain)
        } else if mechanism.eq_ignore_ascii_case("LOGIN") {
            Some(Self::LoginUser)
        } else {
            None
        }
    }
}

impl Session {
    /// Asks for what the exchange waits for.
    pub(super) fn challenge(&mut self) {
        let State::Sasl(sasl) = &self.state else { return };
        let text = match sasl {
            Sasl::LoginPassword(_) => "UGFzc3dvcmQ6",
            Sasl::LoginUser => "VXNlcm5hbWU6",
            Sasl::Plain => "",
        };
        self.reply(&Reply::plain(334, text));
    }

    /// Takes the client's answer to a challenge, or its initial response.
    pub(super) fn handle_response(&mut self, response: &[u8]) {
        let State::Sasl(sasl) = std::mem::replace(&mut self.state, State::Command) else { return };
        if response == b"*" {
            return self.refuse("AUTH", Reply::new(501, (7, 0), "cancelled"));
        }
        let Ok(decoded) = STANDARD.decode(response) else {
            return self.refuse("AUTH", Reply::new(501, (5, 2), "the response is no base64"));
        };
        let credentials = match sasl {
            Sasl::LoginPassword(user) => {
                field(&decoded).map(|password| Credentials { user, authorization: String::new(), password: password.to_vec() })
            }
            Sasl::LoginUser => match name(&decoded) {
                Some(user) => {
                    self.state = State::Sasl(Sasl::LoginPassword(user));
                    return self.challenge();
                }
                None => None,
            },
            Sasl::Plain => plain(&decoded),
        };
        match credentials {
            Some(credentials) => self.ask(Asked::Authentication, Event::Authenticate(credentials)),
            None => self.refuse("AUTH", Reply::new(501, (5, 2), "the response makes no sense")),
        }
    }
}

/// `authorization NUL user NUL password`
fn plain(decoded: &[u8]) -> Option<Credentials> {
    let mut fields = decoded.split(|&byte| byte == 0);
    let authorization = std::str::from_utf8(fields.next()?).ok()?.to_owned();
    let user = name(fields.next()?)?;
    let password = field(fields.next()?)?.to_vec();
    (fields.next().is_none() && authorization.len() <= FIELD_MAX).then_some(Credentials { user, authorization, password })
}

fn name(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(field(bytes)?).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn field(bytes: &[u8]) -> Option<&[u8]> {
    (1..=FIELD_MAX).contains(&bytes.len()).then_some(bytes)
}
