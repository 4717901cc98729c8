-- What lists are read by, so that a page takes the time of its own rows, however many others there are.

-- Who may decide an approval: a row for each entry of its approvers, with what lists ask for besides.
CREATE TABLE desk_approver (
    -- `user:…`, `group:…`, `role:…` or `everyone`, in the form in which names are compared.
    principal TEXT NOT NULL,
    state     TEXT NOT NULL,
    -- Number of the approval.
    approval  INTEGER NOT NULL,
    pool      TEXT,
    requester TEXT NOT NULL,
    PRIMARY KEY (principal, state, approval)
) STRICT, WITHOUT ROWID;
CREATE INDEX desk_approver_approval ON desk_approver (approval);

INSERT OR IGNORE INTO desk_approver (principal, state, approval, pool, requester)
SELECT
    CASE
        WHEN lower(entry) = 'everyone' OR substr(entry, 1, 5) = 'role:' THEN iif(lower(entry) = 'everyone', 'everyone', entry)
        ELSE kind || iif(instr(name, '/') > 0, '', 'default/') || name
    END,
    state, number, pool, requester
FROM (
    SELECT
        number, state, pool, requester, entry,
        iif(substr(lower(entry), 1, 6) = 'group:', 'group:', 'user:') AS kind,
        CASE
            WHEN substr(lower(entry), 1, 6) = 'group:' THEN substr(lower(entry), 7)
            WHEN substr(lower(entry), 1, 5) = 'user:' THEN substr(lower(entry), 6)
            ELSE lower(entry)
        END AS name
    FROM (
        SELECT desk_approval.number, desk_approval.state, desk_approval.pool, desk_approval.requester, trim(listed.value) AS entry
        FROM desk_approval, json_each(desk_approval.body, '$.asked.approvers') AS listed
    )
);

-- The last columns are looked at before a row is read.
CREATE INDEX desk_approval_pool ON desk_approval (pool, number, state, requester) WHERE pool IS NOT NULL;
CREATE INDEX desk_approval_requester ON desk_approval (requester, number, state);

-- The provider comes first now: which providers are waited for is a few steps in the index.
DROP INDEX desk_request_unplaced;
CREATE INDEX desk_request_unplaced ON desk_request (provider, number, instances, cpu, memory, storage)
    WHERE state = 'Queued' AND cluster IS NULL AND due_at IS NOT NULL;
