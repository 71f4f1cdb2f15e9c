//! Where a hit lies, in bytes.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{WordModel, memory_with};
use rekall::{Context, Mode, NewEntry, Role};

/// Three sentences of four words each: the model reads four at a time.
const TEXTS: [(&str, [&str; 3]); 3] = [
    ("Été", ["Les sauvegardes échouent là.", "Le disque était plein.", "Un crible trié après."]),
    ("数据库", ["备份 每晚 失败 了。", "磁盘 空间 已 满。", "我们 清理 日志 🦀。"]),
    ("plain", ["one two three four.", "five six seven eight.", "nine ten eleven twelve."]),
];

#[test]
fn each_chunk_of_each_language_is_found_and_cut_out_by_its_bytes() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(64).max_tokens(4))));
    for (title, sentences) in TEXTS {
        memory.remember(NewEntry::new(title).content(sentences.join("\n"))).unwrap();
    }
    for (title, sentences) in TEXTS {
        for sentence in sentences {
            let found = memory.recall(sentence).mode(Mode::Semantic).limit(1).run().unwrap();
            let (hit, passage) = (&found[0], found[0].passage().unwrap());
            assert_eq!((hit.entry.title.as_str(), passage.as_str()), (title, sentence));
            // The characters that the file knows, counted out by hand.
            let chunk = hit.chunk.unwrap();
            let by_characters: String = passage
                .text
                .chars()
                .skip(chunk.start as usize)
                .take((chunk.end - chunk.start) as usize)
                .collect();
            assert_eq!(by_characters, sentence);
            assert_eq!(&hit.entry.content[passage.content.unwrap()], sentence);
        }
        let found = memory.recall(title).mode(Mode::Semantic).limit(1).run().unwrap();
        let passage = found[0].passage().unwrap();
        assert_eq!((passage.as_str(), &passage.content), (title, &None));
    }
}

#[test]
fn a_passage_of_the_context_is_of_its_own_text() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(64))));
    let said = Context { solution: Some("vidé le cache".into()), ..Context::default() };
    memory.remember(NewEntry::new("title").content("content").context(said)).unwrap();
    let found = memory.recall("vidé le cache").mode(Mode::Semantic).run().unwrap();
    let passage = found[0].passage().unwrap();
    assert_eq!(found[0].chunk.unwrap().role, Role::Context);
    assert_eq!((passage.as_str(), &passage.content), ("vidé le cache", &None));
    // Words alone know no passage of a memory without vectors.
    let wordy = memory_with(|builder| builder.without_model());
    wordy.remember(NewEntry::new("title")).unwrap();
    assert_eq!(wordy.recall("title").run().unwrap()[0].passage(), None);
}
