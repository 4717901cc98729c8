-- What grows with an instance, such as the items and the results of a loop: a turn writes the parts that it changed and
-- none of the others. Rows have numbers, so that those of one transaction stand on the same pages, whichever instances they
-- belong to: with parts of 1 KB of 64 instances, a table sorted by its key writes 23 KB for each part, and this one 4 KB.
CREATE TABLE part (
    number   INTEGER PRIMARY KEY,
    instance INTEGER NOT NULL,
    key      TEXT NOT NULL,
    content  BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX part_key ON part (instance, key);

-- Texts that are too large for the row of their instance. SQLite writes a whole row again when one of its columns changes
-- its length, so that a turn which only moves on would write all of the data again. The column of the row is then
-- empty, which no JSON is. (A column for that would cost a scan: SQLite checks all rows of a STRICT table to which one is added.) Texts that were
-- written into the row before these tables existed stay there until they change.
CREATE TABLE large_data (
    instance INTEGER PRIMARY KEY,
    content  TEXT NOT NULL
) STRICT;

CREATE TABLE large_input (
    instance INTEGER PRIMARY KEY,
    content  TEXT NOT NULL
) STRICT;

-- Fingerprint of the listing of the program that the revision was lowered to; NULL when it was stored before listings were.
ALTER TABLE revision ADD COLUMN fingerprint TEXT;
