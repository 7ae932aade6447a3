//! Alerts as lists show them: types, and reading one row.

use crate::engine::sql::{Row, Sql, params, row};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wire::alert::{Fold, Sample};
use wire::{Alert, Severity, Source};

use crate::bodies::{Unpacker, module_from_code};
use crate::clock::{from_micros, from_millis};
use crate::engine::writer::Shared;
use crate::id::{AlertId, ClientId, NodeId, stamp_millis};
use crate::{Error, Result, Scope, Store};

/// Whether a person has dealt with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has.
    Open,
    /// Somebody has seen it.
    Acknowledged,
    /// It is done with.
    Closed,
}

impl State {
    /// All states, in the order of work.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Closed];

    /// The word for it, as in queries.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }

    pub(crate) fn from_code(code: i64) -> Self {
        usize::try_from(code).ok().and_then(|code| Self::ALL.get(code)).copied().unwrap_or(Self::Open)
    }
}

pub(crate) fn severity_from_code(code: i64) -> Severity {
    usize::try_from(code).ok().and_then(|code| Severity::ALL.get(code)).copied().unwrap_or(Severity::Low)
}

/// That an event's own time is not believable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeFlag {
    /// More than 5 minutes ahead of its arrival.
    Future,
    /// More than 400 days behind its arrival.
    Past,
}

/// An alert in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    /// Its id.
    pub id: AlertId,
    /// Whose.
    pub client: ClientId,
    /// Its client's name.
    pub client_name: String,
    /// The node that sent it; none for the core's own alarms.
    pub node: Option<NodeId>,
    /// That node's name.
    pub node_name: Option<String>,
    /// Where it comes from.
    pub module: Source,
    /// Its rule's id.
    pub rule_id: String,
    /// Its rule's name.
    pub rule_name: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether a person has dealt with it.
    pub state: State,
    /// When it happened first, by the source's clock.
    pub time: Timestamp,
    /// When it reached the core.
    pub arrived: Timestamp,
    /// When it happened last, by the source's clock.
    pub last: Timestamp,
    /// How many events it stands for.
    pub count: u64,
    /// Seconds from the event to its arrival; negative if its clock is ahead.
    pub late_seconds: f64,
    /// Whether its time is not believable.
    pub time_flag: Option<TimeFlag>,
    /// Source address.
    pub source_ip: Option<String>,
    /// Source port.
    pub source_port: Option<u16>,
    /// Destination address.
    pub destination_ip: Option<String>,
    /// Destination port.
    pub destination_port: Option<u16>,
    /// The host that it is about.
    pub host: Option<String>,
    /// The account that it is about.
    pub user: Option<String>,
    /// The name that was asked for.
    pub domain: Option<String>,
    /// One sentence about it, cut at 240 bytes.
    pub message: Option<String>,
    /// By what it was folded.
    pub fold: Fold,
    /// Whether its raw event is here.
    pub has_raw: bool,
    /// By which ways it came, if not only by its source's own.
    pub witnesses: Vec<Source>,
}

/// What was done to an alert, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What.
    pub action: Deed,
    /// In their words.
    pub comment: Option<String>,
}

/// Something done to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// It reached the core.
    Arrived,
    /// Somebody has seen it.
    Acknowledged,
    /// It is done with.
    Closed,
    /// It is open again.
    Reopened,
    /// Somebody said something.
    Commented,
}

impl Deed {
    pub(crate) const ALL: [Self; 5] =
        [Self::Arrived, Self::Acknowledged, Self::Closed, Self::Reopened, Self::Commented];
}

/// An alert with everything that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertDetail {
    /// As in a list.
    pub row: AlertRow,
    /// As the node sent it, with the raw event and all samples.
    pub alert: Alert,
    /// What was done to it, earliest first; its arrival is the first entry.
    pub history: Vec<HistoryEntry>,
}

/// The columns of a row, in the order that [`read_row`] takes them.
macro_rules! columns {
    () => {
        "alert.number, alert.client, client.name, alert.node, node.name, rule.module, rule.rule, rule.name, severity, \
         state, stamp, time, span, count, source_ip, source_port, destination_ip, destination_port, host, user, domain, \
         message, fold, has_raw, witness FROM alert JOIN client ON client.id = alert.client JOIN rule ON rule.id = alert.rule \
         AND rule.client = alert.client LEFT JOIN node ON node.id = alert.node AND node.client = alert.client"
    };
}

pub(crate) const ROW: &str = concat!("SELECT ", columns!(), " WHERE alert.number = ?1 AND alert.client = ?2");

/// The rows of these alerts; none for those that are not there.
pub(crate) fn rows(sql: Sql<'_>, shared: &Shared, numbers: &[(i64, ClientId)]) -> Result<Vec<Option<AlertRow>>> {
    let keys: Vec<_> = numbers.iter().map(|(number, client)| row![*number, *client]).collect();
    let rows = sql.all_many(ROW, &keys, |row| read_row(shared, row))?;
    Ok(rows.into_iter().map(|rows| rows.into_iter().next()).collect())
}

/// How far ahead of its arrival an event's time is believed, and how far behind, in milliseconds.
const AHEAD: i64 = 5 * 60_000;
const BEHIND: i64 = 400 * 86_400_000;

