//! Makes events whole after some of their rows were lost.
//!
//! Promises: what is left of an event reaches its instance; nothing refers to what is lost; sums are right; an instance that waits for
//! events has a turn in which it says so again; events to send are tried again from the first on.

use rusqlite::Connection;

/// What refers to a content that is lost, for nothing can come of it.
const REMOVE_LOST: &str = "
    DELETE FROM mailbox WHERE event IS NOT NULL AND event NOT IN (SELECT event FROM event_content);
    DELETE FROM kept_event WHERE event NOT IN (SELECT event FROM event_content);
    DELETE FROM kept_attribute WHERE kept NOT IN (SELECT number FROM kept_event);
    DELETE FROM event_wait WHERE shape NOT IN (SELECT number FROM wait_shape);
";

/// An event without its row is not recognised when it is sent again, and is delivered all the same.
const NAME_CONTENTS: &str = "
    INSERT INTO event (number, uses, forget_at, source, id)
    SELECT event, 0, 0, '', 'lost-' || event FROM event_content WHERE event NOT IN (SELECT number FROM event);
";

const INDEX_ATTRIBUTES: &str = "
    INSERT OR IGNORE INTO kept_attribute (kept, name, type, value)
    SELECT kept_event.number, pair.value ->> '$[0]', kept_event.type, pair.value ->> '$[1]'
    FROM kept_event JOIN event_content ON event_content.event = kept_event.event,
         json_each(iif(json_valid(attributes), attributes, '[]')) AS pair
    WHERE instance IS NULL AND workflow IS NULL
        AND pair.value ->> '$[0]' IS NOT NULL AND pair.value ->> '$[1]' IS NOT NULL;
";

const COUNT: &str = "
    UPDATE event SET uses = coalesce((SELECT number FROM (
        SELECT event AS used, count(*) AS number FROM (
            SELECT event FROM mailbox WHERE event IS NOT NULL UNION ALL SELECT event FROM kept_event
        ) GROUP BY event
    ) WHERE used = event.number), 0);
    DELETE FROM event_content WHERE event IN (SELECT number FROM event WHERE uses = 0);
    INSERT OR REPLACE INTO event_total (name, amount) SELECT 'kept', count(*) FROM kept_event;
    INSERT OR REPLACE INTO event_total (name, amount) SELECT 'outbox', count(*) FROM outbox;
    INSERT OR REPLACE INTO event_total (name, amount)
    SELECT 'outbox_bytes', coalesce(sum(octet_length(content)), 0) FROM outbox;
    INSERT OR REPLACE INTO event_total (name, amount)
    SELECT 'event_bytes', coalesce(sum(octet_length(content)), 0) FROM event_content;
";

/// As in the migration that made the table of waits.
const WAIT_AGAIN: &str = "
    UPDATE instance SET wake_at = 1 WHERE state = 1 AND instr(frames, x'7b2265223a5b') > 0;
";

const SEND_AGAIN: &str = "UPDATE outbox SET blocked = 0, next_at = 0;";

/// Mends the tables of events in a new database, if it has them.
pub(super) fn mend(target: &Connection) -> rusqlite::Result<()> {
    if !target.table_exists(None, "event_wait")? {
        return Ok(());
    }
    for sql in [REMOVE_LOST, NAME_CONTENTS, INDEX_ATTRIBUTES, COUNT, WAIT_AGAIN, SEND_AGAIN] {
        target.execute_batch(sql)?;
    }
    Ok(())
}
