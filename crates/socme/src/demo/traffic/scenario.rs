//! What happens in the demo's networks. A scenario is a list of conversations, and names the rules that must see it.

use std::net::Ipv4Addr;

use super::catalogue::SCENARIOS;
use super::message::{client_hello, dns_query, http};
use super::scene::{RESOLVER, SITE, Scene, stranger};

/// Something that happens on a network.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Which of the shipped rules must fire; empty for what must stay quiet.
    pub rules: &'static [u32],
    /// How often the demo plays it, against the others; 0 for never by itself.
    pub weight: u32,
    /// What is said.
    pub(super) build: fn(&mut Stage<'_>) -> Vec<Conversation>,
}

/// Two machines talking.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    /// Who begins.
    pub from: Ipv4Addr,
    /// Who is asked.
    pub to: Ipv4Addr,
    /// The port asked.
    pub port: u16,
    /// What is said.
    pub talk: Talk,
}

/// What the one who begins says; what is answered is in [`super::service`].
#[derive(Clone, Debug)]
pub(crate) enum Talk {
    /// Over TCP, each waiting for an answer where the service gives one.
    Tcp(Vec<Vec<u8>>),
    /// One datagram.
    Udp(Vec<u8>),
    /// Just tries to connect.
    Knock,
}

/// What a scenario is played with.
pub(super) struct Stage<'a> {
    pub scene: &'a Scene,
    pub dice: &'a mut fastrand::Rng,
    pub mark: &'a str,
    pub from: Option<Ipv4Addr>,
}

impl Scenario {
    /// The scenario of that name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|s| s.name == name)
    }

    /// Its conversations.
    ///
    /// - `seed`: the same seed gives the same conversations.
    /// - `mark`: a word by which the traffic can be told: stands in the URL and the user agent, or in the name looked up.
    /// - `from`: the address that attacks, where one from outside does.
    pub(crate) fn conversations(
        &self,
        scene: &Scene,
        seed: u64,
        mark: &str,
        from: Option<Ipv4Addr>,
    ) -> Vec<Conversation> {
        let mut dice = fastrand::Rng::with_seed(seed);
        (self.build)(&mut Stage { scene, dice: &mut dice, mark, from })
    }
}

impl Stage<'_> {
    /// Someone outside.
    pub(super) fn stranger(&mut self) -> Ipv4Addr {
        let any = stranger(self.dice);
        self.from.unwrap_or(any)
    }

    /// Someone outside asks the web server for something.
    pub(super) fn attack(&mut self, target: &str, agent: &str, headers: &str) -> Vec<Conversation> {
        let (from, to) = (self.stranger(), self.scene.web());
        vec![http(from, to, "GET", &self.marked(target), &self.marked_agent(agent), headers, "")]
    }

    /// A desk asks something of a machine on the internet.
    pub(super) fn fetch(
        &mut self,
        to: Ipv4Addr,
        method: &str,
        target: &str,
        agent: &str,
        body: &str,
    ) -> Vec<Conversation> {
        let from = self.scene.desk(self.dice);
        vec![http(from, to, method, target, &self.marked_agent(agent), "", body)]
    }

    /// A desk looks up a name.
    pub(super) fn look_up(&mut self, name: &str) -> Conversation {
        let id = self.dice.u16(..);
        let name = if self.mark.is_empty() { name.to_owned() } else { format!("{}.{name}", self.mark) };
        Conversation { from: self.scene.desk(self.dice), to: RESOLVER, port: 53, talk: Talk::Udp(dns_query(id, &name)) }
    }

    /// A desk begins an encrypted connection.
    pub(super) fn hello(&mut self, name: &str) -> Conversation {
        let from = self.scene.desk(self.dice);
        let mut random = [0; 32];
        self.dice.fill(&mut random);
        Conversation { from, to: SITE, port: 443, talk: Talk::Tcp(vec![client_hello(name, &random)]) }
    }

    /// A URL with the mark.
    pub(super) fn marked(&self, target: &str) -> String {
        match (self.mark, target.contains('?')) {
            ("", _) => target.to_owned(),
            (mark, true) => format!("{target}&mark={mark}"),
            (mark, false) => format!("{target}?mark={mark}"),
        }
    }

    /// A user agent with the mark.
    pub(super) fn marked_agent(&self, agent: &str) -> String {
        if self.mark.is_empty() { agent.to_owned() } else { format!("{agent} {}", self.mark) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::traffic::scene::SCENES;

    #[test]
    fn each_scenario_begins_on_one_side_and_crosses_to_the_other() {
        for scenario in SCENARIOS {
            for scene in &SCENES {
                let all = scenario.conversations(scene, 7, "", None);
                assert!(!all.is_empty(), "{}", scenario.name);
                for c in &all {
                    assert_eq!(scene.side(c.from), scene.side(all[0].from), "{}", scenario.name);
                    assert_ne!(scene.side(c.from), scene.side(c.to), "{}", scenario.name);
                }
            }
        }
    }

    #[test]
    fn names_are_told_apart() {
        for (i, s) in SCENARIOS.iter().enumerate() {
            assert!(SCENARIOS[..i].iter().all(|o| o.name != s.name), "{} twice", s.name);
            assert!(s.weight == 0 || !s.about.is_empty());
        }
    }

    #[test]
    fn a_mark_can_be_found_in_what_is_sent() {
        let sqlmap = Scenario::named("sqlmap").unwrap();
        let all = sqlmap.conversations(&SCENES[0], 1, "XYZ42", Some([203, 0, 113, 9].into()));
        let Talk::Tcp(said) = &all[0].talk else { panic!("not TCP") };
        let text = String::from_utf8_lossy(&said[0]);
        assert!(text.lines().next().unwrap().contains("mark=XYZ42"), "{text}");
        assert_eq!(all[0].from.to_string(), "203.0.113.9");
    }
}
