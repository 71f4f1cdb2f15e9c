/* Entries: as they are stored, as they are handed in, as they are changed. Part of rekall.hpp. */
#ifndef REKALL_ENTRY_HPP
#define REKALL_ENTRY_HPP

#include "sources.hpp"
#include "values.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rekall {

class entry;

/* A rekall_entry that belongs to somebody else, such as hits. */
class entry_view {
public:
    explicit entry_view(const rekall_entry *entry) noexcept : entry_(entry) {}
    /* It would be one of an entry that is gone. */
    entry_view(const entry &&) = delete;

    [[nodiscard]] std::string_view id() const noexcept { return detail::view(rekall_entry_id(entry_)); }
    [[nodiscard]] std::string_view title() const noexcept { return detail::view(rekall_entry_title, entry_); }
    [[nodiscard]] std::string_view content() const noexcept { return detail::view(rekall_entry_content, entry_); }
    [[nodiscard]] std::string_view kind() const noexcept { return detail::view(rekall_entry_kind, entry_); }
    [[nodiscard]] std::optional<std::string_view> project() const noexcept
    {
        return detail::find(rekall_entry_project, entry_);
    }

    /* Where it comes from, if it is kept in step with a source. */
    [[nodiscard]] std::optional<source_place> source() const noexcept
    {
        const std::optional<std::string_view> uri = detail::find(rekall_entry_source_uri, entry_);
        return uri ? std::optional<source_place>({*uri, rekall_entry_source_line(entry_)}) : std::nullopt;
    }

    [[nodiscard]] std::string_view memory_type() const noexcept
    {
        return detail::view(rekall_entry_memory_type, entry_);
    }

    /* A JSON object. */
    [[nodiscard]] std::string_view metadata() const noexcept { return detail::view(rekall_entry_metadata, entry_); }
    /* JSON, when an imported file had something without a place elsewhere. */
    [[nodiscard]] std::optional<std::string_view> legacy() const noexcept
    {
        return detail::find(rekall_entry_legacy, entry_);
    }

    /* The whole entry as a JSON object. */
    [[nodiscard]] std::string_view json() const noexcept { return detail::view(rekall_entry_json, entry_); }

    [[nodiscard]] std::vector<std::string_view> tags() const
    {
        return detail::list(rekall_entry_tag_count(entry_),
                            [this](std::size_t at) { return detail::view(rekall_entry_tag, entry_, at); });
    }

    /* The texts of one part of the context. */
    [[nodiscard]] std::vector<std::string_view> context(context_part part) const
    {
        const std::uint32_t c_part = detail::number(part);
        return detail::list(rekall_entry_context_count(entry_, c_part), [this, c_part](std::size_t at) {
            return detail::view(rekall_entry_context_text, entry_, c_part, at);
        });
    }

    [[nodiscard]] bool has_context() const noexcept { return rekall_entry_has_context(entry_) != 0; }
    [[nodiscard]] entry_status status() const noexcept { return entry_status{rekall_entry_status(entry_)}; }
    [[nodiscard]] bool is_active() const noexcept { return status() == entry_status::active; }
    /* 0 to 5. */
    [[nodiscard]] unsigned confidence() const noexcept { return rekall_entry_confidence(entry_); }
    [[nodiscard]] time created_at() const noexcept { return detail::moment(rekall_entry_created_at_ms(entry_)); }
    [[nodiscard]] time updated_at() const noexcept { return detail::moment(rekall_entry_updated_at_ms(entry_)); }

    /* When it expires. */
    [[nodiscard]] std::optional<time> expires_at() const noexcept { return optional_time(REKALL_ENTRY_EXPIRES_AT); }
    /* From when to when what it says holds. */
    [[nodiscard]] std::optional<time> valid_from() const noexcept { return optional_time(REKALL_ENTRY_VALID_FROM); }
    [[nodiscard]] std::optional<time> valid_to() const noexcept { return optional_time(REKALL_ENTRY_VALID_TO); }

    /* Id of the entry that replaced this one. */
    [[nodiscard]] std::optional<std::string_view> superseded_by() const noexcept
    {
        const char *id = rekall_entry_superseded_by(entry_);
        return id != nullptr ? std::optional<std::string_view>(id) : std::nullopt;
    }

    [[nodiscard]] const rekall_entry *c_ptr() const noexcept { return entry_; }

private:
    [[nodiscard]] std::optional<time> optional_time(std::uint32_t which) const noexcept
    {
        std::int64_t ms = 0;
        return rekall_entry_time(entry_, which, &ms) != 0 ? std::optional<time>(detail::moment(ms)) : std::nullopt;
    }

