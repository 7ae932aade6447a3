//! The token, and who fetches it.
//!
//! # Invariants
//! - One login at a time, for all callers: the others wait for its outcome.
//! - A refused password is not tried again before a growing pause is over. The server blocks an address for five minutes
//!   at the 50th failure within five minutes, and a success in between does not count against it.
//! - The token is renewed after four fifths of its life. Its life is what the server wrote into it (`exp` − `nbf`),
//!   counted from the moment it was asked for, so the two clocks need not agree.
//! - Nobody is ever logged out: the server would end all tokens of the user, those of other programs too.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::error::Error;
use crate::secret::Secret;

/// The server's own default, for a token that cannot be read.
const USUAL_LIFE: Duration = Duration::from_secs(900);
/// The pause after the first refused password; it doubles up to half an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(1800);
/// How long the server blocks.
pub(super) const BLOCK: Duration = Duration::from_secs(300);

/// What is known of the login.
#[derive(Debug, Default)]
pub(super) struct Login {
    token: Option<Token>,
    tokens: u64,
    refused: Option<Refused>,
    /// True once the server has refused `POST` (4.3).
    pub(super) by_get: bool,
}

/// A token, and until when.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: Secret,
    /// Tells one token from the next.
    pub(super) number: u64,
    renew: Duration,
    end: Duration,
}

#[derive(Debug)]
struct Refused {
    error: Error,
    until: Duration,
    pause: Duration,
}

impl Login {
    /// The token, if it need not be renewed and is not the one that was refused.
    pub(super) fn fresh(&self, refused: Option<u64>, now: Duration) -> Option<Token> {
        self.token.clone().filter(|token| now < token.renew && Some(token.number) != refused)
    }

    /// The token while it is still good, although it is time to renew it.
    pub(super) fn still_good(&self, refused: Option<u64>, now: Duration) -> Option<Token> {
        self.token.clone().filter(|token| now < token.end && Some(token.number) != refused)
    }

    /// Why no attempt may be made now.
    pub(super) fn must_not_try(&self, now: Duration) -> Option<Error> {
        let refused = self.refused.as_ref().filter(|refused| now < refused.until)?;
        let mut error = refused.error.clone();
        if let Error::WrongPassword { again, .. } = &mut error {
            *again = Some(refused.until - now);
        }
        Some(error)
    }

    pub(super) fn accepted(&mut self, text: Secret, asked: Duration) -> Token {
        let life = life(text.reveal()).unwrap_or(USUAL_LIFE);
        self.tokens += 1;
        let token = Token { text, number: self.tokens, renew: asked + life * 4 / 5, end: asked + life };
        self.refused = None;
        self.token = Some(token.clone());
        token
    }

    /// Notes a refused password, or a block, and gives the error with its pause.
    pub(super) fn refuse(&mut self, mut error: Error, now: Duration) -> Error {
        let before = self.refused.as_ref().map(|refused| refused.pause);
        let pause = match &error {
            Error::Blocked { .. } => BLOCK,
            _ => before.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE)),
        };
        if let Error::WrongPassword { again, .. } = &mut error {
            *again = Some(pause);
        }
        self.token = None;
        self.refused = Some(Refused { error: error.clone(), until: now + pause, pause });
        error
    }
}

/// How long a token lasts, by what the server wrote into it. Its signature is the server's to check.
fn life(token: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        nbf: f64,
        exp: f64,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let seconds = claims.exp - claims.nbf;
    (seconds.is_finite() && seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(30.0 * 86400.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(nbf: i64, exp: i64) -> Secret {
        let claims = URL_SAFE_NO_PAD.encode(format!("{{\"nbf\":{nbf},\"exp\":{exp}}}"));
        Secret::new(format!("e30.{claims}.c2ln"))
    }

    #[test]
    fn a_token_is_renewed_at_four_fifths_of_its_life_whatever_the_servers_clock_says() {
        let (mut login, asked) = (Login::default(), Duration::from_secs(5));
        // The server's clock is decades behind.
        login.accepted(token(1000, 1900), asked);
        assert!(login.fresh(None, Duration::from_secs(5 + 719)).is_some());
        assert!(login.fresh(None, Duration::from_secs(5 + 720)).is_none());
        assert!(login.still_good(None, Duration::from_secs(5 + 899)).is_some());
        assert!(login.fresh(Some(1), asked).is_none());
        login.accepted(Secret::new("opaque"), asked);
        assert!(login.fresh(Some(1), Duration::from_secs(5 + 719)).is_some());
    }

    #[test]
    fn the_pause_after_a_refused_password_grows() {
        let mut login = Login::default();
        let wrong = || Error::WrongPassword { address: "m".into(), user: "u".into(), again: None };
        let mut now = Duration::ZERO;
        let mut attempts = 0;
        while now < Duration::from_secs(86400) {
            if let Some(Error::WrongPassword { again: Some(again), .. }) = login.must_not_try(now) {
                now += again;
            }
            assert!(login.must_not_try(now).is_none());
            login.refuse(wrong(), now);
            attempts += 1;
        }
        assert!(attempts < 60, "{attempts} attempts in a day");
    }
}
