//! What is asked of both.

use std::ops::ControlFlow;
use std::time::Duration;

use rekall_core::store::HitRows;
use rekall_core::{
    Changes, Entry, EntryId, EntryTime, Facet, LogPosition, NewestBy, ReadTx, Role, Space, VectorBatch,
    VectorKey,
};

use super::random::{URIS, filter};
use super::words::Search;
use super::{Names, Pair, Random, answer};

impl Pair {
    /// Asks both the same.
    pub(crate) fn compare(&mut self, random: &mut Random) {
        let questions = Questions::random(random, &self.ids, self.moments.len());
        let (file, server) = (&self.file as &dyn rekall_core::Store, &self.server as &dyn rekall_core::Store);
        let of_file: Vec<LogPosition> = self.moments.iter().map(|moment| moment.0).collect();
        let of_server: Vec<LogPosition> = self.moments.iter().map(|moment| moment.1).collect();
        let expected = questions.ask(&*file.read().unwrap(), &of_file);
        let found = questions.ask(&*server.read().unwrap(), &of_server);
        for ((question, expected), (_, found)) in expected.iter().zip(&found) {
            assert_eq!(found, expected, "{question}, now {}: {questions:#?}", self.now());
        }
        assert_eq!(found.len(), expected.len());
        self.compared += found.len();
        for &id in self.ids.iter().rev().take(5) {
            assert_eq!(answer(server.get(id)), answer(file.get(id)));
        }
    }
}

#[derive(Debug)]
struct Questions {
    filter: rekall_core::Filter,
    after: Option<EntryId>,
    limit: usize,
    ids: Vec<EntryId>,
    uri: String,
    moment: usize,
    searches: Vec<Search>,
}

impl Questions {
    fn random(random: &mut Random, ids: &[EntryId], moments: usize) -> Self {
        let some = |random: &mut Random, count: usize| -> Vec<EntryId> {
            if ids.is_empty() { Vec::new() } else { (0..count).map(|_| *random.pick(ids)).collect() }
        };
        Self {
            filter: filter(random, ids),
            after: some(random, 1).first().copied().filter(|_| random.one_in(2)),
            limit: random.below(7),
            ids: some(random, 6),
            uri: if random.one_in(5) { String::new() } else { (*random.pick(URIS)).to_owned() },
            moment: random.below(moments),
            searches: (0..4).map(|_| Search::random(random)).collect(),
        }
    }

