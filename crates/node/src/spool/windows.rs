//! The open windows in the spool, by the number of the alert that they count: so those that are opened stand together, and those that
//! are closed, and a transaction touches few pages however many windows are open.

use rusqlite::{Connection, params};

use super::{Error, parse, signed};
use crate::fold::{Key, Window};

/// All of them. A damaged one is an error: it is never counted on.
pub(super) fn read(db: &Connection, table: &str) -> Result<Vec<(Key, Window)>, Error> {
    let mut rows = db.prepare(&format!("SELECT key, body FROM {table}"))?;
    let rows = rows.query_map([], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    rows.map(|row| {
        let (key, body) = row?;
        let key = Key::from_le_bytes(key);
        let window = body.split_last_chunk().filter(|(json, sum)| checksum(key, json) == **sum);
        let (json, _) = window.ok_or_else(|| Error::Broken("the checksum of a window does not match".to_owned()))?;
        Ok((key, parse(json)?))
    })
    .collect()
}

/// Writes windows as they are now.
pub(super) fn keep(db: &Connection, windows: &[(Key, Window)]) -> Result<(), Error> {
    let mut keep = db.prepare_cached("INSERT OR REPLACE INTO window (alert, key, body) VALUES (?1, ?2, ?3)")?;
    for (key, window) in windows {
        let mut body = serde_json::to_vec(window).unwrap_or_default();
        body.extend_from_slice(&checksum(*key, &body));
        keep.execute(params![signed(window.alert), key.to_le_bytes(), body])?;
    }
    Ok(())
}

/// Forgets the windows of these alerts.
pub(super) fn forget(db: &Connection, alerts: &[u64]) -> Result<(), Error> {
    let mut forget = db.prepare_cached("DELETE FROM window WHERE alert = ?1")?;
    for alert in alerts {
        forget.execute([signed(*alert)])?;
    }
    Ok(())
}

fn checksum(key: Key, json: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&key.to_le_bytes()).update(json);
    let mut sum = [0; 8];
    hasher.finalize_xof().fill(&mut sum);
    sum
}
