/*
 * rekall for C++17: rekall.h with owners, exceptions, string views and ranges. Header only.
 *
 *     rekall::memory memory("knowledge.db");
 *     memory.remember({"CORS fails on Safari", "The preflight answer lacks a header."});
 *     for (const auto &hit : memory.recall("browser blocks my API call"))
 *         std::cout << hit.score() << "  " << hit.entry().title() << '\n';
 *
 * A call that fails throws rekall::error, which carries the status. Handles, hits, entries and the like are move-only and
 * free themselves; what their functions return as a string_view lives as long as they do. Callbacks may throw: the
 * exception does not cross the library; it comes out of the call that it stopped (a progress function, a reader, a
 * writer), fails it with REKALL_CALLBACK (an embedder), or is dropped (listeners, which have nobody to tell). What
 * rekall.h says of threads holds here, too.
 */
#ifndef REKALL_HPP
#define REKALL_HPP

#include "rekall.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rekall {

/* A failed call. */
class error : public std::runtime_error {
public:
    error(rekall_status status, const std::string &message) : std::runtime_error(message), status_(status) {}

    /* A REKALL_ code. */
    rekall_status status() const noexcept { return status_; }
    /* Its name. */
    const char *name() const noexcept { return rekall_status_name(status_); }

private:
    rekall_status status_;
};

/* So many numbers at a place; made of vectors, arrays, or pointer and length. Borrows. */
class floats {
public:
    constexpr floats() noexcept = default;
    constexpr floats(const float *data, std::size_t size) noexcept : data_(data), size_(size) {}
    floats(const std::vector<float> &values) noexcept : data_(values.data()), size_(values.size()) {}
    template <std::size_t N>
    constexpr floats(const std::array<float, N> &values) noexcept : data_(values.data()), size_(N) {}
    template <std::size_t N>
    constexpr floats(const float (&values)[N]) noexcept : data_(values), size_(N) {}

    constexpr const float *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr const float *begin() const noexcept { return data_; }
    constexpr const float *end() const noexcept { return data_ + size_; }

private:
    const float *data_ = nullptr;
    std::size_t size_ = 0;
};

/* A time in milliseconds in an option struct, where 0 would be the default. */
inline constexpr std::uint64_t never = REKALL_NEVER;
inline constexpr std::uint64_t zero = REKALL_ZERO;

namespace detail {

inline void check(rekall_status status, rekall_error *failed)
{
    if (status == REKALL_OK) {
        return;
    }
    const std::unique_ptr<rekall_error, decltype(&rekall_error_free)> owner(failed, &rekall_error_free);
    throw error(status, rekall_error_message(failed));
}

/* Calls a function whose last parameter is the error. */
template <typename Function, typename... Arguments>
void call(Function function, Arguments... arguments)
{
    rekall_error *failed = nullptr;
    const rekall_status status = function(arguments..., &failed);
    check(status, failed);
}

inline rekall_str text(std::string_view text) noexcept
{
    /* A pointer even for the empty text: NULL would be "not given". */
    return {text.data() != nullptr ? text.data() : "", text.size()};
}

inline rekall_str text(const std::optional<std::string> &given) noexcept
{
    return given ? text(std::string_view(*given)) : rekall_str{nullptr, 0};
}

inline std::vector<rekall_str> texts(const std::vector<std::string> &list)
{
    std::vector<rekall_str> out;
    out.reserve(list.size());
    for (const std::string &item : list) {
        out.push_back(text(std::string_view(item)));
    }
    return out;
}

inline std::string_view view(const char *data, std::size_t len) noexcept
{
    return data != nullptr ? std::string_view(data, len) : std::string_view();
}

template <auto Free>
struct freer {
    template <typename T>
    void operator()(T *object) const noexcept
    {
        Free(object);
    }
};

template <typename T, auto Free>
using owner = std::unique_ptr<T, freer<Free>>;

} /* namespace detail */

/* A rekall_entry that belongs to somebody else, such as hits. */
class entry_view {
public:
    explicit entry_view(const rekall_entry *entry) noexcept : entry_(entry) {}

    std::string_view id() const noexcept { return detail::view(rekall_entry_id(entry_), REKALL_ID_LEN); }
    std::string_view title() const noexcept { return get(rekall_entry_title); }
    std::string_view content() const noexcept { return get(rekall_entry_content); }
    std::string_view kind() const noexcept { return get(rekall_entry_kind); }
    std::optional<std::string_view> project() const noexcept { return find(rekall_entry_project); }
    std::string_view memory_type() const noexcept { return get(rekall_entry_memory_type); }
    /* A JSON object. */
    std::string_view metadata() const noexcept { return get(rekall_entry_metadata); }
    /* JSON, when an imported file had something without a place elsewhere. */
    std::optional<std::string_view> legacy() const noexcept { return find(rekall_entry_legacy); }
    /* The whole entry as a JSON object. */
    std::string_view json() const noexcept { return get(rekall_entry_json); }

