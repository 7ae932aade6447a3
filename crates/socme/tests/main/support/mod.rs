//! The product as its users run it: real processes of the built binary on loopback, and sources that keep a ledger of
//! what they wrote.

pub mod analysisd;
pub mod balancer;
pub mod core;
pub mod elsewhere;
pub mod ledger;
pub mod link;
pub mod node;
pub mod person;
pub mod sender;
pub mod sources;

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The binary under test.
pub fn socme() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socme"));
    command.env_remove("RUST_LOG").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// A port on loopback that was free a moment ago.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind loopback");
    listener.local_addr().expect("local address")
}

/// Waits until `state` gives something, and fails with `what` after `limit`.
pub fn wait_for<T>(what: &str, limit: Duration, mut state: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = state() {
            return found;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain for: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A child process that does not outlive its test, and whose log is at hand when the test fails.
pub struct Process {
    child: Child,
    name: String,
    lines: mpsc::Receiver<String>,
    log: Vec<String>,
}

impl Process {
    /// Starts `command`, with its standard output and error read line by line.
    pub fn start(name: &str, mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let (send, lines) = mpsc::channel();
        let out = child.stdout.take().expect("piped");
        let err: ChildStderr = child.stderr.take().expect("piped");
        let also = send.clone();
        std::thread::spawn(move || forward(BufReader::new(out), &send));
        std::thread::spawn(move || forward(BufReader::new(err), &also));
        Self { child, name: name.to_owned(), lines, log: Vec::new() }
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it has had (resident, `VmHWM`), in MiB.
    pub fn peak(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        line.trim().trim_end_matches(" kB").trim().parse::<f64>().expect("a number") / 1024.0
    }

    /// Seconds that it has used of the processors; Linux counts them in hundredths.
    pub fn processor(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("stat");
        let (_, rest) = stat.rsplit_once(')').expect("a name in brackets");
        rest.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("ticks")).sum::<f64>() / 100.0
    }

    /// Waits for a line that `pick` takes something from.
    pub fn wait_for_line<T>(&mut self, what: &str, limit: Duration, pick: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let found = pick(&line);
                    self.log.push(line);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(_) => panic!("{} never said: {what}\n{}", self.name, self.log.join("\n")),
            }
        }
    }

    /// Everything that it said so far.
    pub fn log(&mut self) -> String {
        self.log.extend(self.lines.try_iter());
        self.log.join("\n")
    }

    /// SIGKILL: no chance to tidy up.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// True while it runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGTERM, then waits for the exit code.
    pub fn stop(&mut self, limit: Duration) -> Option<i32> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).expect("pid")).expect("pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signal");
        let name = self.name.clone();
        wait_for(&format!("{name} to end after SIGTERM"), limit, || self.child.try_wait().expect("wait")).code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("--- the end of what {} said:", self.name);
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}

fn forward(reader: impl BufRead, to: &mpsc::Sender<String>) {
    for line in reader.lines().map_while(Result::ok) {
        if to.send(line).is_err() {
            return;
        }
    }
}

/// Small deterministic generator of random numbers (SplitMix64), so that a seed repeats a test.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    /// True once in `n`.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}
