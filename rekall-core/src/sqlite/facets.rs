//! Which tags, projects and the like there are, and how many entries have each.

use super::SqliteTx;
use super::filter::Led;
use crate::Facet;
use crate::FacetCount;
use crate::store::ReadFacets;
use crate::{Error, Filter};
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};
use std::ops::Deref;

impl<C: Deref<Target = Connection>> ReadFacets for SqliteTx<'_, C> {
    fn facets(&self, facet: Facet, filter: &Filter, limit: usize) -> Result<Vec<FacetCount>, Error> {
        let compiled = filter.compile(self.now_ms(), self.reach, Led::ByFilter)?;
        let condition = compiled.condition;
        let (name, from) = match facet {
            // By way of ids: they come from a narrow index, where a join would read each entry with its content.
            Facet::Tag => {
                let ours = self.reach.and("entry_id");
                ("tag", format!("tag WHERE entry_id IN (SELECT entry.id FROM entry WHERE {condition}){ours}"))
            }
            Facet::Project => ("project", format!("entry WHERE ({condition}) AND project IS NOT NULL")),
            Facet::Kind => ("kind", format!("entry WHERE {condition}")),
            Facet::MemoryType => ("memory_type", format!("entry WHERE {condition}")),
        };
        let sql = format!("SELECT {name}, count(*) FROM {from} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?");
        let mut parameters = compiled.parameters;
        parameters.push(SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let counts = statement.query_map(params_from_iter(parameters), |row| {
            Ok(FacetCount { name: row.get(0)?, entries: row.get(1)? })
        })?;
        Ok(counts.collect::<Result<_, _>>()?)
    }
}
