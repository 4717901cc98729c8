-- Bytes of the contents of events.
INSERT INTO event_total (name, amount)
SELECT 'event_bytes', coalesce(sum(octet_length(content)), 0) FROM event_content;
