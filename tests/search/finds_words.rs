//! The word that tells is found, however it is written and however common it looks.

#![cfg(feature = "bundled-model")]

use crate::common::{assert_first, memory_of, titles};
use rekall::Mode;

#[test]
fn a_word_that_another_language_never_searches_is_searched() {
    let memory = memory_of(&[
        ("Thé de Chine", "Infuser trois minutes, pas davantage."),
        ("Thé vert", "Infuser deux minutes à quatre-vingts degrés."),
        ("Peinture vert pomme", "Deux couches sur le mur du fond."),
        ("IT support", "Ask the IT support desk for a new laptop."),
        ("The support group", "It meets on Mondays, and it is open to all."),
        ("Support for the old version", "It ends when it ends."),
        ("Car insurance", "The car insurance covers hail and theft."),
        ("Assurance habitation", "Valable, car signée avant la fin du mois."),
        ("Health insurance", "The insurance pays for glasses every two years."),
        ("Farine de maïs", "Pour le pain sans gluten."),
        ("Farine de blé", "Mais pas trop, mais bien tamisée."),
        ("Vacances d'été", "L'été dernier nous étions en Bretagne."),
        ("Vacances de Pâques", "Nous restons à la maison."),
        ("Cours de l'or", "Le prix de l'or monte depuis mai."),
        ("Either or", "This or that, one or the other."),
        ("WHO guidelines", "The WHO publishes a list of essential medicines."),
        ("Shopping list", "Milk, bread and candles."),
        ("Who does what", "Who is on call, who answers, who decides."),
    ]);
    for (query, title) in [
        ("thé vert", "Thé vert"),
        ("IT support", "IT support"),
        ("car insurance", "Car insurance"),
        ("farine maïs", "Farine de maïs"),
        ("vacances été", "Vacances d'été"),
        ("prix de l'or", "Cours de l'or"),
        ("WHO list", "WHO guidelines"),
    ] {
        assert_first(&memory, query, title);
    }
}

#[test]
fn ligatures_accents_and_forms_of_characters_make_no_difference() {
    let memory = memory_of(&[
        ("heart", "Le cœur du problème est ailleurs."),
        ("knot", "Un nœud du réseau est tombé."),
        ("street", "Die Straße ist wegen Bauarbeiten gesperrt."),
        ("city", "Der Umzug nach Łódź ist geplant."),
        ("name", "Ørsted discovered it by chance."),
        ("saga", "Ægir holds the feast."),
        ("wide", "The label reads ＢＡＴＣＨ on each box."),
        ("soft", "They co\u{ad}operate since last year."),
        ("joiner", "The key\u{200b}board is new."),
        ("ligature", "An o\u{fb03}cial answer came."),
        ("decomposed", "Le cafe\u{301} est ferme\u{301}."),
        ("hebrew", "שָׁלוֹם לְכֻלָּם"),
        ("arabic", "كِتَابٌ جَدِيدٌ عَنِ الشِّعْرِ"),
        ("other", "Nothing of the kind stands here."),
    ]);
    for (query, title) in [
        ("coeur", "heart"),
        ("cœur", "heart"),
        ("COEUR", "heart"),
        ("noeud", "knot"),
        ("nœud", "knot"),
        ("strasse", "street"),
        ("STRASSE", "street"),
        ("lodz", "city"),
        ("orsted", "name"),
        ("aegir", "saga"),
        ("batch", "wide"),
        ("cooperate", "soft"),
        ("keyboard", "joiner"),
        ("official", "ligature"),
        ("café fermé", "decomposed"),
        ("cafe ferme", "decomposed"),
        ("שלום", "hebrew"),
        ("كتاب", "arabic"),
    ] {
        let found = titles(&memory, query, Mode::Text);
        assert_eq!(found.first().map(String::as_str), Some(title), "{query:?}: {found:?}");
    }
}

#[test]
fn english_and_french_words_are_found_in_their_other_forms() {
    let memory = memory_of(&[
        ("backups", "The backups failed during the night."),
        ("running", "A job that was running has been stopped."),
        ("sauvegardes", "Les sauvegardes échouent chaque nuit."),
        ("continuer", "Ils continuèrent sans lui."),
        ("general", "Les principes généraux ne changent pas."),
        ("other", "Nothing of the kind stands here."),
    ]);
    for (query, title) in [
        ("backup failing", "backups"),
        ("runs", "running"),
        ("sauvegarde échoué", "sauvegardes"),
        ("continué", "continuer"),
        ("générales", "general"),
    ] {
        let found = titles(&memory, query, Mode::Text);
        assert_eq!(found.first().map(String::as_str), Some(title), "{query:?}: {found:?}");
    }
}

#[test]
fn a_query_of_common_words_alone_finds_what_holds_most_of_them() {
    let memory = memory_of(&[
        ("Hamlet", "To be or not to be, that is the question."),
        ("Being", "The being of all beings."),
        ("Questions", "Ask them before you sign."),
        ("Ne pas", "Ne pas être là."),
    ]);
    assert_first(&memory, "to be or not to be", "Hamlet");
    let found = titles(&memory, "the of", Mode::Text);
    assert_eq!(found.first().map(String::as_str), Some("Being"), "{found:?}");
}