    std::vector<std::string_view> tags() const
    {
        std::vector<std::string_view> out(rekall_entry_tag_count(entry_));
        for (std::size_t at = 0; at < out.size(); ++at) {
            std::size_t len = 0;
            const char *data = rekall_entry_tag(entry_, at, &len);
            out[at] = detail::view(data, len);
        }
        return out;
    }

    /* The texts of one part of the context, a REKALL_CONTEXT_ number. */
    std::vector<std::string_view> context(std::uint32_t part) const
    {
        std::vector<std::string_view> out(rekall_entry_context_count(entry_, part));
        for (std::size_t at = 0; at < out.size(); ++at) {
            std::size_t len = 0;
            const char *data = rekall_entry_context_text(entry_, part, at, &len);
            out[at] = detail::view(data, len);
        }
        return out;
    }

    bool has_context() const noexcept { return rekall_entry_has_context(entry_) != 0; }
    bool is_active() const noexcept { return rekall_entry_status(entry_) == REKALL_ENTRY_ACTIVE; }
    unsigned confidence() const noexcept { return rekall_entry_confidence(entry_); }
    std::int64_t created_at_ms() const noexcept { return rekall_entry_created_at_ms(entry_); }
    std::int64_t updated_at_ms() const noexcept { return rekall_entry_updated_at_ms(entry_); }

    std::optional<std::string_view> superseded_by() const noexcept
    {
        const char *id = rekall_entry_superseded_by(entry_);
        return id != nullptr ? std::optional<std::string_view>(std::string_view(id, REKALL_ID_LEN)) : std::nullopt;
    }

    const rekall_entry *c_ptr() const noexcept { return entry_; }

private:
    using reader = const char *(*)(const rekall_entry *, std::size_t *);

    std::string_view get(reader read) const noexcept
    {
        std::size_t len = 0;
        const char *data = read(entry_, &len);
        return detail::view(data, len);
    }

    std::optional<std::string_view> find(reader read) const noexcept
    {
        std::size_t len = 0;
        const char *data = read(entry_, &len);
        return data != nullptr ? std::optional<std::string_view>(std::string_view(data, len)) : std::nullopt;
    }

    const rekall_entry *entry_;
};

/* An entry of its own. */
class entry : public entry_view {
public:
    explicit entry(rekall_entry *owned) noexcept : entry_view(owned), owned_(owned) {}

private:
    detail::owner<rekall_entry, &rekall_entry_free> owned_;
};

/* One of hits, which must outlive it. */
class hit {
public:
    hit(const rekall_hits *hits, std::size_t index) noexcept : hits_(hits), index_(index) {}

    entry_view entry() const noexcept { return entry_view(rekall_hits_entry(hits_, index_)); }
    double score() const noexcept { return rekall_hits_score(hits_, index_); }

    std::optional<float> similarity() const noexcept
    {
        const float similarity = rekall_hits_similarity(hits_, index_);
        return std::isnan(similarity) ? std::nullopt : std::optional<float>(similarity);
    }

    std::optional<rekall_chunk> chunk() const noexcept
    {
        rekall_chunk chunk = {0, 0, 0, 0};
        return rekall_hits_chunk(hits_, index_, &chunk) != 0 ? std::optional<rekall_chunk>(chunk) : std::nullopt;
    }

    /* Place in one leg of the search (a REKALL_LEG_ number), from 1; 0: not found by it. */
    std::size_t rank(std::uint32_t leg) const noexcept { return rekall_hits_leg_rank(hits_, index_, leg); }
    double leg_score(std::uint32_t leg) const noexcept { return rekall_hits_leg_score(hits_, index_, leg); }

private:
    const rekall_hits *hits_;
    std::size_t index_;
};

/* What a search found, best first. */
class hits {
public:
    explicit hits(rekall_hits *owned) noexcept : owned_(owned) {}

    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = hit;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = hit;

        iterator(const rekall_hits *hits, std::size_t index) noexcept : hits_(hits), index_(index) {}
        hit operator*() const noexcept { return hit(hits_, index_); }
        iterator &operator++() noexcept
        {
            ++index_;
            return *this;
        }
        iterator operator++(int) noexcept
        {
            iterator before = *this;
            ++index_;
            return before;
        }
        bool operator==(const iterator &other) const noexcept { return index_ == other.index_; }
        bool operator!=(const iterator &other) const noexcept { return index_ != other.index_; }

