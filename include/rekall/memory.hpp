/* The open memory. Part of rekall.hpp. */
#ifndef REKALL_MEMORY_HPP
#define REKALL_MEMORY_HPP

#include "batch.hpp"
#include "changes.hpp"
#include "duplicates.hpp"
#include "entry.hpp"
#include "facets.hpp"
#include "hits.hpp"
#include "links.hpp"
#include "options.hpp"
#include "page.hpp"
#include "search.hpp"
#include "sources.hpp"
#include "spaces.hpp"
#include "vectors.hpp"
#include "watch.hpp"

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rekall {

namespace detail {

inline std::int32_t c_offset(const std::optional<std::chrono::minutes> &given)
{
    if (!given) {
        return REKALL_UTC_OFFSET_AUTO;
    }
    /* Beyond a day it is no offset, and would not fit. */
    if (*given > std::chrono::hours(24) || *given < -std::chrono::hours(24)) {
        throw error(status::invalid_input,
                    "utc_offset must be within a day, got " + std::to_string(given->count()) + " minutes");
    }
    return static_cast<std::int32_t>(given->count());
}

} /* namespace detail */

/* What memory::unload_model() did, and how many bytes of heap that freed. */
struct unloaded {
    unload outcome;
    /* How many calls still use the model, while that is pending. */
    std::uint32_t leases;
    std::uint64_t bytes;
};

/* An open memory: one file. Any number of threads may use one at once. A moved-from one refuses every call. */
class memory {
public:
    explicit memory(const c_text &path, const open_options &options = {})
        : owned_(std::make_unique<detail::opened>(path, options))
    {
    }

    /* A memory of its own in the same file, by any name: a user, a tenant, a project. It is made if it is not there, and outlives
     * this one; see rekall_open_scope(). */
    [[nodiscard]] memory scope(const c_text &name) const
    {
        detail::owner<rekall_db, &rekall_close> opened(given<rekall_db>(rekall_open_scope, get(), detail::c_string(name)));
        return memory(std::make_unique<detail::opened>(owned_->callbacks, std::move(opened)));
    }

    /* The name of the scope that this memory is; nullopt: it has none. */
    [[nodiscard]] std::optional<std::string> scope_name() const
    {
        if (owned_ == nullptr) {
            throw error(status::misuse, "the memory was moved from");
        }
        const char *const name = rekall_scope_name(get());
        return name != nullptr ? std::optional<std::string>(name) : std::nullopt;
    }

    /* The names of all scopes. */
    [[nodiscard]] std::vector<std::string> scopes() const
    {
        return lines(given<rekall_report>(rekall_list_scopes, get()));
    }

    /* Deletes a scope with everything in it; gives how many entries it had. */
    std::uint64_t remove_scope(const c_text &name)
    {
        std::uint64_t entries = 0;
        detail::call(rekall_remove_scope, get(), detail::c_string(name), &entries);
        return entries;
    }

    /* Remembers one entry and gives its id. */
    std::string remember(const new_entry &entry, const remember_options &options = {})
    {
        return remember(&entry, 1, options).front().text;
    }

    /* The same, and gives the entries that say nearly the same, with a similarity as a whole of at least threshold, -1 to 1:
     * none for an entry without a vector, nullopt where it is stored and the search for them failed. */
    std::pair<std::string, std::optional<rekall::duplicates>>
    remember_with_duplicates(const new_entry &entry, float threshold = 0.98F, const remember_options &options = {})
    {
        const detail::c_entries c(&entry, 1);
        detail::c_watch watching(options);
        const rekall_remember_options how = c_remember(options, watching);
        rekall_id id = {};
        rekall_duplicates *found = nullptr;
        rekall_error *failed = nullptr;
        const rekall_status status =
            rekall_remember_with_duplicates(get(), c.values.data(), &how, threshold, &id, &found, &failed);
        watching.thrown.check(status, failed);
        std::optional<rekall::duplicates> near;
        if (found != nullptr) {
            near.emplace(found);
        }
        return {std::string(id.text), std::move(near)};
    }

    /* Remembers all entries or none, and gives their ids in order. */
    std::vector<std::string> remember_many(const std::vector<new_entry> &entries, const remember_options &options = {})
    {
        std::vector<std::string> out;
        out.reserve(entries.size());
        for (const rekall_id &id : remember(entries.data(), entries.size(), options)) {
            out.emplace_back(id.text);
        }
        return out;
    }

    /* Remembers one entry given as a JSON object, or several given as an array; report::lines() has their ids in order. */
    report remember_json(std::string_view json, const watch &watch = {})
    {
        const rekall_str text = detail::text(json);
        return detail::reported(watch, rekall_remember_json, get(), text.data, text.len);
    }

    /* Brings entries in step with all sources under a URI; see rekall_sync_sources(). report::lines() has those that were
     * skipped. */
    report sync_sources(const c_text &scope, const found_sources &found, const watch &watch = {})
    {
        const std::string json = detail::json_of(found);
        return detail::reported(watch, rekall_sync_sources, get(), detail::c_string(scope), json.data(), json.size());
    }

    /* The sources under a URI, a JSON object in each line; see rekall_sources(). */
    [[nodiscard]] report sources(const c_text &scope) const
    {
        return report(given<rekall_report>(rekall_sources, get(), detail::c_string(scope)));
    }

    /* An id for an entry to be remembered in a batch. */
    [[nodiscard]] std::string new_id() const
    {
        rekall_id id = {""};
        detail::call(rekall_new_id, get(), &id);
        return id.text;
    }

    /* Does all operations of a batch in one transaction: all of them or none. */
    void apply(const batch &batch, const watch &watch = {})
    {
        detail::c_watch c(watch);
        rekall_error *failed = nullptr;
        const rekall_status status = rekall_apply(get(), batch.c_ptr(), &c.value, &failed);
        c.thrown.check(status, failed);
    }

    [[nodiscard]] rekall::entry get(const c_text &id) const
    {
        return rekall::entry(given<rekall_entry>(rekall_get, get(), detail::c_string(id)));
    }

    /* The entries with these ids (a list or range of any strings), all of one moment, in their order: page[i].exists() tells
     * whether there is one. */
    template <typename Ids = std::initializer_list<std::string_view>>
    [[nodiscard]] rekall::page get_many(const Ids &ids) const
    {
        std::vector<rekall_str> c_ids;
        for (const auto &id : ids) {
            c_ids.push_back(detail::text(std::string_view(id)));
        }
        return rekall::page(given<rekall_page>(rekall_get_many, get(), c_ids.data(), c_ids.size()));
    }

    /* Changes an entry and gives it as it is now. */
    rekall::entry update(const c_text &id, const patch &changes)
    {
        const detail::c_patch c(changes);
        return rekall::entry(given<rekall_entry>(rekall_update, get(), detail::c_string(id), &c.value));
    }

    /* Changes an entry, perhaps in nothing, and gives it this vector in the place of all that it had. */
    rekall::entry update_with_vector(const c_text &id, const patch &changes, floats vector)
    {
        const detail::c_patch c(changes);
        return rekall::entry(given<rekall_entry>(rekall_update_with_vector, get(), detail::c_string(id), &c.value,
                                                 vector.data(), vector.size()));
    }

    /* Puts an entry in the place of an older one, which becomes obsolete; gives the older one as it is now. */
    rekall::entry supersede_entry(const c_text &old_id, const c_text &new_id)
    {
        return rekall::entry(given<rekall_entry>(rekall_supersede_entry, get(), detail::c_string(old_id),
                                                 detail::c_string(new_id)));
    }

    /* Remembers an entry, or changes the one whose metadata has the same text or number under field: see
     * rekall_upsert(). */
    upserted upsert(const c_text &field, const new_entry &entry)
    {
        const detail::c_entries c(&entry, 1);
        rekall_upserted out = {{""}, 0};
        detail::call(rekall_upsert, get(), detail::c_string(field), c.values.data(), &out);
        return {out.id.text, out.is_new != 0};
    }

    void forget(const c_text &id) { detail::call(rekall_forget, get(), detail::c_string(id)); }

    /* Forgets those of the entries (a list or range of any strings) that are there, in one transaction; gives their ids. */
    template <typename Ids = std::initializer_list<std::string_view>>
    std::vector<std::string> forget_many(const Ids &ids)
    {
        std::vector<rekall_str> c_ids;
        for (const auto &id : ids) {
            c_ids.push_back(detail::text(std::string_view(id)));
        }
        return lines(given<rekall_report>(rekall_forget_many, get(), c_ids.data(), c_ids.size()));
    }

    /* Forgets the entries that pass a filter, which must have a condition; gives their ids. */
    std::vector<std::string> forget_matching(const filter &filter)
    {
        const detail::c_filter c(filter);
        return lines(given<rekall_report>(rekall_forget_matching, get(), &c.value));
    }

    /* Forgets the entries that have expired; gives their ids. */
    std::vector<std::string> forget_expired() { return lines(given<rekall_report>(rekall_forget_expired, get())); }

    /* Notes that entries (a list or range of any strings) were used now, in memory; flush_usage() writes it. */
    template <typename Ids = std::initializer_list<std::string_view>>
    void record_use(const Ids &ids)
    {
        std::vector<rekall_str> c_ids;
        for (const auto &id : ids) {
            c_ids.push_back(detail::text(std::string_view(id)));
        }
        detail::call(rekall_record_use, get(), c_ids.data(), c_ids.size());
    }

    /* Writes what record_use() noted, and gives the number of entries. */
    std::uint64_t flush_usage()
    {
        std::uint64_t entries = 0;
        detail::call(rekall_flush_usage, get(), &entries);
        return entries;
    }

    /* How an entry was used; uses is 0 when none is recorded. */
    [[nodiscard]] rekall_usage usage(const c_text &id) const
    {
        rekall_usage out = {0, 0};
        detail::call(rekall_usage_of, get(), detail::c_string(id), &out);
        return out;
    }

    /* Forgets all entries, whatever their status; gives their ids. */
    std::vector<std::string> forget_all() { return lines(given<rekall_report>(rekall_forget_all, get())); }

    void link(const c_text &source, const c_text &target, const c_text &relation,
              std::string_view reason = {})
    {
        detail::call(rekall_link, get(), detail::c_string(source), detail::c_string(target),
                     detail::c_string(relation), reason.data(), reason.size());
    }

    /* Whether there was one. */
    bool unlink(const c_text &source, const c_text &target, const c_text &relation)
    {
        std::int32_t removed = 0;
        detail::call(rekall_unlink, get(), detail::c_string(source), detail::c_string(target),
                     detail::c_string(relation), &removed);
        return removed != 0;
    }

    [[nodiscard]] rekall::links links_of(const c_text &id) const
    {
        return rekall::links(given<rekall_links>(rekall_links_of, get(), detail::c_string(id)));
    }

    /* The entries within so many links. */
    [[nodiscard]] rekall::neighbors neighbors_of(const c_text &id, std::size_t depth) const
    {
        return rekall::neighbors(given<rekall_neighbors>(rekall_neighbors_of, get(), detail::c_string(id), depth));
    }

    /* Up to limit (1 to 100000) entries that pass the filter, oldest first, after the id after; empty: from the beginning.
     * An empty page is the end. */
    [[nodiscard]] rekall::page list(const filter &filter = {}, const c_text &after = {},
                                    std::size_t limit = 1000) const
    {
        const detail::c_filter c(filter);
        const char *from = after.empty() ? nullptr : detail::c_string(after);
        return rekall::page(given<rekall_page>(rekall_list, get(), &c.value, from, limit));
    }

    /* Up to limit (1 to 100000) entries that pass the filter, the newest first. cursor says where to begin (all 0: with the
     * newest), and receives where the next page begins. An empty page is the end. */
    [[nodiscard]] rekall::page list_newest(rekall_cursor &cursor, newest_by by = newest_by::created,
                                           const filter &filter = {}, std::size_t limit = 1000) const
    {
        const detail::c_filter c(filter);
        return rekall::page(given<rekall_page>(rekall_list_newest, get(), &c.value, static_cast<std::uint32_t>(by),
                                               &cursor, limit));
    }

    /* How many entries pass the filter. */
    [[nodiscard]] std::uint64_t count(const filter &filter = {}) const
    {
        const detail::c_filter c(filter);
        std::uint64_t number = 0;
        detail::call(rekall_count, get(), &c.value, &number);
        return number;
    }

    /* How many of the entries that pass the filter have each tag, project, kind or memory type the most frequent first;
     * up to limit (1 to 100000). */
    [[nodiscard]] rekall::facets facets_of(facet_kind kind, const filter &filter = {},
                                           std::size_t limit = 100) const
    {
        const detail::c_filter c(filter);
        return rekall::facets(given<rekall_facets>(rekall_facets_of, get(), detail::number(kind), &c.value, limit));
    }

    /* Which entries were written, changed or forgotten since a moment; all of them since none. */
    [[nodiscard]] rekall::changes changes_since(const rekall_position &since = {{0, 0}}) const
    {
        return rekall::changes(given<rekall_changes>(rekall_changes_since, get(), &since));
    }

    /* This moment. */
    [[nodiscard]] rekall_position change_position() const
    {
        rekall_position out = {{0, 0}};
        detail::call(rekall_change_position, get(), &out);
        return out;
    }

    [[nodiscard]] hits recall(std::string_view query, const recall_options &options = {}) const
    {
        const detail::c_recall c(options);
        const rekall_str text = detail::text(query);
        return hits(given<rekall_hits>(rekall_recall, get(), text.data, text.len, &c.value));
    }

    /* By a vector alone; options.vector must be empty. */
    [[nodiscard]] hits recall_vector(floats vector, const recall_options &options = {}) const
    {
        const detail::c_recall c(options);
        return hits(given<rekall_hits>(rekall_recall_vector, get(), vector.data(), vector.size(), &c.value));
    }

    /* For each of several queries, in one search: the hits of each, in order. options.vector must be empty. */
    [[nodiscard]] std::vector<hits> recall_batch(const std::vector<query> &queries,
                                                 const recall_options &options = {}) const
    {
        const detail::c_recall c(options);
        const std::vector<rekall_query> c_queries = detail::c_queries(queries);
        std::vector<rekall_hits *> found(queries.size());
        std::vector<hits> out;
        /* Nothing throws once there are hits to own. */
        out.reserve(queries.size());
        detail::call(rekall_recall_batch, get(), c_queries.data(), c_queries.size(), &c.value, found.data());
        for (rekall_hits *one : found) {
            out.emplace_back(one);
        }
        return out;
    }

    /* Entries like a given one. */
    [[nodiscard]] hits similar(const c_text &id, const similar_options &options = {}) const
    {
        const detail::c_similar c(options);
        return hits(given<rekall_hits>(rekall_similar, get(), detail::c_string(id), &c.value));
    }

    /* The entries that say nearly the same as a given one, which is the first of each pair: with a similarity as a whole of at
     * least threshold, -1 to 1. */
    [[nodiscard]] rekall::duplicates near_duplicates(const c_text &id, float threshold = 0.98F) const
    {
        return rekall::duplicates(
            given<rekall_duplicates>(rekall_near_duplicates, get(), detail::c_string(id), threshold));
    }

    /* All pairs of entries that say nearly the same. */
    [[nodiscard]] rekall::duplicates duplicates(const duplicates_options &options = {}, const watch &watch = {}) const
    {
        const detail::c_duplicates c(options);
        detail::c_watch c_watch(watch);
        rekall_error *failed = nullptr;
        rekall_duplicates *found = nullptr;
        const rekall_status status = rekall_find_duplicates(get(), &c.value, &c_watch.value, &found, &failed);
        c_watch.thrown.check(status, failed);
        return rekall::duplicates(found);
    }

    /* What a similarity is worth in this file: the share, 0 to 1, of pairs of its entries that are less similar; nullopt when
     * there are no two entries with vectors. */
    [[nodiscard]] std::optional<float> similarity_rank(float similarity) const
    {
        float rank = 0;
        detail::call(rekall_similarity_rank, get(), similarity, &rank);
        return std::isnan(rank) ? std::nullopt : std::optional<float>(rank);
    }

    /* Numbers in a vector of the file; 0 while it has none. */
    [[nodiscard]] std::size_t dimensions() const
    {
        std::size_t out = 0;
        detail::call(rekall_dimensions, get(), &out);
        return out;
    }

    /* A number that is another one whenever anything was written to the file, by any process. */
    [[nodiscard]] std::int64_t data_version() const
    {
        std::int64_t out = 0;
        detail::call(rekall_data_version, get(), &out);
        return out;
    }

    /* What the model makes of a text. */
    [[nodiscard]] std::vector<float> embed(std::string_view text, purpose made_for = purpose::query) const
    {
        std::vector<float> out(dimensions());
        const rekall_str c = detail::text(text);
        for (;;) {
            std::size_t needed = 0;
            rekall_error *failed = nullptr;
            const rekall_status status =
                rekall_embed(get(), detail::number(made_for), c.data, c.len, out.data(), out.size(), &needed, &failed);
            if (status != REKALL_BUFFER_TOO_SMALL) {
                detail::check(status, failed);
                out.resize(needed);
                return out;
            }
            rekall_error_free(failed);
            out.resize(needed);
        }
    }

    /* What the model makes of several texts, in their order. */
    [[nodiscard]] vectors embed_texts(const std::vector<std::string> &texts,
                                      purpose made_for = purpose::document, const watch &watch = {}) const
    {
        const std::vector<rekall_str> c_texts = detail::texts(texts);
        detail::c_watch c(watch);
        rekall_vectors *out = nullptr;
        rekall_error *failed = nullptr;
        const rekall_status status =
            rekall_embed_texts(get(), detail::number(made_for), c_texts.data(), c_texts.size(), &c.value, &out, &failed);
        /* Owned before anything is thrown. */
        vectors owned(out);
        c.thrown.check(status, failed);
        return owned;
    }

    /* The file's vector spaces, oldest first. */
    [[nodiscard]] rekall::spaces spaces() const
    {
        return rekall::spaces(given<rekall_spaces>(rekall_list_spaces, get()));
    }

    /* A vector that an entry has in the space that searches use: that of one of its texts, and of a longer text that of the
     * piece with this number, from 0. */
    [[nodiscard]] std::vector<float> stored_vector(const c_text &id, role of = role::summary,
                                                   std::uint32_t chunk = 0) const
    {
        std::vector<float> out(dimensions());
        std::size_t len = 0;
        detail::call(rekall_stored_vector, get(), detail::c_string(id), static_cast<std::uint32_t>(of), chunk,
                     out.data(), out.size(), &len);
        out.resize(len);
        return out;
    }

    /* Loads the model now. */
    void load_model() { detail::call(rekall_model_load, get()); }

    /* Lets the model go. */
    unloaded unload_model()
    {
        rekall_unloaded out = {REKALL_UNLOAD_NOT_LOADED, 0, 0};
        detail::call(rekall_model_unload, get(), &out);
        return {unload{out.outcome}, out.leases, out.bytes};
    }

    /* The same of the reranker; loading says why searches go on without it. */
    void load_reranker() { detail::call(rekall_reranker_load, get()); }

    unloaded unload_reranker()
    {
        rekall_unloaded out = {REKALL_UNLOAD_NOT_LOADED, 0, 0};
        detail::call(rekall_reranker_unload, get(), &out);
        return {unload{out.outcome}, out.leases, out.bytes};
    }

    [[nodiscard]] rekall::model_state reranker_state() const
    {
        std::uint32_t out = REKALL_MODEL_UNLOADED;
        detail::call(rekall_reranker_state, get(), &out);
        return rekall::model_state{out};
    }

    /* Restarts the idle time of model and reranker. */
    void touch_model() { detail::call(rekall_model_touch, get()); }

    [[nodiscard]] rekall::model_state model_state() const
    {
        std::uint32_t out = REKALL_MODEL_UNLOADED;
        detail::call(rekall_model_state, get(), &out);
        return rekall::model_state{out};
    }

    /* Bytes of heap that this freed. */
    std::uint64_t unload_if_idle()
    {
        std::uint64_t out = 0;
        detail::call(rekall_unload_if_idle, get(), &out);
        return out;
    }

    /* When unload_if_idle() will have something to do; nullopt: not to be expected. */
    [[nodiscard]] std::optional<std::chrono::milliseconds> next_deadline() const
    {
        std::uint64_t out = 0;
        detail::call(rekall_next_deadline_ms, get(), &out);
        if (out == REKALL_NEVER) {
            return std::nullopt;
        }
        return std::chrono::milliseconds(static_cast<std::int64_t>(out));
    }

    void release_memory() { detail::call(rekall_release_memory, get()); }

    /* Makes the vectors that are missing. */
    rekall_embedded embed_pending(const watch &watch = {})
    {
        rekall_embedded out = REKALL_EMBEDDED_INIT;
        detail::watched(watch, &out, rekall_embed_pending, get());
        return out;
    }

    /* Makes all vectors anew with another model: "bundled", "bundled-v1", "path:FOLDER" or "hub:OWNER/NAME[@REVISION]". */
    rekall_embedded reembed(const c_text &model, const watch &watch = {}, const load_options &load = {})
    {
        /* A moved-from memory is refused by the call. */
        detail::downloads none;
        detail::downloads &downloads = owned_ != nullptr ? owned_->callbacks->downloads : none;
        const rekall_load_options c_load = detail::c_load(load, downloads);
        rekall_reembed_options options = REKALL_REEMBED_OPTIONS_INIT;
        options.model = detail::c_string(model);
        options.load = &c_load;
        if (!load.download) {
            return reembed(options, watch);
        }
        auto before = downloads.hear(std::make_shared<const detail::downloads::function>(load.download));
        try {
            return reembed(options, watch);
        } catch (...) {
            downloads.hear(std::move(before));
            throw;
        }
    }

    rekall_embedded reembed(const embedder &model, const watch &watch = {})
    {
        const rekall_embedder c_model = detail::c_embedder(detail::copied(model));
        rekall_reembed_options options = REKALL_REEMBED_OPTIONS_INIT;
        options.embedder = &c_model;
        return reembed(options, watch);
    }

    /* To a new file. */
    report export_jsonl(const c_text &path, exported what = exported::all, const watch &watch = {}) const
    {
        return detail::reported(watch, rekall_export_jsonl, get(), detail::c_string(path), detail::number(what));
    }

    /* To a function that is given piece after piece. */
    report export_jsonl(const std::function<void(std::string_view)> &write, exported what = exported::all,
                        const watch &watch = {}) const
    {
        struct state {
            const std::function<void(std::string_view)> &write;
            detail::thrown thrown;
        } state{write, {}};
        const rekall_write_fn to = [](void *self, const char *bytes, std::size_t len) -> rekall_status {
            auto &me = *static_cast<struct state *>(self);
            return me.thrown.guard(rekall_status{REKALL_CALLBACK}, [&] { return me.write({bytes, len}), REKALL_OK; });
        };
        return transferred(state.thrown, watch, rekall_export_jsonl_to, to, static_cast<void *>(&state),
                           detail::number(what));
    }

    report import_jsonl(const c_text &path, on_duplicate existing = on_duplicate::skip,
                        const watch &watch = {})
    {
        return detail::reported(watch, rekall_import_jsonl, get(), detail::c_string(path),
                                detail::number(existing));
    }

    /* From a function that writes up to so many bytes and gives their number, 0 at the end. */
    report import_jsonl(const std::function<std::size_t(char *buffer, std::size_t capacity)> &read,
                        on_duplicate existing = on_duplicate::skip, const watch &watch = {})
    {
        struct state {
            const std::function<std::size_t(char *, std::size_t)> &read;
            detail::thrown thrown;
        } state{read, {}};
        const rekall_read_fn from = [](void *self, char *buffer, std::size_t capacity, std::size_t *out_len) {
            auto &me = *static_cast<struct state *>(self);
            return me.thrown.guard(rekall_status{REKALL_CALLBACK},
                                   [&] { return *out_len = me.read(buffer, capacity), REKALL_OK; });
        };
        return transferred(state.thrown, watch, rekall_import_jsonl_from, from, static_cast<void *>(&state),
                           detail::number(existing));
    }

    /* A file of the Python tool. utc_offset: of the file's local times, east of Greenwich, where the file does not tell it;
     * nullopt: taken from the file. */
    report import_legacy(const c_text &path, std::optional<std::chrono::minutes> utc_offset = {},
                         const watch &watch = {})
    {
        return detail::reported(watch, rekall_import_legacy, get(), detail::c_string(path),
                                detail::c_offset(utc_offset));
    }

    [[nodiscard]] report check(const watch &watch = {}) const
    {
        return detail::reported(watch, rekall_check, get());
    }
    report repair(const watch &watch = {}) { return detail::reported(watch, rekall_repair, get()); }
    report compact(const watch &watch = {}) { return detail::reported(watch, rekall_compact, get()); }
    void rebuild_index(const watch &watch = {})
    {
        detail::c_watch c(watch);
        rekall_error *failed = nullptr;
        const rekall_status status = rekall_rebuild_index(get(), &c.value, &failed);
        c.thrown.check(status, failed);
    }
    void clear_cache() { detail::call(rekall_clear_cache, get()); }

    /* Holds the index against brute force: up to so many stored vectors as queries, k hits of each. */
    [[nodiscard]] rekall_index_audit audit_index(std::size_t queries, std::size_t k, const watch &watch = {}) const
    {
        rekall_index_audit out = REKALL_INDEX_AUDIT_INIT;
        detail::watched(watch, &out, rekall_audit_index, get(), queries, k);
        return out;
    }

    /* Copies the file to a path where nothing may be yet. */
    void backup(const c_text &target, const watch &watch = {}) const
    {
        detail::c_watch c(watch);
        rekall_error *failed = nullptr;
        const rekall_status status = rekall_backup(get(), detail::c_string(target), &c.value, &failed);
        c.thrown.check(status, failed);
    }

    [[nodiscard]] rekall_stats stats() const
    {
        rekall_stats out = REKALL_STATS_INIT;
        detail::call(rekall_get_stats, get(), &out);
        return out;
    }

    /* Empty while no model is loaded. */
    [[nodiscard]] std::string model_name() const { return detail::written(rekall_model_name, get()); }
    /* The identity of the model that made the file's vectors; empty when it has none. */
    [[nodiscard]] std::string fingerprint() const { return detail::written(rekall_fingerprint, get()); }
    /* What keeps entries from getting vectors, where some wait for them and it is known; else empty. */
    [[nodiscard]] std::string pending_reason() const { return detail::written(rekall_pending_reason, get()); }
    /* Empty before the first search. */
    [[nodiscard]] std::string index_backend() const { return detail::written(rekall_index_backend, get()); }

    [[nodiscard]] std::string_view path() const & noexcept REKALL_LIFETIMEBOUND
    {
        return detail::view(rekall_path(get()));
    }
    std::string_view path() const && = delete;

    /* Stops what runs now, from any thread. */
    void interrupt() const noexcept { rekall_interrupt(get()); }

    /* For what this wrapper does not cover. */
    [[nodiscard]] rekall_db *c_ptr() const & noexcept REKALL_LIFETIMEBOUND { return get(); }
    rekall_db *c_ptr() const && = delete;

private:
    explicit memory(std::unique_ptr<detail::opened> opened) noexcept : owned_(std::move(opened)) {}

    rekall_db *get() const noexcept { return owned_ != nullptr ? owned_->db.get() : nullptr; }

    /* Calls a function that ends with out and error. */
    template <typename T, typename Function, typename... Arguments>
    static T *given(Function function, Arguments... arguments)
    {
        T *out = nullptr;
        detail::call(function, arguments..., &out);
        return out;
    }

    /* The lines of a report, which it frees. */
    static std::vector<std::string> lines(rekall_report *owned)
    {
        const report found(owned);
        std::vector<std::string> out;
        for (const std::string_view line : found.lines()) {
            out.emplace_back(line);
        }
        return out;
    }

    static rekall_remember_options c_remember(const remember_options &options, const detail::c_watch &watching)
    {
        rekall_remember_options out = REKALL_REMEMBER_OPTIONS_INIT;
        out.vectors = options.vectors.data();
        out.vectors_len = options.vectors.size();
        out.keep_alive_ms = detail::c_duration(options.keep_alive, "keep_alive");
        out.progress = watching.value.progress;
        out.user_data = watching.value.user_data;
        out.token = watching.value.token;
        return out;
    }

    std::vector<rekall_id> remember(const new_entry *entries, std::size_t count, const remember_options &options)
    {
        const detail::c_entries c(entries, count);
        detail::c_watch watching(options);
        const rekall_remember_options c_options = c_remember(options, watching);
        std::vector<rekall_id> ids(count);
        rekall_error *failed = nullptr;
        const rekall_status status =
            rekall_remember_many(get(), c.values.data(), count, &c_options, ids.data(), &failed);
        watching.thrown.check(status, failed);
        return ids;
    }

    rekall_embedded reembed(const rekall_reembed_options &options, const watch &watch)
    {
        rekall_embedded out = REKALL_EMBEDDED_INIT;
        detail::watched(watch, &out, rekall_reembed, get(), &options);
        return out;
    }

    /* A transfer by a function of the program's, whose exception goes before what the call says of it. */
    template <typename Function, typename... Arguments>
    report transferred(const detail::thrown &thrown, const watch &watch, Function function,
                       Arguments... arguments) const
    {
        try {
            return detail::reported(watch, function, get(), arguments...);
        } catch (const error &) {
            thrown.rethrow();
            throw;
        }
    }

    std::unique_ptr<detail::opened> owned_;
};

/* Puts a rekall file in the place of a file of the Python tool, which stays beside it. Nobody may have it open. */
inline report migrate_legacy(const c_text &path, std::optional<std::chrono::minutes> utc_offset = {},
                             const watch &watch = {})
{
    return detail::reported(watch, rekall_migrate_legacy, detail::c_string(path), detail::c_offset(utc_offset));
}

/* What a file of the Python tool holds. */
[[nodiscard]] inline report probe_legacy(const c_text &path)
{
    rekall_report *out = nullptr;
    detail::call(rekall_probe_legacy, detail::c_string(path), &out);
    return report(out);
}

/* Looks through settings as open_options take them (config, config_file), without opening anything: the settings as they
 * would hold. */
inline report check_config(std::string_view toml)
{
    const rekall_str given = detail::text(toml);
    rekall_report *out = nullptr;
    detail::call(rekall_config_check, given.data, given.len, &out);
    return report(out);
}
inline report check_config_file(const c_text &path)
{
    rekall_report *out = nullptr;
    detail::call(rekall_config_check_file, detail::c_string(path), &out);
    return report(out);
}

/* What is wrong with a file, also with one that is too damaged to be opened. */
[[nodiscard]] inline report check_file(const c_text &path, const watch &watch = {})
{
    return detail::reported(watch, rekall_check_file, detail::c_string(path));
}

/* Repairs a file, also one that is too damaged to be opened, as far as that goes. Nobody should have it open. */
inline report repair_file(const c_text &path, const watch &watch = {})
{
    return detail::reported(watch, rekall_repair_file, detail::c_string(path));
}

/* Reads what can be read of a damaged file into a new one. */
inline report salvage(const c_text &source, const c_text &target, const watch &watch = {})
{
    return detail::reported(watch, rekall_salvage, detail::c_string(source), detail::c_string(target));
}

} /* namespace rekall */

#endif /* REKALL_MEMORY_HPP */
