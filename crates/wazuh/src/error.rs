//! What can go wrong, told apart.
//!
//! Whoever shows an error to a person shows its sentence, which ends with what to do; whoever decides by it asks for its
//! [`Kind`]. No error carries a password, a token or a key, and what a server said is shortened and cleaned before it
//! gets in here.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::certificate::{Certificate, Doubt};

/// How much of a server's text an error repeats, in characters.
const SHOWN: usize = 200;

/// Why something did not work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection, or one that broke.
    #[error("{address}: {route}")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// How far it came.
        route: Route,
    },
    /// The server's certificate is not trusted.
    #[error(
        "{address}: its certificate is not trusted: {}; to trust this very certificate, pin its SHA-256 {}",
        sentence(.doubts),
        .presented.fingerprint
    )]
    Certificate {
        /// `host:port`.
        address: String,
        /// Everything that is wrong with it, not only what was found first.
        doubts: Vec<Doubt>,
        /// What was presented.
        presented: Box<Certificate>,
    },
    /// The server wants a client's certificate (mutual TLS), or not the one it was given.
    #[error(
        "{address}: the server does not accept {}: name a certificate and key that its authority signed",
        if *.given { "this client's certificate" } else { "clients without a certificate" }
    )]
    Identity {
        /// `host:port`.
        address: String,
        /// True if one was presented.
        given: bool,
    },
    /// The name or password is wrong: HTTP 401 at the login.
    #[error(
        "{address}: wrong name or password for {user}: correct them{}",
        pause(*.again)
    )]
    WrongPassword {
        /// `host:port`.
        address: String,
        /// Who wanted in.
        user: String,
        /// How long no further attempt is made by this client, so that the server does not block it.
        again: Option<Duration>,
    },
    /// A token that was issued a moment ago is refused.
    #[error(
        "{address}: refuses the token that it has just issued ({detail}): was the user's role changed, or is another manager behind this address?"
    )]
    TokenRefused {
        /// `host:port`.
        address: String,
        /// What it said.
        detail: String,
    },
    /// Too many failed logins came from this machine's address: HTTP 403, code 6000.
    #[error(
        "{address}: this machine is blocked after too many failed logins: correct the password, and wait five minutes"
    )]
    Blocked {
        /// `host:port`.
        address: String,
    },
    /// The user may not do this: HTTP 403, or code 4000 for an item.
    #[error("{address}: the user lacks the permission {action}: {detail}")]
    NoPermission {
        /// `host:port`.
        address: String,
        /// The action that is asked for, for example `agent:read`.
        action: String,
        /// What the server said, with the resource.
        detail: String,
    },
    /// More requests than the server takes: HTTP 429 (codes 6001 and 6005 of the manager).
    #[error("{address}: too many requests: ask again in {} s", .again.as_secs())]
    TooManyRequests {
        /// `host:port`.
        address: String,
        /// When to ask again.
        again: Duration,
    },
    /// A version that this crate does not speak with, or one that lacks what was asked for.
    #[error("{address}: Wazuh {found}: {needs}")]
    Version {
        /// `host:port`.
        address: String,
        /// What is there.
        found: String,
        /// What is needed, and what to do.
        needs: String,
    },
    /// The server is there, but a part of it is not (yet): a restart, or a daemon that is down.
    #[error("{address}: not ready ({}{detail}): wait, or look at its daemons", number(*.code))]
    NotReady {
        /// `host:port`.
        address: String,
        /// The server's code, for example 1017.
        code: Option<u32>,
        /// What it said.
        detail: String,
    },
    /// The server gave up on its own work: HTTP 500, code 3021. Whether the work was done is not known.
    #[error("{address}: gave up on this after its own time limit: ask for less, or look at its load")]
    Slow {
        /// `host:port`.
        address: String,
    },
    /// What was asked for does not exist.
    #[error("{address}: not found: {}{detail}", number(*.code))]
    NotFound {
        /// `host:port`.
        address: String,
        /// The server's code, for example 1701 (agent) or 1710 (group).
        code: Option<u32>,
        /// What it said.
        detail: String,
    },
    /// The server refused, and says why.
    #[error("{address}: refused ({}{detail}{})", number(*.code), proposal(.remedy.as_deref()))]
    Refused {
        /// `host:port`.
        address: String,
        /// The HTTP status: 200 where the server answers so and then tells of failures.
        status: u16,
        /// The server's code.
        code: Option<u32>,
        /// What it said.
        detail: String,
        /// What it proposes.
        remedy: Option<String>,
    },
    /// A part of the answer is missing, so it must not be taken for whole.
    #[error("{address}: only a part of the answer came: {detail}")]
    Partial {
        /// `host:port`.
        address: String,
        /// Which part.
        detail: String,
    },
    /// An answer that this server does not give.
    #[error("{address}: an answer that was not expected: {detail}: is this the right address and port?")]
    Unexpected {
        /// `host:port`.
        address: String,
        /// What came.
        detail: String,
    },
    /// An answer beyond what is read.
    #[error("{address}: the answer is larger than {} MiB: ask for less", .limit >> 20)]
    TooLarge {
        /// `host:port`.
        address: String,
        /// What is read, in bytes.
        limit: usize,
    },
    /// A file cannot be read or does not hold what it should.
    #[error("{}: {why}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// What the caller gave cannot be sent.
    #[error("{0}")]
    Input(String),
}