    private:
        const rekall_hits *hits_;
        std::size_t index_;
    };

    std::size_t size() const noexcept { return rekall_hits_count(owned_.get()); }
    bool empty() const noexcept { return size() == 0; }
    hit operator[](std::size_t index) const noexcept { return hit(owned_.get(), index); }
    hit at(std::size_t index) const
    {
        if (index >= size()) {
            throw std::out_of_range("rekall::hits::at");
        }
        return hit(owned_.get(), index);
    }
    iterator begin() const noexcept { return iterator(owned_.get(), 0); }
    iterator end() const noexcept { return iterator(owned_.get(), size()); }

    /* What kept the search from being complete, in words; usually nothing. */
    std::vector<std::string_view> degraded() const
    {
        std::vector<std::string_view> out(rekall_hits_degraded_count(owned_.get()));
        for (std::size_t at = 0; at < out.size(); ++at) {
            std::size_t len = 0;
            const char *data = rekall_hits_degraded(owned_.get(), at, &len);
            out[at] = detail::view(data, len);
        }
        return out;
    }

    std::chrono::microseconds elapsed() const noexcept
    {
        return std::chrono::microseconds(rekall_hits_elapsed_us(owned_.get()));
    }

    const rekall_hits *c_ptr() const noexcept { return owned_.get(); }

private:
    detail::owner<rekall_hits, &rekall_hits_free> owned_;
};

/* What upkeep, import or export found and did. */
class report {
public:
    explicit report(rekall_report *owned) noexcept : owned_(owned) {}

    std::uint64_t number(const char *key) const noexcept { return rekall_report_number(owned_.get(), key); }
    std::string_view json() const noexcept
    {
        std::size_t len = 0;
        const char *data = rekall_report_json(owned_.get(), &len);
        return detail::view(data, len);
    }
    std::vector<std::string_view> lines() const
    {
        std::vector<std::string_view> out(rekall_report_line_count(owned_.get()));
        for (std::size_t at = 0; at < out.size(); ++at) {
            std::size_t len = 0;
            const char *data = rekall_report_line(owned_.get(), at, &len);
            out[at] = detail::view(data, len);
        }
        return out;
    }

private:
    detail::owner<rekall_report, &rekall_report_free> owned_;
};

/* Stops calls from another thread. */
class token {
public:
    token() : owned_(rekall_token_new()) {}

    void cancel() noexcept { rekall_token_cancel(owned_.get()); }
    bool is_cancelled() const noexcept { return rekall_token_is_cancelled(owned_.get()) != 0; }
    rekall_token *c_ptr() const noexcept { return owned_.get(); }

private:
    detail::owner<rekall_token, &rekall_token_free> owned_;
};

/* What surrounded an entry. */
struct context {
    std::optional<std::string> situation, solution, what_failed, text;
    std::vector<std::string> trigger_keywords, error_messages, files;
};

/* An entry to be remembered. Only the title is required. */
struct new_entry {
    new_entry() = default;
    new_entry(std::string title) : title(std::move(title)) {}
    new_entry(const char *title) : title(title) {}
    new_entry(std::string title, std::string content) : title(std::move(title)), content(std::move(content)) {}

    std::string title;
    std::optional<std::string> content, kind, project, memory_type;
    std::vector<std::string> tags;
    /* 0 to 5. */
    std::optional<unsigned> confidence;
    std::optional<rekall::context> context;
    /* A JSON object. */
    std::optional<std::string> metadata;
};

/* What an update changes. A member not set stays as it is; an inner nullopt removes it. */
struct patch {
    std::optional<std::string> title, content, kind, memory_type;
    std::optional<std::optional<std::string>> project, superseded_by;
    std::optional<std::vector<std::string>> tags;
    std::optional<bool> active;
    std::optional<unsigned> confidence;
    std::optional<std::optional<rekall::context>> context;
    std::optional<std::string> metadata;
};

/* Which entries a search may find: conditions, all of which must hold. */
struct filter {
    std::vector<std::string> kinds, projects, tags_any, tags_all, memory_types;
    /* REKALL_ENTRY_ACTIVE, REKALL_ENTRY_OBSOLETE or REKALL_ENTRY_ANY. */
    std::uint32_t status = REKALL_ENTRY_ACTIVE;
    std::optional<std::vector<std::string>> ids;
    /* Keys of the metadata, and the JSON text of the values they must have. */
    std::vector<std::pair<std::string, std::string>> metadata;
    std::optional<std::int64_t> created_after_ms, created_before_ms, updated_after_ms, updated_before_ms;
};

