//! How one authority follows another, so that no node is cut off.
//!
//! # Invariants
//! - An authority signs only after every node that may still renew has had the time to hear of it: a node learns the
//!   authorities at each connection and each renewal, and one that was away for longer than 90 days has to enrol again anyway.
//! - The one that signed before is trusted until the last certificate that it signed is too old to renew.
//! - Only one is announced at a time, and only one signs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::{Authority, AuthorityId, AuthorityState};

/// How long an authority is announced before it signs: a day more than a node may renew after its certificate has ended.
pub(crate) const NOTICE: SignedDuration = SignedDuration::from_hours(91 * 24);
/// An authority that ends sooner is followed by another without anybody asking for it.
const SOON: SignedDuration = SignedDuration::from_hours(365 * 24);

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Make another authority, and tell nodes of it.
    Announce,
    /// Let this one sign.
    Sign(AuthorityId),
    /// Trust this one no more.
    Forget(AuthorityId),
}

/// What is to be done at `now`, one step at a time; `life` is that of nodes' certificates.
pub(crate) fn due(known: &[Authority], now: Timestamp, life: Duration) -> Option<Due> {
    let of = |state| known.iter().rev().find(|authority| authority.state == state);
    if let Some(next) = of(AuthorityState::Announced) {
        return (now >= signs_from(next)).then_some(Due::Sign(next.id));
    }
    let signing = of(AuthorityState::Signing)?;
    if signing.ends.duration_since(now) < SOON {
        return Some(Due::Announce);
    }
    let retired = of(AuthorityState::Retired)?;
    let life = SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX);
    (now >= signs_from(signing).saturating_add(life).ok()?.saturating_add(NOTICE).ok()?)
        .then_some(Due::Forget(retired.id))
}

/// When an announced authority begins to sign.
pub(crate) fn signs_from(authority: &Authority) -> Timestamp {
    authority.created.saturating_add(NOTICE).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: Duration = Duration::from_secs(7 * 86_400);

    fn day(n: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + n * 86_400).unwrap()
    }

    fn authority(id: i64, created: i64, state: AuthorityState) -> Authority {
        let (created, ends) = (day(created), day(created + 3_653));
        Authority { id: AuthorityId(id), certificate: String::new(), sealed_key: Vec::new(), created, ends, state }
    }

    #[test]
    fn one_follows_another_when_all_nodes_had_time_and_goes_when_nobody_needs_it() {
        let mut known = vec![authority(1, 0, AuthorityState::Signing)];
        assert_eq!(due(&known, day(3_287), WEEK), None);
        assert_eq!(due(&known, day(3_289), WEEK), Some(Due::Announce));
        known.push(authority(2, 3_289, AuthorityState::Announced));
        assert_eq!(due(&known, day(3_379), WEEK), None);
        assert_eq!(due(&known, day(3_380), WEEK), Some(Due::Sign(AuthorityId(2))));
        (known[0].state, known[1].state) = (AuthorityState::Retired, AuthorityState::Signing);
        assert_eq!(due(&known, day(3_477), WEEK), None);
        assert_eq!(due(&known, day(3_478), WEEK), Some(Due::Forget(AuthorityId(1))));
        known[0].state = AuthorityState::Gone;
        assert_eq!(due(&known, day(3_500), WEEK), None);
    }
}
