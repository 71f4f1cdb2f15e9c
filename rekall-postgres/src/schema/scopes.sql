-- Version 5: many memories in one schema. The upper 32 bits of every number of a row name its scope: row n of scope s has the number
-- n - s * 2^32. Rows of the memory without a name, which are all that there were before, are positive and stay as they are.
--
-- What a memory without scopes had is left as it was: its indexes have the rows without a name alone, and those of scopes, which
-- begin with the scope, are empty then.

CREATE TABLE scope (
    number   bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 2147483647) PRIMARY KEY,
    -- None: it was removed, and its rows are being deleted.
    name     text COLLATE "C" CONSTRAINT scope_name UNIQUE,
    -- The greatest numbers that were given to rows of the scope.
    entries  bigint NOT NULL DEFAULT 0 CHECK (entries < 4294967296),
    sources  bigint NOT NULL DEFAULT 0 CHECK (sources < 4294967296),
    spaces   bigint NOT NULL DEFAULT 0 CHECK (spaces < 4294967296),
    segments bigint NOT NULL DEFAULT 0 CHECK (segments < 4294967296)
);
CREATE TRIGGER take_turn BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON scope EXECUTE FUNCTION take_turn();

-- Names that are unique in a memory.
ALTER TABLE entry DROP CONSTRAINT entry_ulid;
CREATE UNIQUE INDEX entry_ulid ON entry (ulid) WHERE id >= 0;
CREATE UNIQUE INDEX entry_ulid_of_scope ON entry ((id >> 32), ulid) WHERE id < 0;
ALTER TABLE source DROP CONSTRAINT source_uri;
CREATE UNIQUE INDEX source_uri ON source (uri) WHERE id >= 0;
CREATE UNIQUE INDEX source_uri_of_scope ON source ((id >> 32), uri) WHERE id < 0;
DROP INDEX space_active;
CREATE UNIQUE INDEX space_active ON space ((id >> 32)) WHERE state = 'active';

-- What filters and the log look for.
DROP INDEX entry_facets;
CREATE INDEX entry_facets ON entry (project, kind, status, memory_type, created_at, updated_at) WHERE id >= 0;
CREATE INDEX entry_facets_of_scope ON entry ((id >> 32), project, kind, status, memory_type, created_at, updated_at) WHERE id < 0;
DROP INDEX entry_expires;
CREATE INDEX entry_expires ON entry (expires_at) WHERE expires_at IS NOT NULL AND id >= 0;
CREATE INDEX entry_expires_of_scope ON entry ((id >> 32), expires_at) WHERE expires_at IS NOT NULL AND id < 0;
CREATE INDEX change_of_scope ON change ((entry_id >> 32), seq) WHERE entry_id < 0;

-- No row refers to one of another scope, whoever writes it.
ALTER TABLE entry ADD CONSTRAINT entry_superseded_in_scope CHECK ((superseded_by >> 32) = (id >> 32));
ALTER TABLE link ADD CONSTRAINT link_in_scope CHECK ((source_id >> 32) = (target_id >> 32));
ALTER TABLE section ADD CONSTRAINT section_in_scope CHECK ((entry_id >> 32) = (source_id >> 32));
ALTER TABLE wordless ADD CONSTRAINT wordless_in_scope CHECK ((entry_id >> 32) = (space_id >> 32));

-- What positions name beside their number: the memory's life.
CREATE FUNCTION memory_life() RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN concat_ws(' ', (SELECT value FROM meta WHERE key = 'life'), server_life(),
        pg_relation_filenode('entry'), pg_relation_filenode('embedding'), pg_relation_filenode('change'));
END $$;

-- The position of the memory without a name.
CREATE OR REPLACE FUNCTION log_position(OUT number bigint, OUT life text) LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT coalesce((SELECT max(seq) FROM change WHERE entry_id >= 0), 0), memory_life() INTO number, life;
END $$;

