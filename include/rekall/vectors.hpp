/* Vectors of several texts. Part of rekall.hpp. */
#ifndef REKALL_VECTORS_HPP
#define REKALL_VECTORS_HPP

#include "values.hpp"

#include <cmath>
#include <optional>

namespace rekall {

namespace detail {

/* The vector of one text, which its vectors must outlive: empty when the model knows no word of it. */
class vectors_row : public floats {
public:
    vectors_row(const rekall_vectors *vectors, std::size_t index) noexcept
        : floats(rekall_vectors_row(vectors, index),
                 rekall_vectors_row(vectors, index) != nullptr ? rekall_vectors_dimensions(vectors) : 0),
          is_cut_(rekall_vectors_is_cut(vectors, index) != 0), known_(rekall_vectors_known(vectors, index))
    {
    }

    /* Whether the text was longer than the model reads: the vector is of its beginning. */
    [[nodiscard]] bool is_cut() const noexcept { return is_cut_; }

    /* How much of the text the model knows, 0 to 1; nullopt when it cannot tell. */
    [[nodiscard]] std::optional<float> known() const noexcept
    {
        return std::isnan(known_) ? std::nullopt : std::optional<float>(known_);
    }

private:
    bool is_cut_;
    float known_;
};

} /* namespace detail */

/* Vectors in the order of their texts. */
class vectors
    : public detail::sequence<rekall_vectors, detail::vectors_row, &rekall_vectors_count, &rekall_vectors_free> {
public:
    using sequence::sequence;

    [[nodiscard]] std::size_t dimensions() const noexcept { return rekall_vectors_dimensions(c_ptr()); }
    /* All of them, row after row; the row of a text without a vector is all 0. */
    [[nodiscard]] floats rows() const & noexcept REKALL_LIFETIMEBOUND
    {
        return floats(rekall_vectors_rows(c_ptr()), size() * dimensions());
    }
    floats rows() const && = delete;
};

} /* namespace rekall */

#endif /* REKALL_VECTORS_HPP */
