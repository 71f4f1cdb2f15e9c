//! What is done to both.

use rekall_core::{
    Draft, EntryId, EntryPatch, NewPlace, NewVector, Origin, Relation, Role, SpaceState, Status, TextDigest,
    Usage, WriteTx, section_digest,
};

use super::random::{TAGS, URIS, entry, filter};
use super::{Names, Pair, Random, answer};

const DIMENSIONS: usize = 4;

impl Pair {
    /// A transaction of a few changes, committed or not.
    pub(crate) fn transact(&mut self, random: &mut Random) {
        self.pass_time(random.below(3) as i64);
        let (file, server) = (&self.file as &dyn rekall_core::Store, &self.server as &dyn rekall_core::Store);
        let (mut on_file, mut on_server) = (file.write().unwrap(), server.write().unwrap());
        let mut new = Vec::new();
        for _ in 0..=random.below(6) {
            let change = Change::random(random, &self.ids, &mut new);
            let expected = change.apply(&mut *on_file);
            let found = change.apply(&mut *on_server);
            assert_eq!(found, expected, "{change:?}");
            self.compared += 1;
        }
        if random.one_in(6) {
            return;
        }
        on_file.commit().unwrap();
        on_server.commit().unwrap();
        self.ids.extend(new);
        self.note_moment();
    }
}

/// One change, in terms that both understand.
#[derive(Debug)]
enum Change {
    Insert(Vec<(EntryId, rekall_core::NewEntry, Option<Status>)>),
    Update(EntryId, Box<EntryPatch>),
    Delete(Vec<EntryId>),
    DeleteMatching(Box<rekall_core::Filter>),
    DeleteExpired,
    Supersede(EntryId, EntryId),
    NameSuccessor(EntryId, EntryId),
    Link(EntryId, EntryId, Relation, Option<String>),
    Unlink(EntryId, EntryId, Relation),
    Use(Vec<(EntryId, Usage)>),
    Space(String, SpaceState),
    Activate(usize),
    Drop(usize),
    Thin(usize, usize),
    Vectors(EntryId, usize, Vec<Vec<f32>>),
    BadVector(EntryId, Vec<f32>),
    Pending(EntryId, bool),
    Wordless(EntryId, usize),
    Settle(usize),
    Source(String, Option<String>),
    Place(EntryId, String, i64, Vec<String>),
    Orphan(String, Vec<EntryId>),
    Release(Vec<EntryId>),
    DeleteSource(String),
    Blocks(usize, Vec<Vec<u8>>),
}

impl Change {
    fn random(random: &mut Random, ids: &[EntryId], new: &mut Vec<EntryId>) -> Self {
        let known: Vec<EntryId> = ids.iter().chain(new.iter()).copied().collect();
        if known.len() < 20 || random.one_in(4) {
            let entries = (0..1 + random.below(9)).map(|_| {
                // Ids in no order, and sometimes one that is there.
                let id: EntryId = match random.one_in(40) && !known.is_empty() {
                    true => *random.pick(&known),
                    false => made(random),
                };
                new.push(id);
                (id, entry(random), random.one_in(8).then_some(Status::Obsolete))
            });
            return Self::Insert(entries.collect());
        }
        let any = |random: &mut Random| match random.one_in(25) {
            true => made(random),
            false => *random.pick(&known),
        };
        let several = |random: &mut Random| (0..random.below(4)).map(|_| any(random)).collect::<Vec<_>>();
        let relation = |random: &mut Random| Relation::from((*random.pick(&["related", "Fixes"])).to_owned());
        let uri = |random: &mut Random| (*random.pick(URIS)).to_owned();
        match random.below(28) {
            0..=3 => Self::Update(any(random), Box::new(patch(random, &known))),
            4 => Self::Delete(several(random)),
            5 => Self::DeleteMatching(Box::new(filter(random, &known))),
            6 => Self::DeleteExpired,
            7 => Self::Supersede(any(random), any(random)),
            8 => Self::NameSuccessor(any(random), any(random)),
            9 | 10 => {
                Self::Link(any(random), any(random), relation(random), random.some(|_| "why".to_owned()))
            }
            11 => Self::Unlink(any(random), any(random), relation(random)),
            12 => {
                let usage = |random: &mut Random| Usage::new(random.time(), random.below(5) as u64);
                Self::Use(several(random).into_iter().map(|id| (id, usage(random))).collect())
            }
            13 => Self::Space(
                format!("model {}", random.below(3)),
                *random.pick(&[SpaceState::Active, SpaceState::Building, SpaceState::Retired]),
            ),
            14 => Self::Activate(random.below(4)),
            15 => Self::Drop(random.below(4)),
            16 => Self::Thin(random.below(4), 1 + random.below(3)),
            17..=19 => {
                let vectors = (0..random.below(4)).map(|_| random.unit(DIMENSIONS)).collect();
                Self::Vectors(any(random), random.below(3), vectors)
            }
            20 => {
                let bad = [vec![1.0], vec![0.0; DIMENSIONS], vec![f32::NAN; DIMENSIONS]];
                Self::BadVector(any(random), random.pick(&bad).clone())
            }
            21 => Self::Pending(any(random), random.one_in(2)),
            22 => Self::Wordless(any(random), random.below(3)),
            23 => Self::Settle(random.below(3)),
            24 => Self::Source(uri(random), random.some(|_| "stamp".to_owned())),
            25 => {
                let tags = (0..random.below(3)).map(|_| (*random.pick(TAGS)).to_owned()).collect();
                Self::Place(any(random), uri(random), random.time(), tags)
            }
            26 => match random.below(3) {
                0 => Self::Orphan(uri(random), several(random)),
                1 => Self::Release(several(random)),
                _ => Self::DeleteSource(uri(random)),
            },
            _ => Self::Blocks(random.below(3), (0..random.below(4)).map(|n| vec![n as u8; 10]).collect()),
        }
    }

