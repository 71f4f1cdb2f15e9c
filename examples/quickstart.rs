//! The first program: remember three notes, find one again by meaning.
//!
//! ```text
//! cargo run --release --example quickstart
//! ```

#![allow(clippy::print_stdout)]

use rekall::{Error, Mode, NewEntry, Rekall};

fn main() -> Result<(), Error> {
    // One file holds everything. It is made here; the model that understands text is compiled in.
    let path = std::env::temp_dir().join("rekall-quickstart.db");
    let rekall = Rekall::builder(&path).open()?;

    // Only the title is required. All three notes are stored, or none.
    let notes = [
        NewEntry::new("CORS fails on Safari").content("The preflight answer lacks a header.").tags(["http"]),
        NewEntry::new("Les sauvegardes échouent la nuit").content("Le disque est plein.").kind("bug"),
        NewEntry::new("Retry only idempotent calls").content("A repeated POST charged a customer twice."),
    ];
    let ids = rekall.remember_many(&notes).run()?;

    // No word of the query is in the note that answers it. (The default, `Mode::Hybrid`, also searches by
    // words and is best for everyday use.)
    let hits = rekall.recall("browser blocks my API call").mode(Mode::Semantic).limit(2).run()?;
    for hit in &hits {
        println!("{:.2}  {}: {}", hit.similarity.unwrap_or_default(), hit.entry.title, hit.entry.content);
    }

    // Leave nothing behind, so that the program can be run again.
    ids.into_iter().try_for_each(|id| rekall.forget(id))
}
