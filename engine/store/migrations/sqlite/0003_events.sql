-- Events that were accepted, for as long as they are recognised. Their contents stand apart, so that an event that everybody has
-- taken is a small row. AUTOINCREMENT: a number must never come back, or what still refers to it would mean another event.
CREATE TABLE event (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    -- How many messages and kept rows refer to it. With the last of them its content goes.
    uses      INTEGER NOT NULL,
    forget_at INTEGER NOT NULL,
    source    TEXT NOT NULL,
    id        TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX event_identity ON event (source, id);
CREATE INDEX event_forgettable ON event (forget_at) WHERE uses = 0;

CREATE TABLE event_content (
    event      INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    keep_until INTEGER NOT NULL,
    type       TEXT NOT NULL,
    attributes TEXT NOT NULL,
    content    BLOB NOT NULL
) STRICT;

-- The number of the event that a message is.
ALTER TABLE mailbox ADD COLUMN event INTEGER;

-- What waits have in common: as many rows as definitions have events. The names of attributes are JSON lists; `bound` are those whose values
-- are the key of a wait.
CREATE TABLE wait_shape (
    number   INTEGER PRIMARY KEY,
    type     TEXT NOT NULL,
    workflow TEXT NOT NULL,
    event    TEXT NOT NULL,
    source   TEXT,
    bound    TEXT NOT NULL,
    unbound  TEXT NOT NULL
) STRICT;

CREATE INDEX wait_shape_type ON wait_shape (type, workflow, event);

-- An event finds its waits by the shapes of its type, and in each by the key: the JSON list of the bound values.
CREATE TABLE event_wait (
    instance INTEGER NOT NULL,
    position INTEGER NOT NULL,
    shape    INTEGER NOT NULL,
    key      TEXT NOT NULL,
    frame    INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    until    INTEGER,
    PRIMARY KEY (instance, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_wait_key ON event_wait (shape, key);

-- Events that nobody has taken yet: for an instance, for a business key, for a set of events that start a workflow, or for anybody.
CREATE TABLE kept_event (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    event        INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    keep_until   INTEGER,
    instance     BLOB,
    business_key TEXT,
    workflow     TEXT,
    name         TEXT,
    set_key      TEXT,
    type         TEXT NOT NULL
) STRICT;

CREATE INDEX kept_event_instance ON kept_event (instance, type, event) WHERE instance IS NOT NULL;
CREATE INDEX kept_event_business_key ON kept_event (business_key, type, event) WHERE business_key IS NOT NULL;
CREATE INDEX kept_event_set ON kept_event (workflow, set_key, name) WHERE workflow IS NOT NULL;
CREATE INDEX kept_event_type ON kept_event (type, at)
    WHERE instance IS NULL AND business_key IS NULL AND workflow IS NULL;
CREATE INDEX kept_event_due ON kept_event (keep_until) WHERE keep_until IS NOT NULL;
-- An event that can be several events of its set has a row for each, which go together.
CREATE INDEX kept_event_event ON kept_event (event) WHERE workflow IS NOT NULL;

-- By these, a wait with bound attributes finds a kept event.
CREATE TABLE kept_attribute (
    kept  INTEGER NOT NULL,
    name  TEXT NOT NULL,
    type  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kept, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX kept_attribute_value ON kept_attribute (type, name, value);

-- Events to send. Once a row could not be sent, those behind it of the same instance and channel are blocked, so that a search for what can be
-- sent does not come across them. AUTOINCREMENT for the same reason as for messages.
CREATE TABLE outbox (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    instance   BLOB NOT NULL,
    channel    TEXT NOT NULL,
    at         INTEGER NOT NULL,
    blocked    INTEGER NOT NULL,
    -- 0 before the first failure.
    next_at    INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    last_error TEXT,
    content    BLOB NOT NULL
) STRICT;

CREATE INDEX outbox_order ON outbox (instance, channel);
CREATE INDEX outbox_ready ON outbox (next_at, number) WHERE blocked = 0;

-- Sums, for counting rows takes longer the more there are.
CREATE TABLE event_total (
    name   TEXT PRIMARY KEY,
    amount INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO event_total (name, amount) VALUES ('kept', 0), ('outbox', 0), ('outbox_bytes', 0);

-- Events with a business key look for instances that have not ended; of those that have there can be any number.
CREATE INDEX instance_living_key ON instance (business_key) WHERE business_key IS NOT NULL AND ended_at IS NULL;

-- An instance of before that waits for events (`{"e":[` in its frames) has no row that says so: it is due at once, and writes them in its turn.
UPDATE instance SET wake_at = 1 WHERE state = 1 AND instr(frames, x'7b2265223a5b') > 0;
