//! Single notes: add, show, update, forget.

use rekall::storage::{Link, SystemWallClock, WallClock};
use rekall::{Batch, Entry, EntryId, EntryPatch, Error, NewEntry, Rekall, Status};
use serde_json::{Value, json};

use super::{brief, fields};
use crate::args::{AddArgs, Cli, KnownStatus, UpdateArgs};
use crate::date::minute;
use crate::failure::Failure;
use crate::report::{self, Report};
use crate::session::{Purpose, Session};
use crate::style::Style;

pub(crate) fn add(cli: &Cli, args: &AddArgs) -> Result<Report, Failure> {
    let entry = new_entry(args)?;
    let session = Session::open(cli, Purpose::Write)?;
    let id = session.rekall.remember(entry)?;
    let notes = session.notes();
    Ok(Report::new(json!({ "id": id, "degraded": notes }), id.to_string()).notes(notes))
}

fn new_entry(args: &AddArgs) -> Result<NewEntry, Failure> {
    let mut entry = NewEntry::new(&args.title).tags(&args.tags);
    if let Some(content) = &args.content {
        entry = entry.content(fields::text_or_stdin(content)?);
    }
    if let Some(kind) = &args.kind {
        entry = entry.kind(kind);
    }
    if let Some(project) = &args.project {
        entry = entry.project(project);
    }
    if let Some(confidence) = args.confidence {
        entry = entry.confidence(confidence);
    }
    if let Some(memory_type) = &args.memory_type {
        entry = entry.memory_type(memory_type);
    }
    if let Some(after) = args.expires_in {
        let now = SystemWallClock.now_ms();
        entry = entry.expires_at(now.saturating_add(i64::try_from(after.as_millis()).unwrap_or(i64::MAX)));
    }
    entry.valid_from = args.valid_from;
    entry.valid_to = args.valid_to;
    if let Some(context) = &args.context {
        entry = entry.context(fields::context(context)?);
    }
    if let Some(metadata) = &args.metadata {
        entry.metadata = fields::metadata(metadata)?;
    }
    Ok(entry)
}

pub(crate) fn show(cli: &Cli, id: &str, style: Style) -> Result<Report, Failure> {
    let id = fields::id(id)?;
    let session = Session::open(cli, Purpose::Read)?;
    let entry = session.rekall.get(id)?;
    shown(&session.rekall, &entry, style)
}

pub(crate) fn update(cli: &Cli, args: &UpdateArgs, style: Style) -> Result<Report, Failure> {
    let id = fields::id(&args.id)?;
    let batch = changes(id, args)?;
    if batch.is_empty() {
        return Err(Failure::Usage(
            "nothing to change: give at least one option, see update --help".to_owned(),
        ));
    }
    let session = Session::open(cli, Purpose::Change)?;
    session.rekall.apply(&batch).run().map_err(|error| match error {
        // All of them are about this note: which one it was tells nobody anything.
        Error::Operation { source, .. } => *source,
        other => other,
    })?;
    Ok(shown(&session.rekall, &session.rekall.get(id)?, style)?.notes(session.notes()))
}

/// What is to be changed, in one transaction. What the options name goes before what follows from another note's taking
/// its place.
fn changes(id: EntryId, args: &UpdateArgs) -> Result<Batch, Failure> {
    let mut patch = patch(args)?;
    let mut batch = Batch::new();
    match args.superseded_by.as_deref().map(fields::id).transpose()? {
        Some(new) if patch.status == Some(Status::Active) => patch.superseded_by = Some(Some(new)),
        Some(new) => {
            patch.status = None;
            batch.supersede_entry(id, new);
        }
        None => {}
    }
    if patch != EntryPatch::new() {
        batch.update(id, patch);
    }
    Ok(batch)
}