/* How a search is done. */
struct recall_options {
    std::uint32_t mode = 0;
    std::uint32_t role = 0;
    std::size_t limit = 10;
    std::optional<float> threshold;
    std::optional<std::pair<double, double>> weights;
    bool prefix = false;
    std::optional<rekall::filter> filter;
    std::uint64_t keep_alive_ms = 0;
    const rekall::token *token = nullptr;
};

/* How a long call is watched: progress returns false to stop it. */
struct watch {
    std::function<bool(std::uint64_t done, std::uint64_t total)> progress;
    const rekall::token *token = nullptr;
};

/* A model of the program's own. */
struct embedder {
    std::string name;
    std::size_t dimensions = 0;
    std::size_t max_tokens = 0;
    /* Fills texts.size() * dimensions numbers, row after row, all zero before. purpose is REKALL_EMBED_QUERY or
     * REKALL_EMBED_DOCUMENT. Any thread, also several at once. */
    std::function<void(std::uint32_t purpose, const std::vector<std::string_view> &texts, float *rows)> embed;
};

/* How a memory is opened. What is empty has its default. */
struct open_options {
    /* REKALL_OPEN_ flags. */
    std::uint32_t flags = 0;
    std::uint32_t search_threads = 0;
    std::optional<std::string> config, config_file, model, vector_backend;
    std::optional<rekall::embedder> embedder;
    std::optional<std::string> vectors_name;
    std::size_t vectors_dimensions = 0;
    std::uint64_t cache_max_size = 0, cache_ttl_ms = 0, model_idle_timeout_ms = 0, busy_timeout_ms = 0;
    std::function<void(const rekall_event &)> on_event;
    std::function<void(std::int32_t level, std::string_view message)> on_log;
    std::int32_t log_level = 0;
};

namespace detail {

/* C structs with the memory that they point to. */
struct c_context {
    rekall_context value = REKALL_CONTEXT_INIT;
    std::vector<rekall_str> keywords, messages, files;

    explicit c_context(const context &given)
        : keywords(texts(given.trigger_keywords)), messages(texts(given.error_messages)), files(texts(given.files))
    {
        value.situation = text(given.situation);
        value.solution = text(given.solution);
        value.what_failed = text(given.what_failed);
        value.text = text(given.text);
        value.trigger_keywords = keywords.data();
        value.trigger_keywords_count = keywords.size();
        value.error_messages = messages.data();
        value.error_messages_count = messages.size();
        value.files = files.data();
        value.files_count = files.size();
    }
};

struct c_entries {
    std::vector<rekall_new_entry> values;
    std::vector<std::vector<rekall_str>> tags;
    std::vector<std::unique_ptr<c_context>> contexts;

    c_entries(const new_entry *given, std::size_t count)
    {
        values.reserve(count);
        for (std::size_t at = 0; at < count; ++at) {
            const new_entry &from = given[at];
            rekall_new_entry to = REKALL_NEW_ENTRY_INIT;
            to.title = text(std::string_view(from.title));
            to.content = text(from.content);
            to.kind = text(from.kind);
            to.project = text(from.project);
            to.memory_type = text(from.memory_type);
            to.metadata = text(from.metadata);
            if (from.confidence) {
                to.flags |= REKALL_NEW_ENTRY_CONFIDENCE;
                to.confidence = *from.confidence;
            }
            tags.push_back(texts(from.tags));
            to.tags = tags.back().data();
            to.tags_count = tags.back().size();
            if (from.context) {
                contexts.push_back(std::make_unique<c_context>(*from.context));
                to.context = &contexts.back()->value;
            }
            values.push_back(to);
        }
    }
};

struct c_filter {
    rekall_filter value = REKALL_FILTER_INIT;
    std::vector<rekall_str> lists[6];
    std::vector<rekall_metadata_condition> metadata;

