//! Finding notes: by a query, or by likeness to a note.

use rekall::storage::EntryText;
use rekall::{Hit, HitChunk, Mode, Recalled, Role};

use super::fields;
use crate::args::{Cli, SearchArgs, SearchMode, SearchRole, SimilarArgs};
use crate::failure::Failure;
use crate::report::Report;
use crate::session::{Purpose, Session};
use crate::style::{Style, counted, one_line};

/// Characters of a line: what a terminal of usual width shows.
const WIDTH: usize = 100;

pub(crate) fn search(cli: &Cli, args: &SearchArgs, style: Style) -> Result<Report, Failure> {
    let vector = args.vector.as_deref().map(fields::vector).transpose()?;
    let query = args.query.join(" ");
    // An empty text beside a vector asks for nothing; an empty text alone is refused by the library.
    let by_text = vector.is_none() || !query.trim().is_empty();
    if args.query.is_empty() && vector.is_none() {
        return Err(Failure::Usage("nothing to search for: give a QUERY or --vector".to_owned()));
    }
    let session = Session::open(cli, Purpose::Read)?;
    let mut recall = match (&vector, by_text) {
        (Some(vector), true) => session.rekall.recall(&query).vector(vector),
        (Some(vector), false) => session.rekall.recall_vector(vector),
        (None, _) => session.rekall.recall(&query),
    };
    recall = recall.limit(args.limit).filter(args.filter.filter());
    if let Some(mode) = args.mode {
        recall = recall.mode(match mode {
            SearchMode::Hybrid => Mode::Hybrid,
            SearchMode::Semantic => Mode::Semantic,
            SearchMode::Text => Mode::Text,
        });
    }
    match args.role {
        SearchRole::Summary => recall = recall.role(Role::Summary),
        SearchRole::Context => recall = recall.role(Role::Context),
        SearchRole::All => {}
    }
    if args.require_quotes {
        recall = recall.require_quotes();
    }
    if let Some(threshold) = args.threshold {
        recall = recall.threshold(threshold);
    }
    found(&recall.run()?, style)
}

pub(crate) fn similar(cli: &Cli, args: &SimilarArgs, style: Style) -> Result<Report, Failure> {
    let id = fields::id(&args.id)?;
    let session = Session::open(cli, Purpose::Read)?;
    let mut similar = session.rekall.similar_to(id).limit(args.limit);
    if let Some(threshold) = args.threshold {
        similar = similar.threshold(threshold);
    }
    found(&similar.filter(args.filter.filter()).run()?, style)
}

fn found(found: &Recalled, style: Style) -> Result<Report, Failure> {
    let mut text = String::new();
    for (at, hit) in found.iter().enumerate() {
        text += &hit_text(at + 1, hit, style);
    }
    let time = format!("{:.1} ms", found.elapsed.as_secs_f64() * 1e3);
    let count = if found.is_empty() { "nothing found".to_owned() } else { counted(found.len(), "hit") };
    text += &style.dim(format!("{count} in {time}\n"));
    Ok(Report::of(found, text)?.notes(found.degraded.iter().map(ToString::to_string)))
}

/// Two or three lines: rank, similarity and title; where the hit lies; what tells it from others.
fn hit_text(rank: usize, hit: &Hit, style: Style) -> String {
    let entry = &hit.entry;
    let similarity = hit.similarity.map_or("   –".to_owned(), |similarity| format!("{similarity:4.2}"));
    let title = style.bold(one_line(&entry.title, WIDTH - 12));
    let mut text = format!("{rank:3}  {}  {title}\n", style.green(similarity));
    let snippet = hit.chunk.map_or_else(|| entry.content.clone(), |chunk| chunk_text(hit, chunk));
    let snippet = one_line(&snippet, WIDTH - 12);
    if !snippet.is_empty() {
        text += &format!("           {snippet}\n");
    }
    let mut about = vec![entry.id.to_string(), entry.kind.clone()];
    about.extend(entry.project.clone());
    about.extend(entry.tags.iter().map(|tag| format!("#{tag}")));
    text + &format!("           {}\n", style.dim(one_line(&about.join(" · "), WIDTH - 12)))
}

/// The text of the passage that the hit is about, without the title, which stands above it anyway.
fn chunk_text(hit: &Hit, chunk: HitChunk) -> String {
    // Of an imported vector nobody knows what text it was made from.
    if chunk.end == 0 {
        return hit.entry.content.clone();
    }
    let text = EntryText::from(&hit.entry).role(chunk.role).unwrap_or_default();
    let length = chunk.end.saturating_sub(chunk.start) as usize;
    let piece: String = text.chars().skip(chunk.start as usize).take(length).collect();
    match piece.strip_prefix(&hit.entry.title) {
        Some(rest) if chunk.role == Role::Summary => rest.to_owned(),
        _ => piece,
    }
}