    const rekall_entry *entry_;
};

/* An entry of its own. What its functions return lives as long as it does. */
class entry : public entry_view {
public:
    explicit entry(rekall_entry *owned) noexcept : entry_view(owned), owned_(owned) {}
    /* A moved-from entry is empty. */
    entry(entry &&other) noexcept : entry_view(other.leave()), owned_(std::move(other.owned_)) {}
    entry &operator=(entry &&other) noexcept
    {
        if (this != &other) {
            entry_view::operator=(other.leave());
            owned_ = std::move(other.owned_);
        }
        return *this;
    }
    ~entry() = default;

    /* The same as for a view; not of a temporary, which they would outlive. */
    [[nodiscard]] std::string_view id() const & noexcept REKALL_LIFETIMEBOUND { return entry_view::id(); }
    [[nodiscard]] std::string_view title() const & noexcept REKALL_LIFETIMEBOUND { return entry_view::title(); }
    [[nodiscard]] std::string_view content() const & noexcept REKALL_LIFETIMEBOUND { return entry_view::content(); }
    [[nodiscard]] std::string_view kind() const & noexcept REKALL_LIFETIMEBOUND { return entry_view::kind(); }
    [[nodiscard]] std::string_view memory_type() const & noexcept REKALL_LIFETIMEBOUND
    {
        return entry_view::memory_type();
    }
    [[nodiscard]] std::string_view metadata() const & noexcept REKALL_LIFETIMEBOUND { return entry_view::metadata(); }
    [[nodiscard]] std::string_view json() const & noexcept REKALL_LIFETIMEBOUND { return entry_view::json(); }
    [[nodiscard]] std::optional<std::string_view> project() const & noexcept REKALL_LIFETIMEBOUND
    {
        return entry_view::project();
    }
    [[nodiscard]] std::optional<std::string_view> legacy() const & noexcept REKALL_LIFETIMEBOUND
    {
        return entry_view::legacy();
    }
    [[nodiscard]] std::optional<std::string_view> superseded_by() const & noexcept REKALL_LIFETIMEBOUND
    {
        return entry_view::superseded_by();
    }
    [[nodiscard]] std::vector<std::string_view> tags() const & REKALL_LIFETIMEBOUND { return entry_view::tags(); }
    [[nodiscard]] std::vector<std::string_view> context(context_part part) const & REKALL_LIFETIMEBOUND
    {
        return entry_view::context(part);
    }
    [[nodiscard]] const rekall_entry *c_ptr() const & noexcept REKALL_LIFETIMEBOUND { return entry_view::c_ptr(); }

    std::string_view id() const && = delete;
    std::string_view title() const && = delete;
    std::string_view content() const && = delete;
    std::string_view kind() const && = delete;
    std::string_view memory_type() const && = delete;
    std::string_view metadata() const && = delete;
    std::string_view json() const && = delete;
    std::optional<std::string_view> project() const && = delete;
    std::optional<std::string_view> legacy() const && = delete;
    std::optional<std::string_view> superseded_by() const && = delete;
    std::vector<std::string_view> tags() const && = delete;
    std::vector<std::string_view> context(context_part part) const && = delete;
    const rekall_entry *c_ptr() const && = delete;

private:
    entry_view leave() noexcept { return std::exchange(static_cast<entry_view &>(*this), entry_view(nullptr)); }

    detail::owner<rekall_entry, &rekall_entry_free> owned_;
};

/* What surrounded an entry. */
struct context {
    std::optional<std::string> situation, solution, what_failed, text;
    std::vector<std::string> trigger_keywords, error_messages, files;
};

/* An entry to be remembered. Only the title is required. */
struct new_entry {
    new_entry() = default;
    new_entry(std::string named) : title(std::move(named)) {}
    new_entry(const char *named) : title(named) {}
    new_entry(std::string_view named) : title(named) {}
    new_entry(std::string named, std::string text) : title(std::move(named)), content(std::move(text)) {}
    /* The same, where one or both are views. */
    template <typename Title, typename Text,
              std::enable_if_t<std::is_convertible_v<const Title &, std::string_view> &&
                                   std::is_convertible_v<const Text &, std::string_view> &&
                                   !(std::is_convertible_v<const Title &, std::string> &&
                                     std::is_convertible_v<const Text &, std::string>),
                               int> = 0>
    new_entry(const Title &named, const Text &text)
        : title(static_cast<std::string_view>(named)), content(std::string(static_cast<std::string_view>(text)))
    {
    }

