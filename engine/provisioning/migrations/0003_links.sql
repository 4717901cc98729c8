-- Links by which one approver decides, and mails that wait to be sent. A link is its id and a signature, and only the id is here: what is
-- read in the database lets nobody decide.

CREATE TABLE desk_link (
    id       TEXT PRIMARY KEY,
    approval TEXT NOT NULL,
    -- Who decides by it: an entity reference.
    person   TEXT NOT NULL,
    used_at  INTEGER,
    UNIQUE (approval, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE desk_mail (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    due_at INTEGER NOT NULL,
    body   TEXT NOT NULL
) STRICT;
CREATE INDEX desk_mail_due ON desk_mail (due_at);

-- Keys of the desk, encrypted.
CREATE TABLE desk_key (
    name   TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Tickets of undecided approvals are looked at again and again.
CREATE INDEX desk_approval_open_ticket ON desk_approval (number) WHERE ticket IS NOT NULL AND state = 'pending';
