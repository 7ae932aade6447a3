//! Work that must survive a restart: noted in the transaction that causes it, taken by the background.

use crate::engine::sql::params;

use crate::Result;
use crate::engine::writer::Tx;
use crate::id::ClientId;

/// What kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Clear away all that belonged to a node.
    ClearNode,
    /// Clear away all that belonged to a client.
    ClearClient,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::ClearNode => "clear-node",
            Self::ClearClient => "clear-client",
        }
    }
}

pub(crate) fn add(tx: &mut Tx<'_>, kind: Kind, client: ClientId, subject: i64) -> Result<()> {
    tx.sql.run(
        "INSERT INTO job (kind, client, subject, created) VALUES (?1, ?2, ?3, ?4)",
        params![kind.word(), client, subject, tx.now],
    )?;
    tx.effects.work = true;
    Ok(())
}
