//! A load balancer as simple as they come: each connection goes to the next of its targets that takes it, whatever it carries.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A balancer on loopback.
pub struct Balancer {
    pub address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Balancer {
    pub fn over(targets: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        Self::on(listener, targets)
    }

    /// On a port that was announced before the targets were known.
    pub fn on(listener: TcpListener, targets: Vec<SocketAddr>) -> Self {
        let address = listener.local_addr().expect("address");
        let ended = Arc::new(AtomicBool::new(false));
        let (shared, next) = (Arc::clone(&ended), AtomicUsize::new(0));
        std::thread::spawn(move || {
            for incoming in listener.incoming().map_while(Result::ok) {
                if shared.load(Ordering::Relaxed) {
                    return;
                }
                let first = next.fetch_add(1, Ordering::Relaxed);
                let mut tries = (0..targets.len()).map(|n| targets[(first + n) % targets.len()]);
                let Some(outgoing) = tries.find_map(|target| TcpStream::connect(target).ok()) else { continue };
                relay(&incoming, &outgoing);
            }
        });
        Self { address, ended }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn relay(a: &TcpStream, b: &TcpStream) {
    for (from, to) in [(a, b), (b, a)] {
        let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
        std::thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        });
    }
}
