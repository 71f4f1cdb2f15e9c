-- File version 5. Everything a search needs beyond these rows is derived from them.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value
) WITHOUT ROWID;

-- Memories of their own beside the one without a name. The rows of scope s have the numbers n - (s << 32), n from 1, in
-- all tables; their ids and URIs have its number before them. The columns count the numbers given, as AUTOINCREMENT does
-- for the memory without a name. A scope without a name is being removed.
CREATE TABLE scope (
    number   INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number BETWEEN 1 AND 2147483647),
    name     TEXT UNIQUE,
    entries  INTEGER NOT NULL DEFAULT 0,
    sources  INTEGER NOT NULL DEFAULT 0,
    spaces   INTEGER NOT NULL DEFAULT 0,
    segments INTEGER NOT NULL DEFAULT 0
);

-- AUTOINCREMENT: a row number is never given to another entry, so that whatever is keyed by it
-- (index rows, cached vectors) can at worst be out of date, never about something else.
CREATE TABLE entry (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    ulid          TEXT    NOT NULL UNIQUE,
    title         TEXT    NOT NULL,
    content       TEXT    NOT NULL DEFAULT '',
    kind          TEXT    NOT NULL DEFAULT 'note',
    project       TEXT,
    tags          TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(tags) = 'array'),
    status        TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'obsolete')),
    superseded_by INTEGER REFERENCES entry (id) ON DELETE SET NULL,
    confidence    INTEGER NOT NULL DEFAULT 2,
    memory_type   TEXT    NOT NULL DEFAULT 'episodic',
    context       TEXT    CHECK (context IS NULL OR json_type(context) = 'object'),
    metadata      TEXT    NOT NULL DEFAULT '{}' CHECK (json_type(metadata) = 'object'),
    legacy        TEXT    CHECK (legacy IS NULL OR json_valid(legacy)),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    expires_at    INTEGER,
    valid_from    INTEGER,
    valid_to      INTEGER
);
-- Narrow enough to be scanned whole when a filter is not selective.
CREATE INDEX entry_facets ON entry (project, kind, status, memory_type, created_at, updated_at);
-- The same for scopes, each by itself, with the times that a filter asks for.
CREATE INDEX entry_scope ON entry
    (id >> 32, project, kind, status, memory_type, created_at, updated_at, expires_at, valid_from, valid_to)
    WHERE +id < 0;
CREATE INDEX entry_obsolete ON entry (id) WHERE status <> 'active';
CREATE INDEX entry_superseded ON entry (superseded_by) WHERE superseded_by IS NOT NULL;
-- Of the entries that have such a time: a file that uses none pays for none.
CREATE INDEX entry_expires ON entry (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX entry_valid_from ON entry (valid_from) WHERE valid_from IS NOT NULL;
CREATE INDEX entry_valid_to ON entry (valid_to) WHERE valid_to IS NOT NULL;

-- Index over entry.tags, kept by triggers.
CREATE TABLE tag (
    tag      TEXT    NOT NULL,
    entry_id INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, entry_id)
) WITHOUT ROWID;
CREATE INDEX tag_entry ON tag (entry_id);

CREATE TABLE link (
    source_id  INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    target_id  INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    relation   TEXT    NOT NULL,
    reason     TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (source_id, target_id, relation),
    CHECK (source_id <> target_id)
) WITHOUT ROWID;
CREATE INDEX link_target ON link (target_id);

-- What entries are kept in step with: a file, a page, anything that has a URI. `stamp` is the reader's: it says whether
-- the source has to be read again.
CREATE TABLE source (
    id        INTEGER PRIMARY KEY,
    uri       TEXT    NOT NULL UNIQUE,
    stamp     TEXT,
    digest    BLOB    NOT NULL DEFAULT x'',
    synced_at INTEGER NOT NULL
);

-- The place that an entry has in its source, and what it was made from there: headings, tags and the digest are those of
-- the source, whatever became of the entry since.
CREATE TABLE section (
    entry_id  INTEGER PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE,
    source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    path      TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(path) = 'array'),
    line      INTEGER,
    digest    BLOB    NOT NULL DEFAULT x'',
    tags      TEXT    NOT NULL DEFAULT '[]' CHECK (json_type(tags) = 'array'),
    UNIQUE (source_id, number)
);

-- How often an entry was used, and when last. A table of its own: to use an entry is not to change it.
CREATE TABLE usage (
    entry_id     INTEGER PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE,
    last_used_at INTEGER NOT NULL,
    uses         INTEGER NOT NULL
);

CREATE TABLE space (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT    NOT NULL,
    dimensions  INTEGER NOT NULL CHECK (dimensions > 0),
    state       TEXT    NOT NULL CHECK (state IN ('building', 'active', 'retired', 'leaving')),
    created_at  INTEGER NOT NULL
);
-- One in each memory.
CREATE UNIQUE INDEX space_active ON space (min(id >> 32, 0)) WHERE state = 'active';

