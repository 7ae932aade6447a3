//! The line between a node and the core: a TCP relay that can be cut and made slow.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A relay on loopback.
pub struct Link {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    cut: AtomicBool,
    /// Delay of each piece of up to 4 KiB, in milliseconds.
    delay: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
    /// Bytes that went to the core, and that came from it.
    carried: [AtomicU64; 2],
    ended: AtomicBool,
}

impl Link {
    /// Relays to `to`.
    pub fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address");
        let state = Arc::new(State {
            cut: AtomicBool::new(false),
            delay: AtomicU64::new(0),
            open: Mutex::new(Vec::new()),
            carried: [AtomicU64::new(0), AtomicU64::new(0)],
            ended: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for incoming in listener.incoming().map_while(Result::ok) {
                if shared.ended.load(Ordering::Relaxed) {
                    return;
                }
                if shared.cut.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(outgoing) = TcpStream::connect(to) else { continue };
                shared.relay(incoming, outgoing);
            }
        });
        Self { address, state }
    }

    /// Cuts every connection, and refuses new ones until mended.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::Relaxed);
        for stream in self.state.open.lock().expect("open").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        self.state.cut.store(false, Ordering::Relaxed);
    }

    /// Bytes that went to the core, and that came from it, since the beginning; TCP's own are not among them.
    pub fn carried(&self) -> [u64; 2] {
        [0, 1].map(|way| self.state.carried[way].load(Ordering::Relaxed))
    }

    /// Delays each piece of up to 4 KiB.
    pub fn slow(&self, delay: Duration) {
        self.state.delay.store(u64::try_from(delay.as_millis()).expect("small"), Ordering::Relaxed);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Relaxed);
        self.cut();
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn relay(self: &Arc<Self>, a: TcpStream, b: TcpStream) {
        let mut open = self.open.lock().expect("open");
        open.retain(|stream| stream.peer_addr().is_ok());
        for (way, from, to) in [(0, &a, &b), (1, &b, &a)] {
            let (from, to, state) =
                (from.try_clone().expect("clone"), to.try_clone().expect("clone"), Arc::clone(self));
            std::thread::spawn(move || state.copy(way, from, to));
        }
        open.push(a);
        open.push(b);
    }

    fn copy(&self, way: usize, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut piece) {
            self.carried[way].fetch_add(n as u64, Ordering::Relaxed);
            let delay = self.delay.load(Ordering::Relaxed);
            if delay > 0 {
                std::thread::park_timeout(Duration::from_millis(delay));
            }
            if to.write_all(&piece[..n]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}
