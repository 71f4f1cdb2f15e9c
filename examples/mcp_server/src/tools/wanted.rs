//! Which notes a tool looks at.

use rekall::Filter;

use crate::arguments::{List, Text};

/// A project, kind or tag.
pub(super) type Name = Text<256>;

/// Several tags.
pub(super) type Tags = List<Name, 0, 32>;

/// The notes of a project, of a kind, with all of these tags; still right, or any.
pub(super) fn filter(
    project: Option<Name>,
    kind: Option<Name>,
    tags: Option<Tags>,
    obsolete_too: Option<bool>,
) -> Filter {
    let mut filter = Filter::new();
    filter.projects.extend(project.map(Text::into_string));
    filter.kinds.extend(kind.map(Text::into_string));
    filter.tags_all.extend(names(tags));
    if obsolete_too == Some(true) { filter.any_status() } else { filter }
}

pub(super) fn names(tags: Option<Tags>) -> impl Iterator<Item = String> {
    tags.map(List::into_vec).unwrap_or_default().into_iter().map(Text::into_string)
}
