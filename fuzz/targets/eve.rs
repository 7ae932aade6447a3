//! Whatever stands in a line of Suricata's file, the node makes an alert of it that the core takes, or none; and the sieve, which
//! looks at bytes alone, lets every alert through.
#![no_main]

use node::config::Kind;
use node::normalise::suricata::{self, Sieve};
use node::source::{Line, Meaning, Reading};
use wire::alert::Source;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let sieve = Sieve::default();
    for line in text.lines() {
        match Meaning::new(Kind::Suricata, &sieve).of(line, None) {
            Line::Alert(found) => {
                let alert = Reading::normalise(Source::Suricata, line, &found.event("eve", now), now);
                assert_eq!(alert.check(), Ok(()));
                assert_eq!(node::normalise::sample(alert).check(), Ok(()));
            }
            Line::Event | Line::Bad(_) => {
                // A nested «event_type» comes first only in what Suricata never writes.
                let key = serde_json::from_str::<suricata::Key<'_>>(line);
                let nested = line.matches("event_type").count() > 1;
                assert!(nested || key.is_err() || key.is_ok_and(|key| key.event_type.0 != "alert"), "missed {line}");
            }
            Line::Stats(stats) => {
                assert!((0.0..=1.0).contains(&stats.drop_share));
                let _ = suricata::stats(line.as_bytes(), Some(&stats));
            }
        }
    }
});