    /// Questions with their answers, in which entries and spaces go by their names.
    fn ask(&self, tx: &dyn ReadTx, moments: &[LogPosition]) -> Vec<(&'static str, String)> {
        let Self { filter, limit, ids, uri, .. } = self;
        let names = Names::of(tx);
        let rows: Vec<i64> = ids.iter().filter_map(|&id| tx.row_of(id).ok()).collect();
        let named = |rows: Vec<i64>| names.names(&rows);
        let sorted = |mut rows: Vec<String>| {
            rows.sort_unstable();
            rows
        };
        let mut asked = vec![
            ("count_entries", answer(tx.count_entries())),
            ("count", answer(tx.count(filter))),
            // In the order of rows, which is that of ids only where these were made in it.
            ("matching", answer(tx.matching(filter).map(|rows| sorted(named(rows))))),
            ("list", answer(tx.list(filter, self.after, *limit))),
            ("get_many", answer(tx.get_many(ids))),
            (
                "entries",
                answer(
                    tx.entries(&rows)
                        .map(|found| found.into_iter().map(|(_, entry)| entry).collect::<Vec<_>>()),
                ),
            ),
            ("first_by_id", answer(tx.first_by_id(&rows, *limit).map(named))),
            ("obsolete", answer(tx.obsolete().map(named).map(sorted))),
            ("obsolete_among", answer(tx.obsolete_among(&rows).map(named))),
            ("expired", answer(tx.expired().map(named).map(sorted))),
            ("usage", answer(tx.usage(ids))),
            ("legacy", answer(tx.legacy_tables())),
            ("pending", answer(tx.count_pending())),
            (
                "stats",
                answer(tx.stats().map(|stats| {
                    (stats.entries, stats.obsolete, stats.vectors, stats.pending, stats.links, stats.log_rows)
                })),
            ),
        ];
        for by in [NewestBy::Created, NewestBy::Updated] {
            let page = tx.list_newest(filter, by, None, 3);
            let next = page.as_ref().ok().and_then(|page| page.next);
            let more = next
                .map(|next| answer(tx.list_newest(filter, by, Some(next), *limit).map(|page| page.entries)));
            asked.push((
                "list_newest",
                answer(page.map(|page| (page.entries, page.unreadable))) + &format!("{more:?}"),
            ));
        }
        for facet in [Facet::Tag, Facet::Project, Facet::Kind, Facet::MemoryType] {
            asked.push(("facets", answer(tx.facets(facet, filter, *limit))));
        }
        for time in [EntryTime::Created, EntryTime::Updated, EntryTime::LastUsed] {
            let times = tx.times(time, &rows).unwrap();
            let times: Vec<_> = rows.iter().map(|row| times.get(row)).collect();
            asked.push(("times", format!("{times:?}")));
        }
        let mut expiries: Vec<_> =
            tx.expiries().unwrap().into_iter().map(|(row, at)| (at, names.name(row))).collect();
        expiries.sort_unstable();
        asked.push(("expiries", format!("{expiries:?}")));
        let among = tx.expiries_among(&rows).unwrap();
        asked.push((
            "expiries_among",
            format!("{:?}", among.iter().map(|(row, at)| (names.name(*row), at)).collect::<Vec<_>>()),
        ));
        for &id in ids.iter().take(2) {
            asked.push(("links", answer(tx.links(id))));
            asked.push(("neighbors", answer(tx.neighbors(id, 3))));
            asked.push(("locate", answer(tx.locate(id).map(|(_, entry)| entry))));
        }
        for search in &self.searches {
            asked.push(("search_words", search.ask(tx, &names, filter, *limit)));
        }
        asked.push(("fault_of_words", answer(tx.fault_of_words())));
        self.ask_about_sources(tx, &names, &rows, uri, &mut asked);
        ask_about_vectors(tx, &names, &rows, *limit, &mut asked);
        let changes = match tx.changes_since(moments[self.moment]).unwrap() {
            Changes::Lost { .. } => "lost".to_owned(),
            // Within one statement in any order, and what was undone has no name.
            Changes::Entries { entries, spaces, .. } => {
                format!("{:?} {} {spaces}", sorted(named(entries.clone())), entries.len())
            }
        };
        asked.push(("changes", changes));
        asked
    }

