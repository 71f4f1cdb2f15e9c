//! The ids are those of the `tokenizers` crate: over real text, over the whole of Unicode, and over
//! random mixtures.

use proptest::prelude::*;
use tokenizers::Tokenizer;

use super::{ParseOutcome, Scratch, Unigram};

struct Pair {
    ours: Box<Unigram>,
    theirs: Tokenizer,
}

impl Pair {
    fn new(json: &[u8]) -> Self {
        let ParseOutcome::Supported(ours) = Unigram::parse(json).unwrap() else {
            panic!("not of the family")
        };
        Self { ours, theirs: Tokenizer::from_bytes(json).unwrap() }
    }

    fn check(&self, text: &str) {
        let mut ids = Vec::new();
        self.ours.encode(text, usize::MAX, &mut Scratch::default(), &mut ids);
        let theirs = self.theirs.encode_fast(text, false).unwrap();
        assert_eq!(ids, theirs.get_ids(), "{text:?} is {:?}", theirs.get_tokens());
        for limit in [0, 1, 3, ids.len().saturating_sub(1)] {
            let mut cut = vec![99];
            self.ours.encode(text, limit, &mut Scratch::default(), &mut cut);
            assert_eq!(cut[1..], ids[..limit.min(ids.len())], "{text:?} cut at {limit}");
        }
    }
}

fn bundled() -> &'static Pair {
    static PAIR: std::sync::OnceLock<Pair> = std::sync::OnceLock::new();
    PAIR.get_or_init(|| Pair::new(include_bytes!("../../data/static-fren/tokenizer.json")))
}

#[test]
fn every_character_alone_and_inside_a_word() {
    for c in '\0'..=char::MAX {
        // Han and Hangul ideographs of the higher planes behave alike: a sample is enough.
        if u32::from(c) < 0x1_0000 || u32::from(c) % 7 == 0 {
            let text = format!("{c} a{c}b e{c}\u{301}");
            bundled().check(&text);
        }
        if u32::from(c) > 0x2_0000 {
            break;
        }
    }
}

#[test]
fn pairs_of_characters_that_join() {
    // Combining marks, prepended marks, joiners, regional indicators, jamo, white space of all kinds.
    let joining = "e\u{301}\u{308}\u{20dd}\u{600}\u{93f}\u{94d}\u{915}\u{200d}\u{200c}\u{fe0f}\u{1f468}\u{1f469}\u{1f3fd}\u{1f1eb}\u{1f1f7}\u{1100}\u{1161}\u{11a8}\u{ac00} \r\n\t\u{a0}\u{2028}\u{3000}\u{2581}\u{feff}\u{ad}\u{ff21}\u{fb01}\u{1e9b}\u{323}\u{0}\u{7f}<";
    let joining: Vec<char> = joining.chars().collect();
    for &a in &joining {
        for &b in &joining {
            for &c in &joining {
                bundled().check(&[a, b, c].iter().collect::<String>());
            }
        }
    }
}

#[test]
fn added_tokens_are_cut_out_of_the_raw_text() {
    for text in [
        "<unk>",
        "a<unk>b",
        " <unk> <unk>x",
        "<<unk>>",
        "<un",
        "\u{ff1c}unk\u{ff1e} \u{ff1c}unk\u{ff1e}\u{2603}",
        "",
    ] {
        bundled().check(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_text(text in "\\PC{0,80}") {
        bundled().check(&text);
    }

    #[test]
    fn random_european_text(text in "[a-zA-ZàâçéèêëîïôùûüœæÀÉß0-9 .,;:!?'’«»()\r\n\t\u{300}-\u{308}\u{a0}_#<>unk-]{0,200}") {
        bundled().check(&text);
    }

    #[test]
    fn any_characters(text in proptest::collection::vec(any::<char>(), 0..60)) {
        bundled().check(&text.into_iter().collect::<String>());
    }
}