    std::string title;
    std::optional<std::string> content, kind, project, memory_type;
    std::vector<std::string> tags;
    /* 0 to 5. */
    std::optional<unsigned> confidence;
    std::optional<rekall::context> context;
    /* A JSON object. */
    std::optional<std::string> metadata;
    /* An id of the program's own, which no other entry may have. */
    std::optional<std::string> id;
    /* When it was made; nullopt: now. */
    std::optional<time> created_at;
    /* When it expires: from then on searches and lists do not show it; nullopt: never. */
    std::optional<time> expires_at;
    /* From when to when what it says holds, for filter::as_of; nullopt: open. */
    std::optional<time> valid_from, valid_to;
};

/* What memory::upsert() did. */
struct upserted {
    std::string id;
    /* Otherwise it was there, and says now what was given. */
    bool is_new;
};

/* What an update changes. A member not set stays as it is; an inner nullopt removes it. */
struct patch {
    std::optional<std::string> title, content, kind, memory_type;
    std::optional<std::optional<std::string>> project, superseded_by;
    std::optional<std::vector<std::string>> tags;
    std::optional<entry_status> status;
    std::optional<unsigned> confidence;
    std::optional<std::optional<rekall::context>> context;
    std::optional<std::string> metadata;
    std::optional<std::optional<time>> expires_at, valid_from, valid_to;
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
            to.id = pointer(from.id);
            if (from.created_at) {
                to.flags |= REKALL_NEW_ENTRY_CREATED_AT;
                to.created_at_ms = since_1970(*from.created_at);
            }
            if (from.expires_at) {
                to.flags |= REKALL_NEW_ENTRY_EXPIRES_AT;
                to.expires_at_ms = since_1970(*from.expires_at);
            }
            if (from.valid_from) {
                to.flags |= REKALL_NEW_ENTRY_VALID_FROM;
                to.valid_from_ms = since_1970(*from.valid_from);
            }
            if (from.valid_to) {
                to.flags |= REKALL_NEW_ENTRY_VALID_TO;
                to.valid_to_ms = since_1970(*from.valid_to);
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

struct c_patch {
    rekall_patch value = REKALL_PATCH_INIT;
    std::vector<rekall_str> tags;
    std::optional<c_context> context;

    explicit c_patch(const patch &given)
    {
        value.title = text(given.title);
        value.content = text(given.content);
        value.kind = text(given.kind);
        value.memory_type = text(given.memory_type);
        value.metadata = text(given.metadata);
        if (given.project) {
            value.project = text(*given.project);
            flag(!*given.project, REKALL_PATCH_REMOVE_PROJECT);
        }
        if (given.superseded_by) {
            value.superseded_by = pointer(*given.superseded_by);
            flag(!*given.superseded_by, REKALL_PATCH_REMOVE_SUPERSEDED_BY);
        }
        if (given.tags) {
            tags = texts(*given.tags);
            value.tags = tags.data();
            value.tags_count = tags.size();
            flag(true, REKALL_PATCH_TAGS);
        }
        if (given.context && *given.context) {
            context.emplace(**given.context);
            value.context = &context->value;
        }
        flag(given.context && !*given.context, REKALL_PATCH_REMOVE_CONTEXT);
        value.status = given.status ? number(*given.status) : 0;
        flag(given.confidence.has_value(), REKALL_PATCH_CONFIDENCE);
        value.confidence = given.confidence.value_or(0);
        moment(given.expires_at, value.expires_at_ms, REKALL_PATCH_EXPIRES_AT, REKALL_PATCH_REMOVE_EXPIRES_AT);
        moment(given.valid_from, value.valid_from_ms, REKALL_PATCH_VALID_FROM, REKALL_PATCH_REMOVE_VALID_FROM);
        moment(given.valid_to, value.valid_to_ms, REKALL_PATCH_VALID_TO, REKALL_PATCH_REMOVE_VALID_TO);
    }

    c_patch(const c_patch &) = delete;
    c_patch &operator=(const c_patch &) = delete;

private:
    void flag(bool set, std::uint32_t which) { value.flags |= set ? which : 0u; }

    void moment(const std::optional<std::optional<time>> &from, std::int64_t &to, std::uint32_t set, std::uint32_t remove)
    {
        if (from) {
            flag(true, *from ? set : remove);
            to = *from ? since_1970(**from) : 0;
        }
    }
};

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_ENTRY_HPP */
