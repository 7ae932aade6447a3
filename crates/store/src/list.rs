//! Lists of alerts: newest first, page after page, whatever the filter.
//!
//! # How
//! A query is read as *arms* and *leftovers*. Each arm walks one index from the latest number down: for one client, the
//! most selective of an entity, some words, a rule, a node, or a state and severity. The arms are merged by number, so
//! that rows come in order of arrival without sorting; leftovers are held against each row. Nothing is counted or skipped
//! over, so the thousandth page costs what the first does. A walk that takes too long ends with what it has, and says how
//! far it came: the next page goes on from there.

use std::collections::{BTreeMap, BinaryHeap};
use std::time::{Duration, Instant};

use crate::engine::sql::{Row, Sql, Value, params, row};
use jiff::{Timestamp, tz::TimeZone};
use query::{Condition, Query, Term};

use crate::alerts::{self, AlertRow, State, severity_from_code};
use crate::bodies::{Unpacker, module_from_code};
use crate::clock::from_millis;
use crate::engine::writer::Shared;
use crate::facts::{About, Facts, normal};
use crate::id::{AlertId, ClientId, NodeId, stamp_at, stamp_millis};
use crate::{Reach, Result, Scope, Store, nodes, postings, rules, search};

/// Most rows of a page.
pub const PAGE: usize = 200;
/// Most that is counted.
pub const COUNT: usize = 1_000;
/// How long a walk may take.
const LONGEST: Duration = if cfg!(test) { Duration::from_secs(20) } else { Duration::from_millis(250) };
/// Numbers that an arm fetches at once, at most: with many arms, each begins with fewer and doubles.
const FETCH: i64 = 64;
const FETCH_FIRST: i64 = 4;
/// With PostgreSQL all arms fetch at once: so many numbers together at first.
const ROWS: i64 = 2_000;

/// What to list.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The filter.
    pub query: Query,
    /// Moments in it are as seen by somebody in this zone…
    pub zone: TimeZone,
    /// …at this time.
    pub now: Timestamp,
    /// Only alerts that arrived before this one: the cursor of the page before.
    pub before: Option<AlertId>,
    /// Only alerts that arrived after this one.
    pub after: Option<AlertId>,
    /// At most so many.
    pub limit: usize,
}

/// Some alerts, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The alerts.
    pub alerts: Vec<AlertRow>,
    /// Where the next page begins; none if there is none.
    pub next: Option<AlertId>,
    /// How far back the walk came before it took too long; none if it did not.
    pub searched_to: Option<Timestamp>,
    /// The latest alert of all clients in scope when the page was read: what comes after it is new.
    pub newest: AlertId,
}

impl Store {
    /// A page of alerts.
    ///
    /// # Errors
    /// The database fails.
    pub async fn alerts(&self, scope: &Scope, ask: Ask) -> Result<Page> {
        let (scope, shared) = (scope.clone(), self.0.shared.clone());
        self.read("alerts", move |sql| {
            let newest = newest(sql, &shared, ask.now)?;
            let limit = ask.limit.clamp(1, PAGE);
            let mut walk = Walk::new(sql, &shared, &scope, &ask)?;
            let (mut found, mut more) = (Vec::with_capacity(limit), false);
            while let Some(one) = walk.next()? {
                if found.len() == limit {
                    more = true;
                    break;
                }
                found.push(one);
            }
            let stopped = walk.stopped.filter(|_| !more);
            let alerts = rows_of(sql, &shared, found)?;
            let mut next = alerts.last().map(|row: &AlertRow| row.id).filter(|_| more);
            let mut searched_to = None;
            if let Some((number, stamp)) = stopped {
                next = Some(shared.cipher.id(stamp, number));
                searched_to = Some(from_millis(stamp_millis(stamp)));
            }
            Ok(Page { alerts, next, searched_to, newest })
        })
        .await
    }

    /// How many alerts there are, up to [`COUNT`]; true if there are more, or if the walk took too long.
    ///
    /// # Errors
    /// The database fails.
    pub async fn count_alerts(&self, scope: &Scope, ask: Ask) -> Result<(usize, bool)> {
        let (scope, shared) = (scope.clone(), self.0.shared.clone());
        self.read("count alerts", move |sql| {
            let mut walk = Walk::new(sql, &shared, &scope, &ask)?;
            let mut count = 0;
            while count <= COUNT && walk.next()?.is_some() {
                count += 1;
            }
            Ok((count.min(COUNT), count > COUNT || walk.stopped.is_some()))
        })
        .await
    }
}

