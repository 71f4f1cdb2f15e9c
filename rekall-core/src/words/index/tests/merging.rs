//! Merges, page by page.

use super::*;

/// Segments that share some terms and rows, and have some of their own.
fn segments() -> Vec<(Arc<Docs>, MemoryPages)> {
    let part = |part: i64| {
        let mut builder = Builder::default();
        for row in (part * 80)..(part * 80 + 200) {
            let own = "o".repeat(40);
            add_text(&mut builder, row, &format!("shared part{part} {row}{own} {own}{row} shared"));
        }
        (part * 80..part * 80 + 5).for_each(|row| builder.remove(row));
        segment_of(&builder)
    };
    (0..4).map(part).collect()
}

fn merged(segments: &[(Arc<Docs>, MemoryPages)], is_oldest: bool, break_off: bool) -> (Docs, Vec<Page>) {
    let none = Dead::default();
    let tables: Vec<(&Docs, &Dead)> = segments.iter().map(|(docs, _)| (&**docs, &none)).collect();
    let inputs: Vec<(&Docs, &dyn Pages)> =
        segments.iter().map(|(docs, pages)| (&**docs, pages as &dyn Pages)).collect();
    let into = merged_docs(&tables, is_oldest);
    let mut merge = Merge::new(&inputs, &into, &[]).unwrap();
    let mut pages: Vec<Page> = Vec::new();
    while let Some(page) = merge.next_page().unwrap() {
        if break_off {
            merge = Merge::new(&inputs, &into, &page.last_term().unwrap()).unwrap();
        }
        pages.push(page);
    }
    (into, pages)
}

#[test]
fn a_merge_gives_the_pages_of_a_segment_made_at_once_and_can_be_broken_off_after_each() {
    let segments = segments();
    let mut at_once = Builder::default();
    for (part, (docs, _)) in (0i64..).zip(&segments) {
        for &row in docs.rows() {
            at_once.remove(row);
            if !docs.passages_of(row).is_empty() {
                let own = "o".repeat(40);
                add_text(&mut at_once, row, &format!("shared part{part} {row}{own} {own}{row} shared"));
            }
        }
    }
    let expected = at_once.build();
    assert!(expected.1.len() > 3, "{} pages", expected.1.len());
    assert_eq!(merged(&segments, false, false), expected);
    assert_eq!(merged(&segments, false, true), expected);
}

#[test]
fn rows_that_are_gone_are_remembered_while_an_older_segment_may_know_them() {
    let segments = segments();
    let (kept, _) = merged(&segments[1..], false, false);
    let (dropped, _) = merged(&segments, true, false);
    assert!(kept.speaks_for(80) && kept.passages_of(80).is_empty());
    assert!(!dropped.speaks_for(0));
    assert_eq!(dropped.rows().len(), dropped.passages().len());
    // A merge in two steps loses none either.
    let none = Dead::default();
    let whole = merged_docs(&[(&segments[0].0, &none), (&kept, &none)], true);
    assert_eq!(whole, dropped);
}
