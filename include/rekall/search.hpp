/* How a search is done, and which entries it may find. Part of rekall.hpp. */
#ifndef REKALL_SEARCH_HPP
#define REKALL_SEARCH_HPP

#include "watch.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rekall {

/* A condition on a top-level key of the metadata: {"severity", "3", rekall::comparison::at_least}. */
struct metadata_condition {
    std::string key;
    /* JSON text. */
    std::string value;
    rekall::comparison comparison = rekall::comparison::equal;
};

/* Which entries a search may find: conditions, all of which must hold. */
struct filter {
    std::vector<std::string> kinds, projects, tags_any, tags_all, memory_types;
    /* Nothing of these passes. */
    std::vector<std::string> not_kinds, not_projects, not_tags, not_memory_types, not_ids;
    /* URIs of sources that it may come from, or that these lie under. */
    std::vector<std::string> sources;
    /* nullopt: entries of any status. */
    std::optional<entry_status> status = entry_status::active;
    std::optional<std::vector<std::string>> ids;
    /* Two conditions on one key make a range. */
    std::vector<metadata_condition> metadata;
    std::optional<time> created_after, created_before, updated_after, updated_before;
    /* What held at this moment: entries whose valid time includes it, such that are obsolete today among them. */
    std::optional<time> as_of;
    /* Whether entries pass, too, that have expired and are not deleted yet. */
    bool include_expired = false;
};

/* How much age counts in a search: a score is multiplied by floor + (1 - floor) * 0.5^(age / half_life). */
struct recency {
    std::chrono::milliseconds half_life;
    /* 0 to 1. */
    double floor = 0.5;
    recency_time by = recency_time::updated;
};

/* How a search is done. */
struct recall_options {
    /* nullopt: hybrid, or semantic for a vector without text. */
    std::optional<rekall::mode> mode;
    /* Of which text of an entry vectors are compared; nullopt: of all. */
    std::optional<rekall::role> role;
    /* 1 to 100000. */
    std::size_t limit = 10;
    /* The least similarity, -1 to 1. */
    std::optional<float> threshold;
    /* Of meaning and of words, 0 or more. */
    std::optional<std::pair<double, double>> weights;
    rekall::fusion fusion = rekall::fusion::weighted;
    /* The last word of the query may be the beginning of one. */
    bool prefix = false;
    /* Leaves out entries that lack something that the query puts in quotes. */
    bool require_quotes = false;
    /* Put before and after each word found, in the snippets that hits then have. */
    std::optional<std::pair<std::string, std::string>> snippets;
    std::optional<rekall::filter> filter;
    /* The query's vector, made by the program with the file's model; the text then only serves to find words. */
    kept_floats vector;
    /* How long the model stays loaded after this search; zero: not at all, forever; nullopt: as the memory was opened. */
    std::optional<std::chrono::milliseconds> keep_alive;
    const rekall::token *token = nullptr;
    /* A key: an older search of the same key that still runs is stopped, with REKALL_SUPERSEDED. */
    std::optional<std::string> supersede;
    /* Lets newer entries come before older ones that match as well. */
    std::optional<rekall::recency> recency;
    /* Chooses hits that are not all alike: how much relevance counts beside difference, 0 to 1; 0.7 is a good start. */
    std::optional<double> diversity;
    /* Lets the reranker of open_options judge the first so many hits, at most 1000; of more than limit the best are the hits then.
     * 0: none. */
    std::size_t rerank = 0;
};

/* One of several queries: a text, a vector of the file's own space, or a text with the vector that the program made of it.
 * Borrows. */
struct query {
    template <typename Text, std::enable_if_t<std::is_convertible_v<const Text &, std::string_view>, int> = 0>
    query(const Text &words, floats made = {}) : text(std::string_view(words)), vector(made)
    {
    }
    template <typename Vector, std::enable_if_t<std::is_convertible_v<const Vector &, floats>, int> = 0>
    query(const Vector &alone) : vector(alone)
    {
    }

    std::optional<std::string_view> text;
    floats vector;
};

/* How a search for like entries is done. */
struct similar_options {
    /* 1 to 100000. */
    std::size_t limit = 10;
    /* The least similarity of a hit, -1 to 1; without it one that means something in this file, for this entry:
     * hits::threshold() says which. */
    std::optional<float> threshold;
    std::optional<rekall::filter> filter;
    const rekall::token *token = nullptr;
};

/* Which pairs memory::duplicates() looks for. */
struct duplicates_options {
    /* The least similarity of a pair as a whole, -1 to 1. */
    float threshold = 0.98F;
    /* The most pairs, 1 to 100000. */
    std::size_t limit = 1000;
    std::optional<rekall::filter> filter;
};

namespace detail {

/* In C, 0 is the default. */
inline std::size_t c_limit(std::size_t given)
{
    if (given == 0) {
        throw error(status::invalid_input, "limit must be 1 to 100000, got 0");
    }
    return given;
}

/* C structs with the memory that they point to. */
struct c_filter {
    rekall_filter value = REKALL_FILTER_INIT;
    std::vector<rekall_str> lists[12];
    std::vector<rekall_metadata_condition> metadata;

