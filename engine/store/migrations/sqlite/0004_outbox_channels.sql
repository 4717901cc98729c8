-- Each channel is sent by itself, so that one whose sink does not answer holds up no other: what may be sent is found by the channel.
DROP INDEX outbox_ready;
CREATE INDEX outbox_ready ON outbox (channel, next_at, number) WHERE blocked = 0;
-- Rows that failed, of all channels.
CREATE INDEX outbox_failed ON outbox (next_at, number) WHERE blocked = 0 AND next_at > 0;