/// Number and client of each alert that a query finds, latest first; none if there are more than `most`, or if finding them takes too
/// long.
pub(crate) fn numbers(
    sql: Sql<'_>,
    shared: &Shared,
    scope: &Scope,
    ask: &Ask,
    most: usize,
) -> Result<Option<Vec<(i64, ClientId)>>> {
    let mut walk = Walk::new(sql, shared, scope, ask)?;
    let mut numbers = Vec::new();
    while let Some(found) = walk.next()? {
        if numbers.len() == most || walk.began.elapsed() > LONGEST {
            return Ok(None);
        }
        numbers.push((found.number, found.client));
    }
    Ok(walk.stopped.is_none().then_some(numbers))
}

/// What comes after this is new: nothing will appear before it any more.
fn newest(sql: Sql<'_>, shared: &Shared, now: Timestamp) -> Result<AlertId> {
    let (number, stamp) = match sql {
        Sql::Sqlite(_) => crate::memory::high_water(sql)?,
        // Other replicas may have taken lower numbers and not committed yet; it must be asked before the snapshot is taken. Only
        // the number matters where it is asked with.
        Sql::Postgres(line) => (line.settled()?, stamp_at(now.as_millisecond())),
    };
    Ok(shared.cipher.id(stamp, number))
}

/// An alert that was found; with its row, where that was looked at.
struct Found {
    number: i64,
    client: ClientId,
    row: Option<AlertRow>,
}

/// Their rows, without those that have gone meanwhile.
fn rows_of(sql: Sql<'_>, shared: &Shared, found: Vec<Found>) -> Result<Vec<AlertRow>> {
    let unread: Vec<_> = found.iter().filter(|one| one.row.is_none()).map(|one| (one.number, one.client)).collect();
    let mut read = alerts::rows(sql, shared, &unread)?.into_iter();
    Ok(found.into_iter().filter_map(|one| one.row.or_else(|| read.next().flatten())).collect())
}

/// The alerts that a query finds, latest first.
struct Walk<'a> {
    sql: Sql<'a>,
    shared: &'a Shared,
    arms: Vec<Arm>,
    heap: BinaryHeap<(i64, usize)>,
    leftovers: Leftovers,
    snapshot: crate::bodies::Snapshot,
    /// What was looked at and fits, latest last.
    ready: Vec<Found>,
    last: Option<i64>,
    began: Instant,
    looked: u32,
    /// Where it stopped because it took too long: number and stamp.
    stopped: Option<(i64, i64)>,
}

/// One index that is walked down.
struct Arm {
    /// Whose alerts it finds; none if they are of several clients, all of them in scope.
    client: Option<ClientId>,
    by: By,
    /// Fetched numbers, latest last; with the client if the index tells.
    ready: Vec<(i64, Option<ClientId>)>,
    /// Numbers below this are not fetched yet…
    below: i64,
    /// …and those at or below this are not wanted.
    above: i64,
    ended: bool,
    /// How many are fetched next.
    fetch: i64,
}

#[derive(Clone)]
enum By {
    /// The client's alerts in one state and severity.
    State(i64, i64),
    Rule(i64),
    Node(NodeId),
    Entity(i64),
    /// Words, as the text index takes them; the clients are within.
    Words(search::Wanted),
}

/// What no index decided.
struct Leftovers {
    terms: Vec<Term>,
    /// Those of them that need the whole alert.
    whole: bool,
    clients: BTreeMap<ClientId, (String, String)>,
    now: Timestamp,
    zone: TimeZone,
}

