-- What version 1 wrote: run after `0001_instances.sql`, it makes the database of that version.
PRAGMA application_id = 0x526f6e64;
PRAGMA user_version = 1;

INSERT INTO revision (number, digest, workflow, version, name, description, path, source)
VALUES (1, '0f3c', 'approval', '1.0', 'Approval', 'asks', 'approval.sw.yaml', 'id: approval');
INSERT INTO file (number, digest, content) VALUES (1, x'01', CAST('openapi' AS BLOB));
INSERT INTO bundle (revision, position, name, file) VALUES (1, 0, 'specs/a.yaml', 1);
INSERT INTO definition (workflow, revision, available) VALUES ('approval', 1, 1);

-- Asleep; with large data, which this version kept in the row; and one that has ended, the child of the first.
INSERT INTO instance (number, id, revision, state, turn, busy, started_at, updated_at, wake_at, business_key, frames, data)
VALUES (1, x'019ab20e2c0070008000000000000001', 1, 1, 1, 0, 1001, 1001, 5000, 'order 7', x'0102', '{"n":1}');
INSERT INTO instance (number, id, revision, state, turn, busy, started_at, updated_at, frames, input, data)
VALUES (2, x'019ab20e2c0070008000000000000002', 1, 1, 4, 1, 1002, 1002, x'03', '{"input":"' || replace(hex(zeroblob(50000)), '0', 'y') || '"}',
    '{"n":2,"text":"' || replace(hex(zeroblob(100000)), '0', 'x') || '"}');
INSERT INTO instance (number, id, revision, state, turn, busy, started_at, updated_at, ended_at, parent, root, root_workflow, frames, data)
VALUES (3, x'019ab20e2c0070008000000000000003', 1, 2, 2, 0, 1003, 1009, 1009, x'019ab20e2c0070008000000000000001',
    x'019ab20e2c0070008000000000000001', 'approval', x'', '{"n":3}');

INSERT INTO history (instance, turn, at, facts) VALUES (1, 1, 1001, '[1]'), (3, 1, 1003, '[1]'), (3, 2, 1009, '[2]');
INSERT INTO mailbox (number, recipient, payload) VALUES (41, x'019ab20e2c0070008000000000000001', x'ff');
