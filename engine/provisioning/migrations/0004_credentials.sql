-- Credentials that were made for requests, encrypted.
CREATE TABLE desk_credential (
    request TEXT PRIMARY KEY,
    body    TEXT NOT NULL,
    -- NULL once they are revealed and nothing needs them any more.
    sealed  BLOB
) STRICT, WITHOUT ROWID;

-- Creating calls of the gateway that were sent and have no answer yet.
CREATE TABLE desk_create (
    cluster TEXT NOT NULL,
    -- Service, kind and name of what is made.
    thing   TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    PRIMARY KEY (cluster, thing)
) STRICT, WITHOUT ROWID;
