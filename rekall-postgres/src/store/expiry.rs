//! Entries with an end: which they are, and deleting those that have come to it.

use rekall_core::store::{ReadExpiry, WriteExpiry};
use rekall_core::{EntryId, Error};
use tokio_postgres::Row;

use super::tx::{Tx, column};
use super::values::{int, ints};

impl ReadExpiry for Tx<'_> {
    fn expiries(&self) -> Result<Vec<(i64, i64)>, Error> {
        let of_scope = self.scope().holds("id");
        let sql = format!(
            "SELECT id, expires_at FROM entry WHERE expires_at IS NOT NULL AND {of_scope} ORDER BY expires_at, id"
        );
        self.query(&sql, &[])?.iter().map(|row| self.expiry(row)).collect()
    }

    fn expiries_among(&self, entries: &[i64]) -> Result<Vec<(i64, i64)>, Error> {
        let sql = "SELECT id, expires_at FROM unnest($1::bigint[]) WITH ORDINALITY AS given (id, number)
            JOIN entry USING (id) WHERE expires_at IS NOT NULL ORDER BY number";
        let rows = self.query(sql, &[ints(&self.scope().stored_all(entries))])?;
        rows.iter().map(|row| self.expiry(row)).collect()
    }

    fn expired(&self) -> Result<Vec<i64>, Error> {
        let of_scope = self.scope().holds("id");
        let sql = format!("SELECT id FROM entry WHERE expires_at <= $1 AND {of_scope} ORDER BY id");
        self.rows_in(&self.query(&sql, &[int(&self.now_ms())])?)
    }
}

impl WriteExpiry for Tx<'_> {
    fn delete_expired(&mut self) -> Result<Vec<EntryId>, Error> {
        let rows = self.expired()?;
        self.delete_rows(&rows)
    }
}

impl Tx<'_> {
    fn expiry(&self, row: &Row) -> Result<(i64, i64), Error> {
        Ok((self.scope().row(column(row, 0)?), column(row, 1)?))
    }
}
