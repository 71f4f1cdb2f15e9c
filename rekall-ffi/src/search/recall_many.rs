//! Recalling for several queries at once
//!
//! Several queries in one search: the vectors are read once for all of them.
//!
//!     rekall_query queries[2] = {{{NULL, 0}, NULL, 0}, {{NULL, 0}, NULL, 0}};
//!     rekall_hits *hits[2] = {NULL, NULL};
//!     queries[0].text = rekall_text("CORS");
//!     queries[1].text = rekall_text("build");
//!     if ((status = rekall_recall_batch(db, queries, 2, NULL, hits, &error))) goto end;
//!     printf("%d and %d hits\n", (int)rekall_hits_count(hits[0]), (int)rekall_hits_count(hits[1]));
//!     rekall_hits_free(hits[0]);
//!     rekall_hits_free(hits[1]);

use rekall::Query;

use crate::boundary::error::{ErrorObject, Failure};
use crate::boundary::options;
use crate::boundary::out::OutObjects;
use crate::boundary::status::Status;
use crate::boundary::text::{Str, values};
use crate::calls::call::on;
use crate::calls::handle::Handle;
use crate::calls::stoppable::Stoppable;
use crate::search::hits::Hits;
use crate::search::recall::{RecallOptions, prepare};

/// One of several queries: a text, a vector of the file's own space, or a text with the vector that the host made of it
/// (the text then only serves to find words). Never grows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct BatchQuery {
    /// The text; not given: the vector alone counts.
    pub text: Str,
    /// The vector, of any length but zero; NULL: the model makes one of the text.
    pub vector: *const f32,
    /// How many numbers it has.
    pub vector_len: usize,
}

/// Searches for each of several queries. Each gets the hits that it would get alone (rekall_recall() and
/// rekall_recall_vector()), and all see the file as it is at one moment. Reading the index once for all makes this several
/// times faster than one search after the other where the file is large.
///
/// queries are count structs; the strings and numbers that they point to are used until the call returns. options, for all
/// of them alike, may be NULL; its member vector must be NULL. outs has room for count pointers, and receives the hits of
/// each query in order, each to be freed with rekall_hits_free(); all NULL when the call fails. It may be NULL when count
/// is 0. One query that fails fails them all: REKALL_INVALID_INPUT for one with neither a text nor a vector, the rest as
/// for rekall_recall(). rekall_hits_elapsed_us() is the time that all took.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rekall_recall_batch(
    db: *mut Handle,
    queries: *const BatchQuery,
    count: usize,
    options: *const RecallOptions,
    outs: *mut *mut Hits,
    error: *mut *mut ErrorObject,
) -> Status {
    // SAFETY: the pointers are the caller's, who keeps the header's rules.
    unsafe {
        on(db, error, OutObjects::required(outs, count), |db| {
            let options = options::read_or_default(options)?;
            if !options.vector.is_null() || options.vector_len > 0 {
                return Err(Failure::misuse(
                    "options.vector goes with one query: each of several has its own",
                ));
            }
            let running = Stoppable::begin(Some(db), options.token)?;
            let given = values(queries, count, "queries")?.iter().enumerate();
            let queries = given.map(|(at, query)| {
                running.go_on()?;
                query.read().map_err(|failure| failure.of(&format!("queries[{at}]")))
            });
            let queries = queries.collect::<Result<Vec<_>, _>>()?;
            let search = prepare(db.recall_batch(queries), &options, &running)?;
            Ok(search.run()?.into_iter().map(Hits::new).collect())
        })
    }
}

impl BatchQuery {
    /// # Safety
    /// The members are valid for `'a`.
    unsafe fn read<'a>(&self) -> Result<Query<'a>, Failure> {
        // SAFETY: as promised by the caller.
        unsafe {
            let text = self.text.optional("text")?;
            if self.vector.is_null() && self.vector_len == 0 {
                // A blank query is refused by the search, with the others.
                return Ok(text.unwrap_or_default().into());
            }
            let vector = values(self.vector, self.vector_len, "vector")?;
            Ok(text.map_or_else(|| vector.into(), |text| Query::with_vector(text, vector)))
        }
    }
}