pub(crate) fn read_row(shared: &Shared, row: &Row<'_>) -> Result<AlertRow> {
    let (number, stamp, time): (i64, i64, i64) = (row.get(0)?, row.get(10)?, row.get(11)?);
    let arrived = stamp_millis(stamp);
    let late = arrived.saturating_sub(time.div_euclid(1000));
    Ok(AlertRow {
        id: shared.cipher.id(stamp, number),
        client: row.get(1)?,
        client_name: row.get(2)?,
        node: row.get(3)?,
        node_name: row.get(4)?,
        module: module_from_code(row.get(5)?),
        rule_id: row.get(6)?,
        rule_name: row.get(7)?,
        severity: severity_from_code(row.get(8)?),
        state: State::from_code(row.get(9)?),
        time: from_micros(time),
        arrived: from_millis(arrived),
        last: from_micros(time.saturating_add(row.get(12)?)),
        count: u64::try_from(row.get::<_, i64>(13)?).unwrap_or(0),
        late_seconds: late as f64 / 1000.0,
        time_flag: if late < -AHEAD {
            Some(TimeFlag::Future)
        } else if late > BEHIND {
            Some(TimeFlag::Past)
        } else {
            None
        },
        source_ip: row.get(14)?,
        source_port: row.get(15)?,
        destination_ip: row.get(16)?,
        destination_port: row.get(17)?,
        host: row.get(18)?,
        user: row.get(19)?,
        domain: row.get(20)?,
        message: row.get(21)?,
        fold: match row.get::<_, i64>(22)? {
            0 => Fold::Full,
            1 => Fold::Address,
            _ => Fold::Rule,
        },
        has_raw: row.get(23)?,
        witnesses: witnesses(row.get(24)?),
    })
}

/// Ways that an alert came by, as they are stored.
pub(crate) fn witness(ways: &[Source]) -> i64 {
    ways.iter().fold(0, |all, way| all | 1 << *way as i64)
}

fn witnesses(stored: i64) -> Vec<Source> {
    Source::ALL.into_iter().filter(|way| stored & 1 << *way as i64 != 0).collect()
}

/// The number of an alert in scope, if the id is one of ours.
pub(crate) fn number_of(sql: Sql<'_>, shared: &Shared, client: ClientId, id: AlertId) -> Result<i64> {
    let (stamp, number) = shared.cipher.open(id);
    let found = sql.one(
        "SELECT 1 FROM alert WHERE number = ?1 AND client = ?2 AND stamp = ?3",
        params![number, client, stamp],
        |_| Ok(()),
    )?;
    found.map(|()| number).ok_or(Error::NotFound("alert"))
}

impl Store {
    /// An alert with everything that is known of it.
    ///
    /// # Errors
    /// There is none such in scope.
    pub async fn alert(&self, scope: &Scope, client: ClientId, id: AlertId) -> Result<AlertDetail> {
        scope.demand(client, "alert")?;
        let shared = self.0.shared.clone();
        self.read("alert", move |sql| {
            let number = number_of(sql, &shared, client, id)?;
            details(sql, &shared, client, &[number])?.pop().ok_or(Error::NotFound("alert"))
        })
        .await
    }
}

/// These alerts of a client with everything that is known of them; what is not there is left out.
pub(crate) fn details(sql: Sql<'_>, shared: &Shared, client: ClientId, numbers: &[i64]) -> Result<Vec<AlertDetail>> {
    let keyed: Vec<(i64, ClientId)> = numbers.iter().map(|number| (*number, client)).collect();
    let snapshot = shared.dictionaries.snapshot();
    let mut unpacker = Unpacker::new(&shared.dictionaries, &snapshot);
    let rows = rows(sql, shared, &keyed)?;
    let alerts = unpacker.load_many(sql, &keyed)?;
    let samples = samples(sql, &mut unpacker, &keyed)?;
    let deeds = deeds(sql, &keyed)?;
    let all = rows.into_iter().zip(alerts).zip(samples.into_iter().zip(deeds));
    let whole = all.filter_map(|((row, alert), (samples, deeds))| {
        let (row, mut alert) = (row?, alert?);
        alert.samples.extend(samples);
        (alert.count, alert.time, alert.last) = (row.count, row.time, row.last);
        let who = row.node_name.clone().unwrap_or_else(|| "SOCme".to_owned());
        let arrival = HistoryEntry { at: row.arrived, who, action: Deed::Arrived, comment: None };
        let history = std::iter::once(arrival).chain(deeds).collect();
        Some(AlertDetail { row, alert, history })
    });
    Ok(whole.collect())
}

/// The samples that later counts brought.
fn samples(sql: Sql<'_>, unpacker: &mut Unpacker<'_>, keyed: &[(i64, ClientId)]) -> Result<Vec<Vec<Sample>>> {
    let keys: Vec<_> = keyed.iter().map(|(number, client)| row![*number, *client]).collect();
    let text = "SELECT dictionary, data FROM sample WHERE alert = ?1 AND client = ?2 ORDER BY position";
    let packed = sql.all_many(text, &keys, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    let mut unpack = |(dictionary, data): (i64, Vec<u8>)| -> Result<Sample> {
        Ok(serde_json::from_slice(&unpacker.decompress(sql, dictionary, &data)?)?)
    };
    packed.into_iter().map(|packed| packed.into_iter().map(&mut unpack).collect()).collect()
}

/// What people did.
fn deeds(sql: Sql<'_>, keyed: &[(i64, ClientId)]) -> Result<Vec<Vec<HistoryEntry>>> {
    let keys: Vec<_> = keyed.iter().map(|(number, client)| row![*number, *client]).collect();
    let text = "SELECT at, who, action, comment FROM history WHERE alert = ?1 AND client = ?2 ORDER BY position";
    sql.all_many(text, &keys, |row| {
        let action = usize::try_from(row.get::<_, i64>(2)?).unwrap_or(usize::MAX);
        Ok(HistoryEntry {
            at: from_millis(row.get(0)?),
            who: row.get(1)?,
            action: Deed::ALL.get(action).copied().unwrap_or(Deed::Commented),
            comment: row.get(3)?,
        })
    })
}
