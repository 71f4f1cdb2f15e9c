//! What is wrong with the tables of the word index, whatever they hold.

use rusqlite::Connection;

use crate::Error;
use crate::sqlite::reach::Reach;

/// As sentences.
pub(crate) fn faults_of_tables(connection: &Connection, reach: Reach) -> Result<Vec<String>, Error> {
    let mut faults = Vec::new();
    let (pages, segments) = (reach.and("segment_id"), reach.and("id"));
    for sql in [
        format!(
            "SELECT segment_id, count(*) || ' pages of the word index are of segment ' || {} || ', which is not there'
             FROM word_page WHERE segment_id NOT IN (SELECT id FROM word_segment){pages} GROUP BY segment_id",
            reach.row_of("segment_id")
        ),
        format!(
            "SELECT id, 'segment ' || {} || ' of the word index is of an unknown state' FROM word_segment
             WHERE state NOT IN ('ready', 'building', 'leaving'){segments}",
            reach.row_of("id")
        ),
        format!(
            "SELECT id, 'segment ' || {} || ' of the word index must go from an older to a newer one, got '
                 || oldest || ' to ' || newest FROM word_segment
             WHERE (typeof(oldest) <> 'integer' OR typeof(newest) <> 'integer' OR oldest > newest){segments}",
            reach.row_of("id")
        ),
        format!(
            "SELECT max(id), count(*) || ' segments of the word index are both number ' || newest FROM word_segment
             WHERE state = 'ready'{segments} GROUP BY newest HAVING count(*) > 1"
        ),
        format!(
            "SELECT max(id), count(*) || ' segments of the word index are being merged' FROM word_segment
             WHERE state = 'building'{segments} HAVING count(*) > 1"
        ),
    ] {
        let mut statement = connection.prepare(&sql)?;
        let found = statement.query_map([], |row| row.get(1))?;
        faults.extend(found.collect::<Result<Vec<String>, _>>()?);
    }
    Ok(faults)
}
