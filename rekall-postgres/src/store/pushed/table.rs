//! The table itself: its name, its form, who may see it, and rows in and out of it.

use rekall_core::store::ReadVectors;
use rekall_core::{Error, PUSHED_KIND, PushedState, Space, SpaceId, VectorBatch};

use super::super::scope::Scope;
use super::super::tx::{Tx, column};
use super::super::values::{floats, ints, text};
use super::extension::Extension;
use crate::url::quoted;

/// Numbers of vectors that are written with one statement: 8 MiB.
const NUMBERS_AT_ONCE: usize = 2 << 20;

/// Entries whose vectors are read with one statement.
const ENTRIES_AT_ONCE: usize = 512;

/// The most dimensions of vectors that stay in the row: a row has to fit into a page.
const MOST_INLINE: usize = 4_000;

/// What a change of a pushed table does, whoever makes it: the table stands for nothing any more. Who keeps it in step says in the same
/// transaction what it stands for. The block may be one of a scope that the session is not bound to (TRUNCATE asks no policy).
const CHANGED: &str = "CREATE FUNCTION pushed_changed() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog AS $$
DECLARE
    bound text := coalesce(current_setting('rekall.scope', true), '');
BEGIN
    PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA) || ', pg_temp', true);
    PERFORM set_config('rekall.scope', TG_ARGV[1], true);
    DELETE FROM index_block WHERE space_id = TG_ARGV[0]::bigint AND (kind = TG_ARGV[2] OR kind LIKE TG_ARGV[2] || '/%');
    PERFORM set_config('rekall.scope', bound, true);
    RETURN NULL;
END $$";

/// Whoever may do something with vectors may do it with those pushed.
const GRANTS: &str =
    "SELECT CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
        string_agg(DISTINCT privilege_type, ', ')
    FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))
    WHERE oid = 'embedding'::regclass AND grantee <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
        AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') GROUP BY grantee";

/// The tables of a memory that the user may drop.
const OURS: &str = "SELECT relname::text FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    AND relkind = 'r' AND relname ~ $1 AND pg_has_role(relowner, 'USAGE') ORDER BY relname";

/// The table of a space.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) space: Space,
    pub(super) name: String,
    pub(super) extension: Extension,
    stored_space: i64,
    scope: Scope,
}

impl Table {
    pub(super) fn new(scope: Scope, space: &Space, extension: Extension) -> Self {
        Self {
            name: quoted(&name(scope, space.id)),
            stored_space: scope.stored_space(space.id),
            space: space.clone(),
            extension,
            scope,
        }
    }

    /// Its number in `space`.
    pub(super) fn stored_space(&self) -> i64 {
        self.stored_space
    }

    /// What says in SQL that its rows are the memory's own.
    pub(super) fn of_scope(&self) -> String {
        self.scope.range("entry_id")
    }

    /// The numbers that entries have in it.
    pub(super) fn stored_all(&self, entries: &[i64]) -> Vec<i64> {
        self.scope.stored_all(entries)
    }

    /// The type of its vectors.
    pub(super) fn vector(&self) -> String {
        self.extension.vector(self.space.dimensions)
    }

    /// The statement that makes a graph over it.
    pub(super) fn graph(&self) -> String {
        format!(
            "CREATE INDEX ON {} USING hnsw (v {}) WITH (m = 16, ef_construction = 128)",
            self.name,
            self.extension.class()
        )
    }
}

/// Scope and space, as callers number them.
fn name(scope: Scope, space: SpaceId) -> String {
    format!("{PUSHED_KIND}_{}_{}", scope.number(), space.0)
}

