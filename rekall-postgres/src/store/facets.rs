//! Which tags, projects and the like there are, and how many entries have each.

use rekall_core::store::ReadFacets;
use rekall_core::{Error, Facet, FacetCount, Filter};

use super::ENGINE;
use super::tx::{Tx, column};
use super::values::limit;

impl ReadFacets for Tx<'_> {
    fn facets(&self, facet: Facet, filter: &Filter, count: usize) -> Result<Vec<FacetCount>, Error> {
        let mut condition = self.condition(filter)?;
        let count = condition.number(limit(count));
        let passes = &condition.sql;
        let (name, from) = match facet {
            Facet::Tag => {
                let of_scope = self.scope().range("entry_id");
                let entries = format!("SELECT entry.id FROM entry WHERE {passes}");
                ("tag", format!("tag WHERE {of_scope} AND entry_id IN ({entries})"))
            }
            Facet::Project => ("project", format!("entry WHERE {passes} AND project IS NOT NULL")),
            Facet::Kind => ("kind", format!("entry WHERE {passes}")),
            Facet::MemoryType => ("memory_type", format!("entry WHERE {passes}")),
            _ => return Err(Error::Unsupported { capability: "counts of this property", engine: ENGINE }),
        };
        let sql = format!("SELECT {name}, count(*) FROM {from} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {count}");
        let rows = self.query(&sql, &condition.values())?;
        let count =
            |row| Ok(FacetCount { name: column(row, 0)?, entries: column::<i64>(row, 1)?.unsigned_abs() });
        rows.iter().map(count).collect()
    }
}
