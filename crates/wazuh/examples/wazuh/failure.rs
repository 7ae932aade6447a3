//! Why a command could not be done, and the exit code that says so.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use wazuh::{Error, Kind};

use crate::out;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why it could not be done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The crate's own errors end with what to do.
    Wazuh(Box<Error>),
    /// It was done in part, or something on this machine was in its way.
    Here(String),
    /// What was asked cannot be meant.
    Usage(String),
    /// Whoever reads the output has seen enough.
    Unread,
}

impl Failure {
    pub(crate) fn here(sentence: impl Display) -> Self {
        Self::Here(sentence.to_string())
    }

    pub(crate) fn usage(sentence: impl Display) -> Self {
        Self::Usage(sentence.to_string())
    }

    /// Says it, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (sentence, code) = match self {
            Self::Wazuh(error) => (error.to_string(), code(&error)),
            Self::Here(sentence) => (sentence, 1),
            Self::Usage(sentence) => (sentence, 2),
            Self::Unread => return ExitCode::SUCCESS,
        };
        out::tell(format_args!("wazuh: {sentence}"));
        ExitCode::from(code)
    }
}

fn code(error: &Error) -> u8 {
    match error.kind() {
        Kind::Input => 2,
        Kind::NoRoute | Kind::TooManyRequests | Kind::NotReady | Kind::Slow | Kind::Partial => 3,
        Kind::WrongCertificate | Kind::ExpiredCertificate => 4,
        Kind::WrongPassword | Kind::Blocked | Kind::NoPermission => 5,
        _ => 1,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Wazuh(Box::new(error))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Here(error.to_string()),
        }
    }
}
