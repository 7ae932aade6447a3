//! Where lines become alerts: folded into one that there is already, or written as a new one.

use std::sync::Arc;

use jiff::Timestamp;
use wire::alert::{Alert, Source};
use wire::status::SuricataStatus;

use super::{Pending, Shared};
use crate::config::Config;
use crate::fold::{Folder, Verdict};
use crate::policy::Policy;
use crate::source::{Found, Line, Meaning, Reading};

/// What lines of one source came to.
#[derive(Default)]
pub(super) struct Tally {
    /// Alerts.
    pub(super) alerts: u64,
    /// Lines that are not what the source writes.
    pub(super) lines: u64,
    /// The head of the latest of them, and why.
    pub(super) bad: Option<(Vec<u8>, String)>,
}

/// All that is needed to take in a line.
pub(super) struct Desk<'a> {
    pub(super) folder: &'a mut Folder,
    pub(super) pending: &'a mut Pending,
    pub(super) stats: &'a mut Option<SuricataStatus>,
    pub(super) policy: &'a Policy,
    pub(super) config: &'a Config,
    pub(super) shared: &'a Arc<Shared>,
    /// The number that the first pending record will have.
    pub(super) next: u64,
    pub(super) now: Timestamp,
}

impl Desk<'_> {
    /// Takes in a line of a source of this name and kind.
    pub(super) fn take(&mut self, name: &str, kind: Source, meaning: &Meaning<'_>, line: &[u8], tally: &mut Tally) {
        let text = String::from_utf8_lossy(line);
        match meaning.of(&text, self.stats.as_ref()) {
            Line::Event => {}
            Line::Stats(found) => *self.stats = Some(found),
            Line::Bad(why) => {
                tally.lines += 1;
                tally.bad = Some((line[..line.len().min(200)].to_vec(), why));
                if kind == Source::Wazuh {
                    // The manager died within the line, and went on in it when it was back.
                    for piece in wazuh::alerts::whole_alerts(&text) {
                        if let Line::Alert(found) = meaning.of(piece, None) {
                            self.take_alert(name, kind, piece, &found, tally);
                        }
                    }
                }
            }
            Line::Alert(found) => self.take_alert(name, kind, &text, &found, tally),
        }
    }

    /// Takes in an alert.
    fn take_alert(&mut self, name: &str, kind: Source, text: &str, found: &Found<'_>, tally: &mut Tally) {
        let event = found.event(name, self.config.echoed().unwrap_or("suricata"), self.now);
        let module = if event.echo { Source::Suricata } else { kind };
        let (window, second) = (self.config.fold.window(module, event.rule), self.now.as_second());
        let verdict = self.folder.see(&event, window, second);
        tally.alerts += 1;
        let whole = || Reading::normalise(kind, text, &event, self.now);
        match verdict {
            Verdict::Grown(key, true) => {
                let sample = self.policy.sample(whole());
                self.pending.weight += sample.raw.len();
                self.folder.sample(key, sample);
            }
            Verdict::Grown(_, false) => {}
            Verdict::New(fold, key) => {
                let alert = Alert { fold, ..whole() };
                let number = self.next + self.pending.records.len() as u64;
                self.folder.opened(key, number, (event.time, event.echo), second);
                self.pending.weight += text.len();
                self.push(alert);
            }
            Verdict::Alone => {
                let alert = Alert { closed: true, ..whole() };
                self.pending.weight += text.len();
                self.push(alert);
            }
        }
    }

    /// Writes an alert that stands for itself.
    pub(super) fn push(&mut self, alert: Alert) {
        self.pending.push(alert, self.policy, self.shared);
    }

    /// True if no more would fit a transaction.
    pub(super) fn full(&self) -> bool {
        self.pending.full(self.folder)
    }
}
