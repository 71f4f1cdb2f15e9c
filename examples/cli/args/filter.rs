//! Which notes a command looks at.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rekall::{Filter, Status};

use crate::date::moment;
use crate::failure::Failure;
use crate::origin;

/// Which notes may be found.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only notes of this kind; given several times: of any of them
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// Only notes of this project; given several times: of any of them
    #[arg(long = "project", value_name = "PROJECT")]
    projects: Vec<String>,
    /// Only notes with this tag; given several times: with all of them
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Only notes from this file or folder, or from what lies under this URI; given several times: from any of them
    #[arg(long = "source", value_name = "PATH")]
    sources: Vec<PathBuf>,
    /// Only what held at this moment (UTC): 2026-01-31, or 2026-01-31T09:30
    #[arg(long, value_name = "DATE", value_parser = moment)]
    as_of: Option<i64>,
    /// Only notes that still hold, that no longer do, or any
    #[arg(long, value_name = "STATUS", default_value = "active")]
    status: WantedStatus,
}

impl FilterArgs {
    pub(crate) fn filter(&self) -> Result<Filter, Failure> {
        let mut filter = Filter::new();
        filter.kinds.clone_from(&self.kinds);
        filter.projects.clone_from(&self.projects);
        filter.tags_all.clone_from(&self.tags);
        for source in &self.sources {
            let uri =
                origin::uri_of(source.as_os_str()).map_err(|error| Failure::io("find", source, error))?;
            filter = filter.source(uri);
        }
        filter.as_of = self.as_of;
        filter.status = match self.status {
            WantedStatus::Active => Some(Status::Active),
            WantedStatus::Obsolete => Some(Status::Obsolete),
            WantedStatus::Any => None,
        };
        Ok(filter)
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum WantedStatus {
    Active,
    Obsolete,
    Any,
}
