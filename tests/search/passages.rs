//! The passages of entries: how they are embedded, and where in them a hit lies, in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{Memory, WordModel, memory_with};
use rekall::model::{Embedder, Error as ModelError, Fingerprint};
use rekall::storage::EntryPassages;
use rekall::{Context, EntryPatch, Mode, NewEntry, Role};

/// The paragraphs of each note, by the sentence that each repeats.
const TEXTS: [(&str, [&str; 3]); 3] = [
    ("Été", ["Les sauvegardes échouent là. ", "Le disque était plein. ", "Un crible trié après. "]),
    ("数据库", ["备份 每晚 失败 了。", "磁盘 空间 已 满。", "我们 清理 日志 🦀。"]),
    ("plain", ["One two three four. ", "Five six seven eight. ", "Nine ten eleven twelve. "]),
];

/// A sentence as often as fills most of a passage, so that no second one fits into it.
fn paragraph(sentence: &str) -> String {
    // An ideograph weighs as much as it has bytes.
    sentence.repeat(EntryPassages::TARGET_LENGTH * 3 / 4 / sentence.len()).trim().to_owned()
}

fn memory_of(model: WordModel) -> Memory {
    memory_with(|builder| builder.embedder(Arc::new(model)))
}

#[test]
fn each_passage_of_each_language_is_found_and_cut_out_by_its_bytes() {
    let memory = memory_of(WordModel::new(64));
    let remember = |(title, sentences): (&str, [&str; 3])| {
        memory.remember(NewEntry::new(title).content(sentences.map(paragraph).join("\n"))).unwrap()
    };
    let ids = TEXTS.map(remember);
    for (title, sentences) in TEXTS {
        for (number, sentence) in sentences.into_iter().enumerate() {
            let found = memory.recall(sentence).mode(Mode::Semantic).limit(1).run().unwrap();
            let (hit, passage) = (&found[0], found[0].passage().unwrap());
            let paragraph = paragraph(sentence);
            let expected = if number == 0 { format!("{title}\n{paragraph}") } else { paragraph.clone() };
            assert_eq!((hit.entry.title.as_str(), passage.as_str()), (title, expected.as_str()));
            // The characters that the file knows, counted out by hand.
            let chunk = hit.chunk.unwrap();
            assert_eq!(usize::from(chunk.number), number);
            let by_characters: String = passage
                .text
                .chars()
                .skip(chunk.start as usize)
                .take((chunk.end - chunk.start) as usize)
                .collect();
            assert_eq!(by_characters, expected);
            assert_eq!(&hit.entry.content[passage.content.unwrap()], paragraph);
        }
    }
    assert_eq!(memory.stats().unwrap().store.vectors, 9);
    for id in ids {
        memory.forget(id).unwrap();
    }
    assert_eq!(memory.stats().unwrap().store.vectors, 0, "no passage is left behind");
}

#[test]
fn a_passage_of_the_context_is_of_its_own_text() {
    let memory = memory_of(WordModel::new(64));
    let said = Context { solution: Some("vidé le cache".into()), ..Context::default() };
    memory.remember(NewEntry::new("title").content("content").context(said)).unwrap();
    let found = memory.recall("vidé le cache").mode(Mode::Semantic).run().unwrap();
    let passage = found[0].passage().unwrap();
    assert_eq!(found[0].chunk.unwrap().role, Role::Context);
    assert_eq!((passage.as_str(), &passage.content), ("vidé le cache", &None));
    // Words find passages, too.
    let wordy = memory_with(|builder| builder.without_model());
    wordy.remember(NewEntry::new("title")).unwrap();
    assert_eq!(wordy.recall("title").run().unwrap()[0].passage().unwrap().as_str(), "title");
}

