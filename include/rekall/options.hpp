/* How a memory is opened: its model, its clocks, what is told of it. Part of rekall.hpp. */
#ifndef REKALL_OPTIONS_HPP
#define REKALL_OPTIONS_HPP

#include "values.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rekall {

/* A model of the program's own. */
struct embedder {
    /* With the dimensions it is what tells vectors of two models apart. */
    std::string name;
    std::size_t dimensions = 0;
    /* The longest text that embed takes, in tokens; 0: any. */
    std::size_t max_tokens = 0;
    /* Fills texts.size() * dimensions numbers, row after row, all zero before. Any thread, also several
     * at once. Its exception comes out of the call that fails for it (a
     * hybrid search uses words instead); but a rekall::error with status::model_unavailable says that there is no model
     * now, one with status::interrupted that the call is to stop. */
    std::function<void(rekall::purpose purpose, const std::vector<std::string_view> &texts, float *rows)> embed;
    /* Counts tokens for max_tokens; without it bytes are counted. */
    std::function<std::size_t(std::string_view text)> count_tokens;
    /* Bytes of memory that it takes, for model_bytes of the figures; 0: not known. */
    std::uint64_t memory_bytes = 0;
};

/* A reranker of the program's own. */
struct reranker {
    /* For messages. */
    std::string name;
    /* Fills passages.size() scores, greater is better, all zero before. Any thread, also several at once. Where it throws, the
     * hits stay as they were; but a rekall::error with status::interrupted stops the search. */
    std::function<void(std::string_view query, const std::vector<std::string_view> &passages, float *scores)> rerank;
    /* Bytes of memory that it takes, for reranker_bytes of the figures; 0: not known. */
    std::uint64_t memory_bytes = 0;
};

/* How a model is loaded. What is empty follows the model's own files. */
struct load_options {
    /* Never touch the network: a model of a hub is read from the cache or refused. */
    bool offline = false;
    /* 0: one. */
    std::uint32_t max_threads = 0;
    std::size_t dimensions = 0, max_tokens = 0;
    std::optional<std::string> device, hub_cache, hub_endpoint, query_prefix, document_prefix;
    /* "f32" or "int8"; what numbers a transformer's matrices are multiplied in. */
    std::optional<std::string> precision;
    /* Hears how a download comes along, on whatever thread loads the model. */
    std::function<void(std::string_view file, std::uint64_t bytes, std::uint64_t total)> download;
    /* The processes of a user share one loaded transformer, or reranker; in a build with feature::host. Of a model it concerns the
     * reranker, too. */
    bool model_host = false;
};

/* Something that happened while the library worked; its texts are valid until the function that hears it returns. What the
 * kind does not have is nullopt or 0. */
struct event {
    event_kind kind;
    log_level level;
    /* The whole in one line. */
    std::string_view message;
    std::optional<std::string_view> model, reason, entry;
    std::chrono::microseconds elapsed;
    std::uint64_t bytes, count;
};

