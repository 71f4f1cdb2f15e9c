//! Texts with questions and judgments of which text answers which question, read from files; and the measure of
//! a ranking by them.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use rekall::NewEntry;
use serde::Deserialize;

/// Hits looked at: the 10 of nDCG@10.
pub(crate) const DEPTH: usize = 10;

/// Longest title made from a document, in bytes.
const TITLE_BYTES: usize = 200;

pub(crate) type Failure = Box<dyn std::error::Error>;

/// A document or a query.
#[derive(Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) lang: Option<String>,
}

/// Relevance of documents by query: `relevance[query][document]`, more than 0.
pub(crate) type Judgments = HashMap<String, HashMap<String, f64>>;

/// Documents, and the questions that at least one of them answers.
pub(crate) struct JudgedSet {
    pub(crate) docs: Vec<Row>,
    pub(crate) queries: Vec<Row>,
    pub(crate) judgments: Judgments,
}

impl JudgedSet {
    /// Reads the three files. Keeps what is of the languages of documents and queries, or names none, and the
    /// first `limit_docs` documents.
    pub(crate) fn read(
        docs: &Path,
        queries: &Path,
        qrels: &Path,
        [docs_lang, queries_lang]: [Option<&str>; 2],
        limit_docs: Option<usize>,
    ) -> Result<Self, Failure> {
        let mut docs = read_rows(docs, docs_lang)?;
        docs.truncate(limit_docs.unwrap_or(usize::MAX));
        let known: HashSet<&str> = docs.iter().map(|doc| doc.id.as_str()).collect();
        let mut judgments = read_judgments(qrels)?;
        for relevant in judgments.values_mut() {
            relevant.retain(|doc, _| known.contains(doc.as_str()));
        }
        let mut queries = read_rows(queries, queries_lang)?;
        queries.retain(|query| judgments.get(&query.id).is_some_and(|relevant| !relevant.is_empty()));
        if queries.is_empty() {
            return Err(
                "no query has a relevant document: check the judgments, and the language if given".into()
            );
        }
        Ok(Self { docs, queries, judgments })
    }
}

fn read_rows(path: &Path, lang: Option<&str>) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for (number, line) in read(path)?.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let row: Row = serde_json::from_str(line)
            .map_err(|error| format!("{}, line {}: {error}", path.display(), number + 1))?;
        let wanted = match (lang, &row.lang) {
            (Some(wanted), Some(found)) => wanted == found,
            _ => true,
        };
        if wanted {
            rows.push(row);
        }
    }
    Ok(rows)
}

fn read_judgments(path: &Path) -> Result<Judgments, Failure> {
    let mut judgments = Judgments::new();
    for (number, line) in read(path)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [query, doc, relevance] = fields[..] else {
            let place = format!("{}, line {}", path.display(), number + 1);
            return Err(format!("{place}: expected query, document and relevance, got {line:?}").into());
        };
        let relevance: f64 = relevance.trim().parse().map_err(|_| {
            format!("{}, line {}: relevance must be a number, got {relevance:?}", path.display(), number + 1)
        })?;
        if relevance > 0.0 {
            judgments.entry(query.to_owned()).or_default().insert(doc.to_owned(), relevance);
        }
    }
    Ok(judgments)
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

/// The entry that a document is remembered as.
pub(crate) fn entry(doc: &Row) -> NewEntry {
    let (title, content) = split(doc.text.trim());
    // A title may not be empty; an empty document is found by its id, if at all.
    let title = if title.is_empty() { &doc.id } else { title };
    NewEntry::new(title).content(content).metadata("doc", doc.id.as_str())
}

/// The first line or sentence as the title, the rest as the content: together they are the text, once.
fn split(text: &str) -> (&str, &str) {
    let start = &text[..text.floor_char_boundary(TITLE_BYTES)];
    let line = start.find('\n');
    let sentence = start
        .char_indices()
        .zip(start.chars().skip(1))
        .find(|((_, mark), next)| matches!(mark, '.' | '!' | '?' | '…' | ':') && next.is_whitespace())
        .map(|((at, mark), _)| at + mark.len_utf8());
    let border = match (line, sentence) {
        (Some(line), Some(sentence)) => Some(line.min(sentence)),
        (line, sentence) => line.or(sentence),
    };
    let end = match border {
        Some(end) => end,
        None if start.len() == text.len() => text.len(),
        // One long sentence: cut between two words, or in a word as a last resort.
        None => start.rfind(char::is_whitespace).unwrap_or(start.len()),
    };
    (text[..end].trim_end(), text[end..].trim_start())
}

/// Normalized discounted cumulative gain of a ranking: its gains, best hit first, against the best ranking
/// that is possible.
pub(crate) fn ndcg(gains: &[f64], relevant: &HashMap<String, f64>) -> f64 {
    let mut ideal: Vec<f64> = relevant.values().copied().collect();
    ideal.sort_by(|a, b| b.total_cmp(a));
    ideal.truncate(DEPTH);
    dcg(gains) / dcg(&ideal)
}

/// Discounted cumulative gain (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques",
/// 2002).
fn dcg(gains: &[f64]) -> f64 {
    gains.iter().zip(2_u32..).map(|(gain, place)| gain / f64::from(place).log2()).sum()
}