#[test]
fn a_vector_is_of_the_passage_and_what_stands_above_it() {
    let memory = memory_of(WordModel::new(64));
    let [first, second, third] = TEXTS[2].1.map(paragraph);
    let content = format!("# One\n{first}\n## Two\n{second}\n# Three\n{third}");
    let id = memory.remember(NewEntry::new("Title").content(content).tags(["a", "b"])).unwrap();
    let short = memory.remember(NewEntry::new("Title").content("# One\ntext").tags(["a", "b"])).unwrap();
    let vector = |text: &str| WordModel::new(64).embed_query(text).unwrap();
    for (id, number, text) in [
        (id, 0, format!("Title\n# One\n{first}\na b")),
        (id, 1, format!("Title > One\n## Two\n{second}")),
        (id, 2, format!("Title\n# Three\n{third}")),
        (short, 0, "Title\n# One\ntext\na b".to_owned()),
    ] {
        assert_eq!(memory.stored_vector(id, Role::Summary, number).unwrap(), vector(&text), "{text}");
    }
    assert!(memory.stored_vector(id, Role::Summary, 3).is_err());
    assert!(memory.stored_vector(short, Role::Summary, 1).is_err());
}

#[test]
fn a_passage_longer_than_the_model_reads_has_the_average_of_its_parts() {
    let memory = memory_of(WordModel::new(64).max_tokens(4));
    let id = memory.remember(NewEntry::new("aa bb cc dd ee ff gg").content("hh ii jj")).unwrap();
    // Halved twice: each half is of five words and one too many for the model.
    let parts = ["aa bb ", "cc dd ee ", "ff gg\n", "hh ii jj"];
    let mut sum = vec![0.0_f64; 64];
    for part in parts {
        let row = WordModel::new(64).embed_query(part).unwrap();
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(value) * part.len() as f64);
    }
    let norm = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    let expected: Vec<f32> = sum.iter().map(|value| (value / norm) as f32).collect();
    assert_eq!(memory.stored_vector(id, Role::Summary, 0).unwrap(), expected);
    // No word is lost, wherever it stands.
    let near = |word| memory.recall(word).mode(Mode::Semantic).run().unwrap()[0].similarity.unwrap();
    assert!(["aa", "dd", "hh", "jj"].into_iter().all(|word| near(word) > 0.1));
}

/// Counts the texts that it is given.
struct Counting(WordModel, Arc<AtomicUsize>);

impl Embedder for Counting {
    fn fingerprint(&self) -> &Fingerprint {
        self.0.fingerprint()
    }
    fn dimensions(&self) -> usize {
        self.0.dimensions()
    }
    fn max_tokens(&self) -> Option<usize> {
        None
    }
    fn count_tokens(&self, text: &str) -> Result<usize, ModelError> {
        self.0.count_tokens(text)
    }
    fn embed_documents(&self, texts: &[&str]) -> Result<Vec<f32>, ModelError> {
        self.1.fetch_add(texts.len(), Ordering::Relaxed);
        self.0.embed_documents(texts)
    }
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        self.0.embed_query(text)
    }
    fn memory_bytes(&self) -> usize {
        0
    }
}

#[test]
fn an_update_embeds_only_the_passages_that_changed() {
    let embedded = Arc::new(AtomicUsize::new(0));
    let model = Counting(WordModel::new(64), Arc::clone(&embedded));
    let memory = memory_with(|builder| builder.embedder(Arc::new(model)));
    let [first, second, third] = TEXTS[2].1.map(paragraph);
    let content = |last: &str| format!("{first}\n\n{second}\n\n{last}");
    let id = memory.remember(NewEntry::new("title").content(content(&third))).unwrap();
    assert_eq!(embedded.swap(0, Ordering::Relaxed), 3);
    let longer = format!("{third} Changed.");
    memory.update(id, &EntryPatch::new().content(content(&longer))).unwrap();
    assert_eq!(embedded.swap(0, Ordering::Relaxed), 1);
    let fresh = memory.remember(NewEntry::new("title").content(content(&longer))).unwrap();
    for number in 0..3 {
        let vector = |id| memory.stored_vector(id, Role::Summary, number).unwrap();
        assert_eq!(vector(id), vector(fresh));
    }
}

