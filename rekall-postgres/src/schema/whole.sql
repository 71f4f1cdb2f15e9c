-- Version 6: a writer of many new entries may bring all that follows from them, and the triggers leave it to that writer. A file has no such
-- version: its tables are the same.
--
-- The setting rekall.whole says it: the number of the transaction, and the first and the last entry. Whatever else is written, by this
-- transaction or another one, is handled as before, and so is everything of a program that does not know the setting. One that outlived its
-- transaction says nothing.
--
-- No function is new: roles that may run the triggers need no other right.

CREATE OR REPLACE FUNCTION entry_inserted() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog AS $$
DECLARE
    said text[] := string_to_array(current_setting('rekall.whole', true), ' ');
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
    IF said[1] = pg_current_xact_id()::text AND (SELECT min(id) >= said[2]::bigint AND max(id) <= said[3]::bigint FROM added) THEN
        RETURN NULL;
    END IF;
    INSERT INTO tag (tag, entry_id) SELECT DISTINCT value, id FROM added, json_array_elements_text(tags::json) AS value;
    INSERT INTO word_pending (entry_id, characters)
        SELECT id, length(title) + length(content) + length(tags) + coalesce(length(context), 0) FROM added
        ON CONFLICT (entry_id) DO UPDATE SET characters = excluded.characters;
    -- Until vectors come.
    INSERT INTO pending (entry_id) SELECT id FROM added ON CONFLICT DO NOTHING;
    INSERT INTO change (entry_id) SELECT id FROM added ORDER BY id
        ON CONFLICT (entry_id) DO UPDATE SET seq = excluded.seq;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION embedding_inserted() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog AS $$
DECLARE
    said text[] := string_to_array(current_setting('rekall.whole', true), ' ');
    entries bigint[];
    written bigint;
    found_state text;
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
    -- The entries are there, as it was said; the spaces are looked at all the same.
    IF said[1] = pg_current_xact_id()::text
        AND (SELECT min(entry_id) >= said[2]::bigint AND max(entry_id) <= said[3]::bigint AND bool_and((entry_id >> 32) = (space_id >> 32)) FROM added)
        AND NOT EXISTS (SELECT space_id FROM added EXCEPT SELECT id FROM space) THEN
        RETURN NULL;
    END IF;
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
