//! What lies above and beside a list: the histogram over time and the facets, from the rollups.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use crate::engine::sql::{Sql, params, row};
use jiff::{Timestamp, tz::TimeZone};
use query::{Condition, Field, Moment, Query, Span, Term};

use crate::alerts::{State, severity_from_code};
use crate::bodies::module_from_code;
use crate::clock::from_millis;
use crate::engine::writer::Shared;
use crate::id::{ClientId, stamp_millis};
use crate::list::{Ask, chosen_clients, client_names, codes, numbers, set};
use crate::{Result, Scope, Store};

const HOUR: i64 = 3_600_000;

/// How many alerts arrived, by severity, in steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// Begin of the first step.
    pub from: Timestamp,
    /// End of the last step.
    pub to: Timestamp,
    /// Length of a step, in seconds.
    pub step_seconds: i64,
    /// Alerts by severity (lowest first) for each step.
    pub buckets: Vec<(Timestamp, [u64; 4])>,
    /// Terms of the query that the rollups cannot answer, and which were left aside.
    pub ignored: Vec<String>,
}

/// How many alerts there are by each value of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// By severity, worst first.
    pub severity: Vec<Facet>,
    /// By state.
    pub state: Vec<Facet>,
    /// By client; the value is its slug.
    pub client: Vec<Facet>,
    /// By source.
    pub source: Vec<Facet>,
    /// By node; the value is its name.
    pub node: Vec<Facet>,
    /// By rule, the most frequent ones.
    pub rule: Vec<Facet>,
}

/// A value of a field, and how many alerts have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// As in a query.
    pub value: String,
    /// As people know it.
    pub name: String,
    /// How many alerts.
    pub count: u64,
}

/// Most alerts that are counted one by one, where the rollups do not know what a query asks for.
const COUNTED: usize = if cfg!(test) { 250 } else { 10_000 };

/// How far back facets look, in days, and how many rules and nodes they name.
const DAYS: i64 = 30;
const MOST: usize = 12;

/// What of a query the rollups can answer.
struct Filter {
    clients: Vec<ClientId>,
    severities: Vec<i64>,
    states: Vec<i64>,
    modules: Vec<i64>,
    /// None: all nodes.
    nodes: Option<Vec<i64>>,
    /// Hours.
    from: i64,
    to: i64,
    ignored: Vec<String>,
}

impl Filter {
    fn new(sql: Sql<'_>, scope: &Scope, query: &Query, zone: &TimeZone, now: Timestamp, hours: i64) -> Result<Self> {
        let names = client_names(sql, scope)?;
        let clients = chosen_clients(query, &names);
        let to = now.as_millisecond().div_euclid(HOUR) + 1;
        let (mut from, mut end) = (to - hours, to);
        let mut nodes = None;
        let mut ignored = Vec::new();
        for term in &query.terms {
            match (&term.condition, term.negated) {
                (Condition::After(at), false) | (Condition::Before(at), true) => {
                    from = from.max(at.resolve(now, zone).as_millisecond().div_euclid(HOUR));
                }
                (Condition::Before(at), false) | (Condition::After(at), true) => {
                    end = end.min(at.resolve(now, zone).as_millisecond().div_euclid(HOUR) + 1);
                }
                (Condition::Node(values), negated) => {
                    let wanted: Vec<String> = values.iter().map(|value| value.to_lowercase()).collect();
                    let fits = |name: &str| wanted.contains(&name.to_lowercase()) != negated;
                    let names = crate::nodes::names(sql, &clients)?.into_iter();
                    let found = names.filter(|(_, _, name)| fits(name)).map(|(_, node, _)| node.0).collect();
                    nodes = Some(found);
                }
                (condition, _) => match condition.field() {
                    Some(Field::Severity | Field::State | Field::Client | Field::Source) => {}
                    _ => ignored.push(term.to_string()),
                },
            }
        }
        let severities = set(query, |c| if let Condition::Severity(s) = c { Some(codes(s)) } else { None }, 4);
        let states = set(query, |c| if let Condition::State(s) = c { Some(codes(s)) } else { None }, 3);
        let modules = wire::Source::ALL.len() as i64;
        let modules = set(query, |c| if let Condition::Source(s) = c { Some(codes(s)) } else { None }, modules);
        Ok(Self { clients, severities, states, modules, nodes, from, to: end.max(from), ignored })
    }

    fn fits(&self, node: i64, module: i64, severity: i64, state: i64) -> bool {
        self.severities.contains(&severity)
            && self.states.contains(&state)
            && self.modules.contains(&module)
            && self.nodes.as_ref().is_none_or(|nodes| nodes.contains(&node))
    }
}

