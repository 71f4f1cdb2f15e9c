//! Search by words, snippets, and links: what a reader of notes does with them.

use crate::common::Engine;
use crate::common::engine::on_every_engine;
use rekall::storage::{Snippets, TextQuery};
use rekall::{EntryId, Mode, NewEntry};

on_every_engine!(
    links_lead_from_entry_to_entry_and_vanish_with_them,
    accents_fold_prefixes_complete_and_snippets_show_the_place,
    snippets_of_a_long_entry_cost_no_more_than_its_length,
);

fn accents_fold_prefixes_complete_and_snippets_show_the_place(engine: Engine) {
    let memory = engine.memory();
    let depot =
        memory.remember(NewEntry::new("Le dépôt est vide").content("Cloner le dépôt à nouveau.")).unwrap();
    memory.remember(NewEntry::new("Deployment failed").content("The pipeline ran out of memory.")).unwrap();
    let by_words = |query: &str| -> Vec<EntryId> {
        memory.recall(query).mode(Mode::Text).run().unwrap().iter().map(|hit| hit.entry.id).collect()
    };
    assert_eq!(by_words("depot"), [depot]);
    assert_eq!(by_words("DÉPÔTS"), [depot], "case and plural fold, too");
    assert!(by_words("deploym").is_empty());
    assert_eq!(memory.recall("deploym").mode(Mode::Text).prefix().run().unwrap().len(), 1);
    let found = memory.recall("pipeline memory").mode(Mode::Text).snippets("[", "]").run().unwrap();
    assert_eq!(found[0].snippet.as_deref(), Some("The [pipeline] ran out of [memory]."));
    let found = memory.recall("pipeline").mode(Mode::Text).run().unwrap();
    assert_eq!(found[0].snippet, None, "only when asked for");
}

fn links_lead_from_entry_to_entry_and_vanish_with_them(engine: Engine) {
    let memory = engine.memory();
    let ids: Vec<EntryId> =
        (0..5).map(|n| memory.remember(NewEntry::new(format!("note {n}"))).unwrap()).collect();
    for pair in ids.windows(2) {
        memory.link(pair[0], pair[1], "related", None).unwrap();
    }
    memory.link(ids[0], ids[4], "contradicts", Some("measured otherwise")).unwrap();
    memory.link(ids[0], ids[4], "contradicts", Some("measured twice")).unwrap();
    let links = memory.links(ids[0]).unwrap();
    assert_eq!(links.len(), 2);
    assert_eq!(
        links.iter().filter_map(|link| link.reason.as_deref()).collect::<Vec<_>>(),
        ["measured twice"]
    );
    let near = memory.neighbors(ids[0], 1).unwrap();
    assert_eq!(near, [(ids[1], 1), (ids[4], 1)]);
    let all = memory.neighbors(ids[0], usize::MAX).unwrap();
    assert_eq!(all, [(ids[1], 1), (ids[4], 1), (ids[2], 2), (ids[3], 2)]);
    assert!(memory.unlink(ids[0], ids[4], "contradicts").unwrap());
    assert!(!memory.unlink(ids[0], ids[4], "contradicts").unwrap());
    memory.forget(ids[1]).unwrap();
    assert!(memory.links(ids[0]).unwrap().is_empty());
    memory.assert_sound();
}

fn snippets_of_a_long_entry_cost_no_more_than_its_length(engine: Engine) {
    // By the square of the words found this would take hours.
    let memory = engine.memory();
    let words: Vec<String> = (0..24).map(|number| format!("word{number}")).collect();
    let text = format!("{} ", words.join(" ")).repeat(7_000);
    assert!(text.len() > 1 << 20);
    memory.remember(NewEntry::new("t").content(&text)).unwrap();
    let found = memory.recall(words.join(" ")).mode(Mode::Text).snippets("[", "]").run().unwrap();
    let snippet = found[0].snippet.as_deref().unwrap();
    assert!(words.iter().all(|word| snippet.contains(&format!("[{word}]"))), "{snippet}");
    // The whole text, too, which is read where the hit's passage holds no word.
    let snippets = Snippets::new(&TextQuery::new(&words.join(" ")), 24);
    let snippet = snippets.of(&found[0].entry, ("[", "]"), None).unwrap().unwrap();
    assert!(snippet.starts_with("[word0] [word1]") && snippet.ends_with("[word23]…"), "{snippet}");
}
