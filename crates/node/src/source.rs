//! One source: a followed file, and what its lines mean.

use std::time::SystemTime;

use jiff::Timestamp;
use tail::{Cursor, Family, Fill, Follower, Gap, Spec};
use wire::alert::{Alert, Severity, Source};
use wire::limit;
use wire::status::{SourceState, SourceStatus, SuricataStatus};

use crate::config::{Kind, SourceConfig, Start};
use crate::fold::Event;
use crate::normalise::{self, suricata, wazuh};

/// What a line is.
#[allow(clippy::large_enum_variant, reason = "made and used up line by line: a box would be an allocation for each")]
pub enum Line<'a> {
    /// An alert, with the fields by which it is folded.
    Alert(Found<'a>),
    /// Suricata's own figures.
    Stats(SuricataStatus),
    /// An event that is no alert.
    Event,
    /// Nothing that the source writes; says why.
    Bad(String),
}

/// An alert in a line.
pub enum Found<'a> {
    /// Of Suricata.
    Suricata(suricata::Key<'a>),
    /// Of Wazuh.
    Wazuh(wazuh::Key<'a>),
}

impl Found<'_> {
    /// The fields by which it is folded. `suricata`: the name of the source whose events Wazuh copies.
    #[must_use]
    pub fn event<'a>(&'a self, source: &'a str, suricata: &'a str, now: Timestamp) -> Event<'a> {
        match self {
            // A copy of what Suricata writes itself: told apart as that is, so that both are one alert.
            Self::Wazuh(key) if key.suricata().is_some() => {
                let data = key.suricata();
                let signature = data.and_then(|data| data.alert.as_ref()).map_or("", |alert| &alert.signature_id.0);
                Event {
                    source: suricata,
                    rule: signature,
                    from: data.map_or("", |data| &data.src_ip.0),
                    to: data.map_or("", |data| &data.dest_ip.0),
                    time: data.and_then(|data| normalise::time(&data.timestamp.0)).unwrap_or(now),
                    echo: true,
                    ..Event::default()
                }
            }
            Self::Suricata(key) => Event {
                source,
                rule: &key.alert.signature_id.0,
                from: &key.src_ip.0,
                to: &key.dest_ip.0,
                time: normalise::time(&key.timestamp.0).unwrap_or(now),
                ..Event::default()
            },
            Self::Wazuh(key) => Event {
                source,
                rule: key.rule.as_ref().map_or("", |rule| &rule.id.0),
                from: key.from(),
                to: key.to(),
                agent: &key.agent.id.0,
                host: &key.agent.name.0,
                user: key.user(),
                time: normalise::time(&key.timestamp.0).unwrap_or(now),
                echo: false,
            },
        }
    }
}

/// What is known of where reading a source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// As it was left.
    Known,
    /// Nothing was read of it yet.
    New,
    /// A source of this name was read that was another kind of thing, such as a file that is an indexer now: the place says
    /// nothing here.
    Foreign,
}

impl Place {
    /// The cursor that the spool has of a source.
    pub fn of<T: serde::de::DeserializeOwned>(cursor: Option<&serde_json::Value>) -> (Self, Option<T>) {
        match cursor.map(|cursor| serde_json::from_value(cursor.clone())) {
            None => (Self::New, None),
            Some(Ok(cursor)) => (Self::Known, Some(cursor)),
            Some(Err(_)) => (Self::Foreign, None),
        }
    }
}

/// A source that is being read.
pub struct Reading {
    /// Its name in the node's file.
    pub name: String,
    /// What it is.
    pub module: Source,
    /// How it is.
    pub status: SourceStatus,
    kind: Kind,
    spec: Spec,
    start: tail::Start,
    follower: Option<Follower>,
    sieve: suricata::Sieve,
    head: Vec<u8>,
}

