//! Secrets that are handed out once and kept only as their hash: sessions, one-time links, enrolment tokens.

/// How keys for programs begin.
const KEY: &str = "socme_";

/// 256 random bits. The database holds only a hash, so a stolen copy of it opens nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Draws one.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn draw() -> crate::Result<Self> {
        let bytes: [u8; 32] = random()?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Draws a recovery code: 80 bits in groups that people can type, such as `k3f9-x2mq-7bta-wz5h`.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn draw_code() -> crate::Result<Self> {
        // 32 letters and digits without those that look alike; 256 is a multiple of 32, so each is as likely.
        const SIGNS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
        let bytes: [u8; 16] = random()?;
        let signs: Vec<char> = bytes.iter().map(|byte| char::from(SIGNS[usize::from(byte % 32)])).collect();
        let groups: Vec<String> = signs.chunks(4).map(|group| group.iter().collect()).collect();
        Ok(Self(groups.join("-")))
    }

    /// Draws a key for a program: told apart by how it begins, so that a forgotten one is found by who looks for such.
    pub(crate) fn draw_key() -> crate::Result<Self> {
        Ok(Self(format!("{KEY}{}", Self::draw()?.0)))
    }

    /// True if it looks like a key for a program.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.0.starts_with(KEY)
    }

    /// What somebody presents as one. Any text will do: it is only ever compared by hash.
    #[must_use]
    pub fn presented(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The text to hand out: 64 hexadecimal digits.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        blake3::derive_key("SOCme 2026 secrets at rest", self.0.as_bytes())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

pub(crate) fn random<const N: usize>() -> crate::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| crate::Error::Damaged(format!("no randomness: {error}")))?;
    Ok(bytes)
}