    explicit c_filter(const filter &given)
    {
        value.status = given.status ? number(*given.status) : REKALL_ENTRY_ANY;
        list(0, given.kinds, value.kinds, value.kinds_count);
        list(1, given.projects, value.projects, value.projects_count);
        list(2, given.tags_any, value.tags_any, value.tags_any_count);
        list(3, given.tags_all, value.tags_all, value.tags_all_count);
        list(4, given.memory_types, value.memory_types, value.memory_types_count);
        if (given.ids) {
            value.flags |= REKALL_FILTER_IDS;
            list(5, *given.ids, value.ids, value.ids_count);
        }
        list(6, given.not_kinds, value.not_kinds, value.not_kinds_count);
        list(7, given.not_projects, value.not_projects, value.not_projects_count);
        list(8, given.not_tags, value.not_tags, value.not_tags_count);
        list(9, given.not_memory_types, value.not_memory_types, value.not_memory_types_count);
        list(10, given.not_ids, value.not_ids, value.not_ids_count);
        list(11, given.sources, value.sources, value.sources_count);
        for (const metadata_condition &one : given.metadata) {
            metadata.push_back({text(std::string_view(one.key)), text(std::string_view(one.value)),
                                static_cast<std::uint32_t>(one.comparison), 0});
        }
        value.metadata = metadata.data();
        value.metadata_count = metadata.size();
        bound(given.created_after, value.created_after_ms, REKALL_FILTER_CREATED_AFTER);
        bound(given.created_before, value.created_before_ms, REKALL_FILTER_CREATED_BEFORE);
        bound(given.updated_after, value.updated_after_ms, REKALL_FILTER_UPDATED_AFTER);
        bound(given.updated_before, value.updated_before_ms, REKALL_FILTER_UPDATED_BEFORE);
        bound(given.as_of, value.as_of_ms, REKALL_FILTER_AS_OF);
        if (given.include_expired) {
            value.flags |= REKALL_FILTER_INCLUDE_EXPIRED;
        }
    }

    c_filter(const c_filter &) = delete;
    c_filter &operator=(const c_filter &) = delete;

private:
    void list(int which, const std::vector<std::string> &from, const rekall_str *&to, std::size_t &count)
    {
        lists[which] = texts(from);
        to = lists[which].data();
        count = lists[which].size();
    }

    void bound(const std::optional<time> &from, std::int64_t &to, std::uint32_t flag)
    {
        if (from) {
            to = since_1970(*from);
            value.flags |= flag;
        }
    }
};

struct c_recall {
    rekall_recall_options value = REKALL_RECALL_OPTIONS_INIT;
    std::optional<c_filter> filter;

    explicit c_recall(const recall_options &given)
    {
        value.mode = given.mode ? number(*given.mode) : 0;
        value.role = given.role ? number(*given.role) : 0;
        value.limit = c_limit(given.limit);
        value.fusion = number(given.fusion);
        value.keep_alive_ms = c_duration(given.keep_alive, "keep_alive");
        value.vector = given.vector.data();
        value.vector_len = given.vector.size();
        value.token = c_token(given.token);
        if (given.threshold) {
            value.flags |= REKALL_RECALL_THRESHOLD;
            value.threshold = *given.threshold;
        }
        if (given.weights) {
            value.flags |= REKALL_RECALL_WEIGHTS;
            value.semantic_weight = given.weights->first;
            value.text_weight = given.weights->second;
        }
        if (given.prefix) {
            value.flags |= REKALL_RECALL_PREFIX;
        }
        if (given.require_quotes) {
            value.flags |= REKALL_RECALL_REQUIRE_QUOTES;
        }
        if (given.snippets) {
            value.flags |= REKALL_RECALL_SNIPPETS;
            value.snippet_before = text(std::string_view(given.snippets->first));
            value.snippet_after = text(std::string_view(given.snippets->second));
        }
        value.supersede = text(given.supersede);
        if (given.recency) {
            if (given.recency->half_life.count() <= 0) {
                throw error(status::invalid_input, "half_life must be longer than 0, got " +
                                                       std::to_string(given.recency->half_life.count()) + " ms");
            }
            value.flags |= REKALL_RECALL_RECENCY_FLOOR;
            value.recency_half_life_ms = static_cast<std::uint64_t>(given.recency->half_life.count());
            value.recency_floor = given.recency->floor;
            value.recency_time = number(given.recency->by);
        }
        if (given.diversity) {
            value.flags |= REKALL_RECALL_DIVERSITY;
            value.diversity = *given.diversity;
        }
        value.rerank = given.rerank;
        if (given.filter) {
            filter.emplace(*given.filter);
            value.filter = &filter->value;
        }
    }
};

inline std::vector<rekall_query> c_queries(const std::vector<query> &given)
{
    std::vector<rekall_query> out;
    out.reserve(given.size());
    for (const query &one : given) {
        out.push_back({one.text ? text(*one.text) : rekall_text(nullptr), one.vector.data(), one.vector.size()});
    }
    return out;
}

struct c_similar {
    rekall_similar_options value = REKALL_SIMILAR_OPTIONS_INIT;
    std::optional<c_filter> filter;

    explicit c_similar(const similar_options &given)
    {
        if (given.threshold) {
            value.flags = REKALL_SIMILAR_THRESHOLD;
            value.threshold = *given.threshold;
        }
        value.limit = c_limit(given.limit);
        value.token = c_token(given.token);
        if (given.filter) {
            filter.emplace(*given.filter);
            value.filter = &filter->value;
        }
    }
};

struct c_duplicates {
    rekall_duplicates_options value = REKALL_DUPLICATES_OPTIONS_INIT;
    std::optional<c_filter> filter;

    explicit c_duplicates(const duplicates_options &given)
    {
        value.flags = REKALL_DUPLICATES_THRESHOLD;
        value.threshold = given.threshold;
        value.limit = c_limit(given.limit);
        if (given.filter) {
            filter.emplace(*given.filter);
            value.filter = &filter->value;
        }
    }
};

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_SEARCH_HPP */
