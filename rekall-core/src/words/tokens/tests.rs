use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;

/// The terms of a text, those of a position in one string; a word that is joined has a `+` before it.
fn terms_in(text: &str, language: Option<Language>) -> String {
    let mut found: Vec<String> = Vec::new();
    Tokenizer::new().tokenize(text, language, &mut |token| {
        if token.main {
            assert_eq!(token.position as usize, found.len(), "{text:?}");
            let joined = if token.joined { "+" } else { "" };
            found.push(format!("{joined}{}", token.term));
        } else {
            let word = found.last_mut().unwrap();
            word.push('/');
            word.push_str(token.term);
        }
    });
    found.join(" ")
}

/// As English, where each word has one stem.
fn terms(text: &str) -> String {
    terms_in(text, Some(Language::English))
}

/// What a test compares: everything of a token but its place.
type Bare = (String, u32, bool, TokenKind);

fn bare_tokens(tokenizer: &mut Tokenizer, text: &str, language: Option<Language>) -> Vec<Bare> {
    let mut found = Vec::new();
    tokenizer.tokenize(text, language, &mut |token| {
        found.push((token.term.to_owned(), token.position, token.joined, token.kind));
    });
    found
}

#[test]
fn case_accents_and_compatibility_forms_are_folded() {
    for (text, expected) in [
        ("The DISK is Full", "the disk is full"),
        ("D\u{e9}p\u{f4}t d\u{e9}po\u{302}t de\u{301}pot", "depot depot depot"),
        ("c\u{153}ur \u{152}uf \u{e6}ther \u{c6}on", "coeur oeuf aether aeon"),
        ("Stra\u{df}e STRASSE \u{1e9e}", "strass strass ss"),
        ("S\u{f8}ren \u{141}\u{f3}d\u{17a} \u{110}\u{e0} \u{131}s\u{131}", "soren lodz da isi"),
        ("\u{130}stanbul ISTANBUL", "istanbul istanbul"),
        ("\u{fb01}ne o\u{fb03}ce", "fine offic"),
        ("co\u{ad}op\u{ad}er\u{ad}ate zero\u{200b}width \u{feff}bom", "cooper zerowidth bom"),
        ("\u{ff21}\u{ff22}\u{ff23}\u{ff11}\u{ff12}", "abc12"),
        ("Vi\u{1ec7}t Nam \u{111}i\u{1ec1}u", "viet nam dieu"),
        ("\u{39f}\u{394}\u{39f}\u{3a3} \u{3bf}\u{3b4}\u{3cc}\u{3c2}", "οδοσ οδοσ"),
        ("\u{401}\u{43b}\u{43a}\u{430} \u{435}\u{43b}\u{43a}\u{430}", "елка елка"),
        ("\u{5e9}\u{5b8}\u{5dc}\u{5d5}\u{5b9}\u{5dd} \u{5e9}\u{5dc}\u{5d5}\u{5dd}", "שלום שלום"),
        (
            "\u{643}\u{650}\u{62a}\u{64e}\u{627}\u{628} \u{643}\u{640}\u{640}\u{62a}\u{627}\u{628} \u{623}\u{62d}\u{645}\u{62f}",
            "كتاب كتاب احمد",
        ),
        ("\u{6cc}\u{6a9} \u{64a}\u{643}", "يك يك"),
        ("\u{661}\u{662}\u{663} \u{967}\u{968} \u{e51}\u{e52}", "123 12 12"),
        ("\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940} \u{a95}", "हिन्दी"),
    ] {
        let expected =
            if text.ends_with('\u{a95}') { format!("{expected} \u{a95}") } else { expected.to_owned() };
        assert_eq!(terms(text), expected, "{text}");
    }
}