-- The position of a scope; no number: it is not there. It goes to the end of an index whatever the planner thinks: the plan is kept,
-- may be one for the small table of the first calls, and where policies are in force, few rows are expected behind them.
CREATE FUNCTION scope_position(given bigint, OUT number bigint, OUT life text) LANGUAGE plpgsql STABLE
    SET enable_seqscan TO off SET enable_bitmapscan TO off AS $$
BEGIN
    SELECT coalesce((SELECT max(seq) FROM change WHERE entry_id < 0 AND (entry_id >> 32) = -given), 0), memory_life()
        INTO number, life FROM scope WHERE scope.number = given AND scope.name IS NOT NULL;
END $$;

-- The greatest id of a scope, in the same way.
CREATE FUNCTION scope_newest(given bigint) RETURNS text LANGUAGE plpgsql STABLE
    SET enable_seqscan TO off SET enable_bitmapscan TO off AS $$
BEGIN
    RETURN (SELECT max(ulid) FROM entry WHERE id < 0 AND (id >> 32) = -given);
END $$;

-- A key of `meta`, for the upper bits of a row's number.
CREATE FUNCTION meta_key(upper_bits bigint, key text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE WHEN upper_bits = 0 THEN key ELSE -upper_bits || '/' || key END;
END $$;

CREATE OR REPLACE FUNCTION embedding_inserted() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog AS $$
DECLARE
    entries bigint[];
    written bigint;
    found_state text;
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
    FOR written IN SELECT DISTINCT space_id FROM added LOOP
        SELECT state INTO found_state FROM space WHERE id = written;
        entries := ARRAY(SELECT DISTINCT entry_id FROM added WHERE space_id = written ORDER BY entry_id);
        IF found_state IS NULL OR (SELECT count(*) FROM entry WHERE id = ANY (entries) AND (id >> 32) = (written >> 32)) <> cardinality(entries) THEN
            RAISE EXCEPTION 'a vector must belong to an entry and a space that are there'
                USING ERRCODE = 'foreign_key_violation';
        END IF;
        DELETE FROM wordless WHERE space_id = written AND entry_id = ANY (entries);
        CONTINUE WHEN found_state <> 'active';
        DELETE FROM pending WHERE entry_id = ANY (entries);
        INSERT INTO change (entry_id) SELECT unnest(entries) ON CONFLICT (entry_id) DO UPDATE SET seq = excluded.seq;
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION embedding_updated() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
    IF EXISTS (SELECT FROM space WHERE id IN (OLD.space_id, NEW.space_id) AND state = 'active') THEN
        INSERT INTO change (entry_id) VALUES (NEW.entry_id) ON CONFLICT (entry_id) DO UPDATE SET seq = excluded.seq;
        IF OLD.entry_id <> NEW.entry_id THEN
            INSERT INTO change (entry_id) VALUES (OLD.entry_id) ON CONFLICT (entry_id) DO UPDATE SET seq = excluded.seq;
        END IF;
    END IF;
    IF NOT EXISTS (SELECT FROM entry WHERE id = NEW.entry_id) OR NOT EXISTS (SELECT FROM space WHERE id = NEW.space_id)
        OR (NEW.entry_id >> 32) <> (NEW.space_id >> 32) THEN
        RAISE EXCEPTION 'a vector must belong to an entry and a space that are there'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION embedding_deleted() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog AS $$
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
    INSERT INTO change (entry_id)
        SELECT DISTINCT entry_id FROM gone WHERE space_id IN (
            SELECT id FROM space WHERE id IN (SELECT DISTINCT space_id FROM gone) AND state = 'active') ORDER BY entry_id
        ON CONFLICT (entry_id) DO UPDATE SET seq = excluded.seq;
    RETURN NULL;
END $$;

-- Row 0 of a scope stands for its spaces.
CREATE OR REPLACE FUNCTION space_changed() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog AS $$
DECLARE
    upper_bits bigint := coalesce(NEW.id, OLD.id) >> 32;
    newest bigint;
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
    IF TG_OP = 'DELETE' THEN
        DELETE FROM embedding WHERE space_id = OLD.id;
    END IF;
    INSERT INTO change (entry_id) VALUES (upper_bits << 32) ON CONFLICT (entry_id) DO UPDATE SET seq = excluded.seq
        RETURNING seq INTO newest;
    IF TG_OP = 'UPDATE' AND NEW.state = 'active' AND OLD.state <> 'active' THEN
        DELETE FROM index_block WHERE space_id = NEW.id;
    ELSIF TG_OP <> 'DELETE' OR OLD.state <> 'active' THEN
        RETURN NULL;
    END IF;
    INSERT INTO meta (key, value) VALUES (meta_key(upper_bits, 'log_floor'), newest) ON CONFLICT (key) DO UPDATE SET value = excluded.value;
    RETURN NULL;
END $$;

-- TRUNCATE takes the rows of all scopes. Their policies are met one after the other.
CREATE OR REPLACE FUNCTION truncated() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog AS $$
DECLARE
    bound text := coalesce(current_setting('rekall.scope', true), '');
    scopes bigint[];
    of_scope bigint;
    newest bigint;
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
    PERFORM set_config('rekall.scope', '0', true);
    scopes := ARRAY(SELECT 0 UNION ALL SELECT number FROM scope);
    FOREACH of_scope IN ARRAY scopes LOOP
        PERFORM set_config('rekall.scope', of_scope::text, true);
        IF TG_TABLE_NAME = 'entry' THEN
            DELETE FROM tag;
            DELETE FROM embedding;
            DELETE FROM pending;
            DELETE FROM word_segment;
            DELETE FROM word_pending;
            DELETE FROM change;
        ELSIF TG_TABLE_NAME = 'space' THEN
            DELETE FROM embedding;
        END IF;
    END LOOP;
    FOREACH of_scope IN ARRAY scopes LOOP
        PERFORM set_config('rekall.scope', of_scope::text, true);
        INSERT INTO change (entry_id) VALUES (-of_scope << 32) ON CONFLICT (entry_id) DO UPDATE SET seq = excluded.seq
            RETURNING seq INTO newest;
        INSERT INTO meta (key, value) VALUES (meta_key(-of_scope, 'log_floor'), newest)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value;
    END LOOP;
    PERFORM set_config('rekall.scope', bound, true);
    RETURN NULL;
END $$;

-- The second wall: what a session sees of the tables once there are scopes. The setting is a store's, for each transaction; a session without it
-- is one of the memory without a name. They come into force with the first scope (walls.sql).
CREATE FUNCTION bound_scope() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(pg_catalog.current_setting('rekall.scope', true), ''), '0')::bigint
$$;

-- Looked up once for a statement: a bare call would be made for every row.
CREATE POLICY of_scope ON entry USING ((id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON tag USING ((entry_id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON link USING ((source_id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON source USING ((id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON section USING ((entry_id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON usage USING ((entry_id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON space USING ((id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON embedding USING ((entry_id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON quarantine USING ((entry_id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON pending USING ((entry_id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON wordless USING ((entry_id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON change USING ((entry_id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON index_block USING ((space_id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON word_segment USING ((id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON word_page USING ((segment_id >> 32) = (SELECT -bound_scope()));
CREATE POLICY of_scope ON word_pending USING ((entry_id >> 32) = (SELECT -bound_scope()));
-- What names the schema itself is everybody's.
CREATE POLICY of_scope ON meta USING (CASE WHEN key ~ '^[0-9]+/' THEN split_part(key, '/', 1) = (SELECT bound_scope()::text)
    ELSE (SELECT bound_scope()) = 0 OR key IN ('version', 'life') END);
-- Scopes are made, listed and removed from the memory without a name; one that is bound sees itself.
CREATE POLICY of_scope ON scope USING ((SELECT bound_scope()) IN (0, number));
