//! Somebody who types `socme …`: a home of their own, and a terminal where one is needed.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::{socme, wait_for};

/// A person at a machine.
pub struct Person {
    pub home: PathBuf,
}

/// What a command said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Its lines of JSON.
    pub fn json(&self) -> Vec<Value> {
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(line).collect()
    }
}

impl Person {
    pub fn new(folder: &Path, name: &str) -> Self {
        let home = folder.join(name);
        std::fs::create_dir_all(&home).expect("create home");
        Self { home }
    }

    /// The file that `socme login` writes.
    pub fn login_file(&self) -> PathBuf {
        self.home.join("socme/login.toml")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = socme();
        command.args(arguments);
        self.dress(&mut command);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.run_with(arguments, "")
    }

    /// Runs a command to its end, with this on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("run socme");
        // Whoever does not read its input may be gone already.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("socme ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs a command that must succeed.
    pub fn does(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}{}", said.out, said.err);
        said
    }

    /// Runs a command at a terminal.
    pub fn at_terminal(&self, arguments: &[&str]) -> Terminal {
        let quoted: Vec<String> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
        self.at_shell(&format!("'{}' {}", env!("CARGO_BIN_EXE_socme"), quoted.join(" ")))
    }

    /// Has a shell run a line at a terminal.
    pub fn at_shell(&self, line: &str) -> Terminal {
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--flush", "--command", line, "/dev/null"]).env("SHELL", "/bin/sh");
        self.dress(&mut command);
        Terminal::start(command)
    }

    /// Signs in at the terminal, as a person does.
    pub fn login(&self, arguments: &[&str], name: &str, passphrase: &str) -> String {
        let mut terminal = self.at_terminal(&[&["login"], arguments].concat());
        terminal.answer("Name: ", name);
        terminal.answer("Passphrase: ", passphrase);
        let (code, seen) = terminal.end();
        assert_eq!(code, 0, "{seen}");
        seen
    }

    fn dress(&self, command: &mut Command) {
        for name in ["SOCME_URL", "SOCME_KEY", "SOCME_CA", "NO_COLOR"] {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", &self.home).env("TERM", "xterm-256color").env("TZ", "UTC");
    }
}

/// A terminal in which a command runs.
pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: std::thread::JoinHandle<()>,
    /// Up to where it was waited for something.
    read: usize,
}

impl Terminal {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script`, of bsdutils, makes a terminal");
        let (keys, mut screen) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&seen);
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = screen.read(&mut piece) {
                to.lock().expect("screen").extend_from_slice(&piece[..read]);
            }
        });
        Self { child, keys, seen, reader, read: 0 }
    }

    /// Waits for a question, and types the answer.
    pub fn answer(&mut self, question: &str, answer: &str) {
        let from = self.read;
        self.read = wait_for(&format!("«{question}» on the terminal"), Duration::from_secs(30), || {
            let seen = self.text();
            seen.get(from..)?.find(question).map(|at| from + at + question.len())
        });
        writeln!(self.keys, "{answer}").expect("type");
    }

    /// Waits for a question, and presses Ctrl-C.
    pub fn interrupt(&mut self, question: &str) {
        wait_for(&format!("«{question}» on the terminal"), Duration::from_secs(30), || {
            self.text().contains(question).then_some(())
        });
        self.keys.write_all(b"\x03").expect("type");
    }

    /// Waits for the end: exit code, and all that was on the screen.
    pub fn end(mut self) -> (i32, String) {
        let status = wait_for("the command to end", Duration::from_secs(30), || self.child.try_wait().expect("wait"));
        drop(self.keys);
        self.reader.join().expect("screen");
        let seen = String::from_utf8_lossy(&self.seen.lock().expect("screen")).into_owned();
        (status.code().unwrap_or(-1), seen)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("screen")).into_owned()
    }
}
