//! What a word that is still being typed may become.

use super::Form;
use crate::words::tokens::Tokenizer;

/// Endings that stemming takes off, English and French.
const ENDINGS: [&str; 36] = [
    "able", "ably", "aient", "ait", "ally", "ance", "ant", "ation", "ations", "ator", "ed", "ement", "ence",
    "ent", "er", "es", "eur", "euse", "eux", "ible", "ical", "ies", "ing", "ion", "ions", "ique", "isme",
    "iste", "ity", "ive", "ment", "ness", "ons", "s", "ssent", "ously",
];

/// The shortest stem that an ending is looked for on, in bytes.
const SHORTEST: usize = 3;

/// Terms that a beginning finds: those that begin with it, and the stems of words that do, but end before it does.
///
/// Words are kept as stems, `deployment` as `deploy`. So a beginning that reaches into the ending (`deploym`) begins no
/// term; the completed word finds it.
pub(super) fn of(begun: &str) -> Vec<Form> {
    let mut forms = vec![Form { term: begun.to_owned(), prefix: true }];
    let mut tokenizer = Tokenizer::for_queries();
    let borders = begun.char_indices().map(|(at, _)| at).skip_while(|at| *at < SHORTEST);
    for (stem, ending) in borders.map(|at| begun.split_at(at)) {
        for ending in ENDINGS.iter().filter(|whole| whole.starts_with(ending)) {
            tokenizer.tokenize(&format!("{stem}{ending}"), None, &mut |token| {
                let form = Form { term: token.term.to_owned(), prefix: false };
                if !form.term.starts_with(begun) && form.term.len() >= SHORTEST && !forms.contains(&form) {
                    forms.push(form);
                }
            });
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(begun: &str, term: &str) -> bool {
        of(begun).iter().any(|form| form.term == term || form.prefix && term.starts_with(&form.term))
    }

    #[test]
    fn a_beginning_that_reaches_into_the_ending_finds_the_stem() {
        for (begun, term) in [
            ("deploym", "deploy"),
            ("saf", "safari"),
            ("runni", "run"),
            ("installati", "instal"),
            ("memori", "memori"),
        ] {
            assert!(finds(begun, term), "{begun}: {:?}", of(begun));
        }
        assert!(!finds("deploym", "deplete"));
        assert!(of("generalizations").len() < 24);
    }
}
