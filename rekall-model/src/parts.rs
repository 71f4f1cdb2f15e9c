//! Documents that are longer than a model reads: cut into parts, whose vectors are averaged.

use std::ops::{ControlFlow, Range};

use crate::{Embedder, Embeddings, Error};

/// Embeds documents of any length, one vector for each. One that is longer than the model reads is halved at white
/// space until each part fits; its vector is the average of its parts' vectors, weighed by their lengths and
/// normalized. Others have the vector that [`Embedder::embed_documents_observed`] gives them.
///
/// `observe` is called with how many documents are finished, now and then, and may stop the work. A document
/// is listed in [`Embeddings::truncated`] only if a single character of it is too much for the model.
///
/// ```
/// # #[cfg(feature = "bundled-model")] {
/// use std::ops::ControlFlow;
/// use rekall_model::{Embedder, LoadOptions, StaticEmbedder, embed_in_parts};
///
/// let model = StaticEmbedder::bundled(&LoadOptions::new())?;
/// let long = format!("{} The server is down.", "A recipe for bread. ".repeat(1_000));
/// assert!(model.max_tokens() < Some(model.count_tokens(&long)?));
/// let made = embed_in_parts(&model, &["bread", &long], |_| ControlFlow::Continue(()))?;
/// assert_eq!(made.row(0), Some(model.embed_documents(&["bread"])?.as_slice()));
/// assert!(made.truncated.is_empty() && made.row(1).is_some());
/// # }
/// # Ok::<(), rekall_model::Error>(())
/// ```
///
/// # Errors
/// [`Error::Cancelled`] when `observe` breaks; [`Error::Tokenize`]; what the model gives.
pub fn embed_in_parts(
    embedder: &dyn Embedder,
    documents: &[&str],
    mut observe: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<Embeddings, Error> {
    let ranges: Vec<Vec<Range<usize>>> =
        documents.iter().map(|document| parts(document, embedder)).collect::<Result<_, _>>()?;
    let texts: Vec<&str> = documents
        .iter()
        .zip(&ranges)
        .flat_map(|(document, parts)| parts.iter().map(|part| &document[part.clone()]))
        .collect();
    // How many parts are done when each document is.
    let ends: Vec<usize> = ranges
        .iter()
        .scan(0, |end, parts| {
            *end += parts.len();
            Some(*end)
        })
        .collect();
    let made = embedder.embed_documents_observed(&texts, &mut |progress| {
        observe(ends.partition_point(|&end| end <= progress.texts))
    })?;
    Ok(if texts.len() == documents.len() { made } else { averaged(&made, &ranges) })
}

/// The parts of a text that the model reads whole, about equally long: the text itself where it reads that.
///
/// A text is halved at the white space nearest its middle until each part fits. A single character that is too much for the
/// model cannot be halved; the model then says that it was cut.
fn parts(text: &str, embedder: &dyn Embedder) -> Result<Vec<Range<usize>>, Error> {
    let limit = embedder.max_tokens().unwrap_or(usize::MAX);
    let mut parts = Vec::with_capacity(1);
    let mut left = Vec::new();
    let mut next = Some(0..text.len());
    while let Some(range) = next.take().or_else(|| left.pop()) {
        let part = &text[range.clone()];
        // A token is at least a byte, and at most one more a word comes from the model: often no need to count.
        let fits = part.len().saturating_mul(2) <= limit || embedder.count_tokens(part)? <= limit;
        match middle(part).filter(|_| !fits) {
            Some(middle) => {
                // The first half is looked at first, so that the parts are in the text's order.
                left.push(range.start + middle..range.end);
                left.push(range.start..range.start + middle);
            }
            None => parts.push(range),
        }
    }
    Ok(parts)
}

/// Where to halve a text: after the white space that is nearest its middle, or between two characters where there is none.
fn middle(text: &str) -> Option<usize> {
    let text_end = text.trim_end().len();
    let half = text_end / 2;
    let starts = text[..text_end].char_indices().map(|(at, _)| at).skip(1);
    let is_after_space = |at: &usize| text[..*at].ends_with(char::is_whitespace);
    starts
        .clone()
        .filter(is_after_space)
        .chain(starts)
        .min_by_key(|at| (!is_after_space(at), at.abs_diff(half)))
}

/// The average of the vectors of each document's parts, weighed by their lengths in bytes and normalized. A
/// document has none where no part has one.
fn averaged(made: &Embeddings, documents: &[Vec<Range<usize>>]) -> Embeddings {
    let mut averaged = Embeddings::zeroed(documents.len(), made.dimensions);
    let mut number = 0;
    for (at, parts) in documents.iter().enumerate() {
        let mut sum = vec![0.0_f64; made.dimensions];
        let mut is_cut = false;
        for (number, part) in (number..).zip(parts) {
            if let Some(row) = made.row(number) {
                sum.iter_mut()
                    .zip(row)
                    .for_each(|(sum, &value)| *sum += f64::from(value) * part.len() as f64);
            }
            is_cut |= made.truncated.binary_search(&number).is_ok();
            let tokens = made.token_counts.get(number).copied().unwrap_or_default();
            averaged.token_counts[at] = averaged.token_counts[at].saturating_add(tokens);
        }
        number += parts.len();
        if is_cut {
            averaged.truncated.push(at);
        }
        let norm = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
        if norm < f64::from(f32::MIN_POSITIVE) {
            averaged.unembeddable.push(at);
            continue;
        }
        let row = &mut averaged.rows[at * made.dimensions..][..made.dimensions];
        match made.row(number - 1) {
            // Of one part the vector is its own, to the last bit.
            Some(own) if parts.len() == 1 => row.copy_from_slice(own),
            _ => row.iter_mut().zip(&sum).for_each(|(value, sum)| *value = (sum / norm) as f32),
        }
    }
    averaged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_halved_after_the_white_space_nearest_its_middle() {
        for (text, expected) in [
            ("aa bb cc dd ", Some(6)),
            ("a bbbbbbbbbb", Some(2)),
            ("éé", Some(2)),
            ("数据库", Some(3)),
            ("é", None),
            ("a ", None),
            ("", None),
        ] {
            assert_eq!(middle(text), expected, "{text:?}");
        }
    }

    #[test]
    fn vectors_are_averaged_by_length() {
        let mut made = Embeddings::zeroed(5, 2);
        made.rows = vec![0.6, 0.8, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        made.token_counts = vec![3, 1, 2, 4, 5];
        made.unembeddable = vec![3, 4];
        made.truncated = vec![2];
        let part = |range| std::iter::once(range).collect::<Vec<_>>();
        let averaged = averaged(&made, &[part(0..9), vec![0..30, 30..70, 70..80], part(0..4)]);
        assert_eq!(averaged.rows, [0.6, 0.8, 0.6, 0.8, 0.0, 0.0]);
        assert_eq!(averaged.token_counts, [3, 7, 5]);
        assert_eq!((averaged.truncated, averaged.unembeddable), (vec![1], vec![2]));
    }
}
