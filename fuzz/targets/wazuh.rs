//! Whatever stands in a line of Wazuh's file, the node makes an alert of it that the core takes, or none.
#![no_main]

use node::config::Kind;
use node::normalise::suricata::Sieve;
use node::source::{Line, Meaning, Reading};
use wire::alert::Source;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let sieve = Sieve::default();
    for line in text.lines() {
        if let Line::Alert(found) = Meaning::new(Kind::Wazuh, &sieve).of(line, None) {
            let alert = Reading::normalise(Source::Wazuh, line, &found.event("wazuh", now), now);
            assert_eq!(alert.check(), Ok(()));
            let entities = alert.entities();
            assert!(entities.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(node::normalise::sample(alert).check(), Ok(()));
        }
    }
});
