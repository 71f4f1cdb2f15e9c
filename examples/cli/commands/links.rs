//! Links between notes.

use serde_json::json;

use super::fields;
use crate::args::{Cli, LinkArgs, UnlinkArgs};
use crate::failure::Failure;
use crate::report::Report;
use crate::session::{Purpose, Session};

pub(crate) fn link(cli: &Cli, args: &LinkArgs) -> Result<Report, Failure> {
    let (source, target) = (fields::id(&args.source)?, fields::id(&args.target)?);
    let session = Session::open(cli, Purpose::Change)?;
    session.rekall.link(source, target, args.relation.as_str(), args.reason.as_deref())?;
    let json =
        json!({ "source": source, "target": target, "relation": args.relation, "reason": args.reason });
    Ok(Report::new(json, format!("{source} → {target} ({})", args.relation)))
}

pub(crate) fn unlink(cli: &Cli, args: &UnlinkArgs) -> Result<Report, Failure> {
    let (source, target) = (fields::id(&args.source)?, fields::id(&args.target)?);
    let session = Session::open(cli, Purpose::Change)?;
    let removed = session.rekall.unlink(source, target, args.relation.as_str())?;
    let text = if removed { "removed" } else { "there was no such link" };
    Ok(Report::new(json!({ "removed": removed }), text))
}
