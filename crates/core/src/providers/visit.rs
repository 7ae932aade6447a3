//! A visit at a provider: what the core remembers until the browser comes back.

use serde::{Deserialize, Serialize, Serializer};
use store::{ProviderId, SessionId};

use crate::seal::{Hidden, Sealer, random};

/// The name that visits are sealed under.
const SEAL: &str = "ceremony/provider";

/// What somebody visits a provider for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// To sign in.
    SignIn,
    /// To take up this invitation.
    Invitation(#[serde(serialize_with = "bare")] Hidden),
    /// To link it to the user of this session.
    Link(SessionId),
    /// To show again who they are, in this session.
    Proof(SessionId),
}

impl Purpose {
    /// The word for it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Invitation(_) => "invitation",
            Self::Link(_) => "link",
            Self::Proof(_) => "proof",
        }
    }
}

/// A visit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Visit {
    /// Where.
    pub(crate) provider: ProviderId,
    /// What for.
    pub(crate) purpose: Purpose,
    /// Comes back in the address.
    #[serde(serialize_with = "bare")]
    pub(crate) state: Hidden,
    /// Comes back in the ID token.
    #[serde(serialize_with = "bare")]
    pub(crate) nonce: Hidden,
    /// Whose hash was sent ahead (PKCE).
    #[serde(serialize_with = "bare")]
    pub(crate) verifier: Hidden,
}

impl Visit {
    /// Begins one.
    pub(crate) fn begin(provider: ProviderId, purpose: Purpose) -> anyhow::Result<Self> {
        Ok(Self { provider, purpose, state: draw()?, nonce: draw()?, verifier: draw()? })
    }

    /// As the database keeps it.
    pub(crate) fn seal(&self, sealer: &Sealer) -> anyhow::Result<Vec<u8>> {
        sealer.seal(SEAL, &serde_json::to_vec(self)?)
    }

    /// Opens what the database kept.
    pub(crate) fn open(sealer: &Sealer, sealed: &[u8]) -> anyhow::Result<Self> {
        Ok(serde_json::from_slice(&sealer.open(SEAL, sealed)?)?)
    }

    /// True if this is the state that came back, at this provider.
    pub(crate) fn is(&self, provider: ProviderId, state: &str) -> bool {
        // Compared by hash: how long it takes tells nothing.
        self.provider == provider && blake3::hash(self.state.reveal().as_bytes()) == blake3::hash(state.as_bytes())
    }
}

/// Only what is sealed at once holds them bare.
fn bare<S: Serializer>(hidden: &Hidden, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(hidden.reveal())
}

/// 256 random bits; also long enough for a PKCE verifier.
fn draw() -> anyhow::Result<Hidden> {
    let bytes: [u8; 32] = random()?;
    Ok(Hidden::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
}