    explicit c_filter(const filter &given)
    {
        value.status = given.status;
        list(0, given.kinds, value.kinds, value.kinds_count);
        list(1, given.projects, value.projects, value.projects_count);
        list(2, given.tags_any, value.tags_any, value.tags_any_count);
        list(3, given.tags_all, value.tags_all, value.tags_all_count);
        list(4, given.memory_types, value.memory_types, value.memory_types_count);
        if (given.ids) {
            value.flags |= REKALL_FILTER_IDS;
            list(5, *given.ids, value.ids, value.ids_count);
        }
        for (const auto &[key, wanted] : given.metadata) {
            metadata.push_back({text(std::string_view(key)), text(std::string_view(wanted))});
        }
        value.metadata = metadata.data();
        value.metadata_count = metadata.size();
        bound(given.created_after_ms, value.created_after_ms, REKALL_FILTER_CREATED_AFTER);
        bound(given.created_before_ms, value.created_before_ms, REKALL_FILTER_CREATED_BEFORE);
        bound(given.updated_after_ms, value.updated_after_ms, REKALL_FILTER_UPDATED_AFTER);
        bound(given.updated_before_ms, value.updated_before_ms, REKALL_FILTER_UPDATED_BEFORE);
    }

private:
    void list(int number, const std::vector<std::string> &from, const rekall_str *&to, std::size_t &count)
    {
        lists[number] = texts(from);
        to = lists[number].data();
        count = lists[number].size();
    }

    void bound(const std::optional<std::int64_t> &from, std::int64_t &to, std::uint32_t flag)
    {
        if (from) {
            to = *from;
            value.flags |= flag;
        }
    }
};

/* A watch whose progress function may throw: the exception waits here until the call is over. */
struct c_watch {
    rekall_watch value = REKALL_WATCH_INIT;
    const watch &given;
    std::exception_ptr thrown;

    explicit c_watch(const watch &watched) : given(watched)
    {
        value.token = watched.token != nullptr ? watched.token->c_ptr() : nullptr;
        value.user_data = this;
        if (watched.progress) {
            value.progress = [](void *self, std::uint64_t done, std::uint64_t total) -> std::int32_t {
                auto &me = *static_cast<c_watch *>(self);
                try {
                    return me.given.progress(done, total) ? 0 : 1;
                } catch (...) {
                    me.thrown = std::current_exception();
                    return 1;
                }
            };
        }
    }

    void rethrow() const
    {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
    }
};

/* Calls a function that ends with watch, out and error. */
template <typename Out, typename Function, typename... Arguments>
Out watched(const watch &watch, Function function, Arguments... arguments)
{
    c_watch c(watch);
    Out out{};
    rekall_error *failed = nullptr;
    const rekall_status status = function(arguments..., &c.value, &out, &failed);
    if (c.thrown) {
        rekall_error_free(failed);
        c.rethrow();
    }
    check(status, failed);
    return out;
}

inline rekall_embedder c_embedder(const embedder &given)
{
    rekall_embedder out = REKALL_EMBEDDER_INIT;
    auto *kept = new embedder(given);
    out.name = kept->name.c_str();
    out.dimensions = kept->dimensions;
    out.max_tokens = kept->max_tokens;
    out.user_data = kept;
    out.destroy = [](void *self) { delete static_cast<embedder *>(self); };
    if (kept->embed) {
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
                return failed.status();
            } catch (...) {
                return REKALL_CALLBACK;
            }
        };
    }
    return out;
}

struct listeners {
    std::function<void(const rekall_event &)> on_event;
    std::function<void(std::int32_t, std::string_view)> on_log;
};

} /* namespace detail */

/* An open memory: one file. Any number of threads may use one at once. */
class memory {
public:
    explicit memory(const std::string &path, const open_options &options = {})
    {
        rekall_open_options c = REKALL_OPEN_OPTIONS_INIT;
        c.flags = options.flags;
        c.search_threads = options.search_threads;
        c.config = detail::text(options.config);
        c.config_file = pointer(options.config_file);
        c.model = pointer(options.model);
        c.vector_backend = pointer(options.vector_backend);
        c.vectors_name = pointer(options.vectors_name);
        c.vectors_dimensions = options.vectors_dimensions;
        c.cache_max_size = options.cache_max_size;
        c.cache_ttl_ms = options.cache_ttl_ms;
        c.model_idle_timeout_ms = options.model_idle_timeout_ms;
        c.busy_timeout_ms = options.busy_timeout_ms;
        rekall_listener listener = REKALL_LISTENER_INIT;
        if (options.on_event || options.on_log) {
            listener.user_data = new detail::listeners{options.on_event, options.on_log};
            listener.destroy = [](void *self) { delete static_cast<detail::listeners *>(self); };
            listener.log_level = options.log_level;
            if (options.on_event) {
                listener.event = [](void *self, const rekall_event *event) {
                    try {
                        static_cast<detail::listeners *>(self)->on_event(*event);
                    } catch (...) {
                    }
                };
            }
            if (options.on_log) {
                listener.log = [](void *self, std::int32_t level, const char *message, std::size_t len) {
                    try {
                        static_cast<detail::listeners *>(self)->on_log(level, std::string_view(message, len));
                    } catch (...) {
                    }
                };
            }
            c.listener = &listener;
        }
        rekall_embedder embedder = REKALL_EMBEDDER_INIT;
        if (options.embedder) {
            embedder = detail::c_embedder(*options.embedder);
            c.embedder = &embedder;
        }
        rekall_db *opened = nullptr;
        detail::call(rekall_open, path.c_str(), &c, &opened);
        owned_.reset(opened);
    }

