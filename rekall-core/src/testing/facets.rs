//! Names with their numbers of entries.

use super::Bench;
use crate::{Facet, Filter, NewEntry};

/// Equally frequent ones by name, byte by byte.
pub fn names_are_counted_the_most_frequent_first(bench: &Bench) {
    bench.insert(&[
        NewEntry::new("a").project("shop").tags(["x", "b"]),
        NewEntry::new("b").project("Shop").tags(["x", "É"]).kind("bug"),
        NewEntry::new("c").project("Shop").tags(["B"]),
        NewEntry::new("d"),
    ]);
    let facets = |facet, filter: &Filter, limit| -> Vec<(String, u64)> {
        let found = bench.read().facets(facet, filter, limit).unwrap();
        found.into_iter().map(|count| (count.name, count.entries)).collect()
    };
    let due = |list: &[(&str, u64)]| list.iter().map(|&(name, n)| (name.to_owned(), n)).collect::<Vec<_>>();
    let all = Filter::new();
    assert_eq!(facets(Facet::Tag, &all, 9), due(&[("x", 2), ("B", 1), ("b", 1), ("É", 1)]));
    assert_eq!(facets(Facet::Tag, &all, 2), due(&[("x", 2), ("B", 1)]));
    assert_eq!(facets(Facet::Project, &all, 9), due(&[("Shop", 2), ("shop", 1)]));
    assert_eq!(facets(Facet::Kind, &all, 9), due(&[("note", 3), ("bug", 1)]));
    assert_eq!(facets(Facet::Tag, &Filter::new().kind("bug"), 9), due(&[("x", 1), ("É", 1)]));
    assert_eq!(facets(Facet::Tag, &all, 0), due(&[]));
}