CREATE TABLE embedding (
    entry_id INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    space_id INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE,
    role     INTEGER NOT NULL,
    chunk    INTEGER NOT NULL,
    start    INTEGER NOT NULL DEFAULT 0,
    end      INTEGER NOT NULL DEFAULT 0,
    digest   BLOB    NOT NULL DEFAULT x'',
    vector   BLOB    NOT NULL,
    PRIMARY KEY (entry_id, space_id, role, chunk)
);

-- Vectors that no search may see, kept for whoever wants to look.
CREATE TABLE quarantine (
    id       INTEGER PRIMARY KEY,
    entry_id INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    space_id INTEGER,
    role     INTEGER,
    chunk    INTEGER,
    reason   TEXT    NOT NULL,
    vector   BLOB,
    found_at INTEGER NOT NULL
);
CREATE INDEX quarantine_entry ON quarantine (entry_id);

-- Entries that wait: without vectors in the active space, or with a text that these may not fit.
CREATE TABLE pending (
    entry_id INTEGER PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE
);

-- Entries of whose text the space's model knows no word: they have no vector there and wait for none.
CREATE TABLE wordless (
    entry_id INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    space_id INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE,
    PRIMARY KEY (entry_id, space_id)
) WITHOUT ROWID;

-- The change log: the newest change of each entry, of its vectors in the active space included; entry 0, or
-- row 0 of a scope, stands for the spaces.
CREATE TABLE change (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id INTEGER NOT NULL UNIQUE
);
CREATE INDEX change_scope ON change (entry_id >> 32, seq) WHERE +entry_id < 0;

CREATE TABLE index_block (
    space_id INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE,
    kind     TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    data     BLOB    NOT NULL,
    PRIMARY KEY (space_id, kind, number)
);

-- The word index: segments that never change, made by the library from the entries. The newest segment that names
-- an entry is right about it; a segment also names entries that were gone when it was made. A segment in state
-- 'building' merges those whose `newest` lies in its own range, and takes their place when it is whole; one in state
-- 'leaving' is only still to be deleted.
CREATE TABLE word_segment (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    state    TEXT    NOT NULL CHECK (state IN ('ready', 'building', 'leaving')),
    oldest   INTEGER NOT NULL,
    newest   INTEGER NOT NULL,
    passages INTEGER NOT NULL,
    pages    INTEGER NOT NULL,
    docs     BLOB    NOT NULL
);

-- The terms of a segment in order, many to a page, with the passages and the places that each stands in.
CREATE TABLE word_page (
    segment_id INTEGER NOT NULL REFERENCES word_segment (id) ON DELETE CASCADE,
    first_term BLOB    NOT NULL,
    docs       BLOB    NOT NULL,
    places     BLOB    NOT NULL,
    PRIMARY KEY (segment_id, first_term)
);

-- Entries that no segment has as they are now, those that are gone included: a search reads them itself, and the
-- library moves them into a segment when there are many.
CREATE TABLE word_pending (
    entry_id   INTEGER PRIMARY KEY,
    characters INTEGER NOT NULL
);

-- Triggers rather than code, so that a write by any program keeps tags and log in step, and notes whose words are
-- to be indexed.
-- They also do what ON DELETE would, because another program may not have foreign keys switched on.
-- DELETE then INSERT instead of INSERT OR REPLACE: a conflict clause of the outer statement would
-- override the inner one, and the log would lose the change.

CREATE TRIGGER entry_inserted AFTER INSERT ON entry BEGIN
    INSERT INTO tag (tag, entry_id) SELECT DISTINCT value, NEW.id FROM json_each(NEW.tags);
    DELETE FROM word_pending WHERE entry_id = NEW.id;
    INSERT INTO word_pending (entry_id, characters) VALUES (NEW.id,
        length(NEW.title) + length(NEW.content) + length(NEW.tags) + ifnull(length(NEW.context), 0));
    -- Until vectors come.
    DELETE FROM pending WHERE entry_id = NEW.id;
    INSERT INTO pending (entry_id) VALUES (NEW.id);
    DELETE FROM change WHERE entry_id = NEW.id;
    INSERT INTO change (entry_id) VALUES (NEW.id);
END;

-- INSERT OR REPLACE fires no trigger for the row that it replaces: its words and its place in the log are noted here.
CREATE TRIGGER entry_replaced BEFORE INSERT ON entry WHEN EXISTS (SELECT 1 FROM entry WHERE ulid = NEW.ulid) BEGIN
    DELETE FROM word_pending WHERE entry_id = (SELECT id FROM entry WHERE ulid = NEW.ulid);
    INSERT INTO word_pending (entry_id, characters) SELECT id, 0 FROM entry WHERE ulid = NEW.ulid;
    DELETE FROM change WHERE entry_id = (SELECT id FROM entry WHERE ulid = NEW.ulid);
    INSERT INTO change (entry_id) SELECT id FROM entry WHERE ulid = NEW.ulid;
