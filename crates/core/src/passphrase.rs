//! Passphrases: judged when chosen, hashed with Argon2id, compared at the same cost whether the name exists or not.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::seal::random;

/// Fewest characters.
const SHORTEST: usize = 12;
/// Most bytes: more is no passphrase, only work.
const LONGEST: usize = 512;
/// OWASP's first recommendation for Argon2id: 19 MiB, 2 passes, 1 lane.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// So many are hashed at once (19 MiB and one processor each), and so many may wait.
const AT_ONCE: usize = 2;
const WAITING: usize = 32;
/// Of zxcvbn's 0 to 4: 10 to the 8th guesses and more, out of reach for somebody who asks us, and dear for a thief of hashes.
const STRENGTH: zxcvbn::Score = zxcvbn::Score::Three;
/// zxcvbn looks at no more characters; its work grows with their square.
const LOOKED_AT: usize = 100;
/// What its English lists do not have and people choose all the same.
const KNOWN: [&str; 7] =
    ["socme", "passphrase", "motdepasse", "azertyuiop", "administrateur", "administrator", "bonjour"];

/// Hashes and compares passphrases, a few at a time.
pub(crate) struct Passphrases {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A hash that nothing opens, for names that do not exist.
    nobody: String,
}

/// Too many people sign in at once.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many people are signing in at this moment")]
pub(crate) struct Crowded;

impl Passphrases {
    /// Makes one.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let nothing: [u8; 32] = random()?;
        Ok(Self {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            nobody: hash(&nothing)?,
        })
    }

    /// Hashes a passphrase for storage (PHC form).
    pub(crate) async fn hash(&self, passphrase: String) -> anyhow::Result<String> {
        self.work(move || hash(passphrase.as_bytes())).await?
    }

    /// True if the passphrase is the one that was stored; without a stored one the same work is done in vain.
    pub(crate) async fn fits(&self, passphrase: String, stored: Option<String>) -> Result<bool, Crowded> {
        let (stored, known) = stored.map_or_else(|| (self.nobody.clone(), false), |stored| (stored, true));
        self.work(move || {
            let same = PasswordHash::new(&stored)
                .is_ok_and(|hash| argon2().verify_password(passphrase.as_bytes(), &hash).is_ok());
            same && known
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Crowded> {
        let place = self.waiting.clone().try_acquire_owned().map_err(|_| Crowded)?;
        let turn = self.running.clone().acquire_owned().await.map_err(|_| Crowded)?;
        let work = tokio::task::spawn_blocking(move || {
            let done = job();
            drop((turn, place));
            done
        });
        work.await.map_err(|_| Crowded)
    }
}

/// Says why somebody should choose another passphrase.
pub(crate) fn weakness(passphrase: &str, name: &str) -> Option<&'static str> {
    if passphrase.chars().count() < SHORTEST {
        return Some(
            "A passphrase has 12 characters at least. Four words that have nothing to do with each other are good.",
        );
    }
    if passphrase.len() > LONGEST {
        return Some("A passphrase has 512 bytes at most.");
    }
    let seen: String = passphrase.chars().take(LOOKED_AT).collect();
    let known: Vec<&str> = KNOWN.into_iter().chain([name]).collect();
    let mut letters: Vec<char> = seen.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.len() < 5 || zxcvbn::zxcvbn(&seen, &known).score() < STRENGTH {
        return Some("This passphrase is easily guessed. Four words that have nothing to do with each other are good.");
    }
    None
}

fn argon2() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(memory, passes, lanes, None).unwrap_or_default())
}

fn hash(passphrase: &[u8]) -> anyhow::Result<String> {
    let salt: [u8; 16] = random()?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| anyhow::anyhow!("no salt: {error}"))?;
    let hash = argon2().hash_password(passphrase, &salt).map_err(|error| anyhow::anyhow!("hashing failed: {error}"))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_passphrase_fits_its_hash_alone_and_nobody_has_one() {
        let passphrases = Passphrases::new().unwrap();
        let stored = passphrases.hash("four unrelated words".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(passphrases.fits("four unrelated words".into(), Some(stored.clone())).await, Ok(true));
        assert_eq!(passphrases.fits("four unrelated word".into(), Some(stored)).await, Ok(false));
        assert_eq!(passphrases.fits("four unrelated words".into(), None).await, Ok(false));
        assert_eq!(passphrases.fits("x".into(), Some("damaged".into())).await, Ok(false));
    }

    #[test]
    fn what_is_easily_guessed_is_refused() {
        for weak in [
            "short",
            "aaaaaaaaaaaaaaaa",
            "abababababababab",
            "password1234",
            "Motdepasse2026!",
            "123456789012",
            "ada-ada-ada-ada",
            "azertyuiop123",
            "1111 2222 3333",
            "SOCme SOCme 1",
        ] {
            assert!(weakness(weak, "Ada").is_some(), "{weak}");
        }
        for strong in ["correct horse battery", "h7#kQ2!mZ9pL", "le chat gris dort", "密码密码不是很好的选择吗朋友"]
        {
            assert_eq!(weakness(strong, "Ada"), None, "{strong}");
        }
    }
}