    /* Remembers one entry and gives its id. */
    std::string remember(const new_entry &entry, floats vector = {})
    {
        const detail::c_entries c(&entry, 1);
        rekall_remember_options options = REKALL_REMEMBER_OPTIONS_INIT;
        options.vectors = vector.data();
        options.vectors_len = vector.size();
        rekall_id id;
        detail::call(rekall_remember, get(), c.values.data(), &options, &id);
        return id.text;
    }

    /* Remembers all entries or none, and gives their ids in order. */
    std::vector<std::string> remember_many(const std::vector<new_entry> &entries, const watch &watch = {})
    {
        const detail::c_entries c(entries.data(), entries.size());
        detail::c_watch watching(watch);
        rekall_remember_options options = REKALL_REMEMBER_OPTIONS_INIT;
        options.progress = watching.value.progress;
        options.user_data = watching.value.user_data;
        options.token = watching.value.token;
        std::vector<rekall_id> ids(entries.size());
        rekall_error *failed = nullptr;
        const rekall_status status =
            rekall_remember_many(get(), c.values.data(), entries.size(), &options, ids.data(), &failed);
        if (watching.thrown) {
            rekall_error_free(failed);
            watching.rethrow();
        }
        detail::check(status, failed);
        std::vector<std::string> out;
        out.reserve(ids.size());
        for (const rekall_id &id : ids) {
            out.emplace_back(id.text);
        }
        return out;
    }

    rekall::entry get(const std::string &id) const
    {
        rekall_entry *out = nullptr;
        detail::call(rekall_get, get(), id.c_str(), &out);
        return rekall::entry(out);
    }

    rekall::entry update(const std::string &id, const patch &given)
    {
        rekall_patch c = REKALL_PATCH_INIT;
        c.title = detail::text(given.title);
        c.content = detail::text(given.content);
        c.kind = detail::text(given.kind);
        c.memory_type = detail::text(given.memory_type);
        c.metadata = detail::text(given.metadata);
        if (given.project) {
            c.project = detail::text(*given.project);
            c.flags |= *given.project ? 0u : static_cast<std::uint32_t>(REKALL_PATCH_REMOVE_PROJECT);
        }
        if (given.superseded_by) {
            c.superseded_by = pointer(*given.superseded_by);
            c.flags |= *given.superseded_by ? 0u : static_cast<std::uint32_t>(REKALL_PATCH_REMOVE_SUPERSEDED_BY);
        }
        std::vector<rekall_str> tags;
        if (given.tags) {
            tags = detail::texts(*given.tags);
            c.flags |= REKALL_PATCH_TAGS;
            c.tags = tags.data();
            c.tags_count = tags.size();
        }
        std::unique_ptr<detail::c_context> context;
        if (given.context && *given.context) {
            context = std::make_unique<detail::c_context>(**given.context);
            c.context = &context->value;
        } else if (given.context) {
            c.flags |= REKALL_PATCH_REMOVE_CONTEXT;
        }
        if (given.active) {
            c.status = *given.active ? REKALL_ENTRY_ACTIVE : REKALL_ENTRY_OBSOLETE;
        }
        if (given.confidence) {
            c.flags |= REKALL_PATCH_CONFIDENCE;
            c.confidence = *given.confidence;
        }
        rekall_entry *out = nullptr;
        detail::call(rekall_update, get(), id.c_str(), &c, &out);
        return rekall::entry(out);
    }

    void forget(const std::string &id) { detail::call(rekall_forget, get(), id.c_str()); }

    void link(const std::string &source, const std::string &target, const std::string &relation,
              std::string_view reason = {})
    {
        detail::call(rekall_link, get(), source.c_str(), target.c_str(), relation.c_str(), reason.data(),
                     reason.size());
    }

    /* Whether there was one. */
    bool unlink(const std::string &source, const std::string &target, const std::string &relation)
    {
        std::int32_t removed = 0;
        detail::call(rekall_unlink, get(), source.c_str(), target.c_str(), relation.c_str(), &removed);
        return removed != 0;
    }

