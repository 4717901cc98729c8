-- Tables refer to each other by small numbers, so that a sleeping instance stays small. References are not declared:
-- the writer looks the numbers up itself, and checking them again would cost a look-up for each row.

CREATE TABLE revision (
    number      INTEGER PRIMARY KEY,
    digest      TEXT NOT NULL UNIQUE,
    workflow    TEXT NOT NULL,
    version     TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    path        TEXT NOT NULL,
    source      TEXT NOT NULL
) STRICT;

CREATE INDEX revision_of_workflow ON revision (workflow);

-- Contents of files, each once, by SHA-256.
CREATE TABLE file (
    number  INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE,
    content BLOB NOT NULL
) STRICT;

-- The files of a revision, in their order.
CREATE TABLE bundle (
    revision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    file     INTEGER NOT NULL,
    PRIMARY KEY (revision, position)
) STRICT, WITHOUT ROWID;

-- The newest revision of each workflow that was ever served.
CREATE TABLE definition (
    workflow  TEXT PRIMARY KEY,
    revision  INTEGER NOT NULL,
    available INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Columns that are searched stand first and the data last: what lies beyond the first page of a large row is then
-- read only when it is wanted.
CREATE TABLE instance (
    number        INTEGER PRIMARY KEY,
    id            BLOB NOT NULL,
    revision      INTEGER NOT NULL,
    state         INTEGER NOT NULL,
    turn          INTEGER NOT NULL,
    busy          INTEGER NOT NULL,
    started_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    wake_at       INTEGER,
    business_key  TEXT,
    reference_id  TEXT,
    parent        BLOB,
    root          BLOB,
    root_workflow TEXT,
    error         TEXT,
    frames        BLOB NOT NULL,
    sealed        BLOB,
    input         TEXT,
    extra         TEXT,
    data          TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX instance_id ON instance (id);
-- Lists of a workflow's instances are sorted by their start.
CREATE INDEX instance_started ON instance (revision, started_at);
-- The others are partial: an instance costs an entry only while it is one of those that are looked for. They hold the id, so
-- that reading a page of them touches no row.
CREATE INDEX instance_due ON instance (wake_at, id) WHERE wake_at IS NOT NULL;
CREATE INDEX instance_busy ON instance (id) WHERE busy = 1;
CREATE INDEX instance_parent ON instance (parent, id) WHERE parent IS NOT NULL;
CREATE INDEX instance_root ON instance (root) WHERE root IS NOT NULL;
CREATE INDEX instance_business_key ON instance (business_key) WHERE business_key IS NOT NULL;

CREATE TABLE history (
    number   INTEGER PRIMARY KEY,
    instance INTEGER NOT NULL,
    turn     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    facts    TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX history_turn ON history (instance, turn);

-- AUTOINCREMENT: a number that was taken out must never come back, or a late removal would hit another message.
CREATE TABLE mailbox (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    recipient BLOB NOT NULL,
    payload   BLOB NOT NULL
) STRICT;

CREATE INDEX mailbox_recipient ON mailbox (recipient, number);
