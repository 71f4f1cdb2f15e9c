use super::*;

fn terms(words: &[usize], query: &TextQuery) -> String {
    let term = |word: &usize| query.words[*word].forms[0].term.as_str();
    words.iter().map(term).collect::<Vec<_>>().join(" ")
}

/// The phrases of a kind, each as its words.
fn phrases(text: &str, kind: PhraseKind) -> Vec<String> {
    let query = TextQuery::new(text);
    query
        .phrases
        .iter()
        .filter(|phrase| phrase.kind == kind)
        .map(|phrase| terms(&phrase.words, &query))
        .collect()
}

fn weight(text: &str, word: &str) -> f32 {
    let small = word.to_lowercase();
    TextQuery::new(text).words.iter().find(|found| found.text.to_lowercase() == small).unwrap().weight
}

fn holds(text: &str, word: &str, term: &str) -> bool {
    let query = TextQuery::new(text);
    let word = query.words.iter().find(|found| found.text == word).unwrap();
    word.forms.iter().any(|form| form.term == term)
}

#[test]
fn what_is_written_joined_is_a_phrase() {
    for (text, expected) in [
        ("7.1.3", &["7 1 3"] as &[&str]),
        ("on 2024-12-03", &["20241203", "2024 12 03"]),
        ("be_between", &["bebetween", "be between"]),
        ("git --no-verify", &["--noverify", "noverifi", "no verifi"]),
        ("src/main.rs", &["src main rs"]),
        ("error E0382", &["e0382"]),
        ("10.0.0.1", &["10 0 0 1"]),
        ("C++ or C#", &["c++", "c#"]),
        (".NET", &[".net"]),
        ("beBetween", &["bebetween", "be between"]),
        ("高血压", &["高血 血压"]),
        ("猫は、可愛い", &["猫は", "可愛 愛い"]),
        // A word of a language is one where the query says nothing else.
        ("e-mail", &["email", "e mail"]),
        ("e-mail address", &[]),
        ("데이터", &["데이 이터"]),
        ("데이터 연결", &[]),
        ("disk full", &[]),
        ("l'\u{e9}t\u{e9} don't", &[]),
    ] {
        assert_eq!(phrases(text, PhraseKind::Written), expected, "{text}");
    }
    let query = TextQuery::new("7.1.3");
    assert!(query.phrases[0].joined && !query.phrases[0].required);
}

#[test]
fn quotes_are_phrases_and_may_be_required() {
    assert_eq!(phrases("the \"disk is full\" of «E0382»", PhraseKind::Quoted), ["disk is full", "e0382"]);
    assert_eq!(phrases("\"be_between two\"", PhraseKind::Quoted), ["be between two"]);
    assert!(phrases("\"?!\" \"\"", PhraseKind::Quoted).is_empty());
    let query = TextQuery::new("a \"disk full\" 7.1").require_quotes();
    let required: Vec<_> = query.phrases.iter().filter(|phrase| phrase.required).collect();
    assert!(matches!(required.as_slice(), [Phrase { kind: PhraseKind::Quoted, joined: false, .. }]));
}

#[test]
fn words_of_running_text_are_looked_for_side_by_side() {
    assert_eq!(phrases("disk full", PhraseKind::Adjacent), ["disk full"]);
    assert_eq!(phrases("red disk full", PhraseKind::Adjacent), ["red disk", "disk full", "red disk full"]);
    assert_eq!(phrases("高血压", PhraseKind::Adjacent), ["高血 血压"]);
    assert!(phrases("7.1.3", PhraseKind::Adjacent).is_empty());
}

#[test]
fn common_words_weigh_little_where_nothing_speaks_against_it() {
    for (text, word, expected) in [
        ("what is the best car insurance", "car", 1.0),
        ("what is the best car insurance", "the", weights::STOP_WORD),
        ("car insurance", "car", 1.0),
        ("the disk", "the", 1.0),
        ("is it the IT support", "IT", 1.0),
        ("what does the WHO say", "WHO", 1.0),
        ("IS THE DISK FULL OF IT", "IT", weights::STOP_WORD),
        ("th\u{e9} vert", "th\u{e9}", 1.0),
        ("where is this th\u{e9} from", "th\u{e9}", 1.0),
        ("la farine de ma\u{ef}s est dans le bol", "ma\u{ef}s", 1.0),
        ("les vacances d'\u{e9}t\u{e9} sont dans le sud", "\u{e9}t\u{e9}", 1.0),
        ("le cours de l'or est dans le journal", "or", 1.0),
        ("le cours de l'or est dans le journal", "dans", weights::STOP_WORD),
        ("to be or not to be", "to", 1.0),
    ] {
        assert_eq!(weight(text, word), expected, "{word} of {text}");
    }
}