impl Store {
    /// How many alerts arrived over the last `hours` (1 to 17,520), in at most 200 steps of whole hours. What the rollups cannot answer is
    /// counted alert by alert if there are at most 10,000 and they are found quickly; else it is left aside, and said.
    ///
    /// # Errors
    /// The database fails.
    pub async fn histogram(
        &self,
        scope: &Scope,
        query: Query,
        zone: TimeZone,
        now: Timestamp,
        hours: i64,
    ) -> Result<Histogram> {
        let (scope, shared) = (scope.clone(), self.0.shared.clone());
        self.read("histogram", move |sql| {
            let mut filter = Filter::new(sql, &scope, &query, &zone, now, hours.clamp(1, 17_520))?;
            let one_by_one = if filter.ignored.is_empty() {
                None
            } else {
                let ask = Ask { query, zone, now, before: None, after: None, limit: COUNTED };
                one_by_one(sql, &shared, &scope, ask, &filter)?
            };
            let steps = match one_by_one {
                Some(steps) => {
                    filter.ignored.clear();
                    steps
                }
                None => from_rollups(sql, &filter)?,
            };
            let at = |hour: i64| from_millis(hour * HOUR);
            let starts = (filter.from..).step_by(steps.length as usize).map(at);
            Ok(Histogram {
                from: at(filter.from),
                to: at(filter.to),
                step_seconds: steps.length * 3600,
                buckets: starts.zip(steps.counts).collect(),
                ignored: filter.ignored,
            })
        })
        .await
    }

    /// How many alerts of the last 30 days there are by each value of each field.
    ///
    /// # Errors
    /// The database fails.
    pub async fn facets(&self, scope: &Scope, query: Query, zone: TimeZone, now: Timestamp) -> Result<Facets> {
        let scope = scope.clone();
        self.read("facets", move |sql| {
            let filter = Filter::new(sql, &scope, &query, &zone, now, DAYS * 24)?;
            let clients = client_names(sql, &scope)?;
            let mut tallies: [BTreeMap<i64, u64>; 5] = Default::default();
            let mut rules: BTreeMap<(String, String), u64> = BTreeMap::new();
            let days = (filter.from.div_euclid(24), filter.to.div_euclid(24));
            for &client in &filter.clients {
                let (found, cells): (Vec<i64>, Vec<_>) = cells(sql, client, days)?.into_iter().unzip();
                for (named, cells) in named(sql, client, &found)?.into_iter().zip(cells) {
                    let Some((module, rule)) = named else { continue };
                    let mut alerts = 0;
                    for ([node, severity, state], count) in cells {
                        if filter.fits(node, module, severity, state) {
                            alerts += count;
                            for (tally, key) in tallies.iter_mut().zip([severity, state, client.0, module, node]) {
                                *tally.entry(key).or_default() += count;
                            }
                        }
                    }
                    *rules.entry(rule).or_default() += alerts;
                }
            }
            let nodes: BTreeMap<i64, String> =
                crate::nodes::names(sql, &filter.clients)?.into_iter().map(|(_, node, name)| (node.0, name)).collect();
            // What was there and is in another state now has left zeros.
            tallies.iter_mut().for_each(|tally| tally.retain(|_, count| *count > 0));
            rules.retain(|_, count| *count > 0);
            let [severity, state, client, module, node] = tallies;
            let name = |value: &str, count: u64| Facet { value: value.to_owned(), name: value.to_owned(), count };
            let most = |mut facets: Vec<Facet>| {
                facets.sort_by_key(|facet| std::cmp::Reverse(facet.count));
                facets.truncate(MOST);
                facets
            };
            let of_client = |(id, count): (i64, u64)| {
                let (slug, name) = clients.get(&ClientId(id)).cloned().unwrap_or_default();
                Facet { value: slug, name, count }
            };
            let rule_facets = rules.into_iter().map(|((id, name), count)| Facet { value: id, name, count }).collect();
            Ok(Facets {
                severity: severity.into_iter().rev().map(|(c, n)| name(severity_from_code(c).word(), n)).collect(),
                state: state.into_iter().map(|(c, n)| name(State::from_code(c).word(), n)).collect(),
                client: most(client.into_iter().map(of_client).collect()),
                source: module.into_iter().map(|(c, n)| name(module_from_code(c).word(), n)).collect(),
                node: most(node.into_iter().filter_map(|(id, n)| nodes.get(&id).map(|node| name(node, n))).collect()),
                rule: most(rule_facets),
            })
        })
        .await
    }
}

