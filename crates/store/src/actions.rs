//! What people do to alerts.

use std::collections::BTreeMap;

use crate::engine::sql::{params, row};

use crate::alerts::{Deed, State, severity_from_code};
use crate::audit::{self, Actor, Note};
use crate::bodies::module_from_code;
use crate::changes::{self, Kind};
use crate::engine::writer::Tx;
use crate::id::{AlertId, ClientId, stamp_millis};
use crate::rollups::{self, Cell, Deltas};
use crate::{Error, Result, Scope, Store};

/// Most alerts that one action takes.
pub const MOST: usize = 500;
/// Longest comment, in bytes.
pub const COMMENT: usize = 10_000;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// I have seen it.
    Acknowledge,
    /// It is done with.
    Close,
    /// It is open again.
    Reopen,
    /// Only say something.
    Comment,
}

impl Action {
    fn state(self) -> Option<State> {
        match self {
            Self::Acknowledge => Some(State::Acknowledged),
            Self::Close => Some(State::Closed),
            Self::Reopen => Some(State::Open),
            Self::Comment => None,
        }
    }

    fn deed(self) -> Deed {
        match self {
            Self::Acknowledge => Deed::Acknowledged,
            Self::Close => Deed::Closed,
            Self::Reopen => Deed::Reopened,
            Self::Comment => Deed::Commented,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "alert.acknowledge",
            Self::Close => "alert.close",
            Self::Reopen => "alert.reopen",
            Self::Comment => "alert.comment",
        }
    }
}

/// What became of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Whose.
    pub client: ClientId,
    /// Which.
    pub id: AlertId,
    /// Its state now.
    pub state: State,
    /// False if it was so already.
    pub changed: bool,
}

impl Store {
    /// Does something to some alerts: all those of one client, or none of them. Doing it again changes nothing, unless
    /// there is a comment.
    ///
    /// # Errors
    /// One of them is not in scope; there are none or more than [`MOST`]; the comment is missing or too long.
    pub async fn act(
        &self,
        actor: Actor,
        scope: &Scope,
        alerts: Vec<(ClientId, AlertId)>,
        action: Action,
        comment: Option<String>,
    ) -> Result<Vec<Done>> {
        if alerts.is_empty() || alerts.len() > MOST {
            return Err(Error::invalid("alerts", format!("name 1 to {MOST} alerts")));
        }
        let comment = comment.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if comment.as_ref().is_some_and(|text| text.len() > COMMENT) {
            return Err(Error::invalid("comment", format!("a comment has at most {COMMENT} bytes")));
        }
        if action == Action::Comment && comment.is_none() {
            return Err(Error::invalid("comment", "say something"));
        }
        let mut by_client: BTreeMap<ClientId, Vec<AlertId>> = BTreeMap::new();
        for (client, id) in alerts {
            scope.demand(client, "alert")?;
            by_client.entry(client).or_default().push(id);
        }
        let mut done = Vec::new();
        for (client, mut ids) in by_client {
            ids.sort();
            ids.dedup();
            let (actor, comment) = (actor.clone(), comment.clone());
            let job = move |tx: &mut Tx<'_>| act(tx, &actor, client, &ids, action, comment.as_deref());
            done.extend(self.write("act on alerts", job).await?);
        }
        Ok(done)
    }
}

fn act(
    tx: &mut Tx<'_>,
    actor: &Actor,
    client: ClientId,
    ids: &[AlertId],
    action: Action,
    comment: Option<&str>,
) -> Result<Vec<Done>> {
    tx.sql.claim(client)?;
    let found = before(tx, client, ids)?;
    let mut deltas = Deltas::default();
    let (mut done, mut open) = (Vec::new(), 0);
    let (mut states, mut deeds) = (Vec::new(), Vec::new());
    for (&id, before) in ids.iter().zip(found) {
        let before = before.ok_or(Error::NotFound("alert"))?;
        let state = action.state().unwrap_or(before.cell.state);
        let changed = state != before.cell.state;
        if changed {
            states.push(row![before.number, client, state as i64]);
            deltas.add(before.cell, -1, -before.count);
            deltas.add(Cell { state, ..before.cell }, 1, before.count);
            open += i64::from(state == State::Open) - i64::from(before.cell.state == State::Open);
        }
        if changed || comment.is_some() {
            deeds.push((before.number, if changed { action.deed() } else { Deed::Commented }));
        }
        done.push(Done { client, id, state, changed: changed || comment.is_some() });
    }
    tx.sql.run_many("UPDATE alert SET state = ?3 WHERE number = ?1 AND client = ?2", &states)?;
    remember(tx, actor, client, &deeds, comment)?;
    let count = done.iter().filter(|done| done.changed).count();
    if count > 0 {
        rollups::apply(tx.sql, client, deltas)?;
        tx.sql.run("UPDATE tally SET open = max(0, open + ?2) WHERE client = ?1", params![client, open])?;
        changes::note(tx, client, Kind::Alerts { new: 0, counted: 0, changed: count as u64 })?;
        let subject = if let [one] = ids { one.to_string() } else { format!("{count} alerts") };
        audit::note(tx, actor, Note::new(action.word(), &subject).at(client).detail(comment.unwrap_or("")))?;
    }
    Ok(done)
}

struct Before {
    number: i64,
    cell: Cell,
    count: i64,
}

/// The alerts as they are; none for those that are not there or not of this client.
fn before(tx: &Tx<'_>, client: ClientId, ids: &[AlertId]) -> Result<Vec<Option<Before>>> {
    let opened = ids.iter().map(|id| tx.shared.cipher.open(*id));
    let keys: Vec<_> = opened.map(|(stamp, number)| row![number, client, stamp]).collect();
    let found = tx.sql.all_many(
        "SELECT alert.number, node, alert.rule, rule.module, severity, state, hidden, stamp, count FROM alert \
         JOIN rule ON rule.id = alert.rule AND rule.client = alert.client \
         WHERE alert.number = ?1 AND alert.client = ?2 AND stamp = ?3",
        &keys,
        |row| {
            let cell = Cell {
                hour: stamp_millis(row.get(7)?).div_euclid(3_600_000),
                node: row.get(1)?,
                rule: row.get(2)?,
                module: module_from_code(row.get(3)?),
                severity: severity_from_code(row.get(4)?),
                state: State::from_code(row.get(5)?),
                hidden: row.get(6)?,
            };
            Ok(Before { number: row.get(0)?, cell, count: row.get(8)? })
        },
    )?;
    Ok(found.into_iter().map(|rows| rows.into_iter().next()).collect())
}

fn remember(tx: &Tx<'_>, actor: &Actor, client: ClientId, deeds: &[(i64, Deed)], comment: Option<&str>) -> Result<()> {
    let keys: Vec<_> = deeds.iter().map(|(number, _)| row![*number, client]).collect();
    let text = "SELECT coalesce(max(position), 0) + 1 FROM history WHERE alert = ?1 AND client = ?2";
    let positions = tx.sql.all_many(text, &keys, |row| row.get::<_, i64>(0))?;
    let rows: Vec<_> = deeds
        .iter()
        .zip(positions)
        .map(|((number, deed), position)| {
            let position = position.first().copied().unwrap_or(1);
            row![*number, position, client, tx.now, actor.user, actor.name.as_str(), *deed as i64, comment]
        })
        .collect();
    tx.sql.run_many(
        "INSERT INTO history (alert, position, client, at, user, who, action, comment) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &rows,
    )
}
