/* The closed sets of numbers in rekall.h as enumerations. A newer library may give a number that none of them names. Part of
 * rekall.hpp. */
#ifndef REKALL_ENUMS_HPP
#define REKALL_ENUMS_HPP

/* Visual C++ tells in a macro of its own. */
#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) < 201703L
#error "rekall.hpp needs C++17 or later: compile with -std=c++17, or /std:c++17 for Visual C++"
#endif

#include "../rekall.h"

#include <cstdint>
#include <type_traits>

namespace rekall {

/* What a call ended with. Codes are only ever added: treat one that you do not know like status::error. */
enum class status : rekall_status {
    ok = REKALL_OK,
    error = REKALL_ERROR,
    misuse = REKALL_MISUSE,
    panic = REKALL_PANIC,
    invalid_input = REKALL_INVALID_INPUT,
    not_found = REKALL_NOT_FOUND,
    buffer_too_small = REKALL_BUFFER_TOO_SMALL,
    io = REKALL_IO,
    busy = REKALL_BUSY,
    full = REKALL_FULL,
    read_only = REKALL_READ_ONLY,
    corrupt = REKALL_CORRUPT,
    not_a_database = REKALL_NOT_A_DATABASE,
    newer_version = REKALL_NEWER_VERSION,
    legacy_file = REKALL_LEGACY_FILE,
    invalid_vector = REKALL_INVALID_VECTOR,
    model_mismatch = REKALL_MODEL_MISMATCH,
    model_unavailable = REKALL_MODEL_UNAVAILABLE,
    unsupported = REKALL_UNSUPPORTED,
    interrupted = REKALL_INTERRUPTED,
    callback = REKALL_CALLBACK,
    superseded = REKALL_SUPERSEDED,
    out_of_memory = REKALL_OUT_OF_MEMORY,
    invalid_model = REKALL_INVALID_MODEL
};

/* What a build of the library can do. */
enum class feature : std::uint32_t {
    bundled_sqlite = REKALL_FEATURE_BUNDLED_SQLITE,
    bundled_model = REKALL_FEATURE_BUNDLED_MODEL,
    faer = REKALL_FEATURE_FAER,
    transformer = REKALL_FEATURE_TRANSFORMER,
    hub = REKALL_FEATURE_HUB,
    candle = REKALL_FEATURE_CANDLE,
    cuda = REKALL_FEATURE_CUDA,
    metal = REKALL_FEATURE_METAL,
    mkl = REKALL_FEATURE_MKL,
    accelerate = REKALL_FEATURE_ACCELERATE,
    sqlite_vec = REKALL_FEATURE_SQLITE_VEC,
    bundled_model_v1 = REKALL_FEATURE_BUNDLED_MODEL_V1,
    postgres = REKALL_FEATURE_POSTGRES,
    host = REKALL_FEATURE_HOST
};

/* What a search compares: meaning, words, or both. Hybrid falls back on one of the two when the other cannot be searched, and says so. */
enum class mode : std::uint32_t {
    hybrid = REKALL_MODE_HYBRID,
    semantic = REKALL_MODE_SEMANTIC,
    text = REKALL_MODE_TEXT
};

/* How a hybrid search fuses what meaning and words found: by score, or by rank alone. */
enum class fusion : std::uint32_t {
    weighted = REKALL_FUSION_WEIGHTED,
    reciprocal_rank = REKALL_FUSION_RECIPROCAL_RANK
};

/* Which text of an entry: title, content and tags, or its context. */
enum class role : std::uint32_t { summary = REKALL_ROLE_SUMMARY, context = REKALL_ROLE_CONTEXT };

/* One of the two retrievals of a hybrid search. */
enum class retrieval : std::uint32_t { semantic = REKALL_RETRIEVAL_SEMANTIC, text = REKALL_RETRIEVAL_TEXT };

/* What a hybrid search's score is made of. */
enum class part : std::uint32_t { semantic = REKALL_PART_SEMANTIC, text = REKALL_PART_TEXT, exact = REKALL_PART_EXACT };

/* Why a search is less than it could be; rekall.h says more of each. */
enum class degradation : std::uint32_t {
    words_only = REKALL_DEGRADED_WORDS_ONLY,
    meaning_only = REKALL_DEGRADED_MEANING_ONLY,
    pending = REKALL_DEGRADED_PENDING,
    unusable_vectors = REKALL_DEGRADED_UNUSABLE_VECTORS,
    other = REKALL_DEGRADED_OTHER,
    not_indexed = REKALL_DEGRADED_NOT_INDEXED,
    damaged = REKALL_DEGRADED_DAMAGED,
    unreadable = REKALL_DEGRADED_UNREADABLE,
    partly_known = REKALL_DEGRADED_PARTLY_KNOWN,
    former_model = REKALL_DEGRADED_FORMER_MODEL,
    not_reranked = REKALL_DEGRADED_NOT_RERANKED,
    approximate = REKALL_DEGRADED_APPROXIMATE
};

/* Whether an entry holds: searches leave out what is obsolete unless asked. */
enum class entry_status : std::uint32_t { active = REKALL_ENTRY_ACTIVE, obsolete = REKALL_ENTRY_OBSOLETE };

/* A part of an entry's context. The first four have one text at most. */
enum class context_part : std::uint32_t {
    situation = REKALL_CONTEXT_SITUATION,
    solution = REKALL_CONTEXT_SOLUTION,
    what_failed = REKALL_CONTEXT_WHAT_FAILED,
    text = REKALL_CONTEXT_TEXT,
    trigger_keywords = REKALL_CONTEXT_TRIGGER_KEYWORDS,
    error_messages = REKALL_CONTEXT_ERROR_MESSAGES,
    files = REKALL_CONTEXT_FILES
};

/* What memory::facets_of() counts entries by. */
enum class facet_kind : std::uint32_t {
    tag = REKALL_FACET_TAG,
    project = REKALL_FACET_PROJECT,
    kind = REKALL_FACET_KIND,
    memory_type = REKALL_FACET_MEMORY_TYPE
};

/* Whether a text is to be found, or to search with: some models treat the two differently. */
enum class purpose : std::uint32_t { document = REKALL_EMBED_DOCUMENT, query = REKALL_EMBED_QUERY };

/* Whether the model is in memory. */
enum class model_state : std::uint32_t {
    unloaded = REKALL_MODEL_UNLOADED,
    loading = REKALL_MODEL_LOADING,
    ready = REKALL_MODEL_READY
};

/* How a value of the metadata is compared. */
enum class comparison : std::uint32_t {
    equal = REKALL_COMPARISON_EQUAL,
    /* Another value, or none. */
    not_equal = REKALL_COMPARISON_NOT_EQUAL,
    /* Of the order of numbers, or of texts by their code points. */
    less_than = REKALL_COMPARISON_LESS_THAN,
    at_most = REKALL_COMPARISON_AT_MOST,
    greater_than = REKALL_COMPARISON_GREATER_THAN,
    at_least = REKALL_COMPARISON_AT_LEAST
};

/* Which time memory::list_newest() goes by. */
enum class newest_by : std::uint32_t {
    created = REKALL_NEWEST_CREATED,
    updated = REKALL_NEWEST_UPDATED
};

/* The time by which an entry is old. */
enum class recency_time : std::uint32_t {
    updated = REKALL_RECENCY_UPDATED,
    created = REKALL_RECENCY_CREATED,
    last_used = REKALL_RECENCY_LAST_USED
};

/* What a vector space is used for. */
enum class space_state : std::uint32_t {
    building = REKALL_SPACE_BUILDING,
    active = REKALL_SPACE_ACTIVE,
    retired = REKALL_SPACE_RETIRED,
    leaving = REKALL_SPACE_LEAVING
};

/* What memory::unload_model() did. Pending: the model is in use, or being loaded, and goes when the last call ends. */
enum class unload : std::uint32_t {
    not_loaded = REKALL_UNLOAD_NOT_LOADED,
    done = REKALL_UNLOAD_DONE,
    pending = REKALL_UNLOAD_PENDING
};

/* What an export has. */
enum class exported : std::uint32_t {
    all = REKALL_EXPORT_ALL,
    without_vectors = REKALL_EXPORT_WITHOUT_VECTORS
};

/* What an import does with an entry that is there already: keep it, fail and import nothing, or put the new one in its place. */
enum class on_duplicate : std::uint32_t {
    skip = REKALL_DUPLICATE_SKIP,
    refuse = REKALL_DUPLICATE_REFUSE,
    replace = REKALL_DUPLICATE_REPLACE
};

/* What an event tells; rekall.h says more of each. */
enum class event_kind : std::uint32_t {
    model_loading = REKALL_EVENT_MODEL_LOADING,
    model_loaded = REKALL_EVENT_MODEL_LOADED,
    model_load_failed = REKALL_EVENT_MODEL_LOAD_FAILED,
    model_unloaded = REKALL_EVENT_MODEL_UNLOADED,
    index_loaded = REKALL_EVENT_INDEX_LOADED,
    unusable_vectors = REKALL_EVENT_UNUSABLE_VECTORS,
    not_embedded = REKALL_EVENT_NOT_EMBEDDED,
    other = REKALL_EVENT_OTHER,
    not_erased = REKALL_EVENT_NOT_ERASED,
    long_reader = REKALL_EVENT_LONG_READER
};

/* How loud a line of the log is: a listener hears its own level and all before it. */
enum class log_level : std::int32_t {
    error = REKALL_LOG_ERROR,
    warn = REKALL_LOG_WARN,
    info = REKALL_LOG_INFO,
    debug = REKALL_LOG_DEBUG,
    trace = REKALL_LOG_TRACE
};

/* Which vector index searches use. Automatic, flat and sq8 are exact, and so is sqlite_vec, which takes no memory and more
 * time; binary is approximate: see open_options::rescored_rows. On a server, pgvector is exact and pgvector_hnsw approximate: the server
 * searches, and no vector is in this process. */
enum class vector_backend { automatic, flat, sq8, binary, sqlite_vec, pgvector, pgvector_hnsw };

namespace detail {

/* The number in C. */
template <typename Enum>
constexpr auto number(Enum value) noexcept
{
    return static_cast<std::underlying_type_t<Enum>>(value);
}

constexpr const char *name(vector_backend backend) noexcept
{
    switch (backend) {
    case vector_backend::automatic: return "auto";
    case vector_backend::flat: return "flat";
    case vector_backend::sq8: return "sq8";
    case vector_backend::binary: return "binary";
    case vector_backend::sqlite_vec: return "sqlite-vec";
    case vector_backend::pgvector: return "pgvector";
    case vector_backend::pgvector_hnsw: return "pgvector-hnsw";
    }
    return "unknown";
}

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_ENUMS_HPP */
