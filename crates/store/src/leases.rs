//! Work that one core at a time does, of those on one database: whoever has the lease, until it ends.

use jiff::SignedDuration;

use crate::engine::sql::params;
use crate::{Result, Store};

impl Store {
    /// Takes or prolongs the lease of this name for `life`. False if another core holds it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn lease(&self, name: &'static str, holder: [u8; 16], life: SignedDuration) -> Result<bool> {
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
        self.write("lease", move |tx| {
            let taken = tx.sql.run(
                "INSERT INTO lease (name, holder, ends) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE \
                 SET holder = excluded.holder, ends = excluded.ends WHERE lease.holder = excluded.holder OR lease.ends < ?4",
                params![name, holder.as_slice(), tx.now.saturating_add(life), tx.now],
            )?;
            Ok(taken > 0)
        })
        .await
    }
}