/* How a memory is opened. What is empty has its default. */
struct open_options {
    /* Refuse every write. */
    bool read_only = false;
    /* Fail when there is no file, instead of making one. */
    bool must_exist = false;
    /* Put a new file in the place of one that the Python tool wrote, which is kept beside it. */
    bool migrate = false;
    /* No model: text is found by words only. */
    bool no_model = false;
    /* Overwrite what is forgotten with zeroes. Each commit then takes tens of milliseconds. */
    bool secure_delete = false;
    /* Survive a loss of power, not just the death of the process: some milliseconds a commit. */
    bool sync_full = false;
    /* Start a thread that unloads the idle model in time; without it the program calls unload_if_idle(). */
    bool unload_thread = false;
    /* Ask the allocator to give memory back to the system after each unload. Concerns the whole process. */
    bool release_memory = false;
    /* Load the model while opening, and fail if it cannot be used as it is; else the first call that needs it fails. */
    bool check_model = false;
    /* The most threads that one search may use; 0: 1. */
    std::uint32_t search_threads = 0;
    std::optional<std::string> config, config_file, model;
    std::optional<rekall::vector_backend> vector_backend;
    std::optional<load_options> load;
    std::optional<rekall::embedder> embedder;
    std::optional<std::string> vectors_name;
    std::size_t vectors_dimensions = 0;
    /* The reranker of searches that ask for one (recall_options::rerank), such as "hub:cross-encoder/ms-marco-MiniLM-L6-v2", and
     * how it is loaded, by default from where load says; or the program's own. Of two functions that hear downloads that of load
     * hears them all. */
    std::optional<std::string> reranker;
    std::optional<load_options> reranker_load;
    std::optional<rekall::reranker> own_reranker;
    /* How many query vectors are kept, and how long. Defaults: 1000, 10 minutes. */
    std::optional<std::uint64_t> cache_max_size;
    std::optional<std::chrono::milliseconds> cache_ttl;
    /* How long an unused model stays loaded. Default: 10 minutes. */
    std::optional<std::chrono::milliseconds> model_idle_timeout;
    /* How long to wait for another writer before status::busy. Default: 5 seconds. */
    std::optional<std::chrono::milliseconds> busy_timeout;
    /* The most memory that the vector index may take, for vector_backend::automatic. Default: unlimited. */
    std::optional<std::uint64_t> memory_budget_bytes;
    /* Rows that a search of vector_backend::binary compares exactly, 1 or more. Default: 1000. */
    std::optional<std::uint64_t> rescored_rows;
    std::function<void(const event &)> on_event;
    std::function<void(rekall::log_level level, std::string_view message)> on_log;
    /* The quietest level that on_log hears; nullopt: info. Only with on_log. */
    std::optional<rekall::log_level> log_level;
    /* The clock that entries are stamped by. */
    std::function<time()> now;
    /* The clock that cached vectors and an idle model age by: the time since any moment, never going back. */
    std::function<std::chrono::milliseconds()> age;
};

namespace detail {

/* Who hears of downloads: one place for all models that a memory comes to have, since the library may call it until the
 * memory is closed. */
class downloads {
public:
    using function = decltype(load_options::download);
    using shared = std::shared_ptr<const function>;

    /* Who hears from now on; gives who did before. */
    shared hear(shared next) noexcept
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        now_.swap(next);
        return next;
    }

    void tell(std::string_view file, std::uint64_t bytes, std::uint64_t total)
    {
        shared now;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            now = now_;
        }
        if (now != nullptr) {
            (*now)(file, bytes, total);
        }
    }

private:
    std::mutex mutex_;
    shared now_;
};

/* What the library may call until the memory is closed. */
struct kept {
    std::function<time()> now;
    std::function<std::chrono::milliseconds()> age;
    detail::downloads downloads;
};

/* Runs a callback whose exceptions nobody can be told of. */
template <typename Result, typename Callback>
Result dropping(Result otherwise, Callback callback) noexcept
{
    try {
        return callback();
    } catch (...) {
        return otherwise;
    }
}

/* An embedder of the library's own. */
inline std::unique_ptr<embedder> copied(const embedder &given)
{
    c_string(given.name);
    return std::make_unique<embedder>(given);
}

/* For a call that takes the embedder over, and frees it by destroy whatever it returns. */
inline rekall_embedder c_embedder(std::unique_ptr<embedder> own) noexcept
{
    rekall_embedder out = REKALL_EMBEDDER_INIT;
    if (own == nullptr) {
        return out;
    }
    out.name = own->name.c_str();
    out.dimensions = own->dimensions;
    out.max_tokens = own->max_tokens;
    out.memory_bytes = own->memory_bytes;
    out.destroy = [](void *self) { delete static_cast<embedder *>(self); };
    if (own->embed) {
        out.embed = [](void *self, std::uint32_t purpose, const rekall_str *texts, std::size_t count, float *rows,
                       std::size_t) -> rekall_status {
            try {
                std::vector<std::string_view> views;
                views.reserve(count);
                for (std::size_t at = 0; at < count; ++at) {
                    views.emplace_back(texts[at].data, texts[at].len);
                }
                static_cast<embedder *>(self)->embed(rekall::purpose{purpose}, views, rows);
                return REKALL_OK;
            } catch (const error &failed) {
                if (failed.status() == status::model_unavailable || failed.status() == status::interrupted) {
                    return number(failed.status());
                }
                passing() = std::current_exception();
            } catch (...) {
                passing() = std::current_exception();
            }
            return REKALL_CALLBACK;
        };
    }
    if (own->count_tokens) {
        out.count_tokens = [](void *self, const char *text, std::size_t len) {
            return dropping(len, [&] { return static_cast<embedder *>(self)->count_tokens({text, len}); });
        };
    }
    out.user_data = own.release();
    return out;
}

