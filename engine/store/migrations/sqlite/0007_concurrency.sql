-- Concurrency groups: of the instances of one group with the same key, no more than `most` run at once.
CREATE TABLE concurrency_group (
    name TEXT PRIMARY KEY,
    most INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A key of a group, with how many instances run and wait, so that a start counts nothing. It is there as long as an instance has it.
CREATE TABLE concurrency_key (
    number     INTEGER PRIMARY KEY,
    group_name TEXT NOT NULL,
    key        TEXT NOT NULL,
    running    INTEGER NOT NULL,
    waiting    INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX concurrency_key_name ON concurrency_key (group_name, key);

-- The instances that have a key and have not ended. `phase` is 0 while one waits for a place, 1 while it has one, 2 while it stands at an
-- error. Those that wait are let go in the order of their numbers, which is that of their starts.
CREATE TABLE concurrency_member (
    instance INTEGER PRIMARY KEY,
    key      INTEGER NOT NULL,
    phase    INTEGER NOT NULL
) STRICT;

CREATE INDEX concurrency_member_key ON concurrency_member (key, phase, instance);
