-- Times are milliseconds since 1970 UTC, unless a column says µs.
-- Each table of tenants' data has a column `client`; engine/guard.rs holds the list, and every statement to it.

-- What the database itself must remember: its keys and counters.
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL, changed INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- Secrets, enciphered by the core with a key that is not in here.
CREATE TABLE sealed (name TEXT PRIMARY KEY, value BLOB NOT NULL, changed INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- Certificate authorities. The private key is enciphered by the core.
CREATE TABLE authority (
    id INTEGER PRIMARY KEY,
    certificate TEXT NOT NULL,
    sealed_key BLOB NOT NULL,
    created INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    state INTEGER NOT NULL
) STRICT;

-- People. What they may do is in `admin`, `everywhere` and user_client (access.rs).
CREATE TABLE user (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    admin INTEGER NOT NULL,
    everywhere INTEGER,
    passphrase TEXT,
    disabled INTEGER NOT NULL DEFAULT 0,
    language TEXT,
    theme TEXT,
    time_zone TEXT,
    created INTEGER NOT NULL,
    seen INTEGER
) STRICT;
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    how INTEGER NOT NULL,
    created INTEGER NOT NULL,
    -- When they last showed who they are.
    proved INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    idle INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    address TEXT,
    agent TEXT
) STRICT;
CREATE INDEX session_user ON session (user_id);
CREATE INDEX session_ends ON session (ends);
-- One-time links: to set up the first administrator, to sign in from the machine itself, to take up an invitation.
CREATE TABLE link (
    hash BLOB PRIMARY KEY,
    kind INTEGER NOT NULL,
    user_id INTEGER REFERENCES user ON DELETE CASCADE,
    created INTEGER NOT NULL,
    ends INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX link_user ON link (user_id);
-- Keys for programs. `role` is the most that one allows, whatever its user may do.
CREATE TABLE api_key (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    name TEXT NOT NULL,
    role INTEGER NOT NULL,
    every_client INTEGER NOT NULL,
    created INTEGER NOT NULL,
    ends INTEGER,
    used INTEGER,
    used_from TEXT
) STRICT;
CREATE INDEX api_key_user ON api_key (user_id);
CREATE TABLE api_key_client (
    api_key INTEGER NOT NULL REFERENCES api_key ON DELETE CASCADE,
    client INTEGER NOT NULL REFERENCES client ON DELETE CASCADE,
    PRIMARY KEY (api_key, client)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_client_client ON api_key_client (client);
-- How people show who they are, beside a passphrase.
CREATE TABLE authenticator (
    user_id INTEGER PRIMARY KEY REFERENCES user ON DELETE CASCADE,
    sealed BLOB NOT NULL,
    -- The last 30 seconds whose code was used.
    step INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE TABLE recovery_code (
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    hash BLOB NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE passkey (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    credential BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    created INTEGER NOT NULL,
    used INTEGER
) STRICT;
CREATE INDEX passkey_user ON passkey (user_id);
-- What takes more than one request (ceremonies.rs).
CREATE TABLE ceremony (
    hash BLOB PRIMARY KEY,
    step INTEGER NOT NULL,
    user_id INTEGER REFERENCES user ON DELETE CASCADE,
    state BLOB NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    ends INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ceremony_user ON ceremony (user_id);
CREATE INDEX ceremony_ends ON ceremony (ends);
-- Where people may show elsewhere who they are (providers.rs), and who they are there (identities.rs). `rules` is JSON.
CREATE TABLE provider (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    kind INTEGER NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    strangers INTEGER NOT NULL,
    rules TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE TABLE identity (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    label TEXT NOT NULL,
    created INTEGER NOT NULL,
    used INTEGER,
    UNIQUE (kind, issuer, subject)
) STRICT;
CREATE INDEX identity_user ON identity (user_id);
-- The audit log, and the end of its chain (audit.rs).
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    user_id INTEGER,
    who TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    client INTEGER,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    before TEXT,
    after TEXT,
    salt BLOB,
    digest BLOB NOT NULL,
    link BLOB NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_client ON audit (client, id) WHERE client IS NOT NULL;
CREATE INDEX audit_user ON audit (user_id, id) WHERE user_id IS NOT NULL;
-- `sent` is the last entry that was handed to a log collector.
CREATE TABLE audit_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id INTEGER NOT NULL,
    link BLOB NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO audit_head (one, id, link) VALUES (1, 0, zeroblob(32));

-- Work that one core at a time does (leases.rs).
CREATE TABLE lease (name TEXT PRIMARY KEY, holder BLOB NOT NULL, ends INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Clients and nodes.
CREATE TABLE client (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    notes TEXT NOT NULL DEFAULT '',
    time_zone TEXT,
    contacts TEXT NOT NULL DEFAULT '',
    builtin INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    -- How many days its alerts are kept; null: as long as the core keeps alerts (retention.rs).
    keep_days INTEGER,
    -- Since when nothing of it may be deleted, and why (holds.rs).
    held INTEGER,
    held_why TEXT
) STRICT;
CREATE TABLE user_client (
    user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    client INTEGER NOT NULL REFERENCES client ON DELETE CASCADE,
    duty INTEGER NOT NULL,
    PRIMARY KEY (user_id, client)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_client_client ON user_client (client);
-- What is counted per client as it changes: the number of its latest change, its alerts, those open.
CREATE TABLE tally (
    client INTEGER PRIMARY KEY REFERENCES client ON DELETE CASCADE,
    number INTEGER NOT NULL DEFAULT 0,
    alerts INTEGER NOT NULL DEFAULT 0,
    open INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE node (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client INTEGER NOT NULL REFERENCES client,
    name TEXT NOT NULL,
    hostname TEXT NOT NULL,
    site TEXT NOT NULL DEFAULT '',
    contact TEXT NOT NULL DEFAULT '',
    mirror_port TEXT NOT NULL DEFAULT '',
    notes TEXT NOT NULL DEFAULT '',
    key BLOB NOT NULL UNIQUE,
    enrolled INTEGER NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    -- Since when it is expected to report: when it enrolled, or was enabled again.
    expected INTEGER NOT NULL,
    revoked INTEGER,
    deleting INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX node_name ON node (client, name);
-- Where the core stands in a node's chain. `epoch`, `number` and `tag` are null until the first batch.
CREATE TABLE node_link (
    node INTEGER PRIMARY KEY REFERENCES node ON DELETE CASCADE,
    client INTEGER NOT NULL,
    epoch INTEGER,
    number INTEGER,
    tag INTEGER,
    cursors TEXT NOT NULL DEFAULT '{}',
    alerts INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    refused_alarm INTEGER NOT NULL DEFAULT 0
) STRICT;
-- How a node is: its last report only.
CREATE TABLE node_report (
    node INTEGER PRIMARY KEY REFERENCES node ON DELETE CASCADE,
    client INTEGER NOT NULL,
    heard INTEGER,
    version TEXT,
    skew REAL,
    silence INTEGER NOT NULL DEFAULT 0,
    blind INTEGER NOT NULL DEFAULT 0,
    blind_why TEXT,
    status TEXT
) STRICT;
CREATE TABLE lost (
    node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    at INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    client INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (node, at, epoch, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE certificate (
    fingerprint BLOB PRIMARY KEY,
    client INTEGER NOT NULL,
    node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    serial TEXT NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX certificate_node ON certificate (node, ends);
CREATE TABLE token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client INTEGER NOT NULL REFERENCES client ON DELETE CASCADE,
    hash BLOB NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    ends INTEGER NOT NULL,
    used INTEGER,
    node INTEGER REFERENCES node ON DELETE SET NULL
) STRICT;
CREATE INDEX token_client ON token (client);
CREATE INDEX token_node ON token (node);

-- Hosts: agents of the Wazuh managers that nodes know (hosts.rs). `body` is the whole host as JSON, `groups` are between bars.
CREATE TABLE host (
    client INTEGER NOT NULL,
    node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    agent TEXT NOT NULL,
    folded TEXT NOT NULL,           -- its name in lower case
    address TEXT NOT NULL,
    state INTEGER NOT NULL,
    version TEXT NOT NULL,
    behind INTEGER NOT NULL,
    platform TEXT NOT NULL,
    groups TEXT NOT NULL,
    since INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (client, node, agent)
) STRICT, WITHOUT ROWID;
CREATE INDEX host_name ON host (client, folded, node, agent);
CREATE INDEX host_node ON host (node);
-- Commands to nodes (commands.rs). `body` is what to do, as JSON; `answer` is compressed JSON.
CREATE TABLE command (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client INTEGER NOT NULL,
    node INTEGER NOT NULL REFERENCES node ON DELETE CASCADE,
    deed TEXT NOT NULL,
    agent TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    user_id INTEGER,
    who TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    state INTEGER NOT NULL,
    token INTEGER,
    begun INTEGER,
    finished INTEGER,
    said TEXT NOT NULL DEFAULT '',
    answer BLOB
) STRICT;
CREATE INDEX command_node ON command (client, node, state, id);
CREATE INDEX command_agent ON command (client, node, agent, deed, subject, id);
CREATE INDEX command_subject ON command (client, deed, subject, id);
CREATE INDEX command_state ON command (state, expires);
CREATE INDEX command_cascade ON command (node);

-- Alerts. `number` rises in order of arrival; `stamp` is milliseconds of arrival and a count within them (id.rs).
CREATE TABLE alert (
    number INTEGER PRIMARY KEY,
    client INTEGER NOT NULL,
    node INTEGER,
    rule INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    state INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    fold INTEGER NOT NULL,
    has_raw INTEGER NOT NULL,
    witness INTEGER NOT NULL DEFAULT 0, -- by which ways it came: 1 Suricata's own, 2 Wazuh's copy
    stamp INTEGER NOT NULL,
    time INTEGER NOT NULL,          -- µs
    span INTEGER NOT NULL,          -- µs from `time` to the latest event
    count INTEGER NOT NULL,
    source_ip TEXT,
    source_port INTEGER,
    destination_ip TEXT,
    destination_port INTEGER,
    host TEXT,
    user TEXT,
    domain TEXT,
    message TEXT
) STRICT;
CREATE INDEX alert_client ON alert (client, state, severity);
CREATE INDEX alert_node ON alert (client, node);
CREATE INDEX alert_rule ON alert (client, rule);
-- The whole alert, compressed: apart, so that lists read only what they need.
CREATE TABLE body (
    alert INTEGER PRIMARY KEY,
    client INTEGER NOT NULL,
    dictionary INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
-- Samples that came with later counts.
CREATE TABLE sample (
    alert INTEGER NOT NULL,
    position INTEGER NOT NULL,
    client INTEGER NOT NULL,
    dictionary INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (alert, position)
) STRICT, WITHOUT ROWID;
-- Which alerts are about an entity. `part` is a range of numbers (postings.rs), so that writing touches few pages.
CREATE TABLE posting (
    part INTEGER NOT NULL,
    client INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    alert INTEGER NOT NULL,
    PRIMARY KEY (part, client, entity, alert)
) STRICT, WITHOUT ROWID;
-- Rules as each client's nodes describe them: one client's node cannot rename another's rule.
CREATE TABLE rule (
    id INTEGER PRIMARY KEY,
    client INTEGER NOT NULL,
    module INTEGER NOT NULL,
    rule TEXT NOT NULL,
    folded TEXT NOT NULL,           -- `rule` in lower case
    name TEXT NOT NULL,
    alerts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX rule_key ON rule (client, module, rule, name);
CREATE INDEX rule_word ON rule (client, folded);
-- Words of the alerts, by their numbers; the client is a word of each entry (search.rs).
CREATE VIRTUAL TABLE word USING fts5 (
    text, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 0 tokenchars '.-_@:'"
);
CREATE TABLE history (
    alert INTEGER NOT NULL,
    position INTEGER NOT NULL,
    client INTEGER NOT NULL,
    at INTEGER NOT NULL,
    user INTEGER,
    who TEXT NOT NULL,
    action INTEGER NOT NULL,
    comment TEXT,
    PRIMARY KEY (alert, position)
) STRICT, WITHOUT ROWID;
-- Alerts whose window is still open at their node.
CREATE TABLE open_fold (
    node INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    record INTEGER NOT NULL,
    client INTEGER NOT NULL,
    alert INTEGER NOT NULL,
    PRIMARY KEY (node, epoch, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX open_fold_alert ON open_fold (alert);
-- zstd dictionaries, one after another per source; 0 stands for none.
CREATE TABLE dictionary (id INTEGER PRIMARY KEY, module INTEGER NOT NULL, data BLOB NOT NULL, created INTEGER NOT NULL) STRICT;

-- Rollups: by hour of arrival with everything; by hour without rules, for charts; by day with rules, for facets.
CREATE TABLE rollup (
    client INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    node INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    state INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    alerts INTEGER NOT NULL,
    occurrences INTEGER NOT NULL,
    PRIMARY KEY (client, hour, node, rule, severity, state, hidden)
) STRICT, WITHOUT ROWID;
CREATE TABLE rollup_hour (
    client INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    node INTEGER NOT NULL,
    module INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    state INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    alerts INTEGER NOT NULL,
    occurrences INTEGER NOT NULL,
    PRIMARY KEY (client, hour, node, module, severity, state, hidden)
) STRICT, WITHOUT ROWID;
CREATE TABLE rollup_day (
    client INTEGER NOT NULL,
    day INTEGER NOT NULL,
    node INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    state INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    alerts INTEGER NOT NULL,
    occurrences INTEGER NOT NULL,
    PRIMARY KEY (client, day, node, rule, severity, state, hidden)
) STRICT, WITHOUT ROWID;

-- Live: each change of a client's data has the client's next number.
CREATE TABLE change (
    client INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    node INTEGER,
    new INTEGER NOT NULL DEFAULT 0,
    counted INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (client, number)
) STRICT, WITHOUT ROWID;

-- Work that must survive a restart.
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    client INTEGER,
    subject INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT;