#[test]
fn a_hosts_vector_stands_for_all_passages_as_long_as_the_summary_stays() {
    let memory = memory_of(WordModel::new(2));
    let content = TEXTS[2].1.map(paragraph).join("\n\n");
    let id = memory.remember_with_vector(NewEntry::new("title").content(&content), &[0.6, 0.8]).unwrap();
    let said = Context { solution: Some("emptied".into()), ..Context::default() };
    memory.update(id, &EntryPatch::new().context(Some(said))).unwrap();
    assert_eq!(memory.stored_vector(id, Role::Summary, 0).unwrap(), [0.6, 0.8]);
    assert!(memory.stored_vector(id, Role::Context, 0).is_ok());
    assert_eq!(memory.stats().unwrap().store.vectors, 2);
    memory.update(id, &EntryPatch::new().content(content + " More.")).unwrap();
    assert_eq!(memory.stats().unwrap().store.vectors, 4);
    assert_ne!(memory.stored_vector(id, Role::Summary, 0).unwrap(), [0.6, 0.8]);
}

/// A note of four sections, each a passage, of which two tell of `header`: the second once, the last twice and
/// far apart.
fn sections() -> NewEntry {
    let filler = |times| "Other words stand here, and more of them follow. ".repeat(times);
    let sections = [
        format!("# Part 0\n{}", filler(6)),
        format!("# Proxies\nThey drop the header. {}", filler(5)),
        format!("# Part 2\n{}", filler(6)),
        format!("# Caches\n{}", format!("A header is kept. {}", filler(3)).repeat(2)),
    ];
    NewEntry::new("Safari notes")
        .content(sections.map(|section| section.trim().to_owned()).join("\n\n"))
        .tags(["web"])
}

#[test]
fn a_snippet_is_of_the_passage_that_its_hit_names() {
    let memory = memory_of(WordModel::new(64));
    memory.remember(sections()).unwrap();
    for query in ["header", "header kept"] {
        let found = memory.recall(query).mode(Mode::Text).snippets("[", "]").run().unwrap();
        let (passage, snippet) = (found[0].passage().unwrap(), found[0].snippet.as_deref().unwrap());
        // The first place of the passage, not the first of the entry; both go on where the snippet ends.
        assert!(snippet.starts_with("…# Caches\nA [header] is ") && snippet.ends_with('…'), "{snippet}");
        assert!(passage.as_str().contains(&snippet.replace(['[', ']', '…'], "")), "{}", passage.as_str());
        assert_eq!(passage.content.unwrap().end, found[0].entry.content.len());
    }
}

#[test]
fn a_passage_without_the_words_leaves_the_snippet_to_the_entry() {
    let memory = memory_of(WordModel::new(64));
    let id = memory.remember(sections()).unwrap();
    // So that one similarity is better than another.
    memory.remember(NewEntry::new("Unlike")).unwrap();
    let snippet_beside = |query: &str, number: u16| {
        let vector = memory.stored_vector(id, Role::Summary, number).unwrap();
        let search = memory.recall(query).vector(&vector).weights(100.0, 0.01);
        let found = search.snippets("[", "]").run().unwrap();
        assert_eq!(found[0].chunk.unwrap().number, number, "{query}");
        found[0].snippet.clone()
    };
    assert!(snippet_beside("header", 1).unwrap().contains("They drop the [header]."));
    // The title is repeated above a later passage, and not a part of it.
    assert_eq!(snippet_beside("safari", 2).as_deref(), Some("[Safari] notes"));
    assert_eq!(snippet_beside("web", 2).as_deref(), Some("[web]"));
    assert!(snippet_beside("proxies", 2).unwrap().contains("# [Proxies]\nThey drop the header."));
    assert!(snippet_beside("safari part", 2).unwrap().contains("# [Part] 2"));
    assert_eq!(snippet_beside("elsewhere", 2), None);
}