    /// Does it, and says what came of it.
    fn apply(&self, tx: &mut dyn WriteTx) -> String {
        // Numbers of spaces differ, too: a place in the list names one.
        let space = |tx: &mut dyn WriteTx, at: usize| tx.spaces().unwrap().into_iter().nth(at);
        let names = Names::of(tx);
        let rows = |tx: &mut dyn WriteTx, ids: &[EntryId]| {
            ids.iter().filter_map(|&id| tx.row_of(id).ok()).collect::<Vec<_>>()
        };
        match self {
            Self::Insert(entries) => {
                let known = entries.iter().enumerate().any(|(at, (id, ..))| {
                    tx.row_of(*id).is_ok() || entries[..at].iter().any(|(other, ..)| other == id)
                });
                let origins: Vec<Origin> = entries
                    .iter()
                    .map(|(.., status)| Origin { status: status.unwrap_or_default(), ..Origin::default() })
                    .collect();
                let drafts: Vec<Draft<'_>> = entries
                    .iter()
                    .zip(&origins)
                    .map(|((id, entry, _), origin)| Draft::new(entry).id(*id).origin(origin))
                    .collect();
                if known {
                    // What is refused leaves an engine's transaction as it will: it is to be dropped then.
                    return "an id is taken".to_owned();
                }
                answer(
                    tx.insert(&drafts).map(|inserted| inserted.iter().map(|new| new.id).collect::<Vec<_>>()),
                )
            }
            Self::Update(id, patch) => {
                answer(tx.update(*id, patch).map(|(row, entry)| (names.name(row), entry)))
            }
            Self::Delete(ids) => match ids.as_slice() {
                [id] => answer(tx.delete(*id)),
                ids => answer(tx.delete_many(ids)),
            },
            Self::DeleteMatching(filter) => {
                let mut filter = (**filter).clone();
                // Not all of them at once.
                filter.tags_any = vec!["z".to_owned()];
                answer(tx.delete_matching(&filter).map(sorted))
            }
            Self::DeleteExpired => answer(tx.delete_expired().map(sorted)),
            Self::Supersede(old, new) => {
                answer(tx.supersede(*old, *new).map(|(row, entry)| (names.name(row), entry)))
            }
            Self::NameSuccessor(of, new) => answer(tx.name_successor(*of, *new)),
            Self::Link(source, target, relation, reason) => {
                answer(tx.link(*source, *target, relation, reason.as_deref()))
            }
            Self::Unlink(source, target, relation) => answer(tx.unlink(*source, *target, relation)),
            Self::Use(usage) => answer(tx.record_usage(usage)),
            Self::Space(fingerprint, SpaceState::Active) => {
                answer(tx.ensure_active_space(fingerprint, DIMENSIONS).map(|space| space.fingerprint))
            }
            Self::Space(fingerprint, state) => {
                answer(tx.add_space(fingerprint, DIMENSIONS, *state).map(|space| space.fingerprint))
            }
            Self::Activate(at) => match space(tx, *at) {
                Some(space) => answer(tx.activate_space(space.id)),
                None => "no such space".to_owned(),
            },
            Self::Drop(at) => match space(tx, *at) {
                Some(space) => answer(tx.drop_space(space.id)),
                None => "no such space".to_owned(),
            },
            Self::Thin(at, count) => match space(tx, *at) {
                Some(space) => {
                    let abandoned = answer(tx.abandon_space(space.id));
                    abandoned + &answer(tx.thin_space(space.id, *count))
                }
                None => "no such space".to_owned(),
            },
            Self::Vectors(id, at, vectors) => {
                let (Ok(row), Some(space)) = (tx.row_of(*id), space(tx, *at)) else {
                    return "nothing".to_owned();
                };
                let new: Vec<NewVector<'_>> = (0..)
                    .zip(vectors)
                    .map(|(chunk, values)| NewVector {
                        space: space.id,
                        role: Role::Summary,
                        chunk,
                        start: u32::from(chunk) * 10,
                        end: u32::from(chunk) * 10 + 9,
                        digest: TextDigest::of("text"),
                        values,
                    })
                    .collect();
                // The first one stays if it is there.
                let kept: Vec<_> = tx
                    .stored_vectors(row)
                    .unwrap()
                    .into_iter()
                    .filter(|stored| stored.space == space.id && stored.key.chunk == 0)
                    .map(|stored| stored.key)
                    .collect();
                let new = if kept.is_empty() { &new[..] } else { new.get(1..).unwrap_or_default() };
                answer(tx.set_vectors(row, space.id, &kept, new))
            }
            Self::BadVector(id, values) => {
                let (Ok(row), Some(space)) = (tx.row_of(*id), space(tx, 0)) else {
                    return "nothing".to_owned();
                };
                let bad = NewVector {
                    space: space.id,
                    role: Role::Context,
                    chunk: 0,
                    start: 0,
                    end: 0,
                    digest: TextDigest::unknown(),
                    values,
                };
                answer(tx.insert_vectors(row, &[bad]))
            }
            Self::Pending(id, marks) => match tx.row_of(*id) {
                Ok(row) if *marks => answer(tx.mark_pending(row)),
                Ok(row) => answer(tx.clear_pending(row)),
                Err(error) => answer::<()>(Err(error)),
            },
            Self::Wordless(id, at) => match (tx.row_of(*id), space(tx, *at)) {
                (Ok(row), Some(space)) => answer(tx.mark_wordless(row, space.id)),
                _ => "nothing".to_owned(),
            },
            Self::Settle(at) => match space(tx, *at) {
                Some(space) => answer(tx.settle_pending(space.id)),
                None => "no such space".to_owned(),
            },
            Self::Source(uri, stamp) => {
                answer(tx.put_source(uri, stamp.as_deref(), section_digest("h", uri)).map(|_| ()))
            }
            Self::Place(id, uri, number, tags) => {
                let (Ok(row), Ok(Some(source))) = (tx.row_of(*id), tx.source(uri)) else {
                    return "nothing".to_owned();
                };
                let taken = tx.sections(source.number).unwrap();
                if taken.iter().any(|section| section.number == *number) {
                    return "taken".to_owned();
                }
                let place = NewPlace {
                    source: source.number,
                    number: *number,
                    path: &["One".to_owned(), "Zwei".to_owned()],
                    line: u32::try_from(number % 7).ok(),
                    digest: section_digest("h", "text"),
                    tags,
                };
                answer(tx.place_section(row, &place))
            }
            Self::Orphan(uri, ids) => match tx.source(uri) {
                Ok(Some(source)) => {
                    let rows = rows(tx, ids);
                    answer(tx.orphan_sections(source.number, &rows))
                }
                other => answer(other.map(|source| source.is_some())),
            },
            Self::Release(ids) => {
                let rows = rows(tx, ids);
                answer(tx.release_sections(&rows))
            }
            Self::DeleteSource(uri) => match tx.source(uri) {
                Ok(Some(source)) => answer(tx.delete_source(source.number)),
                other => answer(other.map(|source| source.is_some())),
            },
            Self::Blocks(at, blocks) => match space(tx, *at) {
                Some(space) => {
                    let position = tx.position().unwrap();
                    answer(tx.replace_index_blocks(
                        space.id,
                        "kind",
                        position,
                        &mut blocks.clone().into_iter(),
                    ))
                }
                None => "no such space".to_owned(),
            },
        }
    }
}