impl Reading {
    /// A source that is not open yet.
    #[must_use]
    pub fn new(config: &SourceConfig) -> Self {
        let family = match config.kind {
            Kind::Suricata => Family::Logrotate,
            Kind::Wazuh if config.path.file_name().is_some_and(|name| name == "alerts.json") => Family::WazuhDaily,
            Kind::Wazuh | Kind::WazuhIndexer => Family::Logrotate,
        };
        let path = config.path.display().to_string();
        let status = SourceStatus { path, ..SourceStatus::missing(config.kind.module()) };
        let start = match config.start {
            Start::End => tail::Start::End,
            Start::Beginning => tail::Start::Beginning,
        };
        Self {
            name: config.name.clone(),
            module: config.kind.module(),
            status,
            kind: config.kind,
            spec: Spec { max_line: limit::LINE, ..Spec::new(&config.path, family) },
            start,
            follower: None,
            sieve: suricata::Sieve::default(),
            head: Vec::new(),
        }
    }

    /// Opens it anew at a cursor; without one, at its beginning or end as configured. So it does where the cursor is none of a
    /// file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(&mut self, cursor: Option<&serde_json::Value>) -> std::io::Result<Place> {
        let (place, cursor) = Place::of::<Cursor>(cursor);
        self.follower = None;
        self.follower = Some(Follower::open(self.spec.clone(), cursor, self.start)?);
        Ok(place)
    }

    /// True once it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.follower.is_some()
    }

    /// Where reading stands.
    #[must_use]
    pub fn cursor(&self) -> Option<serde_json::Value> {
        let cursor = self.follower.as_ref()?.cursor();
        serde_json::to_value(cursor).ok()
    }

    /// Reads on, and gives each line to `take` until it says to stop. True if there may be more.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(
        &mut self,
        now: Timestamp,
        gaps: &mut Vec<Gap>,
        take: &mut impl FnMut(&Meaning<'_>, &[u8]) -> bool,
    ) -> std::io::Result<bool> {
        let Some(follower) = &mut self.follower else { return Ok(false) };
        match follower.fill(SystemTime::try_from(now).unwrap_or_else(|_| SystemTime::now()))? {
            Fill::Lines => {
                let meaning = Meaning::new(self.kind, &self.sieve);
                let (mut last, mut events) = (0, 0);
                let mut head: &[u8] = &[];
                for (line, end) in follower.lines() {
                    (last, head) = (end, line);
                    events += 1;
                    if !line.is_empty() && !take(&meaning, line) {
                        break;
                    }
                }
                self.head.clear();
                self.head.extend_from_slice(&head[..head.len().min(96)]);
                follower.advance(last);
                self.status.events += events;
                self.status.state = SourceState::Behind;
                Ok(true)
            }
            Fill::Gap(gap) => {
                self.status.gaps += 1;
                gaps.push(gap);
                Ok(true)
            }
            Fill::Long(long) => {
                self.status.long_lines += 1;
                self.status.bad_sample = Some(format!(
                    "a line of {} bytes was skipped, at most {} are read: {}",
                    long.bytes,
                    limit::LINE,
                    shown(&long.head)
                ));
                Ok(true)
            }
            Fill::Idle => {
                self.status.state = SourceState::Live;
                Ok(false)
            }
            Fill::Missing => {
                self.status.state = SourceState::Missing;
                Ok(false)
            }
        }
    }

    /// The whole alert of a line. One that is nested too deeply to be read whole is an alert all the same.
    #[must_use]
    pub fn normalise(kind: Source, line: &str, event: &Event<'_>, now: Timestamp) -> Alert {
        let whole = match kind {
            Source::Wazuh => wazuh::alert(line, now),
            Source::Suricata | Source::Socme => suricata::alert(line, now),
        };
        whole.unwrap_or_else(|error| {
            let why = format!("this event cannot be read whole: {error}");
            let name = "Alert that cannot be read whole";
            let mut alert = crate::alarm::alarm(event.rule, name, Severity::Medium, why, now);
            (alert.module, alert.time, alert.last, alert.closed) = (kind, event.time, event.time, false);
            normalise::cut(line, limit::RAW).clone_into(&mut alert.raw);
            normalise::fit(&mut alert);
            alert
        })
    }

    /// Brings the status up to date.
    pub fn look(&mut self, now: Timestamp) {
        let Some(follower) = &self.follower else { return };
        match follower.lag() {
            Ok(lag) => self.status.lag_bytes = lag.bytes,
            Err(error) => self.status.error = Some(mend(&error, &self.status.path)),
        }
        if let Some(time) = event_time(&self.head) {
            self.status.last_event = Some(self.status.last_event.map_or(time, |last| last.max(time)));
        }
        let behind = self.status.lag_bytes > 0;
        self.status.lag_seconds = match (behind, self.status.last_event) {
            (true, Some(last)) => now.duration_since(last).as_secs_f64().max(0.0),
            _ => 0.0,
        };
        if !behind && self.status.state == SourceState::Behind {
            self.status.state = SourceState::Live;
        }
    }

    /// Notes that it cannot be read.
    pub fn failed(&mut self, error: &std::io::Error) {
        self.status.state = SourceState::Failed;
        self.status.error = Some(mend(error, &self.status.path));
    }
}

