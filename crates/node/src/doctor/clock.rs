//! The clock: alerts carry times, and certificates are valid by it.

use jiff::Timestamp;

use super::finding::{Check, Finding};
use crate::status::span;

const CLOCK: Check = Check::new("Clock", "clock");
const MEND: &str = "sudo timedatectl set-ntp true";

/// From so many seconds on it is shown as wrong in the status and on the node's page.
const NOTICED: f64 = 5.0;
/// From so many seconds on the core no longer believes the times of events.
const DISBELIEVED: f64 = 300.0;

/// `skew` is the core's clock less this machine's, in seconds, where the core has said it; `life` is the certificate's.
pub(super) fn judge(skew: Option<f64>, life: Option<(Timestamp, Timestamp)>, now: Timestamp) -> Finding {
    let Some(skew) = skew else {
        if let Some((from, _)) = life
            && now < from
        {
            let behind = span(from.duration_since(now).as_secs());
            return CLOCK.wrong(
                format!("this machine's clock is behind by at least {behind}: its certificate begins later"),
                MEND,
            );
        }
        return CLOCK.not_applicable(format!("the core did not say its time; this machine's is {now:.0}"));
    };
    let by = if skew.abs() < 120.0 { format!("{:.1} s", skew.abs()) } else { span(skew.abs() as i64) };
    let differs = format!("this machine's clock is {by} {} the core's", if skew > 0.0 { "behind" } else { "ahead of" });
    if skew.abs() >= DISBELIEVED {
        return CLOCK.wrong(format!("{differs}: times of alerts are wrong, and certificates may be refused"), MEND);
    }
    if skew.abs() > NOTICED {
        return CLOCK.warning(differs, MEND);
    }
    CLOCK.fine(format!("this machine's clock differs by {by} from the core's"))
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    #[test]
    fn seconds_are_fine_minutes_are_wrong() {
        let state = |skew| judge(Some(skew), None, Timestamp::UNIX_EPOCH).state;
        assert_eq!((state(0.2), state(-4.9)), (State::Fine, State::Fine));
        assert_eq!((state(6.0), state(-299.0)), (State::Warning, State::Warning));
        assert_eq!((state(300.0), state(-86_400.0)), (State::Wrong, State::Wrong));
        assert!(judge(Some(400.0), None, Timestamp::UNIX_EPOCH).says.contains("6 min behind"));
    }

    #[test]
    fn without_the_core_the_certificate_tells_that_the_clock_is_behind() {
        let life = (Timestamp::from_second(7_300).unwrap(), Timestamp::from_second(90_000).unwrap());
        assert_eq!(judge(None, Some(life), Timestamp::UNIX_EPOCH).state, State::Wrong);
        assert_eq!(judge(None, Some(life), life.1).state, State::NotApplicable);
    }
}
