-- Environments of spaces (pools of the kind `space`), the maps of their pipelines, and codebases.

CREATE TABLE desk_environment (
    id    TEXT PRIMARY KEY,
    space TEXT NOT NULL,
    body  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX desk_environment_space ON desk_environment (space, id);

CREATE TABLE desk_pipeline_map (
    id    TEXT PRIMARY KEY,
    space TEXT NOT NULL,
    name  TEXT NOT NULL,
    body  TEXT NOT NULL,
    UNIQUE (space, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE desk_codebase (
    id    TEXT PRIMARY KEY,
    space TEXT NOT NULL,
    body  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Namespaces of users. What there is none of is an empty text, so that it can be part of a key.
CREATE TABLE desk_namespace (
    person      TEXT NOT NULL,
    type        TEXT NOT NULL,
    space       TEXT NOT NULL,
    environment TEXT NOT NULL,
    cluster     TEXT NOT NULL,
    name        TEXT NOT NULL,
    -- What names that the desk made for the person begin with.
    base        TEXT NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (person, type, space, environment),
    UNIQUE (cluster, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX desk_namespace_base ON desk_namespace (base);