    hits recall(std::string_view query, const recall_options &options = {}) const
    {
        return search(options, [&](rekall_recall_options &c, rekall_hits **out) {
            const rekall_str text = detail::text(query);
            detail::call(rekall_recall, get(), text.data, text.len, &c, out);
        });
    }

    /* As recall(), with a vector for the meaning that the program made itself. */
    hits recall(std::string_view query, floats vector, const recall_options &options = {}) const
    {
        return search(options, [&](rekall_recall_options &c, rekall_hits **out) {
            c.vector = vector.data();
            c.vector_len = vector.size();
            const rekall_str text = detail::text(query);
            detail::call(rekall_recall, get(), text.data, text.len, &c, out);
        });
    }

    hits recall_vector(floats vector, const recall_options &options = {}) const
    {
        return search(options, [&](rekall_recall_options &c, rekall_hits **out) {
            detail::call(rekall_recall_vector, get(), vector.data(), vector.size(), &c, out);
        });
    }

    hits similar(const std::string &id, std::size_t limit = 10, float threshold = 0.75f,
                 const filter &filter = {}) const
    {
        const detail::c_filter c(filter);
        rekall_similar_options options = REKALL_SIMILAR_OPTIONS_INIT;
        options.flags = REKALL_SIMILAR_THRESHOLD;
        options.threshold = threshold;
        options.limit = limit;
        options.filter = &c.value;
        rekall_hits *out = nullptr;
        detail::call(rekall_similar, get(), id.c_str(), &options, &out);
        return hits(out);
    }

    std::vector<float> embed(std::string_view text, std::uint32_t purpose = REKALL_EMBED_QUERY) const
    {
        std::vector<float> out;
        std::size_t needed = 0;
        const rekall_str c = detail::text(text);
        for (;;) {
            rekall_error *failed = nullptr;
            const rekall_status status =
                rekall_embed(get(), purpose, c.data, c.len, out.data(), out.size(), &needed, &failed);
            if (status != REKALL_BUFFER_TOO_SMALL) {
                detail::check(status, failed);
                out.resize(needed);
                return out;
            }
            rekall_error_free(failed);
            out.resize(needed);
        }
    }

    rekall_stats stats() const
    {
        rekall_stats out = REKALL_STATS_INIT;
        detail::call(rekall_get_stats, get(), &out);
        return out;
    }

    rekall_embedded embed_pending(const watch &watch = {})
    {
        return embedded(watch, [&](const rekall_watch *c, rekall_embedded *out, rekall_error **failed) {
            return rekall_embed_pending(get(), c, out, failed);
        });
    }

    /* "bundled", "path:FOLDER" or "hub:OWNER/NAME[@REVISION]". */
    rekall_embedded reembed(const std::string &model, const watch &watch = {})
    {
        rekall_reembed_options options = REKALL_REEMBED_OPTIONS_INIT;
        options.model = model.c_str();
        return embedded(watch, [&](const rekall_watch *c, rekall_embedded *out, rekall_error **failed) {
            return rekall_reembed(get(), &options, c, out, failed);
        });
    }

    rekall_embedded reembed(const embedder &model, const watch &watch = {})
    {
        const rekall_embedder c_model = detail::c_embedder(model);
        rekall_reembed_options options = REKALL_REEMBED_OPTIONS_INIT;
        options.embedder = &c_model;
        return embedded(watch, [&](const rekall_watch *c, rekall_embedded *out, rekall_error **failed) {
            return rekall_reembed(get(), &options, c, out, failed);
        });
    }

    report check() const { return plain(rekall_check); }
    report repair() { return plain(rekall_repair); }
    report compact() { return plain(rekall_compact); }
    void rebuild_index() { detail::call(rekall_rebuild_index, get()); }
    void clear_cache() { detail::call(rekall_clear_cache, get()); }
    void release_memory() { detail::call(rekall_release_memory, get()); }

    void backup(const std::string &target, const watch &watch = {})
    {
        detail::c_watch c(watch);
        rekall_error *failed = nullptr;
        const rekall_status status = rekall_backup(get(), target.c_str(), &c.value, &failed);
        if (c.thrown) {
            rekall_error_free(failed);
            c.rethrow();
        }
        detail::check(status, failed);
    }

    report export_jsonl(const std::string &path, const watch &watch = {}) const
    {
        return report(detail::watched<rekall_report *>(watch, rekall_export_jsonl, get(), path.c_str()));
    }

