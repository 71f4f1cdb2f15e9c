//! Letting a reranker judge the first hits, and what is judged of each.

use std::ops::ControlFlow;

use rekall_core::{EntryPassages, Role};
use rekall_model::Reranker;

use super::hit::{Degraded, Hit, RerankScore};
use super::options::Options;
use super::query::Query;
use super::search::{Answer, Search};
use crate::cancel::check_cancelled;
use crate::{CancelToken, Error};

/// The most hits that are judged: each is a run of the network.
pub(super) const MAX: usize = 1000;

impl Search<'_> {
    /// Searches, and re-ranks what was found: outside of any transaction, because it may take seconds. Where that fails, all
    /// answers are those of a search that nobody asked to re-rank: it looks less deep, which a hybrid score depends on.
    pub(super) fn run_reranked(&self, queries: &[Query<'_>]) -> Result<Vec<Answer>, Error> {
        let reranker = self.rekall.opening.reranker.as_ref().ok_or(Error::NoReranker)?;
        check_cancelled(self.cancel)?;
        let failure = match reranker.lease(self.options.keep_alive) {
            Ok(reranker) => {
                let mut answers = self.run(queries)?;
                match self.rerank(&*reranker, queries, &mut answers) {
                    Ok(()) => return Ok(answers),
                    Err(failure) => failure,
                }
            }
            Err(failure) => failure,
        };
        if matches!(failure, Error::Interrupted) {
            return Err(failure);
        }
        let options = Options { rerank: 0, ..self.options.clone() };
        let mut answers = Search { options: &options, ..*self }.run(queries)?;
        for answer in &mut answers {
            answer.degraded.push(Degraded::NotReranked { reason: failure.to_string() });
        }
        Ok(answers)
    }

    fn rerank(
        &self,
        reranker: &dyn Reranker,
        queries: &[Query<'_>],
        answers: &mut [Answer],
    ) -> Result<(), Error> {
        let Options { rerank, limit, .. } = *self.options;
        for (query, answer) in queries.iter().zip(answers) {
            let judged = rerank.min(answer.hits.len());
            let texts: Vec<String> = answer.hits[..judged].iter().map(judged_text).collect();
            let query = query.text.as_deref().unwrap_or_default();
            let scores = scores(reranker, query, &texts, self.cancel)?;
            reorder(&mut answer.hits[..judged], &scores);
            answer.hits.truncate(limit);
        }
        Ok(())
    }
}

/// The reranker's scores, one for each text. A cancelled search stops between two batches of texts.
fn scores(
    reranker: &dyn Reranker,
    query: &str,
    texts: &[String],
    cancel: Option<&CancelToken>,
) -> Result<Vec<f32>, Error> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let scores = reranker.scores_observed(query, &texts, &mut |_| match check_cancelled(cancel) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    })?;
    // A host's own may be wrong.
    let wrong = match scores.iter().find(|score| !score.is_finite()) {
        Some(score) => format!("a score of {score}"),
        None if scores.len() != texts.len() => {
            format!("{} scores for {} passages", scores.len(), texts.len())
        }
        None => return Ok(scores),
    };
    let reason = format!("the reranker {} gave {wrong}", reranker.model());
    Err(rekall_model::Error::Compute { reason }.into())
}

/// Puts hits in the order of their scores, best first; equal ones stay as they were.
fn reorder(hits: &mut [Hit], scores: &[f32]) {
    for (at, (hit, &score)) in hits.iter_mut().zip(scores).enumerate() {
        // Both zeroes are one.
        let score = f64::from(score) + 0.0;
        let rank = RerankScore { score, rank: 0, score_before: hit.score, rank_before: at + 1 };
        hit.explain.rerank = Some(rank);
        hit.score = score;
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    for (at, hit) in hits.iter_mut().enumerate() {
        if let Some(rerank) = &mut hit.explain.rerank {
            rerank.rank = at + 1;
        }
    }
}

/// What is judged of a hit: the passage that it names, below the title and the headings above it; of an entry of which no text
/// matched, the first passage.
fn judged_text(hit: &Hit) -> String {
    let title = hit.entry.title.as_str();
    let passages = EntryPassages::of((&hit.entry).into());
    let cut = passages.iter().find(|passage| match hit.chunk {
        Some(chunk) => {
            let chars = passage.chars();
            (passage.role, passage.number) == (chunk.role, chunk.number)
                && (chars.start, chars.end) == (chunk.start as usize, chunk.end as usize)
        }
        None => true,
    });
    match (cut, hit.chunk) {
        (Some(passage), _) if passage.role == Role::Context && passage.number == 0 => {
            format!("{title}\n{}", passage.text)
        }
        (Some(passage), _) => passage.embedded_text().into_owned(),
        // The host's vector stands for other text than a passage: for the whole summary.
        (None, Some(chunk)) => {
            let passage = chunk.passage(&hit.entry);
            match chunk.role == Role::Summary && chunk.start == 0 {
                true => passage.as_str().to_owned(),
                false => format!("{title}\n{}", passage.as_str()),
            }
        }
        (None, None) => title.to_owned(),
    }
}