#[test]
fn scripts_without_spaces_give_pairs() {
    for (text, expected) in [
        ("高血压", "高血 +血压/压"),
        ("血", "血"),
        ("猫は、可愛い", "猫は/は +可愛 +愛い/い"),
        ("カ\u{3099}ス ガス", "ガス/ス ガス/ス"),
        ("ｶﾞｽ", "ガス/ス"),
        (
            "데이터베이스 \u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}",
            "데이 +이터 +터베 +베이 +이스/스 한글/글",
        ),
        ("\u{e44}\u{e17}\u{e22}", "ไท +ทย/ย"),
        ("\u{e81}\u{eb2} \u{1780}\u{17b6} \u{1019}\u{103c}", "ກາ/າ កា/ា မြ/ြ"),
        ("Python入門2版", "python +入門/門 +2 +版"),
    ] {
        assert_eq!(terms(text), expected, "{text}");
    }
}

#[test]
fn identifiers_are_found_by_part_and_as_a_whole() {
    for (text, expected) in [
        (
            "be_between beBetween be-between",
            "be/bebetween +between be/bebetween +between be/bebetween +between",
        ),
        ("e-mail re-indexing", "e/email +mail re/reindex +index"),
        ("getHTTPResponse URLs macOS", "get/gethttprespons +http +respons url mac/maco +os"),
        ("MiniLM-L6-v2", "mini/minilm/minilml6v2 +lm +l6 +v2/2"),
        ("src/main.rs 10.0.0.1", "src +main +rs 10 +0 +0 +1"),
        ("7.1.3 v7.1 2024-12-03", "7 +1 +3 v7/7 +1 2024/20241203 +12 +03"),
        ("E0382 utf8 x86_64 3D", "e0382 utf8 x86/x8664 +64 3d"),
        ("C++ C# F#, .NET g++", "c/c++ c/c# f/f# net/.net g/g++"),
        (
            "--no-verify -rf (--force) x--y a - b",
            "no/noverifi/--noverify +verifi rf/-rf forc/--force x +y a b",
        ),
        (
            "#1234 @name $HOME .gitignore end.Start",
            "1234/#1234 name/@name home/$home gitignor/.gitignore end +start",
        ),
        ("aGVsbG8gd29ybGQaXbYcZ", "agvsbg8gd29ybgqaxbyczz"),
        ("l'\u{e9}t\u{e9} d\u{2019}acc\u{e8}s qu'il Jusqu\u{2019}au L'OR", "ete acc il au or"),
        ("Safari's don't O'Brien it's", "safari don +t o +brien it"),
        ("foo__bar a_b_ _x", "foo +bar a/ab +b x"),
    ] {
        let expected = expected.replace("agvsbg8gd29ybgqaxbyczz", "agvsbg8gd29ybgqaxbycz");
        assert_eq!(terms(text), expected, "{text}");
    }
}

#[test]
fn stems_follow_the_language_where_it_is_told() {
    assert_eq!(terms_in("installations", Some(Language::English)), "instal");
    assert_eq!(terms_in("installations", Some(Language::French)), "install");
    assert_eq!(terms_in("installations", None), "instal/install");
    assert_eq!(terms_in("re-install\u{e9}es", None), "re/reinstalle/reinstall +installe/install");
}

/// What a query may be kept as holds what any text keeps of the same word.
#[test]
fn a_query_finds_the_same_word_in_a_text_of_any_language() {
    let words = "connections note not use the th\u{e9} install\u{e9}es premi\u{e8}re \u{c9}T\u{c9} chevaux running C++ \
                 be_between e-mail --force v7 高血压 데이터 \u{e44}\u{e17}\u{e22} \u{43a}\u{43d}\u{438}\u{433}\u{430}";
    for word in words.split(' ') {
        let query: Vec<String> =
            bare_tokens(&mut Tokenizer::for_queries(), word, None).into_iter().map(|token| token.0).collect();
        for language in [None, Some(Language::English), Some(Language::French)] {
            for text in [word.to_owned(), word.to_uppercase()] {
                for (term, ..) in bare_tokens(&mut Tokenizer::new(), &text, language) {
                    if !text.contains('_') || text == word {
                        assert!(query.contains(&term), "{term} of {text} in {language:?}: {query:?}");
                    }
                }
            }
        }
    }
    // With accents or without.
    for (one, other) in
        [("installee", "install\u{e9}e"), ("premiere", "premi\u{e8}re"), ("depot", "d\u{e9}p\u{f4}t")]
    {
        for (query, text) in [(one, other), (other, one)] {
            let kept = bare_tokens(&mut Tokenizer::new(), text, Some(Language::French)).remove(0).0;
            let sought = bare_tokens(&mut Tokenizer::for_queries(), query, None);
            assert!(sought.iter().any(|token| token.0 == kept), "{query} finds {text}");
        }
    }
}