/* A reranker of the library's own. */
inline std::unique_ptr<reranker> copied(const reranker &given)
{
    c_string(given.name);
    return std::make_unique<reranker>(given);
}

/* For a call that takes the reranker over, and frees it by destroy whatever it returns. */
inline rekall_reranker c_reranker(std::unique_ptr<reranker> own) noexcept
{
    rekall_reranker out = REKALL_RERANKER_INIT;
    if (own == nullptr) {
        return out;
    }
    out.name = own->name.c_str();
    out.memory_bytes = own->memory_bytes;
    out.destroy = [](void *self) { delete static_cast<reranker *>(self); };
    if (own->rerank) {
        out.rerank = [](void *self, rekall_str query, const rekall_str *passages, std::size_t count,
                        float *scores) -> rekall_status {
            try {
                std::vector<std::string_view> views;
                views.reserve(count);
                for (std::size_t at = 0; at < count; ++at) {
                    views.emplace_back(passages[at].data, passages[at].len);
                }
                static_cast<reranker *>(self)->rerank({query.data, query.len}, views, scores);
                return REKALL_OK;
            } catch (const error &failed) {
                return number(failed.status() == status::ok ? status::callback : failed.status());
            } catch (...) {
                return REKALL_CALLBACK;
            }
        };
    }
    out.user_data = own.release();
    return out;
}

inline rekall_load_options c_load(const load_options &given, downloads &hearing)
{
    rekall_load_options out = REKALL_LOAD_OPTIONS_INIT;
    out.flags = (given.offline ? REKALL_LOAD_OFFLINE : 0u) | (given.model_host ? REKALL_LOAD_HOST : 0u);
    out.max_threads = given.max_threads;
    out.dimensions = given.dimensions;
    out.max_tokens = given.max_tokens;
    out.device = pointer(given.device);
    out.hub_cache = pointer(given.hub_cache);
    out.hub_endpoint = pointer(given.hub_endpoint);
    out.query_prefix = text(given.query_prefix);
    out.document_prefix = text(given.document_prefix);
    out.precision = pointer(given.precision);
    if (given.download) {
        out.download_user_data = &hearing;
        out.download = [](void *self, const char *file, std::uint64_t bytes, std::uint64_t total) {
            dropping(0, [&] { return static_cast<downloads *>(self)->tell(file, bytes, total), 0; });
        };
    }
    return out;
}

struct listeners {
    std::function<void(const event &)> on_event;
    std::function<void(log_level, std::string_view)> on_log;
};

inline std::optional<std::string_view> found(const char *text) noexcept
{
    return text != nullptr ? std::optional<std::string_view>(text) : std::nullopt;
}

inline event from_c(const rekall_event &c) noexcept
{
    return {event_kind{c.kind}, log_level{c.level}, view(c.message), found(c.model), found(c.reason), found(c.entry),
            std::chrono::microseconds(c.elapsed_us), c.bytes, c.count};
}

/* For a call that takes the listeners over, and frees them by destroy whatever it returns. */
inline rekall_listener c_listener(std::unique_ptr<listeners> own, std::int32_t level) noexcept
{
    rekall_listener out = REKALL_LISTENER_INIT;
    out.destroy = [](void *self) { delete static_cast<listeners *>(self); };
    out.log_level = level;
    if (own->on_event) {
        out.event = [](void *self, const rekall_event *happened) {
            dropping(0, [&] { return static_cast<listeners *>(self)->on_event(from_c(*happened)), 0; });
        };
    }
    if (own->on_log) {
        out.log = [](void *self, std::int32_t how_loud, const char *message, std::size_t len) {
            dropping(0, [&] { return static_cast<listeners *>(self)->on_log(log_level{how_loud}, {message, len}), 0; });
        };
    }
    out.user_data = own.release();
    return out;
}

inline std::int64_t read_now(void *self)
{
    return dropping(std::int64_t{0}, [&] { return since_1970(static_cast<kept *>(self)->now()); });
}

inline std::int64_t read_age(void *self)
{
    return dropping(std::int64_t{0}, [&] { return std::int64_t{static_cast<kept *>(self)->age().count()}; });
}

