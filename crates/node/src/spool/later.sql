-- Open windows, by the number of the alert that they count.
CREATE TABLE IF NOT EXISTS window (alert INTEGER PRIMARY KEY, key BLOB NOT NULL, body BLOB NOT NULL) STRICT;
-- What the node remembers along with its records: hosts as the core knows them, commands that were begun.
CREATE TABLE IF NOT EXISTS note (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;
-- Alerts that were seen of sources that may show one again, by their keys. `hour` since 1970: old ones go. Alerts come in nearly
-- by time, so that the few pages of their hours are all that is read and written, however many there are.
CREATE TABLE IF NOT EXISTS seen (
  source TEXT NOT NULL, hour INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (source, hour, key)
) WITHOUT ROWID, STRICT;
