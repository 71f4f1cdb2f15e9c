//! The table of what was found first.

use serde_json::{Value, json};

use super::joined::Joined;
use crate::memory::{MODES, Model};

/// What each kind of string came to.
pub(crate) struct Results {
    notes: usize,
    seed: u64,
    rows: Vec<Row>,
    /// Missing where there are too few notes with titles of their own.
    pub(super) joined: Option<Joined>,
}

/// How many strings of one kind were found first.
#[derive(Default)]
pub(super) struct Row {
    kind: String,
    pub(super) of: usize,
    pub(super) scan: usize,
    pub(super) phrase: usize,
    pub(super) modes: [usize; MODES.len()],
    pub(super) misses: Vec<Miss>,
}

/// What a hybrid search put in the wrong place.
pub(super) struct Miss {
    pub(super) query: String,
    /// Titles of the notes that hold it.
    pub(super) right: Vec<String>,
    /// Title of what came first instead.
    pub(super) first: Option<String>,
}

impl Results {
    pub(super) fn new(notes: usize, seed: u64) -> Self {
        Self { notes, seed, rows: Vec::new(), joined: None }
    }

    pub(super) fn row(&mut self, kind: &str) -> &mut Row {
        let at = self.rows.iter().position(|row| row.kind == kind).unwrap_or(self.rows.len());
        if at == self.rows.len() {
            self.rows.push(Row { kind: kind.to_owned(), ..Row::default() });
        }
        &mut self.rows[at]
    }

    pub(crate) fn to_text(&self, misses: bool) -> String {
        let mut text =
            format!("{} notes, seed {}\n\n{:20} {:>4}", self.notes, self.seed, "found first", "of");
        for column in ["scan", "phrase", "best"] {
            text += &format!(" {column:>9}");
        }
        for (mode, _) in MODES {
            text += &format!(" {mode:>9}");
        }
        text.push('\n');
        for Row { kind, of, scan, phrase, modes, .. } in &self.rows {
            text += &format!("{kind:20} {of:>4} {scan:>9} {phrase:>9} {:>9}", scan.max(phrase));
            for found in modes {
                text += &format!(" {found:>9}");
            }
            text.push('\n');
        }
        if let Some(Joined { titles, notes, modes }) = &self.joined {
            text += &format!("\n{titles} titles whose notes are parts of joined ones, among {notes} notes\n");
            text += &format!("{:10}", "");
            for column in ["rank alone", "rank joined", "first of 20", "part shown"] {
                text += &format!(" {column:>12}");
            }
            for (mode, ranks) in modes {
                text += &format!("\n{mode:10}");
                for figure in [ranks.alone, ranks.joined, ranks.first_part, ranks.shown] {
                    text += &format!(" {figure:>12}");
                }
            }
            text.push('\n');
        }
        if misses {
            for row in &self.rows {
                for Miss { query, right, first } in &row.misses {
                    text +=
                        &format!("\n{}: {query:?}\n  stands in {right:?}\n  first was {first:?}\n", row.kind);
                }
            }
        }
        text
    }

    pub(crate) fn to_json(&self, model: &Model) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::to_json).collect();
        let joined = self.joined.as_ref().map(|Joined { titles, notes, modes }| {
            let mut json = json!({ "titles": titles, "notes": notes });
            for (mode, ranks) in modes {
                json[mode] = json!({
                    "median_rank_alone": ranks.alone,
                    "median_rank_joined": ranks.joined,
                    "right_note_first_of_its_twenty": ranks.first_part,
                    "right_part_shown": ranks.shown,
                });
            }
            json
        });
        json!({
            "notes": self.notes, "seed": self.seed, "model": model.to_string(),
            "found_first": rows, "joined": joined,
        })
    }
}

impl Row {
    fn to_json(&self) -> Value {
        let mut json = json!({ "kind": self.kind, "of": self.of, "scan": self.scan, "phrase": self.phrase });
        for ((mode, _), found) in MODES.iter().zip(self.modes) {
            json[mode] = json!(found);
        }
        json["missed"] = self.misses.iter().map(Miss::to_json).collect();
        json
    }
}

impl Miss {
    fn to_json(&self) -> Value {
        json!({ "query": self.query, "right": self.right, "first": self.first })
    }
}
