/* What entries are kept in step with, and what a program found there. Part of rekall.hpp. */
#ifndef REKALL_SOURCES_HPP
#define REKALL_SOURCES_HPP

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rekall {

/* Where an entry comes from. */
struct source_place {
    std::string_view uri;
    /* The line in which its section begins, from 1; 0: not known. */
    std::uint32_t line = 0;
};

/* A section of a source: it becomes an entry. */
struct new_section {
    std::string title;
    std::string content;
    /* The headings above it and its own, outermost first. */
    std::vector<std::string> path;
    /* The line in which it begins, from 1; 0: not known. */
    std::uint32_t line = 0;
    /* The tags that the source gives it. Those that people add stay beside them. */
    std::vector<std::string> tags;
};

/* A source as it is now. */
struct new_source {
    std::string uri;
    /* By what it is recognized as unchanged; empty: by nothing. */
    std::string stamp;
    /* In their order. */
    std::vector<new_section> sections;
    /* The project of all its entries; nullopt: each keeps the one that it has. */
    std::optional<std::string> project;

    explicit new_source(std::string named, std::string recognized_by = {})
        : uri(std::move(named)), stamp(std::move(recognized_by))
    {
    }
};

/* What there is under a scope. What it does not name is gone. See rekall_sync_sources(). */
struct found_sources {
    struct unread {
        std::string uri;
        std::string reason;
    };

    std::vector<new_source> sources;
    /* URIs of sources that are as they were. */
    std::vector<std::string> current;
    /* Sources that are there and could not be read. */
    std::vector<unread> skipped;
    /* Whether what is gone is forgotten in any case. */
    bool prune = false;
};

namespace detail {

inline void append_json(std::string &out, std::string_view text)
{
    out += '"';
    for (const char character : text) {
        const unsigned char byte = static_cast<unsigned char>(character);
        if (character == '"' || character == '\\') {
            out += '\\';
            out += character;
        } else if (byte < 0x20) {
            char escaped[7];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(byte));
            out += escaped;
        } else {
            out += character;
        }
    }
    out += '"';
}

inline void append_key(std::string &out, std::string_view key)
{
    append_json(out, key);
    out += ':';
}

/* A list, each of whose items is appended by the function. */
template <typename Items, typename Append>
void append_list(std::string &out, const Items &items, Append append)
{
    out += '[';
    bool is_first = true;
    for (const auto &item : items) {
        if (!is_first) {
            out += ',';
        }
        is_first = false;
        append(out, item);
    }
    out += ']';
}

inline void append_texts(std::string &out, const std::vector<std::string> &texts)
{
    append_list(out, texts, [](std::string &to, const std::string &text) { append_json(to, text); });
}

inline void append_section(std::string &out, const new_section &section)
{
    out += '{';
    append_key(out, "title");
    append_json(out, section.title);
    out += ',';
    append_key(out, "content");
    append_json(out, section.content);
    out += ',';
    append_key(out, "path");
    append_texts(out, section.path);
    if (section.line != 0) {
        out += ',';
        append_key(out, "line");
        out += std::to_string(section.line);
    }
    out += ',';
    append_key(out, "tags");
    append_texts(out, section.tags);
    out += '}';
}

inline void append_source(std::string &out, const new_source &source)
{
    out += '{';
    append_key(out, "uri");
    append_json(out, source.uri);
    if (!source.stamp.empty()) {
        out += ',';
        append_key(out, "stamp");
        append_json(out, source.stamp);
    }
    if (source.project) {
        out += ',';
        append_key(out, "project");
        append_json(out, *source.project);
    }
    out += ',';
    append_key(out, "sections");
    append_list(out, source.sections, append_section);
    out += '}';
}

inline void append_unread(std::string &out, const found_sources::unread &unread)
{
    out += '{';
    append_key(out, "uri");
    append_json(out, unread.uri);
    out += ',';
    append_key(out, "reason");
    append_json(out, unread.reason);
    out += '}';
}

inline std::string json_of(const found_sources &found)
{
    std::string out = "{";
    append_key(out, "sources");
    append_list(out, found.sources, append_source);
    out += ',';
    append_key(out, "current");
    append_texts(out, found.current);
    out += ',';
    append_key(out, "skipped");
    append_list(out, found.skipped, append_unread);
    out += ',';
    append_key(out, "prune");
    out += found.prune ? "true}" : "false}";
    return out;
}

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_SOURCES_HPP */