END;

CREATE TRIGGER entry_id_fixed BEFORE UPDATE OF id ON entry WHEN NEW.id <> OLD.id BEGIN
    SELECT RAISE(ABORT, 'entry.id cannot change');
END;

CREATE TRIGGER entry_text_changed AFTER UPDATE OF title, content, tags, context ON entry
WHEN OLD.title <> NEW.title OR OLD.content <> NEW.content OR OLD.tags <> NEW.tags OR OLD.context IS NOT NEW.context
BEGIN
    DELETE FROM tag WHERE entry_id = NEW.id;
    INSERT INTO tag (tag, entry_id) SELECT DISTINCT value, NEW.id FROM json_each(NEW.tags);
    DELETE FROM word_pending WHERE entry_id = NEW.id;
    INSERT INTO word_pending (entry_id, characters) VALUES (NEW.id,
        length(NEW.title) + length(NEW.content) + length(NEW.tags) + ifnull(length(NEW.context), 0));
    DELETE FROM pending WHERE entry_id = NEW.id;
    INSERT INTO pending (entry_id) VALUES (NEW.id);
    DELETE FROM wordless WHERE entry_id = NEW.id;
    -- Whoever fills the space beside the active one makes them anew before it takes over.
    DELETE FROM embedding WHERE entry_id = NEW.id
        AND (SELECT state FROM space WHERE id = space_id) = 'building';
END;

CREATE TRIGGER entry_updated AFTER UPDATE ON entry BEGIN
    DELETE FROM change WHERE entry_id = NEW.id;
    INSERT INTO change (entry_id) VALUES (NEW.id);
END;

CREATE TRIGGER entry_deleted AFTER DELETE ON entry BEGIN
    DELETE FROM tag WHERE entry_id = OLD.id;
    DELETE FROM link WHERE source_id = OLD.id;
    DELETE FROM link WHERE target_id = OLD.id;
    DELETE FROM section WHERE entry_id = OLD.id;
    DELETE FROM usage WHERE entry_id = OLD.id;
    DELETE FROM embedding WHERE entry_id = OLD.id;
    DELETE FROM quarantine WHERE entry_id = OLD.id;
    DELETE FROM pending WHERE entry_id = OLD.id;
    DELETE FROM wordless WHERE entry_id = OLD.id;
    DELETE FROM word_pending WHERE entry_id = OLD.id;
    INSERT INTO word_pending (entry_id, characters) VALUES (OLD.id, 0);
    UPDATE entry SET superseded_by = NULL WHERE superseded_by = OLD.id;
    DELETE FROM change WHERE entry_id = OLD.id;
    INSERT INTO change (entry_id) VALUES (OLD.id);
END;

-- Where an entry comes from is part of it: a filter may ask for it. Its line may move without a word.

CREATE TRIGGER section_inserted AFTER INSERT ON section BEGIN
    DELETE FROM change WHERE entry_id = NEW.entry_id;
    INSERT INTO change (entry_id) VALUES (NEW.entry_id);
END;

CREATE TRIGGER section_moved AFTER UPDATE OF entry_id, source_id, path ON section
WHEN OLD.entry_id <> NEW.entry_id OR OLD.source_id <> NEW.source_id OR OLD.path <> NEW.path
BEGIN
    DELETE FROM change WHERE entry_id IN (OLD.entry_id, NEW.entry_id);
    INSERT INTO change (entry_id) VALUES (NEW.entry_id);
    INSERT INTO change (entry_id) SELECT OLD.entry_id WHERE OLD.entry_id <> NEW.entry_id;
END;

CREATE TRIGGER section_deleted AFTER DELETE ON section BEGIN
    DELETE FROM change WHERE entry_id = OLD.entry_id;
    INSERT INTO change (entry_id) VALUES (OLD.entry_id);
END;

CREATE TRIGGER source_renamed AFTER UPDATE OF uri ON source WHEN OLD.uri <> NEW.uri BEGIN
    DELETE FROM change WHERE entry_id IN (SELECT entry_id FROM section WHERE source_id = NEW.id);
    INSERT INTO change (entry_id) SELECT entry_id FROM section WHERE source_id = NEW.id ORDER BY entry_id;
END;

-- SQLite counts on from the greatest number, which may be a scope's: a URI without a scope is not to get the next one.
CREATE TRIGGER source_inserted AFTER INSERT ON source WHEN NEW.id < 0 AND NEW.uri NOT GLOB char(1) || '[1-9]*/*' BEGIN
    UPDATE source SET id = (SELECT ifnull(max(id), 0) + 1 FROM source WHERE id >= 0) WHERE id = NEW.id;
