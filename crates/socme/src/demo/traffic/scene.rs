//! The networks that the demo plays: one per client, each with an inner side (the client's own machines) and an outer
//! side (the internet, and the client's other office). A sensor stands where the two meet.
//!
//! Outer addresses are those that RFC 5737 sets aside for documentation: nobody owns them.

use std::net::Ipv4Addr;

/// One client's network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    /// The client's name.
    pub name: &'static str,
    /// The client's short name, also that of its folder.
    pub slug: &'static str,
    /// Where its machines stand.
    pub site: &'static str,
    /// Its time zone.
    pub time_zone: &'static str,
    /// How many hosts its imitated Wazuh watches.
    pub hosts: u8,
    /// True if its policy allows every command; else those that only read.
    pub lets_act: bool,
    /// Second byte of its addresses.
    net: u8,
}

/// All clients of the demo.
pub(crate) const SCENES: [Scene; 3] = [
    Scene {
        name: "Acme",
        slug: "acme",
        site: "Head office",
        time_zone: "Europe/London",
        hosts: 16,
        lets_act: true,
        net: 21,
    },
    Scene {
        name: "Lycée Exemple",
        slug: "lycee-exemple",
        site: "Bâtiment A",
        time_zone: "Europe/Paris",
        hosts: 15,
        lets_act: true,
        net: 22,
    },
    Scene {
        name: "Sample Bakery",
        slug: "sample-bakery",
        site: "Shop and bakehouse",
        time_zone: "America/New_York",
        hosts: 9,
        lets_act: false,
        net: 23,
    },
];

/// On which side of the sensor an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Side {
    /// The client's own machines.
    Inner,
    /// Everything else.
    Outer,
}

impl Side {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Inner => "inner",
            Self::Outer => "outer",
        }
    }
}

impl Scene {
    /// The client of that short name.
    pub(crate) fn named(slug: &str) -> Option<&'static Self> {
        SCENES.iter().find(|s| s.slug == slug)
    }

    /// What Suricata is told to be the client's own network.
    pub(crate) fn home_net(&self) -> String {
        format!("[10.{}.0.0/16]", self.net)
    }

    /// The ranges whose every address exists on that side.
    pub(crate) fn ranges(&self, side: Side) -> Vec<String> {
        match side {
            Side::Inner => vec![format!("10.{}.1.0/24", self.net)],
            Side::Outer => {
                let mut all = vec![format!("10.{}.2.0/24", self.net)];
                all.extend(["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"].map(String::from));
                all
            }
        }
    }

    /// The side that an address is on.
    pub(crate) fn side(&self, address: Ipv4Addr) -> Side {
        match address.octets() {
            [10, net, 1, _] if net == self.net => Side::Inner,
            _ => Side::Outer,
        }
    }

    /// The web server, seen from the internet.
    pub(crate) fn web(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.net, 1, 10)
    }

    /// The file server.
    pub(crate) fn files(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.net, 1, 20)
    }

    /// One of thirty desks.
    pub(crate) fn desk(&self, dice: &mut fastrand::Rng) -> Ipv4Addr {
        Ipv4Addr::new(10, self.net, 1, dice.u8(101..=130))
    }

    /// A machine in the client's other office.
    pub(crate) fn office(&self, dice: &mut fastrand::Rng) -> Ipv4Addr {
        Ipv4Addr::new(10, self.net, 2, dice.u8(11..=30))
    }
}

/// An address on the internet that attacks.
pub(crate) fn stranger(dice: &mut fastrand::Rng) -> Ipv4Addr {
    let last = dice.u8(1..=254);
    if dice.bool() { Ipv4Addr::new(203, 0, 113, last) } else { Ipv4Addr::new(198, 51, 100, last) }
}

/// Where infected machines report to.
pub(crate) const CONTROL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 66);
/// A name server.
pub(crate) const RESOLVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);
/// A web site like any other.
pub(crate) const SITE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