impl<'a> Walk<'a> {
    fn new(sql: Sql<'a>, shared: &'a Shared, scope: &Scope, ask: &Ask) -> Result<Self> {
        let names = client_names(sql, scope)?;
        let clients = chosen_clients(&ask.query, &names);
        let bounds = Bounds::new(sql, shared, ask, &clients)?;
        let plan = Plan::new(sql, shared, &ask.query, &clients)?;
        let count = plan.arms.len().max(1) as i64;
        let fetch = match sql {
            Sql::Sqlite(_) => (FETCH / count).clamp(FETCH_FIRST, FETCH),
            // A statement costs more than the rows it brings.
            Sql::Postgres(_) => (ROWS / count).clamp(FETCH_FIRST, 4 * FETCH),
        };
        let arms: Vec<Arm> = plan
            .arms
            .into_iter()
            .map(|(client, by, from)| {
                let (above, below) = bounds.of(client);
                Arm { client, by, ready: Vec::new(), below, above: above.max(from), ended: false, fetch }
            })
            .collect();
        let whole = plan.leftovers.iter().any(|term| needs_whole(&term.condition));
        let leftovers =
            Leftovers { terms: plan.leftovers, whole, clients: names, now: ask.now, zone: ask.zone.clone() };
        let mut walk = Self {
            sql,
            shared,
            arms,
            heap: BinaryHeap::new(),
            leftovers,
            snapshot: shared.dictionaries.snapshot(),
            ready: Vec::new(),
            last: None,
            began: Instant::now(),
            looked: 0,
            stopped: None,
        };
        fetch_all(sql, &mut walk.arms, |_| true)?;
        for index in 0..walk.arms.len() {
            walk.advance(index)?;
        }
        Ok(walk)
    }

    fn next(&mut self) -> Result<Option<Found>> {
        loop {
            if let Some(found) = self.ready.pop() {
                return Ok(Some(found));
            }
            if self.stopped.is_some() {
                return Ok(None);
            }
            let Some((number, client)) = self.candidate()? else { return Ok(None) };
            if self.leftovers.terms.is_empty() {
                return Ok(Some(Found { number, client, row: None }));
            }
            let mut candidates = vec![(number, client)];
            while candidates.len() < self.at_once()
                && let Some(more) = self.candidate()?
            {
                candidates.push(more);
            }
            self.look(&candidates)?;
            let last = candidates.last().copied().unwrap_or((number, client));
            self.looked += candidates.len() as u32;
            let fits = self.ready.first().is_some_and(|found| found.number == last.0);
            if !fits && (candidates.len() > 1 || self.looked.is_multiple_of(32)) && self.began.elapsed() > LONGEST {
                let sql = "SELECT stamp FROM alert WHERE number = ?1 AND client = ?2";
                let stamp = self.sql.number(sql, params![last.0, last.1])?;
                self.stopped = Some((last.0, stamp));
            }
        }
    }

    /// How many candidates are looked at together.
    fn at_once(&self) -> usize {
        match self.sql {
            // Each as it comes.
            Sql::Sqlite(_) => 1,
            // By one statement: few at first, for the first may do.
            Sql::Postgres(_) => (16 + self.looked as usize).min(256),
        }
    }

    /// The next number that the indexes find.
    fn candidate(&mut self) -> Result<Option<(i64, ClientId)>> {
        while let Some((number, index)) = self.heap.pop() {
            let arm = &mut self.arms[index];
            let client = arm.ready.pop().and_then(|(_, client)| client).or(arm.client);
            self.advance(index)?;
            // Two arms may find the same alert (two addresses of one network).
            if self.last == Some(number) {
                continue;
            }
            self.last = Some(number);
            let Some(client) = client.map_or_else(|| self.client_of(number), |client| Ok(Some(client)))? else {
                continue;
            };
            return Ok(Some((number, client)));
        }
        Ok(None)
    }

    /// Whose an alert is, if that client is in scope.
    fn client_of(&self, number: i64) -> Result<Option<ClientId>> {
        let sql = "SELECT client FROM alert WHERE number = ?1 /* across clients: to see whether it is in scope */";
        let client = self.sql.one(sql, [number], |row| row.get(0))?;
        Ok(client.filter(|client| self.leftovers.clients.contains_key(client)))
    }

    /// Puts an arm's next number on the heap; it stays with the arm until it is taken from there.
    fn advance(&mut self, index: usize) -> Result<()> {
        if self.arms[index].ready.is_empty() && !self.arms[index].ended {
            match self.sql {
                Sql::Sqlite(_) => fetch_all(self.sql, &mut self.arms[index..=index], |_| true)?,
                // All that will soon be empty, by the same statement. Those that have some left are on the heap already.
                Sql::Postgres(_) => fetch_all(self.sql, &mut self.arms, |arm| arm.ready.len() < 8)?,
            }
        }
        if let Some((number, _)) = self.arms[index].ready.last() {
            self.heap.push((*number, index));
        }
        Ok(())
    }