inline std::uint32_t flags(const open_options &options) noexcept
{
    return (options.read_only ? REKALL_OPEN_READ_ONLY : 0u) | (options.must_exist ? REKALL_OPEN_EXISTING : 0u) |
           (options.migrate ? REKALL_OPEN_MIGRATE : 0u) | (options.no_model ? REKALL_OPEN_NO_MODEL : 0u) |
           (options.secure_delete ? REKALL_OPEN_SECURE_DELETE : 0u) |
           (options.sync_full ? REKALL_OPEN_SYNC_FULL : 0u) |
           (options.unload_thread ? REKALL_OPEN_UNLOAD_THREAD : 0u) |
           (options.release_memory ? REKALL_OPEN_RELEASE_MEMORY : 0u) |
           (options.check_model ? REKALL_OPEN_CHECK_MODEL : 0u);
}

inline rekall_db *open(const c_text &path, const open_options &options, kept &callbacks)
{
    check_abi();
    rekall_open_options c = REKALL_OPEN_OPTIONS_INIT;
    c.flags = flags(options);
    c.search_threads = options.search_threads;
    c.config = text(options.config);
    c.config_file = pointer(options.config_file);
    c.model = pointer(options.model);
    c.vector_backend = options.vector_backend ? name(*options.vector_backend) : nullptr;
    c.vectors_name = pointer(options.vectors_name);
    c.vectors_dimensions = options.vectors_dimensions;
    c.cache_max_size = c_size(options.cache_max_size);
    c.cache_ttl_ms = c_duration(options.cache_ttl, "cache_ttl");
    c.model_idle_timeout_ms = c_duration(options.model_idle_timeout, "model_idle_timeout");
    c.busy_timeout_ms = c_duration(options.busy_timeout, "busy_timeout");
    c.memory_budget_bytes = c_size(options.memory_budget_bytes);
    c.rescored_rows = c_size(options.rescored_rows);
    rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
    if (options.load) {
        load = c_load(*options.load, callbacks.downloads);
        c.load = &load;
        if (options.load->download) {
            callbacks.downloads.hear(std::make_shared<const downloads::function>(options.load->download));
        }
    }
    rekall_load_options reranker_load = REKALL_LOAD_OPTIONS_INIT;
    c.reranker = pointer(options.reranker);
    if (options.reranker_load) {
        reranker_load = c_load(*options.reranker_load, callbacks.downloads);
        c.reranker_load = &reranker_load;
        if (options.reranker_load->download && !(options.load && options.load->download)) {
            callbacks.downloads.hear(std::make_shared<const downloads::function>(options.reranker_load->download));
        }
    }
    callbacks.now = options.now;
    callbacks.age = options.age;
    if (callbacks.now) {
        c.now_user_data = &callbacks;
        c.now_ms = read_now;
    }
    if (callbacks.age) {
        c.age_user_data = &callbacks;
        c.age_ms = read_age;
    }
    auto hearing = std::make_unique<listeners>(listeners{options.on_event, options.on_log});
    auto own = options.embedder ? copied(*options.embedder) : nullptr;
    auto judge = options.own_reranker ? copied(*options.own_reranker) : nullptr;
    /* From here on nothing throws before rekall_open(), which frees all of them whatever it returns. */
    const rekall_listener listener = c_listener(std::move(hearing), options.log_level ? number(*options.log_level) : 0);
    c.listener = &listener;
    const rekall_embedder embedder = c_embedder(std::move(own));
    c.embedder = embedder.user_data != nullptr ? &embedder : nullptr;
    const rekall_reranker own_reranker = c_reranker(std::move(judge));
    c.own_reranker = own_reranker.user_data != nullptr ? &own_reranker : nullptr;
    rekall_db *opened = nullptr;
    call(rekall_open, path.c_str(), &c, &opened);
    return opened;
}

/* An open file and what it calls, in one place: whatever happens to the memory, it is closed before they go. A memory and its
 * scopes call the same. */
struct opened {
    std::shared_ptr<kept> callbacks;
    owner<rekall_db, &rekall_close> db;

    opened(const c_text &path, const open_options &options)
        : callbacks(std::make_shared<kept>()), db(open(path, options, *callbacks))
    {
    }

    opened(std::shared_ptr<kept> parents, owner<rekall_db, &rekall_close> scope) noexcept
        : callbacks(std::move(parents)), db(std::move(scope))
    {
    }
};

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_OPTIONS_HPP */
