//! How large the index is.

use rusqlite::Connection;

use super::*;

/// Notes of 12 to 40 words, a fifth of which stand in no other note.
fn notes() -> Vec<String> {
    let note = |number: u32| {
        let words = (0..12 + number % 29).map(|word| match (number * 7 + word * 13) % 5 {
            0 => format!("rare{}", number * 41 + word),
            kind => format!("word{}", (number * 31 + word * word * 17) % (50 * kind)),
        });
        words.collect::<Vec<String>>().join(" ")
    };
    (0..4000).map(note).collect()
}

#[test]
fn it_takes_no_more_than_fts5_with_positions() {
    let notes = notes();
    let mut builder = Builder::default();
    notes.iter().zip(1..).for_each(|(note, row)| add_text(&mut builder, row, note));
    let (docs, pages) = builder.build();
    let pages: usize =
        pages.iter().map(|page| page.first_term.len() + page.docs.len() + page.places.len()).sum();
    let ours = docs.encode().len() + pages;

    let database = Connection::open_in_memory().unwrap();
    database
        .execute_batch("CREATE VIRTUAL TABLE note USING fts5 (text, content = '', detail = full)")
        .unwrap();
    for (note, row) in notes.iter().zip(1i64..) {
        database.execute("INSERT INTO note (rowid, text) VALUES (?1, ?2)", (row, note)).unwrap();
    }
    database.execute_batch("INSERT INTO note (note) VALUES ('optimize')").unwrap();
    let size =
        "SELECT (SELECT sum(length(block)) FROM note_data) + (SELECT sum(length(sz)) FROM note_docsize)";
    let fts5: usize = database.query_row(size, [], |row| row.get(0)).unwrap();
    assert!(ours <= fts5, "{ours} bytes, FTS5 {fts5}");
}