    /// Looks at candidates; those that fit are ready.
    fn look(&mut self, candidates: &[(i64, ClientId)]) -> Result<()> {
        let rows = alerts::rows(self.sql, self.shared, candidates)?;
        let alerts = if self.leftovers.whole {
            let mut unpacker = Unpacker::new(&self.shared.dictionaries, &self.snapshot);
            unpacker.load_many(self.sql, candidates)?
        } else {
            rows.iter().map(|row| row.as_ref().map(bare)).collect()
        };
        for ((row, alert), (number, client)) in rows.into_iter().zip(alerts).zip(candidates).rev() {
            let (Some(row), Some(alert)) = (row, alert) else { continue };
            if self.fits(&row, &alert, *client) {
                self.ready.push(Found { number: *number, client: *client, row: Some(row) });
            }
        }
        Ok(())
    }

    fn fits(&self, row: &AlertRow, alert: &wire::Alert, client: ClientId) -> bool {
        let (slug, name) = self.leftovers.clients.get(&client).cloned().unwrap_or_default();
        let facts = Facts {
            alert,
            client: [&slug, &name],
            node: row.node_name.as_deref(),
            state: row.state,
            arrived: row.arrived,
        };
        let query = Query { terms: self.leftovers.terms.clone() };
        query.matches(&facts, self.leftovers.now, &self.leftovers.zone)
    }
}

/// As much of an alert as its row tells: enough for terms that need no more.
fn bare(row: &AlertRow) -> wire::Alert {
    let mut alert = wire::Alert::bare(row.time);
    alert.module = row.module;
    alert.severity = row.severity;
    alert.rule.id.clone_from(&row.rule_id);
    alert
}

fn needs_whole(condition: &Condition) -> bool {
    matches!(
        condition,
        Condition::Ip(_)
            | Condition::Host(_)
            | Condition::User(_)
            | Condition::Hash(_)
            | Condition::Domain(_)
            | Condition::Text(_)
    )
}

/// Fetches the next numbers for those of the arms that want some and have not ended: by one statement for each kind of index, where
/// the database can.
fn fetch_all(sql: Sql<'_>, arms: &mut [Arm], wants: impl Fn(&Arm) -> bool) -> Result<()> {
    let (mut states, mut rules, mut nodes, mut entities) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (index, arm) in arms.iter_mut().enumerate() {
        if arm.ended || !wants(arm) {
            continue;
        }
        let (below, above, fetch) = (arm.below, arm.above, arm.fetch);
        match (&arm.by, arm.client) {
            (By::Words(words), _) => {
                let found = search::below(sql, words, below, above, fetch)?;
                arm.take(found);
            }
            // Only words are sought at several clients at once.
            (_, None) => arm.take(Vec::new()),
            (By::State(state, severity), Some(client)) => {
                states.push((index, row![client, *state, *severity, below, above, fetch]));
            }
            (By::Rule(rule), Some(client)) => rules.push((index, row![client, *rule, below, above, fetch])),
            (By::Node(node), Some(client)) => nodes.push((index, row![client, *node, below, above, fetch])),
            (By::Entity(entity), Some(client)) => entities.push((index, (client, *entity, below, above, fetch))),
        }
    }
    let text = "SELECT number FROM alert WHERE client = ?1 AND state = ?2 AND severity = ?3 AND number < ?4 AND number > ?5 \
                ORDER BY number DESC LIMIT ?6";
    fetch_by(sql, arms, text, &states)?;
    let text = "SELECT number FROM alert WHERE client = ?1 AND rule = ?2 AND number < ?3 AND number > ?4 \
                ORDER BY number DESC LIMIT ?5";
    fetch_by(sql, arms, text, &rules)?;
    let text = "SELECT number FROM alert WHERE client = ?1 AND node = ?2 AND number < ?3 AND number > ?4 \
                ORDER BY number DESC LIMIT ?5";
    fetch_by(sql, arms, text, &nodes)?;
    let (indexes, keys): (Vec<usize>, Vec<_>) = entities.into_iter().unzip();
    for (index, found) in indexes.into_iter().zip(postings::below(sql, &keys)?) {
        arms[index].take(found.into_iter().map(|number| (number, None)).collect());
    }
    Ok(())
}

