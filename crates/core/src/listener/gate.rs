//! How many connections there may be: in all, and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::throttle::network_of;

/// Counts connections.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Inner>);

struct Inner {
    most: usize,
    most_each: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Gate {
    /// `most` in all, `most_each` from one address.
    pub(crate) fn new(most: usize, most_each: usize) -> Self {
        Self(Arc::new(Inner { most, most_each, open: Mutex::default() }))
    }

    /// Lets a connection in, if there is room.
    pub(crate) fn enter(&self, address: IpAddr) -> Option<Pass> {
        let address = network_of(address);
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.0.most {
            return None;
        }
        let here = open.by_address.entry(address).or_default();
        if *here >= self.0.most_each {
            return None;
        }
        *here += 1;
        open.all += 1;
        Some(Pass { gate: self.clone(), address: Some(address) })
    }
}

/// A connection that was let in; its place is free again when this is dropped.
pub(crate) struct Pass {
    gate: Gate,
    address: Option<IpAddr>,
}

impl Pass {
    /// From now on it counts only towards all, no longer towards its address: it has shown whose it is, and many nodes may
    /// stand behind one address.
    pub(crate) fn is_known(&mut self) {
        if let Some(address) = self.address.take() {
            let mut open = self.gate.0.open.lock().unwrap_or_else(PoisonError::into_inner);
            leave(&mut open, address);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.is_known();
        self.gate.0.open.lock().unwrap_or_else(PoisonError::into_inner).all -= 1;
    }
}

fn leave(open: &mut Open, address: IpAddr) {
    if let Some(here) = open.by_address.get_mut(&address) {
        *here -= 1;
        if *here == 0 {
            open.by_address.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_until_it_is_known() {
        let gate = Gate::new(4, 2);
        let (here, there) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mut first = gate.enter(here).unwrap();
        let second = gate.enter(here).unwrap();
        assert!(gate.enter(here).is_none());
        first.is_known();
        let third = gate.enter(here).unwrap();
        let fourth = gate.enter(there).unwrap();
        assert!(gate.enter(there).is_none(), "there are four in all");
        drop((first, second, third, fourth));
        let open = gate.0.open.lock().unwrap();
        assert_eq!((open.all, open.by_address.len()), (0, 0));
    }
}