    fn ask_about_sources(
        &self,
        tx: &dyn ReadTx,
        names: &Names,
        rows: &[i64],
        uri: &str,
        asked: &mut Vec<(&'static str, String)>,
    ) {
        let section = |section: rekall_core::StoredSection| {
            // Numbers of orphans are made from row numbers.
            let number = if section.number < 0 { -1 } else { section.number };
            let (path, line, digest, tags) = (section.path, section.line, section.digest, section.tags);
            (section.id, number, path, line, digest, tags)
        };
        let sources = tx.sources(uri).unwrap();
        let plain: Vec<_> = sources
            .iter()
            .map(|source| (&source.uri, &source.stamp, source.digest, source.synced_at, source.sections))
            .collect();
        asked.push(("sources", format!("{plain:?}")));
        for source in &sources {
            let mut sections: Vec<_> = tx.sections(source.number).unwrap().into_iter().map(section).collect();
            sections.sort_by_key(|section| (section.1, section.0));
            asked.push(("sections", format!("{sections:?}")));
        }
        let mut orphans: Vec<_> = tx.orphaned_sections(uri).unwrap().into_iter().map(section).collect();
        orphans.sort_by_key(|section| section.0);
        asked.push(("orphans", format!("{orphans:?}")));
        let abandoned = tx.abandoned_sections(uri, Duration::from_millis(20)).unwrap();
        let mut abandoned = names.names(&abandoned);
        abandoned.sort_unstable();
        asked.push(("abandoned", format!("{abandoned:?}")));
        asked.push(("count_sections", answer(tx.count_sections(uri))));
        for &row in rows.iter().take(2) {
            asked.push(("section_of", answer(tx.section_of(row).map(|found| found.map(section)))));
        }
    }
}

fn ask_about_vectors(
    tx: &dyn ReadTx,
    names: &Names,
    rows: &[i64],
    limit: usize,
    asked: &mut Vec<(&'static str, String)>,
) {
    let key = |key: &VectorKey| (names.name(key.entry), key.role, key.chunk);
    let batch = |batch: VectorBatch| {
        let unusable: Vec<_> = batch.unusable.iter().map(key).collect();
        (batch.keys.iter().map(key).collect::<Vec<_>>(), batch.rows, unusable)
    };
    let spaces: Vec<Space> = tx.spaces().unwrap();
    let plain: Vec<_> =
        spaces.iter().map(|space| (&space.fingerprint, space.dimensions, space.state)).collect();
    asked.push(("spaces", format!("{plain:?}")));
    asked.push(("active", answer(tx.active_space().map(|space| space.map(|space| space.fingerprint)))));
    for space in &spaces {
        let id = space.id;
        let count = tx.count_vectors(id).unwrap();
        asked.push(("count_vectors", count.to_string()));
        asked.push(("has_more_vectors_than", answer(tx.has_more_vectors_than(id, limit))));
        asked.push(("vectors_of", answer(tx.vectors_of(space, rows).map(batch))));
        let keys: Vec<VectorKey> =
            rows.iter().map(|&entry| VectorKey { entry, role: 0, chunk: (limit % 3) as u16 }).collect();
        asked.push(("vectors_at", answer(tx.vectors_at(space, &keys).map(batch))));
        asked.push(("spans", answer(tx.spans(id, &keys))));
        let wanted =
            HitRows { entries: rows, space: Some(space), spans: &keys, vectors_of: rows, vectors_at: &keys };
        let hits = tx.read_hits(&wanted).map(|hits| {
            // Rows have other numbers in each of them.
            let title = |entry: &Result<Entry, _>| entry.as_ref().ok().map(|entry| entry.title.clone());
            let entries: Vec<_> = hits.entries.iter().map(|(_, entry)| title(entry)).collect();
            (entries, hits.spans, batch(hits.vectors), batch(hits.vectors_at))
        });
        asked.push(("read_hits", answer(hits)));
        let mut all = Vec::new();
        tx.each_vectors(space, 2, &mut |part| {
            all.extend(
                part.keys
                    .iter()
                    .zip(part.rows.chunks(part.dimensions))
                    .map(|(k, row)| (key(k), row.to_vec())),
            );
            ControlFlow::Continue(())
        })
        .unwrap();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        asked.push(("each_vectors", format!("{all:?}")));
        let mut several = names.names(&tx.entries_of_several_passages(id, Role::Summary).unwrap());
        several.sort_unstable();
        asked.push(("several passages", format!("{several:?}")));
        let sample = tx.sample_of_entries(id, Role::Summary, 1_000).unwrap();
        let mut sample = names.names(&sample);
        sample.sort_unstable();
        asked.push(("sample", format!("{sample:?}")));
        let mut waiting = names.names(&tx.pending(id, 0, 1_000).unwrap());
        waiting.sort_unstable();
        asked.push(("pending", format!("{waiting:?}")));
        let mut without = names.names(&tx.without_vectors(id, 0, 1_000).unwrap());
        without.sort_unstable();
        asked.push(("without_vectors", format!("{without:?}")));
        let mut blocks = Vec::new();
        let whole = tx.each_index_block(id, "kind", &mut |block| {
            blocks.push(block.to_vec());
            ControlFlow::Continue(())
        });
        let sealed = tx.index_position(id, "kind").unwrap().is_some();
        asked.push(("blocks", format!("{:?} {sealed} {blocks:?}", answer(whole))));
    }
    for &row in rows.iter().take(3) {
        let stored = tx.stored_vectors(row).unwrap();
        let stored: Vec<_> =
            stored.iter().map(|stored| (key(&stored.key), stored.start, stored.end, stored.digest)).collect();
        asked.push(("stored_vectors", format!("{stored:?}")));
        asked.push(("is_pending", answer(tx.is_pending(row))));
    }
}
