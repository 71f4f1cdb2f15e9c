//! What is which, in files small enough to be read here.

use rekall_core::section_digest;

use super::*;

/// A file of one source: heading path, text.
type File<'a> = &'a [(&'a [&'a str], &'a str)];

/// Before and now in a run; and sources that are as they were.
struct World<'a> {
    before: &'a [(&'a str, File<'a>)],
    now: &'a [(&'a str, File<'a>)],
    living: &'a [File<'a>],
}

/// A section owned: source, path, text.
type Owned = (usize, Vec<String>, String);

fn owned(source: usize, file: File<'_>) -> Vec<Owned> {
    let path = |path: &[&str]| path.iter().map(|&part| part.to_owned()).collect();
    file.iter().map(|(headings, text)| (source, path(headings), (*text).to_owned())).collect()
}

fn sections(all: &[Owned]) -> Vec<Section<'_>> {
    all.iter()
        .map(|(source, path, text)| Section {
            source: *source,
            path,
            digest: section_digest(path.last().map_or("", String::as_str), text),
            is_orphan: false,
        })
        .collect()
}

impl World<'_> {
    /// Which known section each new one is; both by number over all files.
    fn pairs(&self) -> Vec<Option<usize>> {
        let mut uris: Vec<&str> = Vec::new();
        let mut number = |uri| {
            uris.iter().position(|&known| known == uri).unwrap_or_else(|| {
                uris.push(uri);
                uris.len() - 1
            })
        };
        let now: Vec<Owned> = self.now.iter().flat_map(|(uri, file)| owned(number(*uri), file)).collect();
        let before: Vec<Owned> =
            self.before.iter().flat_map(|(uri, file)| owned(number(*uri), file)).collect();
        let sources: Vec<Source<'_>> = uris
            .iter()
            .enumerate()
            .map(|(at, uri)| Source {
                uri,
                digest: TextDigest::unknown(),
                is_new: !before.iter().any(|section| section.0 == at),
                is_gone: !now.iter().any(|section| section.0 == at),
            })
            .collect();
        let living: Vec<Vec<Owned>> = self.living.iter().map(|file| owned(0, file)).collect();
        let living: Vec<Living<'_>> = living
            .iter()
            .map(|file| Living {
                sections: sections(file).iter().map(|section| (section.path, section.digest)).collect(),
                looks: file.iter().map(|(_, _, text)| Look::of(text)).collect(),
            })
            .collect();
        let (known, new) = (sections(&before), sections(&now));
        let texts: Vec<&str> = now.iter().map(|(_, _, text)| text.as_str()).collect();
        let mut matching = Matching::here(&sources, &known, &new, &texts);
        matching.renamed(&living);
        let looks = |all: &[Owned], at: Vec<usize>| -> Looks {
            at.into_iter().map(|at| (at, Look::of(&all[at].2))).collect()
        };
        let (left_known, left_new) = matching.left();
        let (known, new) = (looks(&before, left_known), looks(&now, left_new));
        let nearby = (0..sources.len()).collect();
        matching.elsewhere((&known, &new), &living, &nearby);
        matching.alike_here((&known, &new));
        matching.alike_elsewhere((&known, &new), &living, &nearby);
        matching.by_heading();
        matching.into_pairs()
    }
}

/// The same for one file.
fn in_file(before: File<'_>, now: File<'_>) -> Vec<Option<usize>> {
    World { before: &[("a.md", before)], now: &[("a.md", now)], living: &[] }.pairs()
}

const MILK: &str = "Buy milk, bread and the good cheese from the market.";
const TAXES: &str = "Send the papers for last year to the accountant by May.";
const BIKE: &str = "Bring the bicycle to the workshop, the brake is loose.";

#[test]
fn a_section_put_before_others_of_its_name_takes_nothing_from_them() {
    let before: File<'_> = &[(&["TODO"], MILK), (&["TODO"], TAXES)];
    let now: File<'_> = &[(&["TODO"], BIKE), (&["TODO"], MILK), (&["TODO"], TAXES)];
    assert_eq!(in_file(before, now), [None, Some(0), Some(1)]);
}

