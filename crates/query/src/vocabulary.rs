//! The fixed words of the language: field names, and the values of fields that have a fixed set of them.

use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];
            /// The words for all of them, in their order.
            pub const WORDS: &[&'static str] = &[$($word),+];

            /// The word for it in a query.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The one that `word` stands for, whatever its case.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.word().eq_ignore_ascii_case(word))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

words! {
    /// A field that a term can ask about.
    Field {
        /// How bad it is; the only field that can be compared with `>=`, `>`, `<=`, `<`.
        Severity = "severity",
        /// The client, by slug or name.
        Client = "client",
        /// Where the event comes from.
        Source = "source",
        /// Whether a person has dealt with it.
        State = "state",
        /// The node, by name.
        Node = "node",
        /// The rule, by its identifier.
        Rule = "rule",
        /// An address or network, on either side.
        Ip = "ip",
        /// The host that it is about.
        Host = "host",
        /// The account that it is about.
        User = "user",
        /// A file's hash.
        Hash = "hash",
        /// A domain name that was asked for.
        Domain = "domain",
        /// Arrived at this moment or later.
        After = "after",
        /// Arrived earlier than this moment.
        Before = "before",
    }
}

words! {
    /// How bad it is, lowest first.
    Severity {
        /// Worth knowing.
        Low = "low",
        /// Worth a look today.
        Medium = "medium",
        /// Worth a look now.
        High = "high",
        /// Worth waking someone.
        Critical = "critical",
    }
}

words! {
    /// Where events come from.
    Source {
        /// Suricata, for the network.
        Suricata = "suricata",
        /// Wazuh, for hosts, logs and files.
        Wazuh = "wazuh",
        /// SOCme's own alarms.
        Socme = "socme",
    }
}

words! {
    /// Whether a person has dealt with it.
    State {
        /// Nobody has yet.
        Open = "open",
        /// Somebody is.
        Acknowledged = "acknowledged",
        /// Somebody has.
        Closed = "closed",
    }
}

impl Field {
    /// The values that it can have, where these are fixed; empty where they depend on data.
    #[must_use]
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::Severity => Severity::WORDS,
            Self::Source => Source::WORDS,
            Self::State => State::WORDS,
            _ => &[],
        }
    }

    /// The field that somebody who wrote `word` most likely means: a name that other tools use, or one within two
    /// slips of the keyboard.
    #[must_use]
    pub fn nearest(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let known = match word.as_str() {
            "sev" | "level" | "priority" => Some(Self::Severity),
            "tenant" | "customer" | "org" | "organisation" | "organization" => Some(Self::Client),
            "module" | "product" => Some(Self::Source),
            "status" | "is" => Some(Self::State),
            "sensor" | "probe" => Some(Self::Node),
            "sid" | "sig" | "signature" | "rule_id" => Some(Self::Rule),
            "src" | "dst" | "dest" | "addr" | "address" | "src_ip" | "dest_ip" | "dst_ip" | "net" | "network"
            | "cidr" => Some(Self::Ip),
            "hostname" | "agent" | "machine" | "computer" => Some(Self::Host),
            "username" | "account" | "login" => Some(Self::User),
            "md" | "sha" | "checksum" => Some(Self::Hash),
            "dns" | "fqdn" | "sni" | "site" => Some(Self::Domain),
            "from" | "since" => Some(Self::After),
            "to" | "until" => Some(Self::Before),
            _ => None,
        };
        known.or_else(|| nearest(&word, Self::ALL.iter().map(|f| f.word())).and_then(Self::from_word))
    }
}

/// The candidate closest to `word`, if it is at most two slips away (one for words of up to four letters).
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let most = if word.chars().count() <= 4 { 1 } else { 2 };
    candidates.map(|c| (slips(&word, c), c)).filter(|(d, _)| *d <= most).min().map(|(_, c)| c)
}

/// How many letters must be added, removed, changed or swapped with their neighbour to get from `a` to `b`.
fn slips(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(32).collect(), b.chars().take(32).collect());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_finds_the_field() {
        for (written, meant) in [
            ("sevrity", Some(Field::Severity)),
            ("SEVERTIY", Some(Field::Severity)),
            ("cleint", Some(Field::Client)),
            ("usr", Some(Field::User)),
            ("sid", Some(Field::Rule)),
            ("since", Some(Field::After)),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(Field::nearest(written), meant, "{written}");
        }
    }
}