/// Alerts by severity, in steps of so many hours.
struct Steps {
    from: i64,
    length: i64,
    counts: Vec<[u64; 4]>,
}

impl Steps {
    fn new(filter: &Filter) -> Self {
        let hours = filter.to - filter.from;
        let length = hours.div_euclid(200) + 1;
        let count = (hours + length - 1).div_euclid(length);
        Self { from: filter.from, length, counts: vec![[0; 4]; usize::try_from(count).unwrap_or(0)] }
    }

    fn add(&mut self, hour: i64, severity: i64, alerts: u64) {
        let at = usize::try_from((hour - self.from).div_euclid(self.length)).ok();
        if let Some(step) = at.and_then(|at| self.counts.get_mut(at)) {
            step[severity.clamp(0, 3) as usize] += alerts;
        }
    }
}

fn from_rollups(sql: Sql<'_>, filter: &Filter) -> Result<Steps> {
    let mut steps = Steps::new(filter);
    for &client in &filter.clients {
        let text = "SELECT hour, node, module, severity, state, alerts FROM rollup_hour \
                    WHERE client = ?1 AND hour >= ?2 AND hour < ?3 AND hidden = 0";
        sql.walk(text, params![client, filter.from, filter.to], |row| {
            let severity: i64 = row.get(3)?;
            if filter.fits(row.get(1)?, row.get(2)?, severity, row.get(4)?) {
                steps.add(row.get(0)?, severity, row.get::<_, i64>(5)?.max(0) as u64);
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(steps)
}

/// Counts the alerts that a query finds since the filter's begin; none if there are too many.
fn one_by_one(sql: Sql<'_>, shared: &Shared, scope: &Scope, mut ask: Ask, filter: &Filter) -> Result<Option<Steps>> {
    let since = Condition::After(Moment::Instant(from_millis(filter.from * HOUR)));
    ask.query.terms.push(Term { negated: false, condition: since, span: Span::default() });
    let Some(numbers) = numbers(sql, shared, scope, &ask, COUNTED)? else { return Ok(None) };
    let keys: Vec<_> = numbers.iter().map(|(number, client)| row![*number, *client]).collect();
    let text = "SELECT stamp, severity FROM alert WHERE number = ?1 AND client = ?2";
    let mut steps = Steps::new(filter);
    for (stamp, severity) in sql.all_many(text, &keys, |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().flatten() {
        steps.add(stamp_millis(stamp).div_euclid(HOUR), severity, 1);
    }
    Ok(Some(steps))
}

/// Counts of a client's alerts by node, severity and state, for each rule.
type Cells = HashMap<i64, Vec<([i64; 3], u64)>>;

/// Adds up the days: PostgreSQL does it where they lie, which is cheaper than to send them; SQLite would sort the rows to group them,
/// which takes several times as long as to add them up here.
fn cells(sql: Sql<'_>, client: ClientId, (first, last): (i64, i64)) -> Result<Cells> {
    let mut cells = Cells::new();
    let text = match sql {
        Sql::Sqlite(_) => {
            "SELECT rule, node, severity, state, alerts FROM rollup_day \
             WHERE client = ?1 AND day >= ?2 AND day <= ?3 AND hidden = 0"
        }
        Sql::Postgres(_) => {
            "SELECT rule, node, severity, state, CAST(sum(alerts) AS bigint) FROM rollup_day \
             WHERE client = ?1 AND day >= ?2 AND day <= ?3 AND hidden = 0 GROUP BY rule, node, severity, state"
        }
    };
    sql.walk(text, params![client, first, last], |row| {
        let key = [row.get(1)?, row.get(2)?, row.get(3)?];
        let of_rule = cells.entry(row.get(0)?).or_default();
        let count = row.get::<_, i64>(4)?.max(0) as u64;
        // A rule has few: it is nearly always of one severity.
        match of_rule.iter_mut().find(|(known, _)| *known == key) {
            Some((_, sum)) => *sum += count,
            None => of_rule.push((key, count)),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(cells)
}

/// A rule's source, and its id and name.
type Named = (i64, (String, String));

/// What the rules are; none for those that are not there any more.
fn named(sql: Sql<'_>, client: ClientId, rules: &[i64]) -> Result<Vec<Option<Named>>> {
    let text = "SELECT module, rule, name FROM rule WHERE id = ?1 AND client = ?2";
    let keys: Vec<_> = rules.iter().map(|rule| row![*rule, client]).collect();
    let found = sql.all_many(text, &keys, |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    Ok(found.into_iter().map(|rows| rows.into_iter().next()).collect())
}
