//! A client's policy is read or refused with its place; what it lets out the core takes, and the masked value is not in it. The
//! first blank line parts the policy from an event.
#![no_main]

use std::path::Path;

use node::normalise::{suricata, wazuh};
use node::policy::Policy;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (policy, event) = text.split_once("\n\n").unwrap_or((text, ""));
    let policy = match Policy::parse(Path::new("policy.toml"), policy) {
        Ok(policy) => policy,
        Err(wrong) => {
            assert!(wrong.line.is_none_or(|line| (1..=policy.lines().count().max(1) + 1).contains(&line)));
            return;
        }
    };
    let now = jiff::Timestamp::UNIX_EPOCH;
    for alert in [suricata::alert(event, now), wazuh::alert(event, now)].into_iter().flatten() {
        let secret = alert.user.as_ref().map(|user| user.name.clone());
        let mut masked = alert.clone();
        policy.apply(&mut masked);
        assert_eq!(masked.check(), Ok(()));
        if !policy.raw {
            assert!(masked.raw.is_empty());
        }
        // As long as no account: those cannot stand in our own words.
        let told =
            |secret: &str| masked.raw.contains(secret) || masked.message.iter().any(|text| text.contains(secret));
        if let Some(secret) = secret.filter(|secret| policy.mask.iter().any(|f| f == "user.name") && secret.len() > 12)
        {
            assert!(!told(&secret), "{secret} left");
        }
        assert_eq!(policy.sample(alert).check(), Ok(()));
    }
});
