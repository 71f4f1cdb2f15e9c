//! One file per concern, one function per command.

mod brief;
mod copy;
mod duplicates;
mod entry;
mod fields;
mod generate;
mod index;
mod links;
mod list;
mod quickstart;
mod remarks;
mod scopes;
mod search;
mod stats;
mod synthetic;
mod transfer;
mod upkeep;
mod watch;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::report::Report;
use crate::style::Style;

/// Runs the command of the command line.
pub(crate) fn run(cli: &Cli, style: Style) -> Result<Report, Failure> {
    match &cli.command {
        Command::Quickstart => quickstart::quickstart(cli, style),
        Command::Add(args) => entry::add(cli, args),
        Command::List(args) => list::list(cli, args, style),
        Command::Show { id } => entry::show(cli, id, style),
        Command::Update(args) => entry::update(cli, args, style),
        Command::Forget { id } => entry::forget(cli, id),
        Command::Link(args) => links::link(cli, args),
        Command::Unlink(args) => links::unlink(cli, args),
        Command::Index(args) => index::index(cli, args, style),
        Command::Watch(args) => watch::watch(cli, args, style),
        Command::Search(args) => search::search(cli, args, style),
        Command::Similar(args) => search::similar(cli, args, style),
        Command::Duplicates(args) => duplicates::duplicates(cli, args, style),
        Command::Import { file } => transfer::import(cli, file, style),
        Command::Export { file, without_vectors } => transfer::export(cli, file, !without_vectors, style),
        Command::Copy { from, to } => copy::copy(cli, from, to, style),
        Command::Scopes { remove } => scopes::scopes(cli, remove.as_deref(), style),
        Command::Stats { memory } => stats::stats(cli, *memory, style),
        Command::Check { recall, queries } => upkeep::check(cli, recall.then_some(*queries), style),
        Command::Repair => upkeep::repair(cli, style),
        Command::Backup { file } => upkeep::backup(cli, file, style),
        Command::RebuildIndex => upkeep::rebuild_index(cli),
        Command::Reembed => upkeep::reembed(cli, style),
        Command::Generate(args) => generate::generate(cli, args, style),
    }
}
