//! Whether something fulfils a query: for policies, and the model that the database's answers are tested against.

use std::net::IpAddr;

use jiff::{Timestamp, tz::TimeZone};

use crate::{Condition, Field, Query, index_words};

/// Something that a query can be asked about.
pub trait Fields {
    /// Calls `visit` with each value that it has in `field`: the word of its severity, source and state; its client's
    /// slug and name; its addresses, hosts, accounts, hashes, domains. Never called with [`Field::After`] or
    /// [`Field::Before`]. Case does not matter.
    fn values(&self, field: Field, visit: &mut dyn FnMut(&str));

    /// When it arrived.
    fn arrived(&self) -> Timestamp;

    /// Calls `visit` with each text that free text is sought in, always in the same order.
    fn texts(&self, visit: &mut dyn FnMut(&str));
}

impl Query {
    /// True if all terms match. Moments are as seen by somebody in `zone` at `now`.
    #[must_use]
    pub fn matches(&self, fields: &impl Fields, now: Timestamp, zone: &TimeZone) -> bool {
        self.terms.iter().all(|term| term.condition.holds(fields, now, zone) != term.negated)
    }
}

impl Condition {
    fn holds(&self, fields: &impl Fields, now: Timestamp, zone: &TimeZone) -> bool {
        match self {
            Self::After(moment) => fields.arrived() >= moment.resolve(now, zone),
            Self::Before(moment) => fields.arrived() < moment.resolve(now, zone),
            Self::Text(words) => {
                let mut texts = Vec::new();
                fields.texts(&mut |text| texts.push(text.to_owned()));
                index_words(texts.iter().map(String::as_str)).windows(words.len()).any(|run| run == words)
            }
            Self::Ip(nets) => any(fields, Field::Ip, |value| {
                value.parse::<IpAddr>().is_ok_and(|address| nets.iter().any(|net| net.contains(address)))
            }),
            _ => {
                let wanted: Vec<String> = self.values().iter().map(|v| v.to_lowercase()).collect();
                self.field().is_some_and(|field| any(fields, field, |value| wanted.contains(&value.to_lowercase())))
            }
        }
    }
}

fn any(fields: &impl Fields, field: Field, fits: impl Fn(&str) -> bool) -> bool {
    let mut found = false;
    fields.values(field, &mut |value| found = found || fits(value));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    struct Scan;

    impl Fields for Scan {
        fn values(&self, field: Field, visit: &mut dyn FnMut(&str)) {
            let values: &[&str] = match field {
                Field::Severity => &["high"],
                Field::Client => &["acme", "Acme Works"],
                Field::Source => &["suricata"],
                Field::State => &["open"],
                Field::Node => &["Office"],
                Field::Rule => &["2024897"],
                Field::Ip => &["10.0.0.5", "2001:db8::1", "nonsense"],
                Field::Host => &["web1"],
                Field::Domain => &["www.evil.example"],
                _ => &[],
            };
            values.iter().copied().for_each(visit);
        }

        fn arrived(&self) -> Timestamp {
            "2026-11-24T10:00:00Z".parse().unwrap()
        }

        fn texts(&self, visit: &mut dyn FnMut(&str)) {
            ["ET SCAN sqlmap SQL Injection Scan", "GET /Été.php", "www.evil.example"].into_iter().for_each(visit);
        }
    }

    #[test]
    fn queries_match_what_they_say() {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        for (query, expected) in [
            ("", true),
            ("severity>=medium", true),
            ("severity>high", false),
            ("-severity:low", true),
            ("client:ACME", true),
            ("client:\"acme works\"", true),
            ("client:other,acme", true),
            ("client:other", false),
            ("node:office rule:2024897 state:open source:suricata", true),
            ("ip:10.0.0.0/8", true),
            ("ip:2001:db8::/32", true),
            ("ip:192.168.0.0/16", false),
            ("-ip:192.168.0.0/16", true),
            ("user:alice", false),
            ("-user:alice", true),
            ("host:WEB1 domain:www.evil.example.", true),
            ("domain:evil.example", false),
            ("after:3h", true),
            ("after:1h", false),
            ("before:1h", true),
            ("after:2026-11-24 before:2026-11-25", true),
            ("sqlmap scan", true),
            ("\"sqlmap sql\"", true),
            ("\"sqlmap scan\"", false),
            ("ete.php", true),
            ("evil", true),
            ("evi", false),
            ("-sqlmap", false),
        ] {
            assert_eq!(parse(query).unwrap().matches(&Scan, now, &TimeZone::UTC), expected, "{query}");
        }
    }
}
