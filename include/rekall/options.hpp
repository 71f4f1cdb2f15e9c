/* How a memory is opened: its model, its clocks, who hears of it. Part of rekall.hpp. */
#ifndef REKALL_OPTIONS_HPP
#define REKALL_OPTIONS_HPP

#include "values.hpp"

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
    /* Fills texts.size() * dimensions numbers, row after row, all zero before. purpose is REKALL_EMBED_QUERY or
     * REKALL_EMBED_DOCUMENT. Any thread, also several at once. Its exception comes out of the call that fails for it (a
     * hybrid search goes by words instead); but a rekall::error with REKALL_MODEL_UNAVAILABLE says that there is no model
     * now, one with REKALL_INTERRUPTED that the call is to stop. */
    std::function<void(std::uint32_t purpose, const std::vector<std::string_view> &texts, float *rows)> embed;
    /* Counts tokens for max_tokens; without it bytes are counted. */
    std::function<std::size_t(std::string_view text)> count_tokens;
    /* Bytes of memory that it takes, for model_bytes of the figures; 0: not known. */
    std::uint64_t memory_bytes = 0;
};

/* How a model is loaded. What is empty follows the model's own files. */
struct load_options {
    /* REKALL_LOAD_ flags. */
    std::uint32_t flags = 0;
    std::uint32_t max_threads = 0;
    std::size_t dimensions = 0, max_tokens = 0;
    std::optional<std::string> device, hub_cache, hub_endpoint, query_prefix, document_prefix;
    /* Hears how a download comes along, on whatever thread loads the model. */
    std::function<void(std::string_view file, std::uint64_t bytes, std::uint64_t total)> download;
};

/* How a memory is opened. What is empty has its default. */
struct open_options {
    /* REKALL_OPEN_ flags. */
    std::uint32_t flags = 0;
    std::uint32_t search_threads = 0;
    std::optional<std::string> config, config_file, model, vector_backend;
    std::optional<load_options> load;
    std::optional<rekall::embedder> embedder;
    std::optional<std::string> vectors_name;
    std::size_t vectors_dimensions = 0;
    std::uint64_t cache_max_size = 0, cache_ttl_ms = 0, model_idle_timeout_ms = 0, busy_timeout_ms = 0;
    std::uint64_t memory_budget_bytes = 0, rescored_rows = 0;
    std::function<void(const rekall_event &)> on_event;
    std::function<void(std::int32_t level, std::string_view message)> on_log;
    std::int32_t log_level = 0;
    /* The clock that entries are stamped by, and that by which cached vectors and an idle model age. */
    std::function<std::int64_t()> now_ms, age_ms;
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
    std::function<std::int64_t()> now_ms, age_ms;
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
                static_cast<embedder *>(self)->embed(purpose, views, rows);
                return REKALL_OK;
            } catch (const error &failed) {
                if (failed.status() == REKALL_MODEL_UNAVAILABLE || failed.status() == REKALL_INTERRUPTED) {
                    return failed.status();
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

inline rekall_load_options c_load(const load_options &given, downloads &hearing)
{
    rekall_load_options out = REKALL_LOAD_OPTIONS_INIT;
    out.flags = given.flags;
    out.max_threads = given.max_threads;
    out.dimensions = given.dimensions;
    out.max_tokens = given.max_tokens;
    out.device = pointer(given.device);
    out.hub_cache = pointer(given.hub_cache);
    out.hub_endpoint = pointer(given.hub_endpoint);
    out.query_prefix = text(given.query_prefix);
    out.document_prefix = text(given.document_prefix);
    if (given.download) {
        out.download_user_data = &hearing;
        out.download = [](void *self, const char *file, std::uint64_t bytes, std::uint64_t total) {
            dropping(0, [&] { return static_cast<downloads *>(self)->tell(file, bytes, total), 0; });
        };
    }
    return out;
}

struct listeners {
    std::function<void(const rekall_event &)> on_event;
    std::function<void(std::int32_t, std::string_view)> on_log;
};

/* For a call that takes the listeners over, and frees them by destroy whatever it returns. */
inline rekall_listener c_listener(std::unique_ptr<listeners> own, std::int32_t log_level) noexcept
{
    rekall_listener out = REKALL_LISTENER_INIT;
    out.destroy = [](void *self) { delete static_cast<listeners *>(self); };
    out.log_level = log_level;
    if (own->on_event) {
        out.event = [](void *self, const rekall_event *event) {
            dropping(0, [&] { return static_cast<listeners *>(self)->on_event(*event), 0; });
        };
    }
    if (own->on_log) {
        out.log = [](void *self, std::int32_t level, const char *message, std::size_t len) {
            dropping(0, [&] { return static_cast<listeners *>(self)->on_log(level, {message, len}), 0; });
        };
    }
    out.user_data = own.release();
    return out;
}

inline std::int64_t read_clock(void *self)
{
    return dropping(std::int64_t{0}, [&] { return (*static_cast<std::function<std::int64_t()> *>(self))(); });
}

inline rekall_db *open(const c_text &path, const open_options &options, kept &callbacks)
{
    check_abi();
    rekall_open_options c = REKALL_OPEN_OPTIONS_INIT;
    c.flags = options.flags;
    c.search_threads = options.search_threads;
    c.config = text(options.config);
    c.config_file = pointer(options.config_file);
    c.model = pointer(options.model);
    c.vector_backend = pointer(options.vector_backend);
    c.vectors_name = pointer(options.vectors_name);
    c.vectors_dimensions = options.vectors_dimensions;
    c.cache_max_size = options.cache_max_size;
    c.cache_ttl_ms = options.cache_ttl_ms;
    c.model_idle_timeout_ms = options.model_idle_timeout_ms;
    c.busy_timeout_ms = options.busy_timeout_ms;
    c.memory_budget_bytes = options.memory_budget_bytes;
    c.rescored_rows = options.rescored_rows;
    rekall_load_options load = REKALL_LOAD_OPTIONS_INIT;
    if (options.load) {
        load = c_load(*options.load, callbacks.downloads);
        c.load = &load;
        if (options.load->download) {
            callbacks.downloads.hear(std::make_shared<const downloads::function>(options.load->download));
        }
    }
    callbacks.now_ms = options.now_ms;
    callbacks.age_ms = options.age_ms;
    if (callbacks.now_ms) {
        c.now_user_data = &callbacks.now_ms;
        c.now_ms = read_clock;
    }
    if (callbacks.age_ms) {
        c.age_user_data = &callbacks.age_ms;
        c.age_ms = read_clock;
    }
    auto hearing = std::make_unique<listeners>(listeners{options.on_event, options.on_log});
    auto own = options.embedder ? copied(*options.embedder) : nullptr;
    /* From here on nothing throws before rekall_open(), which frees both whatever it returns. */
    const rekall_listener listener = c_listener(std::move(hearing), options.log_level);
    c.listener = &listener;
    const rekall_embedder embedder = c_embedder(std::move(own));
    c.embedder = embedder.user_data != nullptr ? &embedder : nullptr;
    rekall_db *opened = nullptr;
    call(rekall_open, path.c_str(), &c, &opened);
    return opened;
}

/* An open file and what it calls, in one place: whatever happens to the memory, it is closed before they go. */
struct opened {
    kept callbacks;
    owner<rekall_db, &rekall_close> db;

    opened(const c_text &path, const open_options &options) : db(open(path, options, callbacks)) {}
};

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_OPTIONS_HPP */
