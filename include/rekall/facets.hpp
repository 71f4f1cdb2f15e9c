/* Tags, projects, kinds, and how many entries have each. Part of rekall.hpp. */
#ifndef REKALL_FACETS_HPP
#define REKALL_FACETS_HPP

#include "values.hpp"

#include <string_view>

namespace rekall {

/* One of facets, which must outlive it. */
class facet {
public:
    facet(const rekall_facets *facets, std::size_t index) noexcept : facets_(facets), index_(index) {}

    [[nodiscard]] std::string_view name() const noexcept { return detail::view(rekall_facets_name, facets_, index_); }
    /* How many entries have it. */
    [[nodiscard]] std::uint64_t entries() const noexcept { return rekall_facets_entries(facets_, index_); }

private:
    const rekall_facets *facets_;
    std::size_t index_;
};

/* The most frequent first, equally frequent ones by name. */
using facets = detail::sequence<rekall_facets, facet, &rekall_facets_count, &rekall_facets_free>;

} /* namespace rekall */

#endif /* REKALL_FACETS_HPP */