END;

-- Its entries stay, as notes of no source.
CREATE TRIGGER source_deleted AFTER DELETE ON source BEGIN
    DELETE FROM section WHERE source_id = OLD.id;
END;

-- Vectors of a space that is not searched are nobody's news: a space is filled beside the active one, and dropped,
-- without a word to the readers.

CREATE TRIGGER embedding_inserted AFTER INSERT ON embedding
WHEN (SELECT state FROM space WHERE id = NEW.space_id) = 'active'
BEGIN
    DELETE FROM pending WHERE entry_id = NEW.entry_id;
    DELETE FROM change WHERE entry_id = NEW.entry_id;
    INSERT INTO change (entry_id) VALUES (NEW.entry_id);
END;

CREATE TRIGGER embedding_has_words AFTER INSERT ON embedding BEGIN
    DELETE FROM wordless WHERE entry_id = NEW.entry_id AND space_id = NEW.space_id;
END;

CREATE TRIGGER embedding_updated AFTER UPDATE ON embedding
WHEN EXISTS (SELECT 1 FROM space WHERE id IN (OLD.space_id, NEW.space_id) AND state = 'active')
BEGIN
    DELETE FROM change WHERE entry_id IN (OLD.entry_id, NEW.entry_id);
    INSERT INTO change (entry_id) VALUES (NEW.entry_id);
    INSERT INTO change (entry_id) SELECT OLD.entry_id WHERE OLD.entry_id <> NEW.entry_id;
END;

CREATE TRIGGER embedding_deleted AFTER DELETE ON embedding
WHEN (SELECT state FROM space WHERE id = OLD.space_id) = 'active'
BEGIN
    DELETE FROM change WHERE entry_id = OLD.entry_id;
    INSERT INTO change (entry_id) VALUES (OLD.entry_id);
END;

CREATE TRIGGER space_inserted AFTER INSERT ON space BEGIN
    DELETE FROM change WHERE entry_id = min(NEW.id >> 32, 0) << 32;
    INSERT INTO change (entry_id) VALUES (min(NEW.id >> 32, 0) << 32);
END;

-- What happened to the vectors of a space before it became active is not in the log: readers from before read
-- everything anew, and so does a process that finds a persisted index.
CREATE TRIGGER space_updated AFTER UPDATE ON space BEGIN
    DELETE FROM change WHERE entry_id = min(NEW.id >> 32, 0) << 32;
    INSERT INTO change (entry_id) VALUES (min(NEW.id >> 32, 0) << 32);
    DELETE FROM index_block WHERE space_id = NEW.id AND NEW.state = 'active' AND OLD.state <> 'active';
    DELETE FROM meta WHERE key = iif(NEW.id < 0, 'log_floor/' || -(NEW.id >> 32), 'log_floor')
        AND NEW.state = 'active' AND OLD.state <> 'active';
    INSERT INTO meta (key, value)
        SELECT iif(NEW.id < 0, 'log_floor/' || -(NEW.id >> 32), 'log_floor'), seq FROM change
        WHERE entry_id = min(NEW.id >> 32, 0) << 32 AND NEW.state = 'active' AND OLD.state <> 'active';
END;

CREATE TRIGGER space_deleted AFTER DELETE ON space BEGIN
    -- Among the rows of its memory.
    DELETE FROM embedding WHERE space_id = OLD.id AND entry_id BETWEEN iif(OLD.id < 0, OLD.id >> 32 << 32, 0)
        AND iif(OLD.id < 0, (OLD.id >> 32 << 32) + 4294967295, 9223372036854775807);
    DELETE FROM wordless WHERE space_id = OLD.id AND entry_id BETWEEN iif(OLD.id < 0, OLD.id >> 32 << 32, 0)
        AND iif(OLD.id < 0, (OLD.id >> 32 << 32) + 4294967295, 9223372036854775807);
    DELETE FROM index_block WHERE space_id = OLD.id;
    DELETE FROM change WHERE entry_id = min(OLD.id >> 32, 0) << 32;
    INSERT INTO change (entry_id) VALUES (min(OLD.id >> 32, 0) << 32);
    DELETE FROM meta WHERE key = iif(OLD.id < 0, 'log_floor/' || -(OLD.id >> 32), 'log_floor')
        AND OLD.state = 'active';
    INSERT INTO meta (key, value)
        SELECT iif(OLD.id < 0, 'log_floor/' || -(OLD.id >> 32), 'log_floor'), seq FROM change
        WHERE entry_id = min(OLD.id >> 32, 0) << 32 AND OLD.state = 'active';
END;
