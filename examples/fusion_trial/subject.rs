//! What a trial is about: judged sets, and the model that searches them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rekall::model::{Embedder, LoadOptions, ModelSource, load};

use crate::judged::{Failure, JudgedSet};
use crate::vectors::Kept;

#[derive(Args)]
pub(crate) struct Subject {
    /// Folder of a judged set, and of its documents and queries those of one language
    #[arg(long = "set", value_name = "DIR[:LANG]", required = true)]
    pub(crate) sets: Vec<String>,
    /// bundled, path:DIR or hub:OWNER/NAME[@REVISION]
    #[arg(long, value_name = "MODEL", default_value = "bundled")]
    pub(crate) model: ModelSource,
    /// Keep the vectors in this file for the next time
    #[arg(long, value_name = "FILE")]
    vectors: Option<PathBuf>,
}

impl Subject {
    pub(crate) fn load_model(&self) -> Result<Arc<dyn Embedder>, Failure> {
        let model: Arc<dyn Embedder> = load(&self.model, &LoadOptions::default())?;
        Ok(match &self.vectors {
            Some(path) => Arc::new(Kept::new(model, path)?),
            None => model,
        })
    }
}

/// A set as the command line names it: its folder, and the language of what is kept of it.
pub(crate) fn folder_and_language(set: &str) -> (&Path, Option<&str>) {
    match set.rsplit_once(':') {
        Some((folder, language)) => (Path::new(folder), Some(language)),
        None => (Path::new(set), None),
    }
}

/// Reads a set, at most its first `limit_docs` documents.
pub(crate) fn read(set: &str, limit_docs: Option<usize>) -> Result<JudgedSet, Failure> {
    let (folder, language) = folder_and_language(set);
    let [docs, queries, qrels] = ["docs.jsonl", "queries.jsonl", "qrels.tsv"].map(|name| folder.join(name));
    JudgedSet::read(&docs, &queries, &qrels, [language; 2], limit_docs)
}

/// What the process says to whoever started it.
pub(crate) fn exit(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