fn fetch_by<const N: usize>(
    sql: Sql<'_>,
    arms: &mut [Arm],
    text: &'static str,
    wanted: &[(usize, [Value<'_>; N])],
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = wanted.iter().map(|(_, key)| *key).collect();
    let found = sql.all_many(text, &keys, |row| Ok((row.get::<_, i64>(0)?, None)))?;
    for ((index, _), found) in wanted.iter().zip(found) {
        arms[*index].take(found);
    }
    Ok(())
}

impl Arm {
    /// Takes in what was fetched, latest first: it comes after what is left.
    fn take(&mut self, mut found: Vec<(i64, Option<ClientId>)>) {
        self.ended = (found.len() as i64) < self.fetch;
        self.fetch = (self.fetch * 2).min(FETCH.max(self.fetch));
        self.below = found.last().map_or(self.below, |(number, _)| *number);
        found.reverse();
        found.append(&mut self.ready);
        self.ready = found;
    }
}

/// Which indexes are walked, and what is left to be looked at row by row.
struct Plan {
    /// Client, index, and the number above which it is walked.
    arms: Vec<(Option<ClientId>, By, i64)>,
    leftovers: Vec<Term>,
}

impl Plan {
    fn new(sql: Sql<'_>, shared: &Shared, query: &Query, clients: &[ClientId]) -> Result<Self> {
        let positive = |wanted: fn(&Condition) -> bool| {
            query.terms.iter().position(|term| !term.negated && wanted(&term.condition))
        };
        let entity = positive(|c| match c {
            Condition::Ip(nets) => nets.iter().all(|net| net.single().is_some()),
            Condition::Host(_) | Condition::User(_) | Condition::Hash(_) | Condition::Domain(_) => true,
            _ => false,
        });
        let text = positive(|c| matches!(c, Condition::Text(_)));
        let rule = positive(|c| matches!(c, Condition::Rule(_)));
        let node = positive(|c| matches!(c, Condition::Node(_)));
        let chosen = entity.or(rule).or(text).or(node);
        let mut arms = Vec::new();
        if let Some(index) = chosen {
            let condition = &query.terms[index].condition;
            if let Condition::Text(words) = condition {
                let found = search::wanted(sql, clients, words)?;
                arms.extend(found.into_iter().map(|(client, wanted)| (client, By::Words(wanted), 0)));
                // What the index has not taken in yet is looked at one by one.
                let mut leftovers = leftovers(query, None);
                if arms.iter().any(|(client, ..)| client.is_none()) {
                    leftovers.extend(query.terms.iter().filter(|term| is_time(&term.condition)).cloned());
                }
                return Self { arms, leftovers }.with_tail(sql, clients);
            }
            arms.extend(
                indexed(sql, shared, clients, condition)?.into_iter().map(|(client, by)| (Some(client), by, 0)),
            );
        } else {
            let states = set(query, |c| if let Condition::State(s) = c { Some(codes(s)) } else { None }, 3);
            let severities = set(query, |c| if let Condition::Severity(s) = c { Some(codes(s)) } else { None }, 4);
            for &client in clients {
                for &state in &states {
                    arms.extend(severities.iter().map(|&severity| (Some(client), By::State(state, severity), 0)));
                }
            }
        }
        let by_state = chosen.is_none();
        let mut leftovers = leftovers(query, chosen);
        leftovers.retain(|term| !by_state || !matches!(term.condition, Condition::State(_) | Condition::Severity(_)));
        Ok(Self { arms, leftovers })
    }

    /// Adds arms for what the text index has not taken in yet.
    fn with_tail(mut self, sql: Sql<'_>, clients: &[ClientId]) -> Result<Self> {
        for (client, from) in search::behind(sql, clients)? {
            for state in 0..3 {
                self.arms.extend((0..4).map(|severity| (Some(client), By::State(state, severity), from)));
            }
        }
        Ok(self)
    }
}

fn is_time(condition: &Condition) -> bool {
    matches!(condition, Condition::After(_) | Condition::Before(_))
}

/// The terms that must be looked at row by row: all but the one whose index is walked, the clients and the times.
fn leftovers(query: &Query, chosen: Option<usize>) -> Vec<Term> {
    let kept = |(index, term): &(usize, &Term)| {
        Some(*index) != chosen && !is_time(&term.condition) && !matches!(term.condition, Condition::Client(_))
    };
    query.terms.iter().enumerate().filter(kept).map(|(_, term)| term.clone()).collect()
}

fn indexed(sql: Sql<'_>, shared: &Shared, clients: &[ClientId], condition: &Condition) -> Result<Vec<(ClientId, By)>> {
    let entities = |kind: About, values: &[String]| {
        let of = |client: ClientId| {
            let entity = move |value: &String| shared.cipher.entity(client, kind, &normal(kind, value));
            values.iter().map(move |value| (client, By::Entity(entity(value)))).collect::<Vec<_>>()
        };
        clients.iter().copied().flat_map(of).collect()
    };
    Ok(match condition {
        Condition::Ip(nets) => {
            let addresses: Vec<String> = nets.iter().filter_map(|net| net.single()).map(|ip| ip.to_string()).collect();
            entities(About::Address, &addresses)
        }
        Condition::Host(values) => entities(About::Host, values),
        Condition::User(values) => entities(About::Account, values),
        Condition::Hash(values) => entities(About::Hash, values),
        Condition::Domain(values) => entities(About::Domain, values),
        Condition::Rule(values) => {
            let words: Vec<String> = values.iter().map(|value| value.to_lowercase()).collect();
            let found = rules::of_words(sql, clients, &words)?;
            found.into_iter().map(|(client, rule)| (client, By::Rule(rule))).collect()
        }
        Condition::Node(values) => {
            let wanted: Vec<String> = values.iter().map(|value| value.to_lowercase()).collect();
            let found = nodes::names(sql, clients)?.into_iter();
            found
                .filter(|(_, _, name)| wanted.contains(&name.to_lowercase()))
                .map(|(client, node, _)| (client, By::Node(node)))
                .collect()
        }
        _ => Vec::new(),
    })
}

/// Slug and name of each client in scope.
pub(crate) fn client_names(sql: Sql<'_>, scope: &Scope) -> Result<BTreeMap<ClientId, (String, String)>> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)));
    let rows = match scope.reach() {
        Reach::All => sql.all("SELECT id, slug, name FROM client /* across clients: the scope is all */", [], read)?,
        Reach::Only(clients) => {
            let text = "SELECT id, slug, name FROM client WHERE id IN (SELECT value FROM json_each(?1))";
            sql.all(text, [serde_json::to_string(clients)?], read)?
        }
    };
    Ok(rows.into_iter().collect())
}

/// The clients in scope that fulfil the query's terms about clients.
pub(crate) fn chosen_clients(query: &Query, names: &BTreeMap<ClientId, (String, String)>) -> Vec<ClientId> {
    let fits = |(slug, name): &(String, String)| {
        query.terms.iter().all(|term| {
            let Condition::Client(wanted) = &term.condition else { return true };
            let found = wanted
                .iter()
                .any(|value| value.eq_ignore_ascii_case(slug) || value.to_lowercase() == name.to_lowercase());
            found != term.negated
        })
    };
    names.iter().filter(|(_, names)| fits(names)).map(|(id, _)| *id).collect()
}

/// The codes that all terms of a kind allow.
pub(crate) fn set(query: &Query, codes: impl Fn(&Condition) -> Option<Vec<i64>>, all: i64) -> Vec<i64> {
    let mut allowed: Vec<i64> = (0..all).collect();
    for term in &query.terms {
        if let Some(codes) = codes(&term.condition) {
            allowed.retain(|code| codes.contains(code) != term.negated);
        }
    }
    allowed
}

pub(crate) fn codes<T: Copy + Code>(values: &[T]) -> Vec<i64> {
    values.iter().map(|value| value.code()).collect()
}

/// The number by which the database knows a word of the language.
pub(crate) trait Code {
    fn code(self) -> i64;
}

impl Code for query::Severity {
    fn code(self) -> i64 {
        (0..4).find(|code| severity_from_code(*code).word() == self.word()).unwrap_or(-1)
    }
}

impl Code for query::State {
    fn code(self) -> i64 {
        (0..3).find(|code| State::from_code(*code).word() == self.word()).unwrap_or(-1)
    }
}

impl Code for query::Source {
    fn code(self) -> i64 {
        (0..wire::Source::ALL.len() as i64).find(|code| module_from_code(*code).word() == self.word()).unwrap_or(-1)
    }
}

/// Numbers above the first and below the second of each pair are within the cursors and times asked for.
struct Bounds {
    /// For all clients; with PostgreSQL as wide as the widest of them.
    all: (i64, i64),
    /// With PostgreSQL a number and a time of arrival go together only within a client.
    by_client: BTreeMap<ClientId, (i64, i64)>,
}

impl Bounds {
    fn new(sql: Sql<'_>, shared: &Shared, ask: &Ask, clients: &[ClientId]) -> Result<Self> {
        let cursors = (
            ask.after.map_or(0, |id| shared.cipher.open(id).1),
            ask.before.map_or(i64::MAX, |id| shared.cipher.open(id).1),
        );
        let (mut since, mut until) = (None, None);
        for term in &ask.query.terms {
            let moment = |moment: &query::Moment| moment.resolve(ask.now, &ask.zone).as_millisecond();
            match (&term.condition, term.negated) {
                (Condition::After(at), false) | (Condition::Before(at), true) => since = since.max(Some(moment(at))),
                (Condition::Before(at), false) | (Condition::After(at), true) => {
                    until = Some(until.map_or(moment(at), |until: i64| until.min(moment(at))));
                }
                _ => {}
            }
        }
        let narrow = |first: Option<i64>, end: Option<i64>| {
            (first.map_or(cursors.0, |first| cursors.0.max(first - 1)), end.map_or(cursors.1, |end| cursors.1.min(end)))
        };
        match sql {
            Sql::Sqlite(_) => {
                let first = since.map(|at| first_at(sql, at)).transpose()?;
                let end = until.map(|at| first_at(sql, at)).transpose()?;
                Ok(Self { all: narrow(first, end), by_client: BTreeMap::new() })
            }
            Sql::Postgres(_) if since.is_none() && until.is_none() => {
                Ok(Self { all: cursors, by_client: BTreeMap::new() })
            }
            Sql::Postgres(_) => {
                let keys: Vec<_> =
                    clients.iter().map(|client| row![*client, since.map(stamp_at), until.map(stamp_at)]).collect();
                let text = "SELECT first_at(?1, ?2), first_at(?1, ?3)";
                let found = sql.all_many(text, &keys, |row| {
                    Ok(narrow(since.and(row.get::<_, Option<i64>>(0)?), until.and(row.get::<_, Option<i64>>(1)?)))
                })?;
                let by_client: BTreeMap<_, _> = clients
                    .iter()
                    .zip(found)
                    .filter_map(|(client, bounds)| Some((*client, *bounds.first()?)))
                    .collect();
                let above = by_client.values().map(|(above, _)| *above).min().unwrap_or(cursors.0);
                let below = by_client.values().map(|(_, below)| *below).max().unwrap_or(cursors.1);
                Ok(Self { all: (above, below), by_client })
            }
        }
    }

    fn of(&self, client: Option<ClientId>) -> (i64, i64) {
        client.and_then(|client| self.by_client.get(&client)).copied().unwrap_or(self.all)
    }
}

/// The lowest number that arrived at this millisecond or later: found by halving, since stamps rise with numbers. (With SQLite;
/// with PostgreSQL the database does it, for each client.)
pub(crate) fn first_at(sql: Sql<'_>, millis: i64) -> Result<i64> {
    let stamp = stamp_at(millis);
    let (last, last_stamp) = crate::memory::high_water(sql)?;
    if last_stamp < stamp {
        return Ok(last + 1);
    }
    let (mut low, mut high) = (1, last);
    while low < high {
        let middle = low + (high - low) / 2;
        // The next alert at or after the middle: some numbers are gone.
        let found = sql.one(
            "SELECT number, stamp FROM alert WHERE number >= ?1 ORDER BY number LIMIT 1 /* across clients: numbers and times of arrival only */",
            [middle],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )?;
        match found {
            Some((number, at)) if at < stamp => low = number + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}
