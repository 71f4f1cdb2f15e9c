//! Searches by words, of both.

use rekall_core::{Draft, EntryId, Filter, NewEntry, ReadTx, Store, TextQuery, WordHit};

use super::change::{made, patch};
use super::random::{WORDS, entry, filter};
use super::{Names, Pair, Random, answer};

/// A search, as text and switches.
#[derive(Debug)]
pub(super) struct Search {
    text: String,
    prefix: bool,
    required: bool,
}

impl Search {
    pub(super) fn random(random: &mut Random) -> Self {
        let separator = *random.pick(&[" ", " ", " ", "-", "."]);
        let words: Vec<&str> = (0..1 + random.below(5)).map(|_| *random.pick(WORDS)).collect();
        let mut text = words.join(separator);
        if random.one_in(3) {
            text = format!("\"{text}\" {}", random.pick(WORDS));
        }
        if random.one_in(4) {
            text.pop();
        }
        Self { text, prefix: random.one_in(3), required: random.one_in(3) }
    }

    fn query(&self) -> TextQuery {
        let query = TextQuery::new(&self.text);
        let query = if self.prefix { query.prefix() } else { query };
        if self.required { query.require_quotes() } else { query }
    }

    /// Hits with the bits of their scores: not nearly the same, but the same.
    pub(super) fn ask(&self, tx: &dyn ReadTx, names: &Names, filter: &Filter, limit: usize) -> String {
        let shown = |hit: WordHit| {
            let also: Vec<_> =
                hit.also.iter().map(|(key, score)| (key.role, key.number, score.to_bits())).collect();
            let (key, score, exact) = (hit.key, hit.score.to_bits(), hit.exact.to_bits());
            (names.name(key.row), key.role, key.number, score, exact, also)
        };
        answer(
            tx.search_words(&self.query(), filter, limit)
                .map(|hits| hits.into_iter().map(shown).collect::<Vec<_>>()),
        )
    }
}

impl Pair {
    /// Writes so many new entries to both in one transaction, and changes and removes some of those that are there.
    pub(crate) fn write_many(&mut self, random: &mut Random, count: usize) {
        let new: Vec<(EntryId, NewEntry)> =
            (0..count).map(|_| (made(random), entry(random).expires_at(253_402_300_799_999))).collect();
        let patches: Vec<_> = (0..self.ids.len().min(40))
            .map(|_| (*random.pick(&self.ids), patch(random, &self.ids)))
            .collect();
        let gone: Vec<EntryId> = (0..self.ids.len().min(20)).map(|_| *random.pick(&self.ids)).collect();
        for store in [&self.file as &dyn Store, &self.server] {
            let mut tx = store.write().unwrap();
            let drafts: Vec<Draft<'_>> = new.iter().map(|(id, entry)| Draft::new(entry).id(*id)).collect();
            tx.insert(&drafts).unwrap();
            for (id, patch) in &patches {
                // One that is gone by now, or a patch that does not fit.
                let _ = tx.update(*id, patch);
            }
            tx.delete_many(&gone).unwrap();
            tx.commit().unwrap();
        }
        self.ids.extend(new.into_iter().map(|(id, _)| id));
        self.ids.retain(|id| !gone.contains(id));
        self.note_moment();
    }

    /// Searches both for so many texts.
    pub(crate) fn compare_words(&mut self, random: &mut Random, count: usize) {
        let (on_file, on_server) = (self.file.read().unwrap(), self.server.read().unwrap());
        let (of_file, of_server) = (Names::of(&*on_file), Names::of(&*on_server));
        for _ in 0..count {
            let search = Search::random(random);
            let filter = if random.one_in(2) { Filter::new() } else { filter(random, &self.ids) };
            let limit = *random.pick(&[1, 10, 100_000]);
            let expected = search.ask(&*on_file, &of_file, &filter, limit);
            assert_eq!(
                search.ask(&*on_server, &of_server, &filter, limit),
                expected,
                "{search:?} {filter:?}"
            );
            self.compared += usize::from(expected != "[]");
        }
        assert_eq!(on_server.fault_of_words().unwrap(), None);
        assert_eq!(on_file.fault_of_words().unwrap(), None);
    }
}
