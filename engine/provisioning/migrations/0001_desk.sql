-- The provisioning desk. Each thing is one row: what it is looked up and counted by in columns, all of it as JSON in `body`.
-- Moments are milliseconds since 1970, amounts are thousandths.

CREATE TABLE desk_pool (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE desk_request (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    pool      TEXT NOT NULL,
    state     TEXT NOT NULL,
    provider  TEXT NOT NULL,
    order_id  TEXT,
    cluster   TEXT,
    -- Whether quota and capacity are taken.
    holds     INTEGER NOT NULL,
    instances INTEGER NOT NULL,
    cpu       INTEGER NOT NULL,
    memory    INTEGER NOT NULL,
    storage   INTEGER NOT NULL,
    -- When there is something to do although nobody asks.
    due_at    INTEGER,
    body      TEXT NOT NULL
) STRICT;
CREATE INDEX desk_request_pool ON desk_request (pool, number);
CREATE INDEX desk_request_state ON desk_request (state, number);
CREATE INDEX desk_request_order ON desk_request (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX desk_request_pool_state ON desk_request (pool, state, number);
CREATE INDEX desk_request_cluster ON desk_request (cluster) WHERE holds = 1 AND cluster IS NOT NULL;
-- Those that wait for a place are found by what fits, from the index alone.
CREATE INDEX desk_request_unplaced ON desk_request (number, provider, instances, cpu, memory, storage)
    WHERE state = 'Queued' AND cluster IS NULL AND due_at IS NOT NULL;
CREATE INDEX desk_request_due ON desk_request (due_at) WHERE due_at IS NOT NULL;

-- What live requests take of a pool (`pool`) or of a cluster (`cluster`): always the sum over their rows with `holds`, and written with them,
-- so that no sum is made when a request is admitted.
CREATE TABLE desk_usage (
    kind      TEXT NOT NULL,
    name      TEXT NOT NULL,
    instances INTEGER NOT NULL,
    cpu       INTEGER NOT NULL,
    memory    INTEGER NOT NULL,
    storage   INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE desk_dependency (
    request    TEXT NOT NULL,
    depends_on TEXT NOT NULL,
    PRIMARY KEY (request, depends_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX desk_dependency_reverse ON desk_dependency (depends_on, request);

CREATE TABLE desk_transition (
    request  TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (request, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE desk_rule (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE desk_approval (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    state     TEXT NOT NULL,
    pool      TEXT,
    requester TEXT NOT NULL,
    due_at    INTEGER,
    -- `project#issue` of its ticket.
    ticket    TEXT,
    -- Whether its ticket has to be opened or closed.
    ticket_work INTEGER NOT NULL,
    body      TEXT NOT NULL
) STRICT;
CREATE INDEX desk_approval_state ON desk_approval (state, number);
CREATE INDEX desk_approval_due ON desk_approval (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX desk_approval_ticket ON desk_approval (ticket) WHERE ticket IS NOT NULL;
CREATE INDEX desk_approval_ticket_work ON desk_approval (number) WHERE ticket_work = 1;

CREATE TABLE desk_cluster (
    name   TEXT PRIMARY KEY,
    body   TEXT NOT NULL,
    -- Credentials, encrypted.
    sealed BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE desk_webhook (
    id     TEXT PRIMARY KEY,
    pool   TEXT NOT NULL,
    body   TEXT NOT NULL,
    -- Secret and password, encrypted.
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX desk_webhook_pool ON desk_webhook (pool);

CREATE TABLE desk_event (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    request  TEXT NOT NULL,
    pool     TEXT NOT NULL,
    type     TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    data     TEXT NOT NULL
) STRICT;
CREATE INDEX desk_event_request ON desk_event (request, number);

CREATE TABLE desk_delivery (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook TEXT NOT NULL,
    event   INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    due_at  INTEGER,
    body    TEXT NOT NULL
) STRICT;
CREATE INDEX desk_delivery_webhook ON desk_delivery (webhook, number);
CREATE INDEX desk_delivery_due ON desk_delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX desk_delivery_at ON desk_delivery (at);

-- How far each consumer of events has come.
CREATE TABLE desk_cursor (
    consumer TEXT PRIMARY KEY,
    event    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Answers that are given again for the same Idempotency-Key.
CREATE TABLE desk_answer (
    key        TEXT NOT NULL,
    person     TEXT NOT NULL,
    digest     BLOB NOT NULL,
    status     INTEGER NOT NULL,
    body       TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (key, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX desk_answer_expiry ON desk_answer (expires_at);
