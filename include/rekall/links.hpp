/* Links between entries. Part of rekall.hpp. */
#ifndef REKALL_LINKS_HPP
#define REKALL_LINKS_HPP

#include "values.hpp"

#include <optional>
#include <string_view>

namespace rekall {

/* One of links, which must outlive it. */
class link {
public:
    link(const rekall_links *links, std::size_t index) noexcept : links_(links), index_(index) {}

    /* Ids of the entries where it starts and ends. */
    [[nodiscard]] std::string_view source() const noexcept { return detail::view(rekall_links_source(links_, index_)); }
    [[nodiscard]] std::string_view target() const noexcept { return detail::view(rekall_links_target(links_, index_)); }
    [[nodiscard]] std::string_view relation() const noexcept
    {
        return detail::view(rekall_links_relation, links_, index_);
    }

    [[nodiscard]] std::optional<std::string_view> reason() const noexcept
    {
        return detail::find(rekall_links_reason, links_, index_);
    }
    [[nodiscard]] time created_at() const noexcept { return detail::moment(rekall_links_created_at_ms(links_, index_)); }

private:
    const rekall_links *links_;
    std::size_t index_;
};

/* The links that start or end at an entry, oldest first. */
using links = detail::sequence<rekall_links, link, &rekall_links_count, &rekall_links_free>;

/* One of neighbors, which must outlive it. */
class neighbor {
public:
    neighbor(const rekall_neighbors *neighbors, std::size_t index) noexcept : neighbors_(neighbors), index_(index)
    {
    }

    [[nodiscard]] std::string_view id() const noexcept
    {
        return detail::view(rekall_neighbors_id(neighbors_, index_));
    }

    /* How many links away, 1 or more. */
    [[nodiscard]] std::size_t distance() const noexcept { return rekall_neighbors_distance(neighbors_, index_); }

private:
    const rekall_neighbors *neighbors_;
    std::size_t index_;
};

/* The entries near an entry, nearest first. */
using neighbors =
    detail::sequence<rekall_neighbors, neighbor, &rekall_neighbors_count, &rekall_neighbors_free>;

} /* namespace rekall */

#endif /* REKALL_LINKS_HPP */