    /* To a function that is given piece after piece. */
    report export_jsonl(const std::function<void(std::string_view)> &write, const watch &watch = {}) const
    {
        struct state {
            const std::function<void(std::string_view)> &write;
            std::exception_ptr thrown;
        } state{write, nullptr};
        rekall_write_fn to = [](void *self, const char *bytes, std::size_t len) -> rekall_status {
            auto &me = *static_cast<struct state *>(self);
            try {
                me.write(std::string_view(bytes, len));
                return REKALL_OK;
            } catch (...) {
                me.thrown = std::current_exception();
                return REKALL_CALLBACK;
            }
        };
        try {
            return report(detail::watched<rekall_report *>(watch, rekall_export_jsonl_to, get(), to,
                                                           static_cast<void *>(&state)));
        } catch (const error &) {
            if (state.thrown) {
                std::rethrow_exception(state.thrown);
            }
            throw;
        }
    }

    report import_jsonl(const std::string &path, std::uint32_t on_duplicate = REKALL_DUPLICATE_SKIP,
                        const watch &watch = {})
    {
        return report(
            detail::watched<rekall_report *>(watch, rekall_import_jsonl, get(), path.c_str(), on_duplicate));
    }

    report import_legacy(const std::string &path, std::int32_t utc_offset_minutes = REKALL_UTC_OFFSET_AUTO,
                         const watch &watch = {})
    {
        return report(
            detail::watched<rekall_report *>(watch, rekall_import_legacy, get(), path.c_str(), utc_offset_minutes));
    }

    void load_model() { detail::call(rekall_model_load, get()); }
    void unload_model() { detail::call(rekall_model_unload, get(), static_cast<std::uint32_t *>(nullptr)); }
    void touch_model() { detail::call(rekall_model_touch, get()); }

    std::uint32_t model_state() const
    {
        std::uint32_t out = 0;
        detail::call(rekall_model_state, get(), &out);
        return out;
    }

    /* Bytes that this freed. */
    std::uint64_t unload_if_idle()
    {
        std::uint64_t out = 0;
        detail::call(rekall_unload_if_idle, get(), &out);
        return out;
    }

    /* When unload_if_idle() will have something to do; nullopt: not to be expected. */
    std::optional<std::chrono::milliseconds> next_deadline() const
    {
        std::uint64_t out = 0;
        detail::call(rekall_next_deadline_ms, get(), &out);
        if (out == REKALL_NEVER) {
            return std::nullopt;
        }
        return std::chrono::milliseconds(static_cast<std::int64_t>(out));
    }

    /* Stops what runs now, from any thread. */
    void interrupt() noexcept { rekall_interrupt(get()); }

    std::string_view path() const noexcept { return rekall_path(get()); }

    /* For what this wrapper does not cover. */
    rekall_db *c_ptr() const noexcept { return owned_.get(); }

private:
    rekall_db *get() const noexcept { return owned_.get(); }

    static const char *pointer(const std::optional<std::string> &text) noexcept
    {
        return text ? text->c_str() : nullptr;
    }

    template <typename Run>
    hits search(const recall_options &options, Run run) const
    {
        rekall_recall_options c = REKALL_RECALL_OPTIONS_INIT;
        c.mode = options.mode;
        c.role = options.role;
        c.limit = options.limit;
        if (options.threshold) {
            c.flags |= REKALL_RECALL_THRESHOLD;
            c.threshold = *options.threshold;
        }
        if (options.weights) {
            c.flags |= REKALL_RECALL_WEIGHTS;
            c.semantic_weight = options.weights->first;
            c.text_weight = options.weights->second;
        }
        c.flags |= options.prefix ? static_cast<std::uint32_t>(REKALL_RECALL_PREFIX) : 0u;
        c.keep_alive_ms = options.keep_alive_ms;
        c.token = options.token != nullptr ? options.token->c_ptr() : nullptr;
        std::optional<detail::c_filter> filter;
        if (options.filter) {
            filter.emplace(*options.filter);
            c.filter = &filter->value;
        }
        rekall_hits *out = nullptr;
        run(c, &out);
        return hits(out);
    }

    template <typename Run>
    rekall_embedded embedded(const watch &watch, Run run)
    {
        detail::c_watch c(watch);
        rekall_embedded out = REKALL_EMBEDDED_INIT;
        rekall_error *failed = nullptr;
        const rekall_status status = run(&c.value, &out, &failed);
        if (c.thrown) {
            rekall_error_free(failed);
            c.rethrow();
        }
        detail::check(status, failed);
        return out;
    }

    template <typename Function>
    report plain(Function function) const
    {
        rekall_report *out = nullptr;
        detail::call(function, get(), &out);
        return report(out);
    }

    detail::owner<rekall_db, &rekall_close> owned_;
};

} /* namespace rekall */

#endif /* REKALL_HPP */