fn sorted(mut ids: Vec<EntryId>) -> Vec<EntryId> {
    ids.sort_unstable();
    ids
}

pub(super) fn made(random: &mut Random) -> EntryId {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let tail: String = (0..24).map(|_| *random.pick(DIGITS) as char).collect();
    format!("01{tail}").parse().unwrap()
}

pub(super) fn patch(random: &mut Random, ids: &[EntryId]) -> EntryPatch {
    let made = entry(random);
    let mut patch = EntryPatch::new();
    if random.one_in(2) {
        patch = patch.title(made.title);
    }
    if random.one_in(2) {
        patch = patch.content(made.content);
    }
    if random.one_in(3) {
        patch = patch.tags(made.tags);
    }
    if random.one_in(4) {
        patch = patch.project(made.project);
    }
    if random.one_in(4) {
        patch = patch.metadata(made.metadata);
    }
    if random.one_in(4) {
        patch = patch.context(made.context);
    }
    if random.one_in(5) {
        patch = patch.status(*random.pick(&[Status::Active, Status::Obsolete]));
    }
    if random.one_in(6) {
        patch = patch.superseded_by(Some(*random.pick(ids)));
    }
    if random.one_in(4) {
        patch = patch.expires_at(random.some(Random::time));
    }
    patch
}
