//! Pairs of notes that say nearly the same, and where they differ.

use rekall::{DuplicatePair, Entry};
use serde_json::{Value, json};

use super::brief;
use crate::args::{Cli, DuplicatesArgs};
use crate::differing;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Progress;
use crate::report::{Report, entry as entry_json};
use crate::session::{Purpose, Session};
use crate::style::{Style, counted, one_line};

/// Differences shown of a pair.
const SHOWN: usize = 5;

pub(crate) fn duplicates(cli: &Cli, args: &DuplicatesArgs, style: Style) -> Result<Report, Failure> {
    let filter = args.filter.filter()?;
    let session = Session::open(cli, Purpose::Read)?;
    let progress = Progress::new("comparing", 0);
    let search = session.rekall.duplicates().threshold(args.threshold).filter(filter).limit(args.limit);
    let search = search.progress(|at| progress.follow(at)).cancel(interrupt::token());
    let found =
        interrupt::or_stopped(search.run(), || "nothing was changed; run the command again".to_owned())?;
    drop(progress);
    let ids: Vec<_> = found.pairs.iter().flat_map(|pair| [pair.first, pair.second]).collect();
    let entries = session.rekall.get_many(&ids)?;
    let (mut pairs, mut text) = (Vec::new(), String::new());
    for (pair, entries) in found.pairs.iter().zip(entries.chunks_exact(2)) {
        // What somebody has forgotten meanwhile is no duplicate any more.
        if let [Some(first), Some(second)] = entries {
            let pieces = differing::pieces(first, second, &pair.differences);
            text += &pair_text(pair, [first, second], &pieces, style);
            pairs.push(pair_json(pair, [first, second], &pieces));
        }
    }
    let count = usize::try_from(found.found).unwrap_or(usize::MAX);
    text += &style.dim(match count {
        0 => "no notes say nearly the same\n".to_owned(),
        _ if count > pairs.len() => {
            format!("{} of {}; --limit shows more\n", pairs.len(), counted(count, "pair"))
        }
        _ => format!("{}\n", counted(count, "pair")),
    });
    Ok(Report::new(json!({ "pairs": pairs, "found": found.found }), text))
}

/// The similarity; title, source and id of either note; what the first one says (`-`) where the second one says
/// something else (`+`).
fn pair_text(
    pair: &DuplicatePair,
    entries: [&Entry; 2],
    pieces: &[(String, String)],
    style: Style,
) -> String {
    let similarity = format!("{:.3}", pair.similarity);
    let head = similarity.len() + 2;
    let (mut text, mut begin) = (String::new(), format!("{}  ", style.green(&similarity)));
    for entry in entries {
        text += &format!("{begin}{}\n", style.bold(one_line(&entry.title, style.columns() - head)));
        text += &brief::lines(entry, head, style);
        begin = " ".repeat(head);
    }
    let line = |sign, piece: &String| {
        format!("{begin}{}\n", one_line(&format!("{sign} {piece}"), style.columns() - head))
    };
    for (first, second) in pieces.iter().take(SHOWN) {
        let signed = [('-', first), ('+', second)].into_iter().filter(|(_, piece)| !piece.is_empty());
        text.extend(signed.map(|(sign, piece)| line(sign, piece)));
    }
    if pieces.is_empty() {
        text += &format!("{begin}the words are the same\n");
    }
    match pieces.len().saturating_sub(SHOWN) {
        0 => text + "\n",
        more => format!("{text}{begin}and {}\n\n", counted(more, "more difference")),
    }
}

fn pair_json(pair: &DuplicatePair, entries: [&Entry; 2], pieces: &[(String, String)]) -> Value {
    let spans = pair.differences.iter().zip(pieces);
    let differences: Vec<Value> = spans
        .map(|(at, (first, second))| {
            json!({
                "first": { "start": at.first.start, "end": at.first.end, "text": first },
                "second": { "start": at.second.start, "end": at.second.end, "text": second },
            })
        })
        .collect();
    json!({
        "first": pair.first,
        "second": pair.second,
        "similarity": pair.similarity,
        "differences": differences,
        "entries": entries.map(entry_json),
    })
}