/// How far a request came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Route {
    /// Nothing listens there.
    #[error("nothing listens there: is it running, and is the port right?")]
    Refused,
    /// The name has no address.
    #[error("the name has no address: is it right, and is DNS up?")]
    NoName,
    /// No way to that network.
    #[error("there is no way to that network: is there a route, and a VPN that is down?")]
    NoWay,
    /// No connection in time.
    #[error("no connection in time: is there a firewall in between?")]
    Silent,
    /// Connected and asked, but no answer in time.
    #[error("connected, but no answer in time: is it overloaded?")]
    NoAnswer,
    /// What answers there does not speak TLS.
    #[error("what answers there does not speak TLS as it should: is the port right? ({0})")]
    NotTls(String),
    /// The connection broke.
    #[error("the connection broke ({0}): was it restarted?")]
    Broken(String),
}

/// What an error is about, for decisions and for exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// [`Error::Unreachable`].
    NoRoute,
    /// [`Error::Certificate`] for any reason but age, and [`Error::Identity`].
    WrongCertificate,
    /// [`Error::Certificate`] where nothing but the date is wrong.
    ExpiredCertificate,
    /// [`Error::WrongPassword`] and [`Error::TokenRefused`].
    WrongPassword,
    /// [`Error::Blocked`].
    Blocked,
    /// [`Error::NoPermission`].
    NoPermission,
    /// [`Error::TooManyRequests`].
    TooManyRequests,
    /// [`Error::Version`].
    WrongVersion,
    /// [`Error::NotReady`].
    NotReady,
    /// [`Error::Slow`].
    Slow,
    /// [`Error::NotFound`].
    NotFound,
    /// [`Error::Refused`].
    Refused,
    /// [`Error::Partial`].
    Partial,
    /// [`Error::Unexpected`] and [`Error::TooLarge`].
    Unexpected,
    /// [`Error::File`] and [`Error::Input`].
    Input,
}

impl Error {
    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unreachable { .. } => Kind::NoRoute,
            Self::Certificate { doubts, .. } if doubts.iter().all(|doubt| matches!(doubt, Doubt::Expired(_))) => {
                Kind::ExpiredCertificate
            }
            Self::Certificate { .. } | Self::Identity { .. } => Kind::WrongCertificate,
            Self::WrongPassword { .. } | Self::TokenRefused { .. } => Kind::WrongPassword,
            Self::Blocked { .. } => Kind::Blocked,
            Self::NoPermission { .. } => Kind::NoPermission,
            Self::TooManyRequests { .. } => Kind::TooManyRequests,
            Self::Version { .. } => Kind::WrongVersion,
            Self::NotReady { .. } => Kind::NotReady,
            Self::Slow { .. } => Kind::Slow,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Refused { .. } => Kind::Refused,
            Self::Partial { .. } => Kind::Partial,
            Self::Unexpected { .. } | Self::TooLarge { .. } => Kind::Unexpected,
            Self::File { .. } | Self::Input(_) => Kind::Input,
        }
    }

    /// True if the same request may well succeed later with nobody doing anything: restarts, load, a broken line.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { route, .. } => !matches!(route, Route::NotTls(_)),
            _ => matches!(self.kind(), Kind::TooManyRequests | Kind::NotReady | Kind::Slow | Kind::Partial),
        }
    }

    /// True if a change that was asked for may have happened all the same, because no answer to it was understood.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::Unreachable { route, .. } => matches!(route, Route::NoAnswer | Route::Broken(_)),
            // Without a code it comes from something in between, such as a proxy that waited no longer.
            Self::NotReady { code, .. } => code.is_none(),
            _ => matches!(self.kind(), Kind::Slow | Kind::Unexpected | Kind::Partial),
        }
    }

    /// The server's own code, where it gave one.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::NotReady { code, .. } | Self::NotFound { code, .. } | Self::Refused { code, .. } => *code,
            _ => None,
        }
    }

    /// A file that cannot be used.
    #[allow(clippy::needless_pass_by_value, reason = "errors come by value")]
    pub(crate) fn file(path: &Path, why: impl ToString) -> Self {
        Self::File { path: path.to_owned(), why: why.to_string() }
    }
}

/// What another machine said, made fit for a line of a log: short, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    let mut short = String::new();
    for (count, letter) in text.trim().chars().enumerate() {
        if count == SHOWN {
            short.push('…');
            break;
        }
        // Besides control characters, the marks that turn the direction of writing can make a line read as another, and
        // what nobody sees can make two lines look alike.
        if letter.is_control()
            || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        {
            let _ = write!(short, "{}", letter.escape_unicode());
        } else {
            short.push(letter);
        }
    }
    short
}

fn sentence(doubts: &[Doubt]) -> String {
    doubts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn number(code: Option<u32>) -> String {
    code.map(|code| format!("{code}: ")).unwrap_or_default()
}

fn proposal(remedy: Option<&str>) -> String {
    remedy.map(|text| format!("; {text}")).unwrap_or_default()
}

fn pause(wait: Option<Duration>) -> String {
    wait.map(|wait| format!("; no further attempt for {} s", wait.as_secs())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_short_and_cannot_move_the_cursor() {
        assert_eq!(shown("a\x1b[2J\nb"), "a\\u{1b}[2J\\u{a}b");
        assert_eq!(shown("\u{202e}txt.exe"), "\\u{202e}txt.exe");
        assert_eq!(shown("a\u{e0041}b\u{ad}"), "a\\u{e0041}b\\u{ad}");
        assert_eq!(shown(&"é".repeat(5000)).chars().count(), SHOWN + 1);
    }

    #[test]
    fn errors_stay_small_enough_to_hand_around() {
        assert!(size_of::<Error>() <= 128, "{}", size_of::<Error>());
    }
}
