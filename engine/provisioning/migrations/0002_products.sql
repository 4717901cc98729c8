-- Private cloud products. A licence plate is given once, whatever becomes of its product, so no row is ever deleted.

CREATE TABLE desk_product (
    plate   TEXT PRIMARY KEY,
    -- Who reserved the plate, so that the same request gets the same plate again.
    request TEXT,
    -- The product as JSON; NULL as long as the plate is only reserved.
    body    TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX desk_product_request ON desk_product (request) WHERE request IS NOT NULL;

-- The one active request of a product, with the callbacks that it waits for.
CREATE TABLE desk_product_lock (
    plate TEXT PRIMARY KEY,
    body  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