fn patch(args: &UpdateArgs) -> Result<EntryPatch, Failure> {
    let status = args.status.map(|status| match status {
        KnownStatus::Active => Status::Active,
        KnownStatus::Obsolete => Status::Obsolete,
    });
    let mut patch = EntryPatch::new();
    patch.title = args.title.clone();
    patch.content = args.content.as_deref().map(fields::text_or_stdin).transpose()?;
    patch.kind = args.kind.clone();
    patch.project = set_or_removed(args.project.clone(), args.no_project);
    patch.tags = (args.no_tags || !args.tags.is_empty()).then(|| args.tags.clone());
    patch.status = status;
    patch.superseded_by = set_or_removed(None, args.no_superseded_by);
    patch.valid_from = set_or_removed(args.valid_from, args.no_valid_from);
    patch.valid_to = set_or_removed(args.valid_to, args.no_valid_to);
    patch.confidence = args.confidence;
    patch.memory_type = args.memory_type.clone();
    patch.context =
        set_or_removed(args.context.as_deref().map(fields::context).transpose()?, args.no_context);
    patch.metadata = args.metadata.as_deref().map(fields::metadata).transpose()?;
    Ok(patch)
}

fn set_or_removed<T>(value: Option<T>, remove: bool) -> Option<Option<T>> {
    if remove { Some(None) } else { value.map(Some) }
}

pub(crate) fn forget(cli: &Cli, id: &str) -> Result<Report, Failure> {
    let id = fields::id(id)?;
    let session = Session::open(cli, Purpose::Change)?;
    session.rekall.forget(id)?;
    Ok(Report::new(json!({ "forgotten": id }), format!("forgot {id}")))
}

/// An entry with its links, each with the title at its other end.
fn shown(rekall: &Rekall, entry: &Entry, style: Style) -> Result<Report, Failure> {
    let mut links = Vec::new();
    for link in rekall.links(entry.id)? {
        let title = rekall.get(other_end(&link, entry.id))?.title;
        links.push((link, title));
    }
    let mut json = report::entry(entry);
    let listed = links.iter().map(|(link, title)| {
        json!({
            "source": link.source, "target": link.target, "relation": link.relation, "reason": link.reason,
            "created_at": link.created_at, "title": title,
        })
    });
    json.insert("links".to_owned(), listed.collect());
    Ok(Report::new(Value::Object(json), text(entry, &links, style)))
}

fn other_end(link: &Link, id: EntryId) -> EntryId {
    if link.source == id { link.target } else { link.source }
}

fn text(entry: &Entry, links: &[(Link, String)], style: Style) -> String {
    let mut text = format!("{}\n", style.bold(&entry.title));
    if !entry.content.trim().is_empty() {
        text += &format!("\n{}\n", entry.content.trim_end());
    }
    text.push('\n');
    let mut rows = vec![("id", entry.id.to_string()), ("kind", entry.kind.clone())];
    rows.extend(entry.project.iter().map(|project| ("project", project.clone())));
    if !entry.tags.is_empty() {
        rows.push(("tags", entry.tags.join(", ")));
    }
    rows.extend(brief::source(entry).map(|source| ("source", source)));
    rows.push(("status", entry.status.name().to_owned()));
    rows.extend(entry.superseded_by.map(|id| ("superseded by", id.to_string())));
    rows.push(("confidence", format!("{} of 5", entry.confidence)));
    rows.push(("memory type", entry.memory_type.clone()));
    if let Some(context) = &entry.context {
        let parts = [
            ("situation", &context.situation),
            ("solution", &context.solution),
            ("what failed", &context.what_failed),
            ("context", &context.text),
        ];
        rows.extend(parts.into_iter().filter_map(|(name, part)| Some((name, part.clone()?))));
        let lists = [
            ("keywords", &context.trigger_keywords),
            ("errors", &context.error_messages),
            ("files", &context.files),
        ];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        rows.extend(lists.map(|(name, list)| (name, list.join(", "))));
    }
    if !entry.metadata.is_empty() {
        rows.push(("metadata", Value::Object(entry.metadata.clone()).to_string()));
    }
    let times = [
        ("valid from", entry.valid_from),
        ("valid to", entry.valid_to),
        ("expires", entry.expires_at),
        ("created", Some(entry.created_at)),
        ("updated", Some(entry.updated_at)),
    ];
    rows.extend(times.into_iter().filter_map(|(name, ms)| Some((name, format!("{} UTC", minute(ms?))))));
    for (link, title) in links {
        let (arrow, other) =
            if link.source == entry.id { ("→", link.target) } else { ("←", link.source) };
        let reason = link.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let relation = link.relation.as_str();
        rows.push(("link", format!("{arrow} {relation}: {title}{reason} {}", style.dim(other.to_string()))));
    }
    text + &style.table(&rows)
}
