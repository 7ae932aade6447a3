-- What the node remembers along with its records: hosts as the core knows them, commands that were begun.
CREATE TABLE IF NOT EXISTS note (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;
-- Alerts that were seen of sources that may show one again, by their keys. `hour` since 1970: old ones go.
CREATE TABLE IF NOT EXISTS seen (
  source TEXT NOT NULL, key BLOB NOT NULL, hour INTEGER NOT NULL, PRIMARY KEY (source, key)
) WITHOUT ROWID, STRICT;
CREATE INDEX IF NOT EXISTS seen_hour ON seen (source, hour);
