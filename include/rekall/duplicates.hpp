/* Entries that say nearly the same. Part of rekall.hpp. */
#ifndef REKALL_DUPLICATES_HPP
#define REKALL_DUPLICATES_HPP

#include "values.hpp"

#include <string_view>
#include <vector>

namespace rekall {

/* A pair of entries that say nearly the same, one of duplicates, which must outlive it. */
class duplicate {
public:
    duplicate(const rekall_duplicates *pairs, std::size_t index) noexcept : pairs_(pairs), index_(index) {}

    [[nodiscard]] std::string_view first() const noexcept
    {
        return detail::view(rekall_duplicates_first(pairs_, index_));
    }
    [[nodiscard]] std::string_view second() const noexcept
    {
        return detail::view(rekall_duplicates_second(pairs_, index_));
    }
    /* Of both as a whole, -1 to 1. */
    [[nodiscard]] float similarity() const noexcept { return rekall_duplicates_similarity(pairs_, index_); }

    /* Where their texts differ, in characters. */
    [[nodiscard]] std::vector<rekall_difference> differences() const
    {
        std::vector<rekall_difference> out(rekall_duplicates_difference_count(pairs_, index_));
        for (std::size_t at = 0; at < out.size(); ++at) {
            rekall_duplicates_difference(pairs_, index_, at, &out[at]);
        }
        return out;
    }

private:
    const rekall_duplicates *pairs_;
    std::size_t index_;
};

/* Pairs of entries that say nearly the same, the most similar first. */
class duplicates
    : public detail::sequence<rekall_duplicates, duplicate, &rekall_duplicates_count, &rekall_duplicates_free> {
public:
    using sequence::sequence;

    /* How many pairs there are, those beyond the limit included. */
    [[nodiscard]] std::uint64_t found() const noexcept { return rekall_duplicates_found(c_ptr()); }
};

} /* namespace rekall */

#endif /* REKALL_DUPLICATES_HPP */
