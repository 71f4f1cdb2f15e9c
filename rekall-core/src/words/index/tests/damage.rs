//! Bytes that no index wrote.

use proptest::prelude::*;

use super::*;
use crate::words::index::hash::checksum;

/// A small index with everything that its format knows.
fn sample() -> (Docs, Vec<Page>) {
    let mut builder = Builder::default();
    for row in 0..30 {
        for (role, number) in [(0, 0), (0, 1), (1, 0), (1, 3)].into_iter().take(row as usize % 5) {
            builder.start_passage(PassageKey { row: row * row, role, number });
            for position in 0..(row as u32 % 7) * 3 {
                let term = format!("{}term{}", "w".repeat(position as usize % 20), position % 4);
                let weight = 1 + (position % 3) as u8;
                builder.add(Token {
                    term: &term,
                    position: position * 50,
                    joined: position % 2 == 0,
                    weight,
                    main: true,
                });
            }
        }
        builder.remove(row * row + 1);
    }
    builder.build()
}

/// `bytes` with other bytes at some places, and, if `sealed`, the checksum that fits them.
fn damaged(bytes: &[u8], changes: &[(prop::sample::Index, u8)], sealed: bool) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let end = if sealed { bytes.len() - 4 } else { bytes.len() };
    for (place, by) in changes.iter().filter(|_| end > 0) {
        bytes[place.index(end)] ^= by;
    }
    if sealed {
        let sum = checksum(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&sum);
    }
    bytes
}

/// Reads a segment in every way there is. Errors are right, panics are not.
fn use_all(docs: &Docs, pages: &[Page]) -> Result<(), IndexError> {
    let docs = Arc::new(docs.clone());
    let memory: MemoryPages = pages.iter().cloned().collect();
    let segment = Segment::new(Arc::clone(&docs), Arc::default(), memory.clone());
    let mut words = vec![word("term1"), word("wterm1"), word("wwterm2")];
    words[2].forms.push(Form { term: "ww".to_owned(), prefix: true });
    let phrases = [phrase([0, 1], PhraseKind::Quoted, 1.0), phrase([2, 0], PhraseKind::Adjacent, 0.3)];
    let request = Request { words: &words, phrases: &phrases, admitted: &|_| true, limit: 5, cancel: None };
    let searched = search(&[&segment], &request, &mut Scratch::default()).map(drop);
    let verified = verify(&docs, &memory, &mut || Ok(())).map(drop);
    let into = merged_docs(&[(&docs, &Dead::default())], true);
    let mut merged = Merge::new(&[(&docs, &memory)], &into, b"term2").and_then(|mut merge| {
        while merge.next_page()?.is_some() {}
        Ok(())
    });
    for page in pages {
        merged = merged.and(page.last_term().map(drop));
    }
    searched.and(verified).and(merged)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(0x5eed),
        ..ProptestConfig::with_cases(2000)
    })]

    #[test]
    fn any_bytes_are_a_table_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..80), format in any::<bool>()) {
        let mut bytes = bytes;
        prop_assume!(bytes.len() >= 5);
        if format {
            bytes[0] = 1;
        }
        let sealed = damaged(&bytes, &[], true);
        if let Ok(docs) = Docs::decode(&sealed) {
            prop_assert!(docs.rows().is_sorted());
            prop_assert_eq!(Docs::decode(&docs.encode()).unwrap(), docs);
        }
    }

    #[test]
    fn damage_shows_in_the_checksums(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 1..2),
        which in any::<prop::sample::Index>(),
    ) {
        let (docs, mut pages) = sample();
        prop_assert!(use_all(&docs, &pages).is_ok());
        prop_assert!(Docs::decode(&damaged(&docs.encode(), &changes, false)).is_err());
        let page = which.index(pages.len());
        pages[page].docs = Arc::from(damaged(&pages[page].docs, &changes, false));
        let is_found = matches!(use_all(&docs, &pages), Err(IndexError::Damaged { .. }));
        prop_assert!(is_found);
    }

    #[test]
    fn damage_with_right_checksums_is_found_or_harmless(
        table in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 0..2),
        terms in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 0..3),
        places in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 0..3),
        which in any::<prop::sample::Index>(),
    ) {
        let (docs, mut pages) = sample();
        let page = which.index(pages.len());
        pages[page].docs = Arc::from(damaged(&pages[page].docs, &terms, true));
        pages[page].places = Arc::from(damaged(&pages[page].places, &places, true));
        let docs = Docs::decode(&damaged(&docs.encode(), &table, true));
        if let Err(error) = docs.and_then(|docs| use_all(&docs, &pages)) {
            let is_damage = matches!(error, IndexError::Damaged { .. });
            prop_assert!(is_damage, "{}", error);
        }
    }
}

#[test]
fn a_count_that_the_bytes_cannot_hold_is_refused_before_memory_is_taken() {
    for counts in [[u64::MAX, 0], [0, u64::MAX], [1 << 40, 1 << 40]] {
        let mut bytes = vec![1];
        counts.iter().for_each(|&count| crate::words::index::varint::push(&mut bytes, count));
        bytes.extend([0; 40]);
        let sealed = damaged(&bytes, &[], true);
        assert!(matches!(Docs::decode(&sealed), Err(IndexError::Damaged { .. })));
    }
}

#[test]
fn pages_that_hold_something_else_than_the_table_says_are_named() {
    let (mut right, mut wrong) = (Builder::default(), Builder::default());
    for (row, text) in [(1, "one two"), (2, "three four"), (3, "five")] {
        add_text(&mut right, row, text);
        add_text(&mut wrong, row, if row == 2 { "four three" } else { text });
    }
    let (docs, pages) = (segment_of(&right).0, segment_of(&wrong).1);
    let key = PassageKey { row: 2, role: 0, number: 0 };
    assert_eq!(verify(&docs, &pages, &mut || Ok(())).unwrap(), [key]);
}
