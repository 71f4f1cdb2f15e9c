//! Entries with an end: which they are, and deleting those that have come to it.

use rekall_core::store::{ReadExpiry, WriteExpiry};
use rekall_core::{EntryId, Error};
use tokio_postgres::Row;

use super::tx::{Tx, column, numbers};
use super::values::{int, ints};

impl ReadExpiry for Tx<'_> {
    fn expiries(&self) -> Result<Vec<(i64, i64)>, Error> {
        let sql = "SELECT id, expires_at FROM entry WHERE expires_at IS NOT NULL ORDER BY expires_at, id";
        self.query(sql, &[])?.iter().map(expiry).collect()
    }

    fn expiries_among(&self, entries: &[i64]) -> Result<Vec<(i64, i64)>, Error> {
        let sql = "SELECT id, expires_at FROM unnest($1::bigint[]) WITH ORDINALITY AS given (id, number)
            JOIN entry USING (id) WHERE expires_at IS NOT NULL ORDER BY number";
        self.query(sql, &[ints(&entries)])?.iter().map(expiry).collect()
    }

    fn expired(&self) -> Result<Vec<i64>, Error> {
        let sql = "SELECT id FROM entry WHERE expires_at <= $1 ORDER BY id";
        numbers(&self.query(sql, &[int(&self.now_ms())])?)
    }
}

impl WriteExpiry for Tx<'_> {
    fn delete_expired(&mut self) -> Result<Vec<EntryId>, Error> {
        let rows = self.expired()?;
        self.delete_rows(&rows)
    }
}

fn expiry(row: &Row) -> Result<(i64, i64), Error> {
    Ok((column(row, 0)?, column(row, 1)?))
}
