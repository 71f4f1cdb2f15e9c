//! The command line: global options and commands.

mod filter;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rekall::{ModelSource, Precision};

pub(crate) use self::filter::FilterArgs;
use crate::date::moment;

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 wrong arguments, nothing of that name, an error, or damage found by check;
2 not in this build; 130 stopped by Ctrl-C.
With --json every command prints exactly one JSON document on the standard output, errors too:
{\"error\":{\"kind\",\"message\"}}. Notes and progress go to the standard error.";

/// Heads the options that every command has, which stand after its own.
const GLOBAL: &str = "Options of every command";

/// A local semantic memory: remember notes, find them again by meaning or by words.
#[derive(Debug, Parser)]
#[command(name = "cli", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Cli {
    /// Database, or the URL of a memory on a server [default: $REKALL_DB, else rekall/knowledge.db in the user's data folder]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    /// A memory of its own in the same database, by any name: a user, a tenant, a project
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "NAME")]
    pub(crate) scope: Option<String>,
    /// Model that makes the vectors: bundled, path:DIR or hub:OWNER/NAME[@REVISION]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "MODEL")]
    pub(crate) model: Option<ModelSource>,
    /// What numbers the model's matrices are multiplied in; int8 takes a quarter of the memory, for transformers
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "f32|int8")]
    pub(crate) precision: Option<Precision>,
    /// Share one loaded model, and reranker, with other processes, in a build with the feature host; for transformers
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) model_host: bool,
    /// Model that re-ranks hits where search --rerank asks for it: path:DIR or hub:OWNER/NAME[@REVISION]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "MODEL")]
    pub(crate) reranker: Option<ModelSource>,
    /// Vector index that searches use
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "INDEX")]
    pub(crate) index: Option<Index>,
    /// Settings in TOML; options on the command line go before them
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Index {
    /// What was measured to be best for the file's size
    Auto,
    /// Exact search over rows in memory
    Flat,
    /// Exact search over codes of a quarter of the size
    Sq8,
    /// Approximate search over sign bits; `check --recall` says how much it misses
    Binary,
    /// Exact search inside SQLite, nothing in memory
    SqliteVec,
    /// Exact search by a PostgreSQL server with pgvector, nothing in memory
    Pgvector,
    /// Approximate search by that server, by way of a graph
    PgvectorHnsw,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Remember sample notes, ask twelve questions, show hits and times
    Quickstart,
    /// Remember one note and print its id
    Add(AddArgs),
    /// Remember text, Markdown and source files; a second run takes up only what changed
    Index(IndexArgs),
    /// Take up files as `index` does, and again whenever they change, until Ctrl-C
    Watch(IndexArgs),
    /// Find notes by meaning and by words
    Search(SearchArgs),
    /// Find notes like a given one
    Similar(SimilarArgs),
    /// List notes, the newest first
    List(ListArgs),
    /// List pairs of notes that say nearly the same, and where they differ
    Duplicates(DuplicatesArgs),
    /// Print a note with its links
    Show {
        /// Id of the note
        id: String,
    },
    /// Change a note; what is not given stays as it is
    Update(Box<UpdateArgs>),
    /// Forget a note with all that hangs on it
    Forget {
        /// Id of the note
        id: String,
    },
    /// Link one note to another
    Link(LinkArgs),
    /// Remove a link
    Unlink(UnlinkArgs),
    /// Take in a database of the Python tool, or a JSONL export
    Import {
        /// The file, which is only read
        file: PathBuf,
    },
    /// Write everything to a JSONL file
    Export {
        /// The file to write
        file: PathBuf,
        /// Leave out vectors: the file is smaller, and they are made anew after an import
        #[arg(long)]
        without_vectors: bool,
    },
    /// Copy everything, vectors and scopes included, to a place where nothing is yet; run again, it goes on where it was stopped
    Copy {
        /// A database, or the URL of a memory on a server: postgres://…
        from: PathBuf,
        /// The same; made if it is not there
        to: PathBuf,
    },
    /// List the scopes of the database, or remove one
    Scopes {
        /// The scope to remove, with everything in it
        #[arg(long, value_name = "NAME")]
        remove: Option<String>,
    },
    /// Count what the database holds
    Stats {
        /// Load model and index too, and say how much memory each takes
        #[arg(long)]
        memory: bool,
    },
    /// Look for damage
    Check {
        /// Compare searches with brute force, too: how much of what is nearest do they find?
        #[arg(long)]
        recall: bool,
        /// Searches to compare
        #[arg(long, default_value_t = 100, requires = "recall")]
        queries: usize,
    },
    /// Repair what can be repaired
    Repair,
    /// Copy the database, also while others use it
    Backup {
        /// The file to write
        file: PathBuf,
    },
    /// Drop the vector index and fill it anew from the database
    RebuildIndex,
    /// Make all vectors anew with the model given by --model, and --precision
    Reembed,
    /// Remember made-up notes, for trying out scale
    Generate(GenerateArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// One line that says what the note is about
    pub(crate) title: String,
    /// The rest; - reads it from the standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) content: Option<String>,
    /// bug, pattern, decision, pitfall, config, reference, or any other word
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// Project it belongs to
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// A tag; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// How sure you are, 0 to 5
    #[arg(long, value_name = "0-5")]
    pub(crate) confidence: Option<u8>,
    /// episodic, semantic, or any other word
    #[arg(long, value_name = "TYPE")]
    pub(crate) memory_type: Option<String>,
    /// Forget it after so many days; searches do not find it from then on
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub(crate) expires_in: Option<Duration>,
    /// From when it holds: 2026-01-31, or 2026-01-31T09:30 (UTC); see --as-of of search
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(crate) valid_from: Option<i64>,
    /// Until when it holds
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(crate) valid_to: Option<i64>,
    /// Structured context: {"situation", "solution", "what_failed", "trigger_keywords": […],
    /// "error_messages": […], "files": […], "text"}, each optional
    #[arg(long, value_name = "JSON")]
    pub(crate) context: Option<String>,
    /// Values of your own, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) metadata: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Id of the note
    pub(crate) id: String,
    /// New title
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// New content; - reads it from the standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) content: Option<String>,
    /// New kind
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// New project
    #[arg(long, value_name = "PROJECT", conflicts_with = "no_project")]
    pub(crate) project: Option<String>,
    /// Take it out of its project
    #[arg(long)]
    pub(crate) no_project: bool,
    /// New tags, instead of those it has; may be given several times
    #[arg(long = "tag", value_name = "TAG", conflicts_with = "no_tags")]
    pub(crate) tags: Vec<String>,
    /// Remove all tags
    #[arg(long)]
    pub(crate) no_tags: bool,
    /// Whether it still holds
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<KnownStatus>,
    /// Id of the note that replaces it: it is obsolete then, and held until the other one began to hold; with --status
    /// active it still holds
    #[arg(long, value_name = "ID", conflicts_with = "no_superseded_by")]
    pub(crate) superseded_by: Option<String>,
    /// Nothing replaces it after all
    #[arg(long)]
    pub(crate) no_superseded_by: bool,
    /// From when it holds: 2026-01-31, or 2026-01-31T09:30 (UTC); see --as-of of search
    #[arg(long, value_name = "DATE", value_parser = moment, conflicts_with = "no_valid_from")]
    pub(crate) valid_from: Option<i64>,
    /// Nobody knows from when it holds
    #[arg(long)]
    pub(crate) no_valid_from: bool,
    /// Until when it holds
    #[arg(long, value_name = "DATE", value_parser = moment, conflicts_with = "no_valid_to")]
    pub(crate) valid_to: Option<i64>,
    /// It holds without an end
    #[arg(long)]
    pub(crate) no_valid_to: bool,
    /// How sure you are, 0 to 5
    #[arg(long, value_name = "0-5")]
    pub(crate) confidence: Option<u8>,
    /// New memory type
    #[arg(long, value_name = "TYPE")]
    pub(crate) memory_type: Option<String>,
    /// New structured context, see add
    #[arg(long, value_name = "JSON", conflicts_with = "no_context")]
    pub(crate) context: Option<String>,
    /// Remove the context
    #[arg(long)]
    pub(crate) no_context: bool,
    /// New metadata, all of it, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) metadata: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// Where the link starts
    pub(crate) source: String,
    /// Where it points
    pub(crate) target: String,
    /// related, supersedes, derived_from, contradicts, or any other word
    #[arg(long, value_name = "RELATION", default_value = "related")]
    pub(crate) relation: String,
    /// Why, in words
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct UnlinkArgs {
    /// Where the link starts
    pub(crate) source: String,
    /// Where it points
    pub(crate) target: String,
    /// The link's relation
    #[arg(long, value_name = "RELATION", default_value = "related")]
    pub(crate) relation: String,
}

#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    /// Files and folders; hidden and ignored ones (.gitignore, .rekallignore) are left out, and what cannot be read is named
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Project of the notes of files that are new or have changed [default: of new ones the name of the folder, others
    /// keep theirs]
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// Forget the notes of files and sections that are gone, however many they are
    #[arg(long)]
    pub(crate) prune: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// What to look for, in any words; may be left out when --vector is given
    #[arg(value_name = "QUERY")]
    pub(crate) query: Vec<String>,
    /// Most hits wanted
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
    /// What to go by [default: hybrid]
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<SearchMode>,
    /// Which text of the notes to compare with: title, content and tags, or the context
    #[arg(long, value_name = "ROLE", default_value = "all")]
    pub(crate) role: SearchRole,
    /// Least similarity of a hit, -1 to 1
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(crate) threshold: Option<f32>,
    /// Leave out notes that lack something that the query puts in quotes
    #[arg(long)]
    pub(crate) require_quotes: bool,
    /// Let newer notes come first: after so many days a note has lost a quarter of its score
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub(crate) half_life: Option<Duration>,
    /// Choose hits that are not all alike: 1 goes by relevance alone, 0.7 is a good start
    #[arg(long, value_name = "0-1")]
    pub(crate) diversity: Option<f64>,
    /// Let the reranker judge the first N hits, and put them in its order; N may be more than the limit
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) rerank: usize,
    /// The query's vector: little-endian f32 values in base64. The text then only serves to find words
    #[arg(long, value_name = "BASE64_F32LE")]
    pub(crate) vector: Option<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SimilarArgs {
    /// Id of the note
    pub(crate) id: String,
    /// Most hits wanted
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
    /// Least similarity of a hit, -1 to 1; without it one that means something for these notes
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(crate) threshold: Option<f32>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Most notes wanted
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Which time counts
    #[arg(long, value_name = "TIME", default_value = "changed")]
    pub(crate) by: ListBy,
    /// Go on where the page before ended, which names this; with the same --by
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    pub(crate) after: Option<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DuplicatesArgs {
    /// Least similarity of a pair, -1 to 1. Even above 0.98 most pairs of notes of one form say different things
    #[arg(long, value_name = "X", default_value_t = 0.98, allow_negative_numbers = true)]
    pub(crate) threshold: f32,
    /// Most pairs wanted, the most similar ones
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// How many notes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: u64,
    /// Equal seeds make equal notes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// A number of days, whole or not.
fn days(text: &str) -> Result<Duration, String> {
    let days: f64 = text.parse().map_err(|_| "expected a number of days".to_owned())?;
    Duration::try_from_secs_f64(days * 86_400.0).map_err(|error| error.to_string())
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ListBy {
    /// When the note was last changed
    Changed,
    /// When it was made
    Created,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SearchMode {
    /// Meaning and words together
    Hybrid,
    /// Meaning alone
    Semantic,
    /// Words alone
    Text,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SearchRole {
    Summary,
    Context,
    All,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KnownStatus {
    Active,
    Obsolete,
}
