//! The questions, and how long their answers took.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use store::{AlertId, Ask, Client, ClientId, Scope, Store};

use crate::made::{self, DAYS, Dice};
use crate::{LIST, OTHER};

/// Rows of a page, as the API has it.
const ROWS: usize = 50;
/// How many of 30 clients an asker sees.
const ASKERS: [usize; 3] = [1, 3, 29];

/// A question: its name, and how it is made.
type Kind = (&'static str, fn(&mut Dice, &Seen) -> Question);

enum Question {
    List(String),
    /// A page that no index gives: rows are looked at one by one.
    Search(String),
    /// The page below an alert that arrived then.
    Deep(String),
    Count(String),
    Histogram(String, i64),
    Facets(String),
    Detail,
}

/// One of the clients that an asker sees.
struct Seen {
    place: usize,
    slug: String,
}

const KINDS: [Kind; 26] = [
    ("first page", |_, _| Question::List(String::new())),
    ("next page, deep in", |_, _| Question::Deep(String::new())),
    ("by severity", |dice, _| Question::List(format!("severity:{}", severity(dice)))),
    ("by severity, deep in", |dice, _| Question::Deep(format!("severity:{}", severity(dice)))),
    ("by client", |_, seen| Question::List(format!("client:{}", seen.slug))),
    ("by source", |dice, _| Question::List(format!("source:{}", dice.pick(&["suricata", "wazuh"])))),
    ("by state", |dice, _| Question::List(format!("state:{}", dice.pick(&["open", "acknowledged", "closed"])))),
    ("by rule", |dice, _| Question::List(format!("rule:{}", rule(dice)))),
    ("by node", |dice, seen| Question::List(format!("node:node-{}-{}", seen.place, dice.below(2)))),
    ("by address", |dice, seen| Question::List(format!("ip:{}", address(dice, seen)))),
    ("by host", |dice, seen| Question::List(format!("host:{}", made::host(dice, seen.place)))),
    ("by user", |dice, _| Question::List(format!("user:{}", dice.pick(&["root", "backup", "administrator"])))),
    ("by network, no index", |dice, seen| Question::Search(format!("ip:10.{}.{}.0/24", seen.place, dice.below(4)))),
    ("since a day", |_, _| Question::List("after:24h".into())),
    ("frequent word", |dice, _| Question::List(dice.pick(&["scan", "sshd", "attempt", "failed"]).into())),
    ("frequent word, deep in", |dice, _| Question::Deep(dice.pick(&["scan", "sshd", "attempt"]).into())),
    ("rare word", |dice, _| Question::List(made::rare_word(dice))),
    ("a word that is nowhere", |dice, _| Question::List(format!("nowhere{}", dice.below(1_000)))),
    ("severity:critical state:open", |_, _| Question::List("severity:critical state:open".into())),
    ("word and client", |dice, seen| {
        Question::List(format!("{} client:{}", dice.pick(&["scan", "sshd", "attempt"]), seen.slug))
    }),
    ("rule and state", |dice, _| Question::Search(format!("rule:{} state:open", rule(dice)))),
    ("count", |dice, _| Question::Count(dice.pick(&["", "state:open", "severity>=high", "scan"]).into())),
    ("histogram, 24 hours", |dice, _| Question::Histogram(chart(dice), 24)),
    ("histogram, 30 days", |dice, _| Question::Histogram(chart(dice), 720)),
    ("facets", |dice, _| Question::Facets(chart(dice))),
    ("one alert", |_, _| Question::Detail),
];

fn severity(dice: &mut Dice) -> &'static str {
    dice.pick(&["low", "medium", "high", "critical"])
}

fn rule(dice: &mut Dice) -> String {
    made::rule_id(made::rule(dice))
}

fn address(dice: &mut Dice, seen: &Seen) -> String {
    if dice.below(2) == 0 { made::inside(dice, seen.place) } else { made::outside(dice) }
}

fn chart(dice: &mut Dice) -> String {
    dice.pick(&["", "state:open", "severity>=high", "source:suricata"]).into()
}

pub(crate) struct Asking {
    store: Store,
    clients: Vec<Client>,
    repetitions: u64,
}

impl Asking {
    pub(crate) fn new(store: Store, clients: Vec<Client>, repetitions: u64) -> Self {
        Self { store, clients, repetitions }
    }

