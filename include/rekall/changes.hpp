/* Following a file by its changes. Part of rekall.hpp. */
#ifndef REKALL_CHANGES_HPP
#define REKALL_CHANGES_HPP

#include "values.hpp"

#include <optional>
#include <string_view>

namespace rekall {

/* One of changes, which must outlive it: an entry that was written, changed or forgotten. */
class changed_entry {
public:
    changed_entry(const rekall_changes *changes, std::size_t index) noexcept : changes_(changes), index_(index) {}

    /* The entry's number in this file, which is all that is left of one that is gone. */
    [[nodiscard]] std::int64_t number() const noexcept { return rekall_changes_number(changes_, index_); }

    /* nullopt: the entry is gone. */
    [[nodiscard]] std::optional<std::string_view> id() const noexcept
    {
        const char *id = rekall_changes_id(changes_, index_);
        return id != nullptr ? std::optional<std::string_view>(id) : std::nullopt;
    }

private:
    const rekall_changes *changes_;
    std::size_t index_;
};

/* What changed since a moment. */
class changes : public detail::sequence<rekall_changes, changed_entry, &rekall_changes_count, &rekall_changes_free> {
public:
    using sequence::sequence;

    /* Where to ask from the next time. */
    [[nodiscard]] rekall_position position() const noexcept { return rekall_changes_position(c_ptr()); }
    /* Whether these are all entries that there are: whatever is not among them is gone. */
    [[nodiscard]] bool complete() const noexcept { return rekall_changes_complete(c_ptr()) != 0; }
};

} /* namespace rekall */

#endif /* REKALL_CHANGES_HPP */