#[test]
fn a_word_without_end_takes_one_term_for_each_piece() {
    let mut lengths = Vec::new();
    Tokenizer::new().tokenize(&"x".repeat(5_000), None, &mut |token| lengths.push(token.term.len()));
    assert_eq!(lengths, [MAX_TERM_BYTES; 5]);
}

#[test]
fn a_reader_may_stop() {
    let mut count = 0;
    let flow = Tokenizer::new().tokenize_while("a b_c d", None, &mut |_| {
        count += 1;
        if count == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((count, flow), (3, ControlFlow::Break(())));
}

/// Text of many scripts, with what matters to words among it.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9]{1,8}",
        4 => "[ \\-_'.+#@$/,\n\u{2019}\u{ad}]{1,3}",
        2 => "[\u{c0}-\u{24f}\u{300}-\u{345}]{1,4}",
        1 => "[\u{370}-\u{6ff}]{1,6}",
        1 => "[\u{900}-\u{dff}]{1,6}",
        1 => "[\u{e00}-\u{11ff}]{1,6}",
        1 => "[\u{3040}-\u{30ff}\u{3099}\u{309a}\u{4e00}-\u{4e40}\u{ac00}-\u{ad00}]{1,6}",
        1 => "[\u{ff00}-\u{ffef}]{1,4}",
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn language() -> impl Strategy<Value = Option<Language>> {
    prop_oneof![Just(None), Just(Some(Language::English)), Just(Some(Language::French))]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(0x5eed),
        ..ProptestConfig::with_cases(2_000)
    })]

    #[test]
    fn any_text_gives_sound_tokens(text in text(), language in language(), for_query: bool) {
        let mut tokenizer = if for_query { Tokenizer::for_queries() } else { Tokenizer::new() };
        let (mut next, mut last_start) = (0, 0);
        tokenizer.tokenize(&text, language, &mut |token| {
            assert!((1..=MAX_TERM_BYTES).contains(&token.term.len()), "{token:?}");
            assert!(text.get(token.place.clone()).is_some_and(|piece| !piece.is_empty()), "{token:?}");
            assert_eq!(token.main, token.kind == TokenKind::Word);
            if token.main {
                assert_eq!(token.position, next, "{token:?}");
                assert!(token.place.start >= last_start, "{token:?}");
                assert!(!(token.joined && next == 0), "the first word is joined to nothing");
                last_start = token.place.start;
                next += 1;
            }
            assert_eq!(token.position + 1, next, "{token:?}");
        });
    }

    #[test]
    fn normal_forms_give_the_same_tokens(text in text(), language in language()) {
        let mut tokenizer = Tokenizer::new();
        let plain = bare_tokens(&mut tokenizer, &text, language);
        for (name, normalized) in [
            ("NFC", text.nfc().collect::<String>()),
            ("NFD", text.nfd().collect()),
            ("NFKC", text.nfkc().collect()),
            ("NFKD", text.nfkd().collect()),
        ] {
            prop_assert_eq!(&bare_tokens(&mut tokenizer, &normalized, language), &plain, "{}", name);
        }
    }

    #[test]
    fn plain_words_are_read_as_all_others(text in text(), language in language()) {
        let mut slow = Tokenizer { without_fast_path: true, ..Tokenizer::new() };
        let collect = |tokenizer: &mut Tokenizer| {
            let mut found = Vec::new();
            tokenizer.tokenize(&text, language, &mut |token| {
                found.push((token.term.to_owned(), token.position, token.joined, token.place, token.kind));
            });
            found
        };
        prop_assert_eq!(collect(&mut Tokenizer::new()), collect(&mut slow));
    }
}
