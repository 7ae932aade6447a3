//! What is kept of each table, in the order in which it can be read in again: what is referred to comes first.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::engine::sql::Sql;

/// A table, and the texts to read and write it.
pub(super) struct Kept {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    /// Where the columns of its key are, as SQLite orders it and as PostgreSQL does.
    keys: [Vec<usize>; 2],
    first: [&'static str; 2],
    next: [&'static str; 2],
    /// By SQLite and by PostgreSQL.
    insert: [&'static str; 2],
    /// It has numbers of its own, which are never given twice.
    pub(super) numbered: bool,
}

/// Tables that are not kept: what lets somebody in, and what is made again.
#[cfg(test)]
pub(super) const LEFT_OUT: [&str; 5] = ["meta", "session", "link", "ceremony", "lease"];

/// Name, columns, key with SQLite, key with PostgreSQL.
type Line = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const LINES: &[Line] = &[
    ("setting", &["name", "value", "changed"], &["name"], &["name"]),
    ("sealed", &["name", "value", "changed"], &["name"], &["name"]),
    ("authority", &["id", "certificate", "sealed_key", "created", "ends", "state"], &["id"], &["id"]),
    (
        "client",
        &[
            "id",
            "name",
            "folded",
            "slug",
            "notes",
            "time_zone",
            "contacts",
            "builtin",
            "created",
            "keep_days",
            "held",
            "held_why",
        ],
        &["id"],
        &["id"],
    ),
    (
        "user",
        &[
            "id",
            "name",
            "folded",
            "admin",
            "everywhere",
            "passphrase",
            "disabled",
            "language",
            "theme",
            "time_zone",
            "created",
            "seen",
        ],
        &["id"],
        &["id"],
    ),
    ("user_client", &["user_id", "client", "duty"], &["user_id", "client"], &["client", "user_id"]),
    (
        "api_key",
        &["id", "hash", "user_id", "name", "role", "every_client", "created", "ends", "used", "used_from"],
        &["id"],
        &["id"],
    ),
    ("api_key_client", &["api_key", "client"], &["api_key", "client"], &["client", "api_key"]),
    ("authenticator", &["user_id", "sealed", "step", "created"], &["user_id"], &["user_id"]),
    ("recovery_code", &["user_id", "hash"], &["user_id", "hash"], &["user_id", "hash"]),
    (
        "provider",
        &["id", "name", "folded", "slug", "kind", "issuer", "client_id", "enabled", "strangers", "rules", "created"],
        &["id"],
        &["id"],
    ),
    ("identity", &["id", "kind", "issuer", "subject", "user_id", "label", "created", "used"], &["id"], &["id"]),
    ("passkey", &["id", "user_id", "credential", "name", "data", "created", "used"], &["id"], &["id"]),
    (
        "audit",
        &[
            "id", "at", "user_id", "who", "address", "action", "client", "subject", "detail", "before", "after",
            "salt", "digest", "link",
        ],
        &["id"],
        &["id"],
    ),
    ("audit_head", &["one", "id", "link", "sent"], &["one"], &["one"]),
    ("tally", &["client", "number", "alerts", "open"], &["client"], &["client"]),
    (
        "node",
        &[
            "id",
            "client",
            "name",
            "hostname",
            "site",
            "contact",
            "mirror_port",
            "notes",
            "key",
            "enrolled",
            "disabled",
            "expected",
            "revoked",
            "deleting",
        ],
        &["id"],
        &["client", "id"],
    ),
    (
        "node_link",
        &["node", "client", "epoch", "number", "tag", "cursors", "alerts", "refused", "refused_alarm"],
        &["node"],
        &["client", "node"],
    ),
    (
        "node_report",
        &["node", "client", "heard", "version", "skew", "silence", "blind", "blind_why", "status"],
        &["node"],
        &["client", "node"],
    ),
    (
        "lost",
        &["node", "at", "epoch", "first", "last", "client", "why"],
        &["node", "at", "epoch", "first"],
        &["client", "node", "at", "epoch", "first"],
    ),
    (
        "certificate",
        &["fingerprint", "client", "node", "serial", "starts", "ends"],
        &["fingerprint"],
        &["client", "fingerprint"],
    ),
    ("token", &["id", "client", "hash", "created", "created_by", "ends", "used", "node"], &["id"], &["client", "id"]),
    (
        "host",
        &[
            "client", "node", "agent", "folded", "address", "state", "version", "behind", "platform", "groups",
            "since", "body",
        ],
        &["client", "node", "agent"],
        &["client", "node", "agent"],
    ),
    (
        "command",
        &[
            "id", "client", "node", "deed", "agent", "subject", "body", "user_id", "who", "created", "expires",
            "state", "token", "begun", "finished", "said", "answer", "ticket",
        ],
        &["id"],
        &["client", "id"],
    ),
    ("rule", &["id", "client", "module", "rule", "folded", "name", "alerts"], &["id"], &["client", "id"]),
    ("dictionary", &["id", "module", "data", "created"], &["id"], &["id"]),
    (
        "alert",
        &[
            "number",
            "client",
            "node",
            "rule",
            "severity",
            "state",
            "hidden",
            "fold",
            "has_raw",
            "witness",
            "stamp",
            "time",
            "span",
            "count",
            "source_ip",
            "source_port",
            "destination_ip",
            "destination_port",
            "host",
            "user",
            "domain",
            "message",
        ],
        &["number"],
        &["client", "number"],
    ),
    ("body", &["alert", "client", "dictionary", "data"], &["alert"], &["client", "alert"]),
    (
        "sample",
        &["alert", "position", "client", "dictionary", "data"],
        &["alert", "position"],
        &["client", "alert", "position"],
    ),
    // With SQLite there is a column more, `part`, which follows from the alert.
    ("posting", &["client", "entity", "alert"], &["client", "entity", "alert"], &["client", "entity", "alert"]),
    (
        "history",
        &["alert", "position", "client", "at", "user", "who", "action", "comment"],
        &["alert", "position"],
        &["client", "alert", "position"],
    ),
    (
        "open_fold",
        &["node", "epoch", "record", "client", "alert"],
        &["node", "epoch", "record"],
        &["client", "node", "epoch", "record"],
    ),
    (
        "rollup",
        &["client", "hour", "node", "rule", "severity", "state", "hidden", "alerts", "occurrences"],
        &["client", "hour", "node", "rule", "severity", "state", "hidden"],
        &["client", "hour", "node", "rule", "severity", "state", "hidden"],
    ),
    (
        "rollup_hour",
        &["client", "hour", "node", "module", "severity", "state", "hidden", "alerts", "occurrences"],
        &["client", "hour", "node", "module", "severity", "state", "hidden"],
        &["client", "hour", "node", "module", "severity", "state", "hidden"],
    ),
    (
        "rollup_day",
        &["client", "day", "node", "rule", "severity", "state", "hidden", "alerts", "occurrences"],
        &["client", "day", "node", "rule", "severity", "state", "hidden"],
        &["client", "day", "node", "rule", "severity", "state", "hidden"],
    ),
    (
        "change",
        &["client", "number", "at", "kind", "node", "new", "counted", "changed"],
        &["client", "number"],
        &["client", "number"],
    ),
    ("job", &["id", "kind", "client", "subject", "created"], &["id"], &["client", "id"]),
];

/// Tables whose `id` counts up by itself.
const NUMBERED: [&str; 13] = [
    "authority",
    "client",
    "user",
    "api_key",
    "passkey",
    "provider",
    "identity",
    "node",
    "token",
    "rule",
    "dictionary",
    "command",
    "job",
];

/// All that is kept, in order.
pub(super) static KEPT: LazyLock<Vec<Kept>> = LazyLock::new(|| LINES.iter().map(Kept::new).collect());

/// Where each is.
pub(super) static BY_NAME: LazyLock<HashMap<&str, &Kept>> =
    LazyLock::new(|| KEPT.iter().map(|kept| (kept.name, kept)).collect());

fn fixed(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

impl Kept {
    /// Made once for each table, from the constants above.
    fn new((name, columns, sqlite, postgres): &Line) -> Self {
        let (name, columns) = (*name, *columns);
        let all = columns.join(", ");
        // `alert` in SQLite's postings stands in parts; their order by client would be a sort.
        let keys = [sqlite, postgres].map(|key| {
            key.iter().map(|key| columns.iter().position(|column| column == key).unwrap_or(0)).collect::<Vec<_>>()
        });
        let why = "/* across clients: a backup */ /* in order: a backup */";
        let page = |key: &[&str], after: bool, part: bool| {
            let key = if part { [&["part"], key].concat() } else { key.to_vec() };
            let key = key.join(", ");
            let from = if after {
                let places: Vec<String> = (1..=key.split(", ").count()).map(|n| format!("?{n}")).collect();
                format!("WHERE ({key}) > ({}) ", places.join(", "))
            } else {
                String::new()
            };
            fixed(format!("SELECT {all} FROM {name} {from}ORDER BY {key} LIMIT {} {why}", super::STEP))
        };
        let posting = name == "posting";
        let first = [page(sqlite, false, posting), page(postgres, false, false)];
        let next = [page(sqlite, true, posting), page(postgres, true, false)];
        let places: Vec<String> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
        let places = places.join(", ");
        let plain = fixed(format!("INSERT INTO {name} ({all}) VALUES ({places})"));
        let parted = fixed(format!("INSERT INTO {name} ({all}, part) VALUES ({places}, ?3 >> 20)"));
        let insert = [if posting { parted } else { plain }, plain];
        Self { name, columns, keys, first, next, insert, numbered: NUMBERED.contains(&name) }
    }

    fn side(sql: Sql<'_>) -> usize {
        usize::from(matches!(sql, Sql::Postgres(_)))
    }

    /// The text for the first page, or for those after it.
    pub(super) fn page(&self, sql: Sql<'_>, after: bool) -> &'static str {
        (if after { self.next } else { self.first })[Self::side(sql)]
    }

    /// Where a row holds what the next page begins after. With SQLite, postings have their part before it.
    pub(super) fn key(&self, sql: Sql<'_>) -> &[usize] {
        &self.keys[Self::side(sql)]
    }

    pub(super) fn insert(&self, sql: Sql<'_>) -> &'static str {
        self.insert[Self::side(sql)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_and_every_column_is_kept_or_left_out_on_purpose() {
        for (table, mut columns) in crate::engine::sqlite::columns() {
            let Some(kept) = BY_NAME.get(table.as_str()) else {
                assert!(LEFT_OUT.contains(&table.as_str()), "{table} is in no backup");
                continue;
            };
            columns.retain(|column| (table.as_str(), column.as_str()) != ("posting", "part"));
            let mut known: Vec<&str> = kept.columns.to_vec();
            known.sort_unstable();
            columns.sort_unstable();
            assert_eq!(known, columns, "{table}");
        }
    }
}
