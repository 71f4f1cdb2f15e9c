//! Scopes: memories of their own in one database.

use serde_json::json;

use crate::args::Cli;
use crate::failure::Failure;
use crate::report::Report;
use crate::session::{Purpose, Session};
use crate::style::{Style, counted};

pub(crate) fn scopes(cli: &Cli, remove: Option<&str>, style: Style) -> Result<Report, Failure> {
    if let Some(name) = remove {
        let session = Session::open(cli, Purpose::Change)?;
        let entries = session.rekall.remove_scope(name)?;
        let notes = counted(usize::try_from(entries).unwrap_or(usize::MAX), "note");
        return Ok(Report::new(
            json!({ "removed": name, "entries": entries }),
            format!("removed {name} with {notes}"),
        ));
    }
    let session = Session::open(cli, Purpose::Read)?;
    let mut counts = Vec::new();
    for name in session.rekall.scopes()? {
        let entries = session.rekall.scope(&name)?.stats()?.store.entries;
        counts.push((name, entries));
    }
    let rows: Vec<(&str, String)> =
        counts.iter().map(|(name, entries)| (name.as_str(), counted(*entries as usize, "note"))).collect();
    let text =
        if rows.is_empty() { "no scopes: --scope NAME makes one".to_owned() } else { style.table(&rows) };
    let json: Vec<_> =
        counts.iter().map(|(name, entries)| json!({ "name": name, "entries": entries })).collect();
    Ok(Report::new(json!({ "scopes": json }), text))
}