#[test]
fn an_edit_is_told_from_a_new_section_of_the_same_name() {
    let milk = MILK.replace("cheese", "butter");
    let before: File<'_> = &[(&["TODO"], MILK), (&["TODO"], TAXES)];
    let now: File<'_> = &[(&["TODO"], BIKE), (&["TODO"], TAXES), (&["TODO"], &milk)];
    assert_eq!(in_file(before, now), [None, Some(1), Some(0)]);
}

#[test]
fn a_heading_that_nothing_else_has_is_enough_when_all_words_are_others() {
    let before: File<'_> = &[(&["Notes", "Plan"], MILK), (&["Notes", "Log"], TAXES)];
    let now: File<'_> = &[(&["Notes", "Log"], TAXES), (&["Notes", "Plan"], BIKE)];
    assert_eq!(in_file(before, now), [Some(1), Some(0)]);
    // Two have it now: which of them it is cannot be told.
    let now: File<'_> = &[(&["Notes", "Plan"], BIKE), (&["Notes", "Plan"], "Something else again.")];
    assert_eq!(in_file(&before[..1], now), [None, None]);
}

#[test]
fn a_heading_may_change_alone_or_with_those_above() {
    let before: File<'_> = &[(&["Home", "Shoping"], "ok"), (&["Home", "Papers"], TAXES)];
    let now: File<'_> = &[(&["House", "Shopping"], "ok"), (&["House", "Papers"], TAXES)];
    assert_eq!(in_file(before, now), [Some(0), Some(1)]);
}

#[test]
fn sections_are_followed_into_other_files() {
    let milk = MILK.replace("market", "farm shop");
    let world = World {
        before: &[("a.md", &[(&["A"], MILK), (&["B"], TAXES)]), ("b.md", &[(&["C"], BIKE)])],
        now: &[("a.md", &[(&["B"], TAXES)]), ("b.md", &[(&["A"], &milk), (&["C"], BIKE)])],
        living: &[],
    };
    assert_eq!(world.pairs(), [Some(1), Some(0), Some(2)]);
}

/// The first file has the name of the third now. One of its sections was written once more.
#[test]
fn a_renamed_file_brings_along_what_was_rewritten_in_it() {
    let world = World {
        before: &[("a.md", &[(&["A"], MILK), (&["B"], TAXES), (&["C"], "ok")])],
        now: &[("c.md", &[(&["A"], MILK), (&["B"], TAXES), (&["C"], BIKE)])],
        living: &[],
    };
    assert_eq!(world.pairs(), [Some(0), Some(1), Some(2)]);
}

#[test]
fn a_file_of_short_sections_may_be_renamed_as_a_whole() {
    let todo: File<'_> = &[(&["TODO"], "buy milk"), (&["Later"], "TBD")];
    let renamed = |living| World { before: &[("a.md", todo)], now: &[("b.md", todo)], living }.pairs();
    assert_eq!(renamed(&[]), [Some(0), Some(1)]);
    // A template that others are, too: only its name tells which it is.
    assert_eq!(renamed(&[todo]), [None, None]);
    let moved = World {
        before: &[("x/a.md", todo), ("x/b.md", todo), ("x/c.md", todo)],
        now: &[("y/c.md", todo), ("y/a.md", todo), ("y/d.md", todo)],
        living: &[],
    };
    // The last one may be the second one of before: it is the only one left, and the only one that is new.
    assert_eq!(moved.pairs(), [Some(4), Some(5), Some(0), Some(1), Some(2), Some(3)]);
}

const LONG_HEADING: &str = "What I want to get done today, whatever else happens";

