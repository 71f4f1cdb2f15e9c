//! Notes without a search: the newest, page by page.

use rekall::{Entry, ListCursor, NewestBy};
use serde_json::json;

use super::brief;
use crate::args::{Cli, ListArgs, ListBy};
use crate::date::day;
use crate::failure::Failure;
use crate::report::Report;
use crate::session::{Purpose, Session};
use crate::style::{Style, counted, one_line};

pub(crate) fn list(cli: &Cli, args: &ListArgs, style: Style) -> Result<Report, Failure> {
    let after = args.after.as_deref().map(cursor).transpose()?;
    let by = match args.by {
        ListBy::Changed => NewestBy::Updated,
        ListBy::Created => NewestBy::Created,
    };
    let session = Session::open(cli, Purpose::Read)?;
    let filter = args.filter.filter()?;
    let page = session.rekall.list_newest(&filter, by, after, args.limit)?;
    let all = session.rekall.count(&filter)?;
    // A page that is not full is the last one.
    let next =
        page.next.filter(|_| page.entries.len() + page.unreadable.len() == args.limit).map(cursor_text);
    let mut text = String::new();
    for entry in &page.entries {
        text += &line(entry, args.by, style);
    }
    let count = counted(usize::try_from(all).unwrap_or(usize::MAX), "note");
    text += &style.dim(match &next {
        Some(next) => {
            // What is to be copied stays whole where there is little room.
            let space = if style.columns() < 60 { "\n" } else { " " };
            format!("{} of {count}; go on with{space}--after {next}\n", page.entries.len())
        }
        None => format!("{} of {count}\n", page.entries.len()),
    });
    let notes = page.unreadable.iter().map(|id| format!("{id} cannot be read: see check"));
    let json = json!({ "entries": page.entries, "unreadable": page.unreadable, "count": all, "next": next });
    Ok(Report::new(json, text).notes(notes.collect::<Vec<_>>()))
}

/// One line to find the note by, one or two to tell it from others.
fn line(entry: &Entry, by: ListBy, style: Style) -> String {
    let time = match by {
        ListBy::Changed => entry.updated_at,
        ListBy::Created => entry.created_at,
    };
    let day = day(time);
    let head = day.len() + 2;
    let title = style.bold(one_line(&entry.title, style.columns() - head));
    format!("{day}  {title}\n{}", brief::lines(entry, style.indent(head), style))
}

/// Where a page begins, as the page before names it.
fn cursor_text(cursor: ListCursor) -> String {
    let [ms, row] = cursor.to_words();
    format!("{ms}:{row}")
}

fn cursor(text: &str) -> Result<ListCursor, Failure> {
    let words = text.split_once(':').and_then(|(ms, row)| Some([ms.parse().ok()?, row.parse().ok()?]));
    words.map(ListCursor::from_words).ok_or_else(|| Failure::Invalid {
        what: "--after",
        problem: format!("must be what the page before names, got {text:?}"),
    })
}