/// Counts lines that are not what the source writes; `line` is the latest of them.
pub fn mark_bad(status: &mut SourceStatus, lines: u64, line: &[u8], why: &str) {
    status.bad_lines += lines;
    status.bad_sample = Some(format!("{why}: {}", shown(line)));
}

/// Tells what a line is.
pub struct Meaning<'a> {
    kind: Kind,
    sieve: &'a suricata::Sieve,
}

impl<'a> Meaning<'a> {
    /// Of the lines of a source.
    #[must_use]
    pub fn new(kind: Kind, sieve: &'a suricata::Sieve) -> Self {
        Self { kind, sieve }
    }

    /// What a line is. `stats` are Suricata's figures so far.
    pub fn of<'l>(&self, line: &'l str, stats: Option<&SuricataStatus>) -> Line<'l> {
        match self.kind {
            Kind::Suricata => match self.sieve.kind(line.as_bytes()) {
                suricata::Kind::Other if line.starts_with('{') => Line::Event,
                suricata::Kind::Other => Line::Bad("this line is no JSON object".to_owned()),
                suricata::Kind::Stats => suricata::stats(line.as_bytes(), stats).map_or(Line::Event, Line::Stats),
                suricata::Kind::Alert => match serde_json::from_str::<suricata::Key<'_>>(line) {
                    Ok(key) if key.event_type.0 == "alert" => Line::Alert(Found::Suricata(key)),
                    Ok(_) => Line::Event,
                    Err(error) => Line::Bad(error.to_string()),
                },
            },
            Kind::Wazuh | Kind::WazuhIndexer => match serde_json::from_str::<wazuh::Key<'_>>(line) {
                Ok(key) if key.rule.is_some() => Line::Alert(Found::Wazuh(key)),
                Ok(_) => Line::Event,
                Err(error) => Line::Bad(error.to_string()),
            },
        }
    }
}

/// The head of a line, safe to print.
fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(200)]).escape_debug().to_string()
}

/// The time at the beginning of a line.
fn event_time(head: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(head.split(|b| *b >= 128).next()?).ok()?;
    let rest = text.split_once("\"timestamp\":")?.1.trim_start().strip_prefix('"')?;
    normalise::time(rest.split_once('"')?.0)
}

fn mend(error: &std::io::Error, path: &str) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            format!("{path} may not be read by this user: run `socme node doctor`, it names the group that is missing")
        }
        _ => format!("{path} cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_that_cannot_be_read_whole_is_one_that_the_core_takes() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for rule in [String::new(), "7".repeat(600)] {
            let line = format!(r#"{{"event_type":"alert","alert":{{"signature_id":"{rule}"}},"deep":{deep}}}"#);
            let now = Timestamp::now();
            let sieve = suricata::Sieve::default();
            let Line::Alert(found) = Meaning::new(Kind::Suricata, &sieve).of(&line, None) else { panic!("an alert") };
            let alert = Reading::normalise(Source::Suricata, &line, &found.event("eve", "eve", now), now);
            assert_eq!(alert.rule.name, "Alert that cannot be read whole");
            assert_eq!(alert.check(), Ok(()));
        }
    }
}
