//! A Wazuh manager as far as its `alerts.json` goes: analysisd, which writes it, and monitord, which compresses what is over.
//! It lives by a clock that is handed to it, and can die between any two bytes.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::Dice;
use super::ledger::Ledger;

/// The manager's. It survives its deaths: what dies is [`Manager::out`].
pub struct Manager {
    logs: PathBuf,
    clock: Timestamp,
    zone: TimeZone,
    dice: Dice,
    ledger: Ledger,
    first_rule: u64,
    alerts: u64,
    /// The file that it writes; none while it is dead.
    out: Option<Out>,
    /// Files of days that are over, plain.
    over: Vec<PathBuf>,
    pub deaths: u64,
}

struct Out {
    path: PathBuf,
    file: File,
    day: Date,
    part: u32,
    /// What stdio has not handed to the system, and the rules of the alerts that end in it.
    buffer: Vec<u8>,
    ends: Vec<(usize, u64)>,
}

impl Manager {
    /// A manager that runs. Each of its alerts has a rule of its own: the first one `first_rule`.
    pub fn start(logs: &Path, clock: Timestamp, first_rule: u64, seed: u64, ledger: Ledger) -> Self {
        let zone = TimeZone::fixed(Offset::from_seconds(7200).expect("an offset"));
        let (dice, logs) = (Dice::new(seed), logs.to_owned());
        let mut manager =
            Self { logs, clock, zone, dice, ledger, first_rule, alerts: 0, out: None, over: Vec::new(), deaths: 0 };
        manager.live();
        manager
    }

    /// Starts it, if it is dead: the day's file is opened again, or the newest part of it, and the name is linked anew.
    pub fn live(&mut self) {
        if self.out.is_none() {
            let day = self.today();
            let part = (1..).take_while(|part| self.file(day, *part).exists()).last().unwrap_or(0);
            self.open(day, part);
        }
    }

    /// SIGKILL: what stdio held is lost, so the file may end within a line.
    pub fn die(&mut self) {
        if self.out.take().is_some() {
            self.deaths += 1;
        }
    }

    /// Time passes, and alerts are written; some of their bytes stay in the buffer.
    pub fn write(&mut self, alerts: u64) {
        for _ in 0..alerts {
            self.clock += SignedDuration::from_millis(i64::try_from(self.dice.below(900)).expect("small"));
            if self.out.as_ref().is_some_and(|out| out.day != self.today()) {
                self.turn_over();
            }
            let rule = self.first_rule + self.alerts;
            self.alerts += 1;
            let line = self.line(rule);
            let Some(out) = &mut self.out else { continue };
            out.buffer.extend_from_slice(line.as_bytes());
            out.ends.push((out.buffer.len(), rule));
            out.buffer.push(b'\n');
        }
        let Some(out) = &mut self.out else { return };
        // Once a second all of it, else where the buffer is full: within a line.
        let all = out.buffer.len();
        let bytes =
            if self.dice.once_in(2) { all } else { usize::try_from(self.dice.below(all as u64 + 1)).expect("small") };
        out.spill(bytes, &self.ledger);
    }

    /// Its clock goes on to the next midnight and some seconds.
    pub fn midnight(&mut self) {
        let next = self.today().tomorrow().expect("a day").to_zoned_datetime(self.zone.clone()).expect("midnight");
        let after = i64::try_from(self.dice.below(5_000)).expect("small");
        self.clock = next.timestamp() + SignedDuration::from_millis(after);
        if self.out.is_some() {
            self.turn_over();
        }
    }

    /// The file of the day is large enough: the next part is begun.
    pub fn rotate(&mut self) {
        self.flush();
        let written = |out: &&Out| out.file.metadata().expect("metadata").len() > 0;
        if let Some((day, part)) = self.out.as_ref().filter(written).map(|out| (out.day, out.part)) {
            self.close();
            self.link(day, part + 1);
        }
    }

