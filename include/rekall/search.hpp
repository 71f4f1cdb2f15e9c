/* How a search is done, and which entries it may find. Part of rekall.hpp. */
#ifndef REKALL_SEARCH_HPP
#define REKALL_SEARCH_HPP

#include "watch.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rekall {

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
    /* A REKALL_MODE_ number; 0: hybrid, or semantic for a vector without text. */
    std::uint32_t mode = 0;
    /* A REKALL_ROLE_ number; 0: all texts of an entry. */
    std::uint32_t role = 0;
    /* 1 to 100000. */
    std::size_t limit = 10;
    /* The least similarity, -1 to 1. */
    std::optional<float> threshold;
    /* Of meaning and of words, 0 or more. */
    std::optional<std::pair<double, double>> weights;
    /* A REKALL_FUSION_ number; 0: REKALL_FUSION_WEIGHTED. */
    std::uint32_t fusion = 0;
    /* The last word of the query may be the beginning of one. */
    bool prefix = false;
    /* Put before and behind each word found, in the snippets that hits then have. */
    std::optional<std::pair<std::string, std::string>> snippets;
    std::optional<rekall::filter> filter;
    /* The query's vector, made by the program with the file's model; the text then only serves to find words. */
    kept_floats vector;
    std::uint64_t keep_alive_ms = 0;
    const rekall::token *token = nullptr;
    /* A key: an older search of the same key that still runs is stopped, with REKALL_SUPERSEDED. */
    std::optional<std::string> supersede;
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
    float threshold = 0.75f;
    std::optional<rekall::filter> filter;
    const rekall::token *token = nullptr;
};

namespace detail {

/* In C, 0 is the default. */
inline std::size_t c_limit(std::size_t given)
{
    if (given == 0) {
        throw error(REKALL_INVALID_INPUT, "limit must be 1 to 100000, got 0");
    }
    return given;
}

/* C structs with the memory that they point to. */
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

    c_filter(const c_filter &) = delete;
    c_filter &operator=(const c_filter &) = delete;

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

struct c_recall {
    rekall_recall_options value = REKALL_RECALL_OPTIONS_INIT;
    std::optional<c_filter> filter;

    explicit c_recall(const recall_options &given)
    {
        value.mode = given.mode;
        value.role = given.role;
        value.limit = c_limit(given.limit);
        value.fusion = given.fusion;
        value.keep_alive_ms = given.keep_alive_ms;
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
        if (given.snippets) {
            value.flags |= REKALL_RECALL_SNIPPETS;
            value.snippet_before = text(std::string_view(given.snippets->first));
            value.snippet_after = text(std::string_view(given.snippets->second));
        }
        value.supersede = text(given.supersede);
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
        value.flags = REKALL_SIMILAR_THRESHOLD;
        value.threshold = given.threshold;
        value.limit = c_limit(given.limit);
        value.token = c_token(given.token);
        if (given.filter) {
            filter.emplace(*given.filter);
            value.filter = &filter->value;
        }
    }
};

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_SEARCH_HPP */
