/* Vector spaces of a file. Part of rekall.hpp. */
#ifndef REKALL_SPACES_HPP
#define REKALL_SPACES_HPP

#include "values.hpp"

namespace rekall {

namespace detail {

/* A space of a list, which must outlive it. */
class space {
public:
    space(const rekall_spaces *spaces, std::size_t index) noexcept : spaces_(spaces), index_(index) {}

    /* The full identity of the model that made its vectors. */
    [[nodiscard]] std::string_view fingerprint() const noexcept
    {
        return view(rekall_spaces_fingerprint, spaces_, index_);
    }
    [[nodiscard]] std::size_t dimensions() const noexcept { return rekall_spaces_dimensions(spaces_, index_); }
    [[nodiscard]] space_state state() const noexcept
    {
        return static_cast<space_state>(rekall_spaces_state(spaces_, index_));
    }

private:
    const rekall_spaces *spaces_;
    std::size_t index_;
};

} /* namespace detail */

/* Vector spaces, oldest first. */
using spaces = detail::sequence<rekall_spaces, detail::space, &rekall_spaces_count, &rekall_spaces_free>;

} /* namespace rekall */

#endif /* REKALL_SPACES_HPP */
