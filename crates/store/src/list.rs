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

use crate::engine::sql::{Row, Sql, params};
use jiff::{Timestamp, tz::TimeZone};
use query::{Condition, Query, Term};

use crate::alerts::{AlertRow, ROW, State, read_row, severity_from_code};
use crate::bodies::{Unpacker, module_from_code};
use crate::clock::from_millis;
use crate::engine::writer::Shared;
use crate::facts::{About, Facts, normal};
use crate::id::{AlertId, ClientId, NodeId, stamp_at, stamp_millis};
use crate::{Result, Scope, Store, clients, postings, search};

/// Most rows of a page.
pub const PAGE: usize = 200;
/// Most that is counted.
pub const COUNT: usize = 1_000;
/// How long a walk may take.
const LONGEST: Duration = Duration::from_millis(250);
/// Numbers that an arm fetches at once, at most: with many arms, each begins with fewer and doubles.
const FETCH: i64 = 64;
const FETCH_FIRST: i64 = 4;

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
            let newest = newest(sql, &shared)?;
            let limit = ask.limit.clamp(1, PAGE);
            let mut walk = Walk::new(sql, &shared, &scope, &ask)?;
            let mut alerts = Vec::with_capacity(limit);
            let mut next = None;
            while let Some((number, client)) = walk.next()? {
                if alerts.len() == limit {
                    next = alerts.last().map(|row: &AlertRow| row.id);
                    break;
                }
                alerts.extend(sql.one(ROW, params![number, client], |row| read_row(&shared, row))?);
            }
            let mut searched_to = None;
            if let Some((number, stamp)) = walk.stopped {
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

fn newest(sql: Sql<'_>, shared: &Shared) -> Result<AlertId> {
    let (number, stamp) = crate::memory::high_water(sql)?;
    Ok(shared.cipher.id(stamp, number))
}

/// The numbers of alerts that a query finds, latest first.
struct Walk<'a> {
    sql: Sql<'a>,
    shared: &'a Shared,
    arms: Vec<Arm>,
    heap: BinaryHeap<(i64, usize)>,
    leftovers: Leftovers,
    snapshot: crate::bodies::Snapshot,
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
    /// Fetched numbers, latest last.
    ready: Vec<i64>,
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
    Words(String),
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
        let (above, below) = bounds(sql, shared, ask)?;
        let plan = Plan::new(sql, shared, &ask.query, &clients)?;
        let fetch = (FETCH / plan.arms.len().max(1) as i64).clamp(FETCH_FIRST, FETCH);
        let arms: Vec<Arm> = plan
            .arms
            .into_iter()
            .map(|(client, by, from)| Arm {
                client,
                by,
                ready: Vec::new(),
                below,
                above: above.max(from),
                ended: false,
                fetch,
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
            last: None,
            began: Instant::now(),
            looked: 0,
            stopped: None,
        };
        for index in 0..walk.arms.len() {
            walk.advance(index)?;
        }
        Ok(walk)
    }

    fn next(&mut self) -> Result<Option<(i64, ClientId)>> {
        while let Some((number, index)) = self.heap.pop() {
            let client = self.arms[index].client;
            self.advance(index)?;
            // Two arms may find the same alert (two addresses of one network).
            if self.last == Some(number) {
                continue;
            }
            self.last = Some(number);
            let Some(client) = client.map_or_else(|| self.client_of(number), |client| Ok(Some(client)))? else {
                continue;
            };
            self.looked += 1;
            if self.leftovers.terms.is_empty() || self.fits(number, client)? {
                return Ok(Some((number, client)));
            }
            if self.looked.is_multiple_of(32) && self.began.elapsed() > LONGEST {
                let sql = "SELECT stamp FROM alert WHERE number = ?1 AND client = ?2";
                let stamp = self.sql.number(sql, params![number, client])?;
                self.stopped = Some((number, stamp));
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Whose an alert is, if that client is in scope.
    fn client_of(&self, number: i64) -> Result<Option<ClientId>> {
        let sql = "SELECT client FROM alert WHERE number = ?1 /* across clients: to see whether it is in scope */";
        let client = self.sql.one(sql, [number], |row| row.get(0))?;
        Ok(client.filter(|client| self.leftovers.clients.contains_key(client)))
    }

    /// Puts an arm's next number on the heap.
    fn advance(&mut self, index: usize) -> Result<()> {
        let arm = &mut self.arms[index];
        if arm.ready.is_empty() && !arm.ended {
            arm.fetch(self.sql)?;
        }
        if let Some(number) = arm.ready.pop() {
            self.heap.push((number, index));
        }
        Ok(())
    }

    fn fits(&self, number: i64, client: ClientId) -> Result<bool> {
        let Some(row) = self.sql.one(ROW, params![number, client], |row| read_row(self.shared, row))? else {
            return Ok(false);
        };
        let alert = if self.leftovers.whole {
            let mut unpacker = Unpacker::new(&self.shared.dictionaries, &self.snapshot);
            let Some(alert) = unpacker.load(self.sql, client, number)? else { return Ok(false) };
            alert
        } else {
            bare(&row)
        };
        let (slug, name) = self.leftovers.clients.get(&client).cloned().unwrap_or_default();
        let facts = Facts {
            alert: &alert,
            client: [&slug, &name],
            node: row.node_name.as_deref(),
            state: row.state,
            arrived: row.arrived,
        };
        let query = Query { terms: self.leftovers.terms.clone() };
        Ok(query.matches(&facts, self.leftovers.now, &self.leftovers.zone))
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

impl Arm {
    fn fetch(&mut self, sql: Sql<'_>) -> Result<()> {
        let (below, above, fetch) = (self.below, self.above, self.fetch);
        let read = |row: &Row<'_>| row.get::<_, i64>(0);
        let mut found = match (&self.by, self.client) {
            (By::Words(words), _) => search::below(sql, words, below, above, fetch)?,
            // Only words are sought at several clients at once.
            (_, None) => Vec::new(),
            (By::State(state, severity), Some(client)) => sql.all(
                "SELECT number FROM alert WHERE client = ?1 AND state = ?2 AND severity = ?3 AND number < ?4 AND number > ?5 \
                 ORDER BY number DESC LIMIT ?6",
                params![client, state, severity, below, above, fetch],
                read,
            )?,
            (By::Rule(rule), Some(client)) => sql.all(
                "SELECT number FROM alert WHERE client = ?1 AND rule = ?2 AND number < ?3 AND number > ?4 \
                 ORDER BY number DESC LIMIT ?5",
                params![client, rule, below, above, fetch],
                read,
            )?,
            (By::Node(node), Some(client)) => sql.all(
                "SELECT number FROM alert WHERE client = ?1 AND node = ?2 AND number < ?3 AND number > ?4 \
                 ORDER BY number DESC LIMIT ?5",
                params![client, node, below, above, fetch],
                read,
            )?,
            (By::Entity(entity), Some(client)) => postings::below(sql, client, *entity, below, above, fetch)?,
        };
        self.ended = (found.len() as i64) < fetch;
        self.fetch = (fetch * 2).min(FETCH);
        self.below = found.last().copied().unwrap_or(self.below);
        found.reverse();
        self.ready = found;
        Ok(())
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
            if let Condition::Text(words) = condition
                && let Some(wanted) = search::match_of_most(sql, clients, words)?
            {
                arms.push((None, By::Words(wanted), 0));
            } else {
                for &client in clients {
                    arms.extend(indexed(sql, shared, client, condition)?.into_iter().map(|by| (Some(client), by, 0)));
                }
            }
            if let Condition::Text(_) = condition {
                // What the index has not taken in yet is looked at one by one.
                return Self { arms, leftovers: leftovers(query, None) }.with_tail(sql, clients);
            }
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
        if search::behind(sql)? > 0 {
            let from = search::position(sql)?;
            for &client in clients {
                for state in 0..3 {
                    self.arms.extend((0..4).map(|severity| (Some(client), By::State(state, severity), from)));
                }
            }
        }
        Ok(self)
    }
}

/// The terms that must be looked at row by row: all but the one whose index is walked, the clients and the times.
fn leftovers(query: &Query, chosen: Option<usize>) -> Vec<Term> {
    let kept = |(index, term): &(usize, &Term)| {
        Some(*index) != chosen
            && !matches!(term.condition, Condition::After(_) | Condition::Before(_) | Condition::Client(_))
    };
    query.terms.iter().enumerate().filter(kept).map(|(_, term)| term.clone()).collect()
}

fn indexed(sql: Sql<'_>, shared: &Shared, client: ClientId, condition: &Condition) -> Result<Vec<By>> {
    let entity = |kind: About, value: &str| By::Entity(shared.cipher.entity(client, kind, &normal(kind, value)));
    Ok(match condition {
        Condition::Ip(nets) => {
            nets.iter().filter_map(|net| net.single()).map(|ip| entity(About::Address, &ip.to_string())).collect()
        }
        Condition::Host(values) => values.iter().map(|value| entity(About::Host, value)).collect(),
        Condition::User(values) => values.iter().map(|value| entity(About::Account, value)).collect(),
        Condition::Hash(values) => values.iter().map(|value| entity(About::Hash, value)).collect(),
        Condition::Domain(values) => values.iter().map(|value| entity(About::Domain, value)).collect(),
        Condition::Text(words) => vec![By::Words(search::match_of(client, words))],
        Condition::Rule(values) => {
            let mut found = Vec::new();
            for value in values {
                let sql_text = "SELECT id FROM rule WHERE client = ?1 AND folded = ?2";
                found.extend(sql.all(sql_text, params![client, value.to_lowercase()], |row| row.get::<_, i64>(0))?);
            }
            found.into_iter().map(By::Rule).collect()
        }
        Condition::Node(values) => {
            let rows = sql.all("SELECT id, name FROM node WHERE client = ?1", [client], |row| {
                Ok((row.get::<_, NodeId>(0)?, row.get::<_, String>(1)?))
            })?;
            let wanted: Vec<String> = values.iter().map(|value| value.to_lowercase()).collect();
            rows.into_iter()
                .filter(|(_, name)| wanted.contains(&name.to_lowercase()))
                .map(|(id, _)| By::Node(id))
                .collect()
        }
        _ => Vec::new(),
    })
}

/// Slug and name of each client in scope.
pub(crate) fn client_names(sql: Sql<'_>, scope: &Scope) -> Result<BTreeMap<ClientId, (String, String)>> {
    let ids = clients::ids_json(sql, scope)?;
    let rows =
        sql.all("SELECT id, slug, name FROM client WHERE id IN (SELECT value FROM json_each(?1))", [ids], |row| {
            Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))
        })?;
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

/// Numbers above the first and below the second are within the cursors and times asked for.
fn bounds(sql: Sql<'_>, shared: &Shared, ask: &Ask) -> Result<(i64, i64)> {
    let after = ask.after.map_or(0, |id| shared.cipher.open(id).1);
    let before = ask.before.map_or(i64::MAX, |id| shared.cipher.open(id).1);
    let (mut above, mut below) = (after, before);
    for term in &ask.query.terms {
        let moment = |moment: &query::Moment| moment.resolve(ask.now, &ask.zone).as_millisecond();
        match (&term.condition, term.negated) {
            (Condition::After(at), false) | (Condition::Before(at), true) => {
                above = above.max(first_at(sql, moment(at))? - 1);
            }
            (Condition::Before(at), false) | (Condition::After(at), true) => {
                below = below.min(first_at(sql, moment(at))?);
            }
            _ => {}
        }
    }
    Ok((above, below))
}

/// The lowest number that arrived at this millisecond or later: found by halving, since stamps rise with numbers.
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