fn next_day(before: File<'_>, now: File<'_>, living: &[File<'_>]) -> Vec<Option<usize>> {
    World { before: &[("mon.md", before)], now: &[("tue.md", now)], living }.pairs()
}

#[test]
fn a_template_makes_no_note_another() {
    let monday: File<'_> = &[(&[LONG_HEADING], "call mum"), (&["Notes"], "TBD"), (&["Mood"], "")];
    let tuesday: File<'_> = &[(&[LONG_HEADING], "fix bike"), (&["Notes"], "TBD"), (&["Mood"], "")];
    assert_eq!(next_day(monday, tuesday, &[]), [None, None, None]);
    assert_eq!(next_day(&[(&["Alpha"], "TBD")], &[(&["Beta"], "TBD")], &[]), [None]);
    // A long text of the template, filled in or not, that a third note has, too.
    let review = "What went well today? What did not? What will I try tomorrow, and who can help me with it?";
    let (one, two, three) =
        (format!("{review} Slept well."), format!("{review} Ran far."), format!("{review} All fine."));
    let filled: File<'_> = &[(&["Review"], &one), (&["Tasks"], "call mum")];
    let today: File<'_> = &[(&["Review"], &two), (&["Tasks"], "fix bike")];
    let sunday: File<'_> = &[(&["Review"], &three), (&["Tasks"], "rest")];
    assert_eq!(next_day(filled, today, &[sunday]), [None, None]);
    let empty: File<'_> = &[(&["Review"], review), (&["Tasks"], "call mum")];
    let new: File<'_> = &[(&["Review"], review), (&["Tasks"], "fix bike")];
    assert_eq!(next_day(empty, new, &[&[(&["Review"], review), (&["Tasks"], "rest")]]), [None, None]);
}

/// The oldest section of a log was deleted, and a new one written, of the same template.
#[test]
fn a_template_within_a_file_makes_no_section_another() {
    let entry = |what: &str| {
        format!(
            "Attendees: all of us. Agenda: what was done, what is next, what is in the way. Notes: {what}"
        )
    };
    let (a, b, c, d) = (entry("shipped it"), entry("broke it"), entry("mended it"), entry("left early"));
    let before: File<'_> = &[(&["Log", "1 May"], &a), (&["Log", "2 May"], &b), (&["Log", "3 May"], &c)];
    let now: File<'_> = &[(&["Log", "2 May"], &b), (&["Log", "3 May"], &c), (&["Log", "4 May"], &d)];
    assert_eq!(in_file(before, now), [Some(1), Some(2), None]);
    let edited = b.replace("broke it", "broke it, and all that was built on it");
    let now: File<'_> =
        &[(&["Log", "1 May"], &a), (&["Log", "2nd of May"], &edited), (&["Log", "3 May"], &c)];
    assert_eq!(in_file(before, now), [Some(0), Some(1), Some(2)]);
}

#[test]
fn a_short_text_under_another_heading_is_known_by_its_place() {
    let before: File<'_> = &[(&["A"], MILK), (&["B"], "TBD"), (&["C"], TAXES), (&["D"], "TBD")];
    let now: File<'_> = &[(&["A"], MILK), (&["Bikes"], "TBD"), (&["C"], TAXES), (&["D"], "TBD")];
    assert_eq!(in_file(before, now), [Some(0), Some(1), Some(2), Some(3)]);
    let now: File<'_> = &[(&["New"], "TBD"), (&["A"], MILK), (&["C"], TAXES), (&["D"], "TBD")];
    assert_eq!(in_file(before, now), [None, Some(0), Some(2), Some(3)]);
}

#[test]
fn a_short_section_goes_with_those_beside_it() {
    let world = World {
        before: &[
            ("a.md", &[(&["Shop"], MILK), (&["Shop", "TODO"], "TBD"), (&["Papers"], TAXES)]),
            ("b.md", &[(&["C"], BIKE)]),
        ],
        now: &[
            ("a.md", &[(&["Papers"], TAXES)]),
            ("b.md", &[(&["C"], BIKE), (&["Shop"], MILK), (&["Shop", "TODO"], "TBD")]),
        ],
        living: &[],
    };
    assert_eq!(world.pairs(), [Some(2), Some(3), Some(0), Some(1)]);
}

#[test]
fn twins_are_paired_in_their_order_and_a_place_alone_says_nothing() {
    let twins: File<'_> = &[(&["TODO"], ""), (&["TODO"], "")];
    assert_eq!(in_file(twins, twins), [Some(0), Some(1)]);
    let before: File<'_> = &[(&["Milk"], MILK)];
    let now: File<'_> = &[(&["Taxes"], TAXES)];
    assert_eq!(in_file(before, now), [None]);
}
