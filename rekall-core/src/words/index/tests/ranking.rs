//! In which order entries are found.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::words::index::search::{PAIRED_ENTRIES, PAIRED_TIES};

/// Texts as the entries 1, 2 and so on.
fn index(texts: &[impl AsRef<str>]) -> Builder {
    let mut builder = Builder::default();
    texts.iter().zip(1..).for_each(|(text, row)| add_text(&mut builder, row, text.as_ref()));
    builder
}

fn rows(hits: &[WordHit]) -> Vec<i64> {
    hits.iter().map(|hit| hit.key.row).collect()
}

#[test]
fn a_phrase_outranks_its_scattered_parts_however_often_they_stand_there() {
    let words: Vec<Word> = ["seven", "one", "three"].map(word).into();
    let quoted = phrase(0..3, PhraseKind::Quoted, 1.0);
    let pairs = [phrase([0, 1], PhraseKind::Adjacent, 0.3), phrase([1, 2], PhraseKind::Adjacent, 0.3)];
    let phrases = [&[quoted][..], &pairs].concat();
    for times in [1, 10, 1000] {
        let scattered = vec!["seven one seven one one three seven three one three"; times].join(" ");
        let hidden = format!("{} seven one three {}", "filler ".repeat(3000), "filler ".repeat(3000));
        let builder = index(&[scattered.as_str(), hidden.as_str(), "nothing"]);
        let hits = find(&[&builder], &words, &phrases, 10);
        assert_eq!(rows(&hits), [2, 1], "{times} times");
        assert_eq!((hits[0].exact, hits[1].exact), (1.0, 0.0));
    }
}

#[test]
fn a_written_phrase_must_stand_joined() {
    let mut builder = Builder::default();
    for (row, joined) in [(1, false), (2, true)] {
        builder.start_passage(PassageKey { row, role: 0, number: 0 });
        for (term, position) in [("7", 0), ("1", 1)] {
            builder.add(Token { term, position, joined: joined && position > 0, weight: 1, main: true });
        }
    }
    let words: Vec<Word> = ["7", "1"].map(word).into();
    let hits = find(&[&builder], &words, &[phrase(0..2, PhraseKind::Written, 1.0)], 10);
    assert_eq!(rows(&hits), [2, 1]);
    assert_eq!((hits[0].exact, hits[1].exact), (1.0, 0.0));
    let hits = find(&[&builder], &words, &[phrase(0..2, PhraseKind::Quoted, 1.0)], 10);
    assert_eq!(rows(&hits), [1, 2]);
    assert_eq!(hits[0].score, hits[1].score);
}

#[test]
fn half_of_a_query_in_a_phrase_is_exact_by_its_weight() {
    let builder = index(&["one two", "three four"]);
    let words: Vec<Word> = ["one", "two", "three", "four"].map(word).into();
    let hits = find(&[&builder], &words, &[phrase([0, 1], PhraseKind::Quoted, 1.0)], 10);
    assert_eq!(hits.iter().map(|hit| hit.exact).collect::<Vec<_>>(), [0.5, 0.0]);
}

#[test]
fn a_required_phrase_may_stand_in_any_passage_of_the_entry() {
    let mut builder = Builder::default();
    let passages =
        [(1, 0, "red car"), (1, 1, "old house"), (2, 0, "red car red car"), (3, 0, "red old car house")];
    for (row, number, text) in passages {
        builder.start_passage(PassageKey { row, role: 0, number });
        for (term, position) in text.split(' ').zip(0..) {
            builder.add(Token { term, position, joined: false, weight: 1, main: true });
        }
    }
    let words: Vec<Word> = ["red", "car", "old", "house"].map(word).into();
    let required = |words| Phrase { required: true, ..phrase(words, PhraseKind::Quoted, 1.0) };
    let hits = find(&[&builder], &words, &[required([0, 1]), required([2, 3])], 10);
    assert_eq!(rows(&hits), [1]);
    assert_eq!(hits[0].also.len(), 1);
}

#[test]
fn words_side_by_side_come_before_the_same_words_apart() {
    let builder = index(&["table on a dining", "a dining table on", "nothing else at all"]);
    let (words, pairs) = running_text("dining table");
    assert_eq!(rows(&find(&[&builder], &words, &pairs, 10)), [2, 1]);
    assert_eq!(rows(&find(&[&builder], &words, &[], 10)), [1, 2]);
}

#[test]
fn alternatives_at_one_place_count_once() {
    let mut builder = Builder::default();
    for (row, terms) in [(1, &["note", "not"][..]), (2, &["note"])] {
        builder.start_passage(PassageKey { row, role: 0, number: 0 });
        for (index, term) in terms.iter().enumerate() {
            builder.add(Token { term, position: 0, joined: false, weight: 1, main: index == 0 });
        }
    }
    let mut both = word("note");
    both.forms.push(Form { term: "not".to_owned(), prefix: false });
    let hits = find(&[&builder], &[both], &[], 10);
    assert_eq!(rows(&hits), [1, 2]);
    assert_eq!(hits[0].score, hits[1].score);
}