#[test]
fn a_word_has_all_its_forms() {
    assert!(holds("coeur", "coeur", "coeur") && holds("c\u{153}ur", "c\u{153}ur", "coeur"));
    assert!(holds("installations", "installations", "instal"));
    assert!(holds("installations", "installations", "install"));
    assert!(holds("v7.1", "v7", "7"));
    assert!(holds("re-indexing", "re-indexing", "reindex"));
    assert!(!holds("note", "note", "not"), "another word");
    // One character of a run begins a pair or ends the run.
    let query = TextQuery::new("血");
    assert_eq!(query.words[0].forms.last(), Some(&Form { term: "血".to_owned(), prefix: true }));
    assert!(
        TextQuery::new("데이터 그 연결").words.iter().all(|word| word.forms.iter().all(|form| !form.prefix))
    );
}

#[test]
fn the_last_word_may_go_on() {
    let begun = |text: &str| -> Vec<String> {
        let query = TextQuery::new(text).prefix();
        let forms = query.words.iter().flat_map(|word| &word.forms);
        forms.filter(|form| form.prefix).map(|form| form.term.clone()).collect()
    };
    assert_eq!(begun("a deploym"), ["deploym"]);
    assert_eq!(begun("be_betw"), ["betw"]);
    assert_eq!(begun("see .ne"), ["ne", ".ne"]);
    assert!(TextQuery::new("deploym").prefix().words[0].forms.iter().any(|form| form.term == "deploy"));
}

#[test]
fn any_text_is_a_query_and_a_long_one_is_read_as_far_as_its_words_count() {
    for text in ["", "?!", "🦀 …", "\"", "NEAR AND \"OR\" NOT * ^ : {col}"] {
        assert_eq!(TextQuery::new(text).is_empty(), !text.contains("col"), "{text}");
    }
    let text: String = (0..700_000).map(|number| format!("word{number} ")).collect();
    let query = TextQuery::new(&text);
    assert_eq!((query.words.len(), query.words[255].text.as_str()), (TextQuery::MAX_WORDS, "word255"));
    assert_eq!(query.clone().prefix(), query, "that is not the word being typed");
    assert!(query.phrases.iter().filter(|phrase| phrase.kind == PhraseKind::Adjacent).count() <= MOST_PAIRS);
    let common = TextQuery::new(&"to be or not ".repeat(1_000_000));
    assert_eq!(common.words.len(), 4);
    let one = TextQuery::new(&"x".repeat(5_000_000)).prefix();
    assert!(one.words.len() <= TextQuery::MAX_WORDS);
    let joined = TextQuery::new(&"be_".repeat(1_000_000));
    assert!(joined.phrases.iter().all(|phrase| phrase.words.len() <= LONGEST_PHRASE));
    let many: String = (0..256).map(|number| format!("word{number} ")).collect();
    assert!(TextQuery::new(&many).prefix().words[255].forms.iter().any(|form| form.prefix));
}

proptest::proptest! {
    #[test]
    fn phrases_name_words_of_the_query(text in "[a-zA-Z0-9 \"'\u{e9}._+#-]{0,40}|\\PC{0,30}", as_prefix: bool) {
        let mut query = TextQuery::new(&text).require_quotes();
        if as_prefix {
            query = query.prefix();
        }
        assert!(query.words.len() <= TextQuery::MAX_WORDS);
        for word in &query.words {
            assert!(!word.forms.is_empty() && word.weight > 0.0 && word.weight <= 1.0, "{word:?}");
            assert!(word.forms.iter().all(|form| !form.term.is_empty()), "{word:?}");
        }
        for phrase in &query.phrases {
            assert!(!phrase.words.is_empty() && phrase.weight > 0.0, "{phrase:?}");
            assert!(phrase.words.iter().all(|word| *word < query.words.len()), "{phrase:?}");
        }
    }
}
