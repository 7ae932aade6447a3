//! What things are called.
//!
//! # An alert's id
//! Inside the database an alert is known by its *number*: 1, 2, 3… in order of arrival over all clients, small enough for
//! every index to carry. Outside it is a UUIDv7, made of its *stamp* (milliseconds of arrival and, below them, a count
//! within the millisecond; strictly rising, also where the clock is turned back) and of its number, which is enciphered
//! so that nobody learns from their own alerts how many others have. So the id costs no index and no bytes of its own:
//! the number is deciphered from it, and the row found there must carry its stamp.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::from_millis;
use crate::engine::sql::{FromValue, ToValue, Value};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ToValue for $name {
            fn to_value(&self) -> Value<'_> {
                Value::Integer(self.0)
            }
        }

        impl From<$name> for Value<'_> {
            fn from(value: $name) -> Self {
                Self::Integer(value.0)
            }
        }

        impl FromValue for $name {
            fn from_value(value: Value<'_>) -> crate::Result<Self> {
                i64::from_value(value).map(Self)
            }
        }
    };
}

number!(
    /// A client.
    ClientId
);
number!(
    /// A node.
    NodeId
);
number!(
    /// A user.
    UserId
);
number!(
    /// A session of a user.
    SessionId
);
number!(
    /// A key for a program (its row, not its secret).
    ApiKeyId
);
number!(
    /// A provider of identities.
    ProviderId
);
number!(
    /// What links a user to a provider.
    IdentityId
);
number!(
    /// A passkey.
    PasskeyId
);
number!(
    /// A command to a node.
    CommandId
);
number!(
    /// An enrolment token (its row, not its secret).
    TokenId
);

impl ClientId {
    /// The built-in client «SOC», that the core's own alarms belong to.
    pub const SOC: Self = Self(1);
}

/// An alert, as the world knows it. In order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub Uuid);

impl AlertId {
    /// When it arrived, by the database's clock, in whole milliseconds.
    #[must_use]
    pub fn arrived(self) -> Timestamp {
        from_millis((self.0.as_u128() >> 80) as i64)
    }
}

impl std::fmt::Display for AlertId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for AlertId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Bits of a stamp below its milliseconds.
const COUNT_BITS: u32 = 12;

/// The stamp that follows `last` at `now` (milliseconds).
pub(crate) fn next_stamp(last: i64, now: i64) -> i64 {
    (last + 1).max(now << COUNT_BITS)
}

/// The milliseconds of a stamp.
pub(crate) fn stamp_millis(stamp: i64) -> i64 {
    stamp >> COUNT_BITS
}

/// The first stamp of a millisecond.
pub(crate) fn stamp_at(millis: i64) -> i64 {
    millis.clamp(0, i64::MAX >> COUNT_BITS) << COUNT_BITS
}

/// Makes ids from stamps and numbers, and back.
#[derive(Clone)]
pub(crate) struct Cipher([u8; 32]);

/// Half of the 62 bits below the UUID's variant.
const HALF: u32 = 31;
const HALF_MASK: u64 = (1 << HALF) - 1;

impl Cipher {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    pub(crate) fn id(&self, stamp: i64, number: i64) -> AlertId {
        let (mut left, mut right) = ((number as u64) >> HALF & HALF_MASK, number as u64 & HALF_MASK);
        for round in 0..4 {
            (left, right) = (right, left ^ self.round(round, right));
        }
        let high = (stamp as u64 >> COUNT_BITS) << 16 | 0x7000 | (stamp as u64 & 0xfff);
        AlertId(Uuid::from_u64_pair(high, 1 << 63 | left << HALF | right))
    }

    /// The stamp and number that an id was made of; nonsense for an id that was not made here.
    pub(crate) fn open(&self, id: AlertId) -> (i64, i64) {
        let (high, low) = id.0.as_u64_pair();
        let (mut left, mut right) = (low >> HALF & HALF_MASK, low & HALF_MASK);
        for round in (0..4).rev() {
            (left, right) = (right ^ self.round(round, left), left);
        }
        let stamp = (high >> 16) << COUNT_BITS | (high & 0xfff);
        (stamp as i64, (left << HALF | right) as i64)
    }

    fn round(&self, round: u8, half: u64) -> u64 {
        let mut input = [round; 9];
        input[1..].copy_from_slice(&half.to_le_bytes());
        let hash = blake3::keyed_hash(&self.0, &input);
        u64::from_le_bytes(first_8(hash.as_bytes())) & HALF_MASK
    }

    /// 47 bits that stand for an entity of a client in its index. Keyed, so that nobody can make two collide on purpose; by
    /// accident, with ten million entities of a client, one question in ten million meets one.
    pub(crate) fn entity(&self, client: ClientId, kind: crate::facts::About, value: &str) -> i64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"entity");
        hasher.update(&client.0.to_le_bytes());
        hasher.update(&[kind as u8]);
        hasher.update(value.as_bytes());
        (u64::from_le_bytes(first_8(hasher.finalize().as_bytes())) >> 17) as i64
    }
}

fn first_8(bytes: &[u8; 32]) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&bytes[..8]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_stamp_and_number_only_to_its_database() {
        let ours = Cipher::new([1; 32]);
        for number in [1, 2, 3, 1 << 40, (1 << 62) - 1] {
            let stamp = stamp_at(1_800_000_000_000) + 7;
            let id = ours.id(stamp, number);
            assert_eq!(id.0.get_version_num(), 7);
            assert_eq!(id.0.get_variant(), uuid::Variant::RFC4122);
            assert_eq!(ours.open(id), (stamp, number));
            assert_ne!(Cipher::new([2; 32]).open(id).1, number);
        }
    }

    #[test]
    fn ids_rise_though_the_clock_is_turned_back() {
        let ours = Cipher::new([1; 32]);
        let (mut stamp, mut last) = (0, None);
        for (number, now) in [1_000, 1_000, 900, 5_000, 4_999].into_iter().enumerate() {
            stamp = next_stamp(stamp, now);
            let id = ours.id(stamp, number as i64);
            assert!(Some(id) > last);
            last = Some(id);
        }
    }
}