    /// monitord compresses what is over. It may die while it does: then a part of the compressed file lies beside the plain one.
    pub fn compress(&mut self) {
        while let Some(plain) = self.over.pop() {
            let Ok(bytes) = fs::read(&plain) else { continue };
            let packed = plain.with_extension("json.gz");
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&bytes).expect("compress");
            let whole = gzip.finish().expect("compress");
            fs::write(plain.with_extension("json.sum"), "the sums\n").expect("write");
            if self.dice.once_in(5) {
                let some = usize::try_from(self.dice.below(whole.len() as u64)).expect("small");
                fs::write(&packed, &whole[..some]).expect("write");
                self.over.push(plain);
                return self.die();
            }
            fs::write(&packed, &whole).expect("write");
            fs::remove_file(&plain).expect("unlink");
        }
    }

    /// All that it has is in the file.
    pub fn flush(&mut self) {
        if let Some(out) = &mut self.out {
            out.spill(out.buffer.len(), &self.ledger);
        }
    }

    /// A new day: the old file is closed, the name leads to the new one.
    fn turn_over(&mut self) {
        let over = self.out.as_ref().map(|out| out.day);
        self.close();
        if let Some(day) = over {
            let parts = (0..).map(|part| self.file(day, part)).take_while(|file| file.exists());
            self.over.extend(parts.collect::<Vec<_>>());
        }
        let day = self.today();
        self.link(day, 0);
    }

    fn close(&mut self) {
        self.flush();
        if let Some(out) = self.out.take()
            && out.file.metadata().expect("metadata").len() == 0
        {
            fs::remove_file(&out.path).expect("unlink");
        }
    }

    /// Opens a file, unless it dies within: before the name is unlinked, or before it is linked again.
    fn link(&mut self, day: Date, part: u32) {
        if self.dice.once_in(8) {
            self.deaths += 1;
            if self.dice.once_in(2) {
                let _ = fs::remove_file(self.live_name());
            }
            return;
        }
        self.open(day, part);
    }

    fn open(&mut self, day: Date, part: u32) {
        let path = self.file(day, part);
        fs::create_dir_all(path.parent().expect("folder")).expect("create folders");
        let file = File::options().create(true).append(true).open(&path).expect("open for appending");
        let _ = fs::remove_file(self.live_name());
        fs::hard_link(&path, self.live_name()).expect("link");
        self.out = Some(Out { path, file, day, part, buffer: Vec::new(), ends: Vec::new() });
    }

    fn today(&self) -> Date {
        self.clock.to_zoned_datetime(self.zone.clone()).date()
    }

    fn live_name(&self) -> PathBuf {
        self.logs.join("alerts.json")
    }

    fn file(&self, day: Date, part: u32) -> PathBuf {
        let name = match part {
            0 => day.strftime("ossec-alerts-%d.json").to_string(),
            part => format!("{}-{part:03}.json", day.strftime("ossec-alerts-%d")),
        };
        self.logs.join(day.strftime("%Y/%b").to_string()).join(name)
    }

    fn line(&mut self, rule: u64) -> String {
        // Now and then an event is as large as they come.
        let length = if self.dice.once_in(60) { 70_000 } else { self.dice.below(300) };
        wazuh_line(&mut self.dice, rule, length, &self.clock.to_zoned_datetime(self.zone.clone()), "here")
    }
}

impl Out {
    /// Hands so many bytes to the system. An alert counts as written once all of it is.
    fn spill(&mut self, bytes: usize, ledger: &Ledger) {
        self.file.write_all(&self.buffer[..bytes]).expect("write alerts.json");
        self.buffer.drain(..bytes);
        self.ends.retain_mut(|(end, rule)| {
            let written = *end <= bytes;
            if written {
                ledger.note("wazuh", &rule.to_string());
            }
            *end = end.saturating_sub(bytes);
            !written
        });
    }
}

/// An alert as a manager of this name writes it, with so many bytes of a log.
pub fn wazuh_line(dice: &mut Dice, rule: u64, length: u64, at: &jiff::ZonedDateTime, manager: &str) -> String {
    let (agent, from) = (1 + dice.below(6), dice.below(9));
    let padding = "x".repeat(usize::try_from(length).expect("small"));
    format!(
        r#"{{"timestamp":"{}","rule":{{"level":{},"description":"sshd: story {rule}","id":"{rule}","firedtimes":1,"mail":false,"groups":["syslog","sshd"]}},"agent":{{"id":"{agent:03}","name":"host-{agent}","ip":"10.3.0.{agent}"}},"manager":{{"name":"{manager}"}},"id":"{}.{rule}","cluster":{{"name":"wazuh","node":"node01"}},"full_log":"sshd[99]: Failed password from 203.0.113.{from} {padding}","decoder":{{"parent":"sshd","name":"sshd"}},"data":{{"timestamp":"a nested one","srcip":"203.0.113.{from}"}},"location":"/var/log/auth.log"}}"#,
        at.strftime("%Y-%m-%dT%H:%M:%S.%3f%z"),
        3 + rule % 13,
        at.timestamp().as_second(),
    )
}
