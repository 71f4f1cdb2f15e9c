//! Finding notes: by a query, or by likeness to a note.

use rekall::{Hit, Mode, Recalled, Recency, Role};

use super::{brief, fields};
use crate::args::{Cli, SearchArgs, SearchMode, SearchRole, SimilarArgs};
use crate::excerpt;
use crate::failure::Failure;
use crate::report::Report;
use crate::session::{Purpose, Session};
use crate::style::{Style, counted, one_line};

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
    recall = recall.limit(args.limit).filter(args.filter.filter()?).snippets("", "");
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
    if let Some(half_life) = args.half_life {
        recall = recall.recency(Recency::new(half_life));
    }
    if let Some(lambda) = args.diversity {
        recall = recall.diversity(lambda);
    }
    recall = recall.rerank(args.rerank);
    found(&recall.run()?, style)
}

pub(crate) fn similar(cli: &Cli, args: &SimilarArgs, style: Style) -> Result<Report, Failure> {
    let id = fields::id(&args.id)?;
    let session = Session::open(cli, Purpose::Read)?;
    let mut similar = session.rekall.similar_to(id).limit(args.limit);
    if let Some(threshold) = args.threshold {
        similar = similar.threshold(threshold);
    }
    found(&similar.filter(args.filter.filter()?).run()?, style)
}

fn found(found: &Recalled, style: Style) -> Result<Report, Failure> {
    let mut text = String::new();
    for (at, hit) in found.iter().enumerate() {
        text += &hit_text(at + 1, hit, style);
    }
    let time = format!("{:.1} ms", found.elapsed.as_secs_f64() * 1e3);
    let count = if found.is_empty() { "nothing found".to_owned() } else { counted(found.len(), "hit") };
    text += &style.dim(format!("{count} in {time}\n"));
    let mut report = Report::of(found, text)?.notes(found.degraded.iter().map(ToString::to_string));
    for (at, hit) in found.iter().enumerate() {
        report.json["hits"][at]["text"] = excerpt::passage(hit).into();
    }
    Ok(report)
}

/// Two to four lines: rank, score and title; what of the note was found; where it comes from; what tells it from others.
/// The score is what the hits are ordered by.
fn hit_text(rank: usize, hit: &Hit, style: Style) -> String {
    let score = format!("{:5.2}", hit.score);
    let head = 6 + score.len();
    let title = style.bold(one_line(&hit.entry.title, style.columns() - head));
    let mut text = format!("{rank:3} {}  {title}\n", style.green(score));
    let indent = style.indent(head);
    let excerpt = brief::excerpt(hit, style.columns() - indent);
    if !excerpt.is_empty() {
        text += &format!("{}{excerpt}\n", " ".repeat(indent));
    }
    text + &brief::lines(&hit.entry, indent, style)
}