    pub(crate) async fn all(&self, only: &str) {
        println!(
            "\nMilliseconds: median, 95th and 99th percentile of {} questions each, one after another",
            self.repetitions
        );
        println!("| {:<28} | {:^25} | {:^25} | {:^25} |", "", "1 client", "3 clients", "29 of 30");
        println!("|{:-<30}|{:-<27}|{:-<27}|{:-<27}|", "", "", "", "");
        let mut missed = Vec::new();
        for (name, make) in KINDS.into_iter().filter(|(name, _)| name.contains(only)) {
            let mut line = format!("| {name:<28} |");
            for asker in ASKERS {
                let (mut times, aim) = self.times(make, asker).await;
                times.sort_unstable();
                let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
                let good = at(0.95) <= aim;
                let ms = |time: Duration| time.as_secs_f64() * 1e3;
                line += &format!(
                    " {:>6.1} {:>7.1} {:>7.1}  {} |",
                    ms(at(0.5)),
                    ms(at(0.95)),
                    ms(at(0.99)),
                    if good { "✓" } else { "✗" }
                );
                if !good {
                    missed.push(format!("{name} for {asker}: {:.0} ms, aim {:.0}", ms(at(0.95)), ms(aim)));
                }
            }
            println!("{line}");
        }
        if missed.is_empty() {
            println!("\nEach is within its aim at the 95th percentile: a list 50 ms, anything else 300 ms.");
        } else {
            println!("\nMissed at the 95th percentile:\n  {}", missed.join("\n  "));
        }
    }

    /// How long each repetition took, and how long it may.
    async fn times(&self, make: fn(&mut Dice, &Seen) -> Question, asker: usize) -> (Vec<Duration>, Duration) {
        let mut dice = Dice(asker as u64);
        let (mut times, mut aim) = (Vec::new(), LIST);
        for _ in 0..self.repetitions {
            let mut places: Vec<usize> = (0..self.clients.len()).collect();
            while places.len() > asker {
                places.swap_remove(dice.below(places.len() as u64) as usize);
            }
            let ids = places.iter().map(|place| self.clients[*place].id);
            let scope = Scope::internal("a benchmark").narrowed(ids);
            let place = dice.pick(&places);
            let seen = Seen { place, slug: self.clients[place].slug.clone() };
            let question = make(&mut dice, &seen);
            if !matches!(question, Question::List(_) | Question::Deep(_)) {
                aim = OTHER;
            }
            times.push(self.time(&mut dice, &scope, question).await);
        }
        (times, aim)
    }

    async fn time(&self, dice: &mut Dice, scope: &Scope, question: Question) -> Duration {
        let now = made::end();
        let parse = |text: &str| query::parse(text).expect("a query");
        match question {
            Question::List(text) | Question::Search(text) => {
                let begun = Instant::now();
                self.store.alerts(scope, ask(&text, None)).await.expect("a page");
                begun.elapsed()
            }
            Question::Deep(text) => {
                let before = self.somewhere(dice, scope).await.map(|(_, id)| id);
                let begun = Instant::now();
                self.store.alerts(scope, ask(&text, before)).await.expect("a page");
                begun.elapsed()
            }
            Question::Count(text) => {
                let begun = Instant::now();
                self.store.count_alerts(scope, ask(&text, None)).await.expect("a count");
                begun.elapsed()
            }
            Question::Histogram(text, hours) => {
                let begun = Instant::now();
                self.store.histogram(scope, parse(&text), TimeZone::UTC, now, hours).await.expect("a histogram");
                begun.elapsed()
            }
            Question::Facets(text) => {
                let begun = Instant::now();
                self.store.facets(scope, parse(&text), TimeZone::UTC, now).await.expect("facets");
                begun.elapsed()
            }
            Question::Detail => {
                let (client, id) = self.somewhere(dice, scope).await.expect("an alert");
                let begun = Instant::now();
                self.store.alert(scope, client, id).await.expect("an alert");
                begun.elapsed()
            }
        }
    }

    /// An alert from any of the days.
    async fn somewhere(&self, dice: &mut Dice, scope: &Scope) -> Option<(ClientId, AlertId)> {
        let minutes = 60 + dice.below((DAYS as u64 - 2) * 1_440) as i64;
        let text = format!("before:{}", (made::end() - SignedDuration::from_mins(minutes)).strftime("%FT%T"));
        let ask = Ask { limit: 1, ..ask(&text, None) };
        let page = self.store.alerts(scope, ask).await.expect("a page");
        page.alerts.first().map(|row| (row.client, row.id))
    }
}

fn ask(text: &str, before: Option<AlertId>) -> Ask {
    let query = query::parse(text).expect("a query");
    Ask { query, zone: TimeZone::UTC, now: made::end(), before, after: None, limit: ROWS }
}
