CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
-- Records in the order of the chain. `sum` is a checksum of the body.
CREATE TABLE record (
  seq INTEGER PRIMARY KEY, number INTEGER NOT NULL, at INTEGER NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
-- Transactions that wrote records: each is a position of the chain. `seq` is that of its last record.
CREATE TABLE position (
  seq INTEGER PRIMARY KEY, number INTEGER NOT NULL, tag INTEGER NOT NULL, cursors TEXT NOT NULL
) STRICT;
CREATE TABLE cursor (source TEXT PRIMARY KEY, cursor TEXT NOT NULL) WITHOUT ROWID, STRICT;
