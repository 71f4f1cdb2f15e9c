//! Many texts embedded at once.

use std::sync::Arc;

use crate::common::{WordModel, memory_with};
use rekall::{CancelToken, Error, Progress, Purpose};

#[test]
fn rows_come_in_the_order_of_their_texts_and_are_those_of_single_calls() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(8).max_tokens(2))));
    let texts: Vec<String> = (0..150).map(|n| format!("texte {n}")).collect();
    let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    texts[7] = " ";
    texts[100] = "one two three";
    for purpose in [Purpose::Document, Purpose::Query] {
        let mut told = Vec::new();
        let mut hear = |progress| told.push(progress);
        let made = memory.embed_many(&texts, purpose).progress(&mut hear).run().unwrap();
        assert_eq!((made.dimensions, made.rows.len()), (8, 150 * 8));
        assert_eq!((&made.unembeddable[..], &made.truncated[..]), (&[7][..], &[100][..]));
        assert!(made.row(7).is_none() && made.row(150).is_none());
        assert!(made.rows[7 * 8..8 * 8].iter().all(|number| *number == 0.0));
        for at in (0..150).filter(|at| *at != 7) {
            assert_eq!(made.row(at).unwrap(), memory.embed(texts[at], purpose).unwrap(), "{purpose:?} {at}");
        }
        assert_eq!(told.last(), Some(&Progress { done: 150, total: 150 }));
        assert!(told.windows(2).all(|pair| pair[0].done <= pair[1].done));
        let none = memory.embed_many(&[], purpose).run().unwrap();
        assert!(none.rows.is_empty() && none.dimensions == 8);
    }
}

#[test]
fn a_cancelled_call_and_one_without_a_model_say_so() {
    let memory = memory_with(|builder| builder.embedder(Arc::new(WordModel::new(8))));
    for purpose in [Purpose::Document, Purpose::Query] {
        let token = CancelToken::new();
        let (stop, mut calls) = (token.clone(), 0);
        let mut hear = |_| {
            calls += 1;
            stop.cancel();
        };
        let texts = vec!["text"; 500];
        let stopped = memory.embed_many(&texts, purpose).progress(&mut hear).cancel(&token).run();
        assert!(matches!(stopped, Err(Error::Interrupted)));
        assert_eq!(calls, 1, "stopped in the middle");
    }
    let without = memory_with(|builder| builder.without_model());
    let refused = without.embed_many(&["a"], Purpose::Query).run();
    assert!(matches!(refused, Err(Error::NoModel)));
}