impl Tx<'_> {
    /// Makes a table, empty. There is none.
    pub(super) fn make_pushed(&self, table: &Table) -> Result<(), Error> {
        let (name, vector, space, scope) =
            (&table.name, table.vector(), table.stored_space, table.scope.number());
        if column(&self.query_one("SELECT to_regclass($1) IS NOT NULL", &[text(name)])?, 0)? {
            return Err(Error::ReadOnly { what: format!("the table {name}, which is another user's") });
        }
        let storage = if table.space.dimensions <= MOST_INLINE { "PLAIN" } else { "EXTERNAL" };
        let has_function: bool =
            column(&self.query_one("SELECT to_regprocedure('pushed_changed()') IS NOT NULL", &[])?, 0)?;
        if !has_function {
            self.batch(CHANGED)?;
        }
        self.batch(&format!(
            "CREATE TABLE {name} (entry_id bigint NOT NULL, role bigint NOT NULL, chunk bigint NOT NULL, v {vector} NOT NULL,
                 PRIMARY KEY (entry_id, role, chunk));
             ALTER TABLE {name} ALTER COLUMN v SET STORAGE {storage};
             CREATE TRIGGER take_turn BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {name} EXECUTE FUNCTION take_turn();
             CREATE TRIGGER pushed_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {name}
                 EXECUTE FUNCTION pushed_changed('{space}', '{scope}', '{PUSHED_KIND}');
             CREATE POLICY of_scope ON {name} USING ((SELECT bound_scope()) = {scope})"
        ))?;
        if column(&self.query_one(crate::schema::HAS_WALLS, &[])?, 0)? {
            self.batch(&wall(name))?;
        }
        for row in self.query(GRANTS, &[])? {
            let (grantee, rights): (&str, &str) = (column(&row, 0)?, column(&row, 1)?);
            self.batch(&format!("GRANT {rights} ON {name} TO {grantee}"))?;
        }
        Ok(())
    }

    /// Adds the vectors of a batch; gives the number of rows.
    pub(super) fn add_pushed(&self, table: &Table, batch: &VectorBatch) -> Result<u64, Error> {
        let dimensions = table.space.dimensions;
        let sql = format!(
            "INSERT INTO {} (entry_id, role, chunk, v)
             SELECT entry, role, chunk, (($4::real[])[(number - 1) * {dimensions} + 1 : number * {dimensions}])::{}
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS key (entry, role, chunk, number)",
            table.name,
            table.vector()
        );
        let mut added = 0;
        let at_once = (NUMBERS_AT_ONCE / dimensions).max(1);
        for (keys, numbers) in batch.keys.chunks(at_once).zip(batch.rows.chunks(at_once * dimensions)) {
            let [entries, roles, chunks] = self.scope().stored_keys(keys);
            let values = [ints(&entries), ints(&roles), ints(&chunks), floats(&numbers)];
            added += self.execute_beside_the_log(&sql, &values)?;
        }
        Ok(added)
    }

    /// Puts the vectors that entries have now in the place of those that they had; gives how many went and how many came.
    pub(super) fn refresh_pushed(&self, table: &Table, entries: &[i64]) -> Result<(u64, u64), Error> {
        let (mut gone, mut added) = (0, 0);
        let sql = format!("DELETE FROM {} WHERE entry_id = ANY ($1)", table.name);
        for entries in entries.chunks(ENTRIES_AT_ONCE) {
            gone += self.execute_beside_the_log(&sql, &[ints(&self.scope().stored_all(entries))])?;
            added += self.add_pushed(table, &self.vectors_of(&table.space, entries)?)?;
        }
        Ok((gone, added))
    }

    /// Says that the table has all vectors as they are now.
    pub(super) fn seal_pushed(&mut self, table: &Table, rows: u64, graph: bool) -> Result<(), Error> {
        use rekall_core::store::WriteBlocks;
        let position = self.log_position()?;
        let state = PushedState { position, rows, graph };
        let mut blocks = std::iter::once(state.block());
        self.replace_index_blocks(table.space.id, PUSHED_KIND, position, &mut blocks)?;
        self.know_position(position);
        Ok(())
    }

    /// Drops the table of a space, or all of this memory, as far as the user may. What is not there is no error.
    pub(in super::super) fn drop_pushed_tables(&self, space: Option<SpaceId>) -> Result<(), Error> {
        let scope = self.scope();
        let pattern = match space {
            Some(space) => format!("^{}$", name(scope, space)),
            None => format!("^{PUSHED_KIND}_{}_[0-9]+$", scope.number()),
        };
        for row in self.query(OURS, &[text(&pattern)])? {
            self.batch(&format!("DROP TABLE {}", quoted(column(&row, 0)?)))?;
        }
        Ok(())
    }

    /// Brings the policies of the tables that were there before the first scope into force.
    pub(in super::super) fn wall_off_pushed(&self) -> Result<(), Error> {
        let pattern = format!("^{PUSHED_KIND}_[0-9]+_[0-9]+$");
        for row in self.query(OURS, &[text(&pattern)])? {
            self.batch(&wall(&quoted(column(&row, 0)?)))?;
        }
        Ok(())
    }
}

fn wall(name: &str) -> String {
    format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
}