#[test]
fn what_is_forgotten_changes_no_score() {
    let kept = ["red house", "red red car", "blue car", "a long text on a red car and a blue house"];
    let (mut forgetful, fresh) = (index(&kept), index(&kept));
    for row in 100..3000 {
        add_text(&mut forgetful, row, "red red car at home");
    }
    (100..3000).for_each(|row| forgetful.remove(row));
    let (words, pairs) = running_text("red car");
    let expected = find(&[&fresh], &words, &pairs, 10);
    assert_eq!(find(&[&forgetful], &words, &pairs, 10), expected);
    assert_eq!(expected.len(), 4);

    // The same in a segment, of which the rows die only later.
    let mut older = index(&kept);
    (100..300).for_each(|row| add_text(&mut older, row, "red red car at home"));
    let (docs, pages) = segment_of(&older);
    let mut dead = Dead::default();
    dead.mark_rows(&docs, 100..300);
    let segment = Segment::new(docs, Arc::new(dead), pages);
    assert_eq!(find(&[&segment], &words, &pairs, 10), expected);
}

#[test]
fn memory_of_what_was_replaced_is_given_back() {
    let mut builder = Builder::default();
    for round in 0..20_000 {
        add_text(&mut builder, round % 3, &format!("word{round} stays"));
    }
    assert!(builder.memory_bytes() < 500_000, "{} bytes", builder.memory_bytes());
    assert_eq!(rows(&find(&[&builder], &[word("stays")], &[], 10)), [0, 1, 2]);
    assert_eq!(rows(&find(&[&builder], &[word("word19999")], &[], 10)), [19_999 % 3]);
    assert!(find(&[&builder], &[word("word5")], &[], 10).is_empty());
}

#[test]
fn entries_equal_to_the_last_come_too_by_row_from_all_sources() {
    let texts: Vec<&str> =
        (1..=2000).map(|row| if row % 10 == 0 { "same words" } else { "same words here" }).collect();
    let whole = index(&texts);
    let mut parts = [Builder::default(), Builder::default()];
    (1..=2000).for_each(|row| add_text(&mut parts[row % 2], row as i64, texts[row - 1]));
    let (words, pairs) = running_text("same words");
    let (shorter, longer): (Vec<i64>, Vec<i64>) = (1..=2000).partition(|row| row % 10 == 0);
    for phrases in [&pairs[..], &[]] {
        for limit in [1, 7, 200, 201, 1999, 5000] {
            let expected = if limit <= 200 { shorter.clone() } else { [&shorter[..], &longer].concat() };
            assert_eq!(rows(&find(&[&whole], &words, phrases, limit)), expected);
            assert_eq!(rows(&find(&[&parts[0], &parts[1]], &words, phrases, limit)), expected);
        }
    }
    let request =
        Request { words: &words, phrases: &pairs, admitted: &|row| row > 1985, limit: 3, cancel: None };
    let hits = search(&[&whole], &request, &mut Scratch::default()).unwrap();
    assert_eq!(rows(&hits)[..3], [1990, 2000, 1986]);
}

#[test]
fn pairs_are_looked_for_among_the_best_entries_and_few_that_equal_the_last() {
    let (words, pairs) = running_text("red car");
    for (equal, is_found) in
        [(10, true), (PAIRED_ENTRIES + PAIRED_TIES, true), (PAIRED_ENTRIES + PAIRED_TIES + 1, false)]
    {
        // The pair stands in the last of the entries that hold both words equally often.
        let mut texts = vec!["red old car"; equal];
        texts[equal - 1] = "old red car";
        let builder = index(&texts);
        let hits = find(&[&builder], &words, &pairs, 1);
        assert_eq!(hits.len(), if is_found { 1 } else { equal });
        assert_eq!(hits[0].key.row, if is_found { equal as i64 } else { 1 });
    }
}

#[test]
fn a_cancelled_search_stops() {
    let builder = index(&["red car"]);
    let flag = AtomicBool::new(true);
    let words = [word("red")];
    let request = Request { words: &words, phrases: &[], admitted: &|_| true, limit: 1, cancel: Some(&flag) };
    let stopped = search(&[&builder], &request, &mut Scratch::default());
    assert!(matches!(stopped, Err(IndexError::Storage(crate::Error::Interrupted))));
}

#[test]
fn phrases_that_name_no_word_are_ignored() {
    let builder = index(&["red car"]);
    let phrases = [phrase([], PhraseKind::Quoted, 1.0), phrase([0, 5], PhraseKind::Adjacent, 1.0)];
    assert_eq!(rows(&find(&[&builder], &[word("red")], &phrases, 3)), [1]);
    assert!(find(&[&builder], &[], &phrases, 3).is_empty());
    assert!(find(&[&builder], &[word("red")], &[], 0).is_empty());
    assert!(find(&[], &[word("red")], &[], 3).is_empty());
}
