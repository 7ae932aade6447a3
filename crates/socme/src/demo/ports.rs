//! Free ports on loopback.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// The ports of a core.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// For people.
    pub people: u16,
    /// For metrics and health.
    pub metrics: u16,
    /// For nodes.
    pub nodes: u16,
}

impl Ports {
    /// The usual ones, each replaced by a free one if it is taken.
    ///
    /// # Errors
    /// No port is free.
    pub(crate) fn choose() -> io::Result<Self> {
        let mut held = Vec::new();
        let mut take = |usual: u16| -> io::Result<u16> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, usual))
                .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
            let port = listener.local_addr()?.port();
            held.push(listener);
            Ok(port)
        };
        Ok(Self { people: take(7440)?, metrics: take(7441)?, nodes: take(7443)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_replaced() {
        let _held = TcpListener::bind((Ipv4Addr::LOCALHOST, 7440));
        let ports = Ports::choose().unwrap();
        assert_ne!(ports.people, 7440);
        assert_ne!(ports.people, ports.nodes);
    }
}
