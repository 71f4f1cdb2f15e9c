/* Texts, numbers and objects between C and C++. Part of rekall.hpp. */
#ifndef REKALL_VALUES_HPP
#define REKALL_VALUES_HPP

#include "error.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if __cplusplus >= 202002L && __has_include(<span>)
#include <span>
#endif

namespace rekall {

/* A number in an option struct, where 0 would be the default: for ever, and none. */
inline constexpr std::uint64_t never = REKALL_NEVER;
inline constexpr std::uint64_t zero = REKALL_ZERO;

/* So many numbers at a place; made of vectors, arrays, spans, or pointer and length. Borrows. */
class floats {
public:
    constexpr floats() noexcept = default;
    constexpr floats(const float *data, std::size_t size) noexcept : data_(data), size_(size) {}
    floats(const std::vector<float> &values) noexcept : data_(values.data()), size_(values.size()) {}
    template <std::size_t N>
    constexpr floats(const std::array<float, N> &values) noexcept : data_(values.data()), size_(N) {}
    template <std::size_t N>
    constexpr floats(const float (&values)[N]) noexcept : data_(values), size_(N) {}
#ifdef __cpp_lib_span
    template <std::size_t N>
    constexpr floats(std::span<float, N> values) noexcept : data_(values.data()), size_(values.size()) {}
    template <std::size_t N>
    constexpr floats(std::span<const float, N> values) noexcept : data_(values.data()), size_(values.size()) {}
#endif

    [[nodiscard]] constexpr const float *data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr const float *begin() const noexcept { return data_; }
    [[nodiscard]] constexpr const float *end() const noexcept { return data_ + size_; }

private:
    const float *data_ = nullptr;
    std::size_t size_ = 0;
};

/* When an id was made, in milliseconds since 1970 (UTC); nullopt when it is no id. */
[[nodiscard]] inline std::optional<std::int64_t> id_time_ms(const std::string &id) noexcept
{
    const std::int64_t time = id.size() == REKALL_ID_LEN ? rekall_id_time_ms(id.c_str()) : -1;
    return time >= 0 ? std::optional<std::int64_t>(time) : std::nullopt;
}

namespace detail {

inline rekall_str text(std::string_view text) noexcept
{
    /* A pointer even for the empty text: NULL would be "not given". */
    return {text.data() != nullptr ? text.data() : "", text.size()};
}

inline rekall_str text(const std::optional<std::string> &given) noexcept
{
    return given ? text(std::string_view(*given)) : rekall_text(nullptr);
}

inline std::vector<rekall_str> texts(const std::vector<std::string> &list)
{
    std::vector<rekall_str> out;
    out.reserve(list.size());
    for (const std::string &item : list) {
        out.push_back(text(std::string_view(item)));
    }
    return out;
}

/* NULL for none. */
inline const char *pointer(const std::optional<std::string> &text)
{
    return text ? c_string(*text) : nullptr;
}

inline std::string_view view(const char *nul_terminated) noexcept
{
    return nul_terminated != nullptr ? std::string_view(nul_terminated) : std::string_view();
}

/* What a function gives that writes a length behind its other arguments; nullopt for NULL. */
template <typename Function, typename... Arguments>
std::optional<std::string_view> find(Function function, Arguments... arguments) noexcept
{
    std::size_t len = 0;
    const char *data = function(arguments..., &len);
    return data != nullptr ? std::optional<std::string_view>(std::in_place, data, len) : std::nullopt;
}

/* The same, empty for NULL. */
template <typename Function, typename... Arguments>
std::string_view view(Function function, Arguments... arguments) noexcept
{
    return find(function, arguments...).value_or(std::string_view());
}

/* So many texts, by index. */
template <typename Read>
std::vector<std::string_view> list(std::size_t count, Read read)
{
    std::vector<std::string_view> out(count);
    for (std::size_t at = 0; at < count; ++at) {
        out[at] = read(at);
    }
    return out;
}

/* A text of unknown length that a function writes to a buffer. */
template <typename Function>
std::string written(Function function, rekall_db *db)
{
    std::string out;
    for (;;) {
        std::size_t len = 0;
        rekall_error *failed = nullptr;
        /* The string has room for the NUL behind its end. */
        const rekall_status status = function(db, out.data(), out.size() + 1, &len, &failed);
        if (status != REKALL_BUFFER_TOO_SMALL) {
            check(status, failed);
            out.resize(len);
            return out;
        }
        rekall_error_free(failed);
        out.resize(len);
    }
}

template <auto Free>
struct freer {
    template <typename T>
    void operator()(T *object) const noexcept
    {
        Free(object);
    }
};

/* One of the library's objects. */
template <typename T, auto Free>
using owner = std::unique_ptr<T, freer<Free>>;

/* Goes through what has items by number. Items are made when asked for, which C++17 only knows of input iterators. */
template <typename Object, typename Item>
class iterator {
    class arrow {
    public:
        explicit arrow(Item item) noexcept : item_(item) {}
        const Item *operator->() const noexcept { return &item_; }

    private:
        Item item_;
    };

public:
    using iterator_category = std::input_iterator_tag;
    using iterator_concept = std::forward_iterator_tag;
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using pointer = arrow;
    using reference = Item;

    iterator() noexcept = default;
    iterator(const Object *object, std::size_t index) noexcept : object_(object), index_(index) {}

    Item operator*() const noexcept { return Item(object_, index_); }
    arrow operator->() const noexcept { return arrow(**this); }
    iterator &operator++() noexcept
    {
        ++index_;
        return *this;
    }
    iterator operator++(int) noexcept
    {
        iterator before = *this;
        ++index_;
        return before;
    }
    bool operator==(const iterator &other) const noexcept { return index_ == other.index_; }
    bool operator!=(const iterator &other) const noexcept { return index_ != other.index_; }

private:
    const Object *object_ = nullptr;
    std::size_t index_ = 0;
};

/* An object that has items by number. */
template <typename Object, typename Item, auto Count, auto Free>
class sequence {
public:
    using iterator = detail::iterator<Object, Item>;

    explicit sequence(Object *owned) noexcept : owned_(owned) {}

    [[nodiscard]] std::size_t size() const noexcept { return Count(c_ptr()); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] Item operator[](std::size_t index) const noexcept REKALL_LIFETIMEBOUND
    {
        return Item(c_ptr(), index);
    }

    [[nodiscard]] Item at(std::size_t index) const REKALL_LIFETIMEBOUND
    {
        if (index >= size()) {
            throw std::out_of_range("rekall: index " + std::to_string(index) + " of " + std::to_string(size()));
        }
        return (*this)[index];
    }
    [[nodiscard]] iterator begin() const noexcept REKALL_LIFETIMEBOUND { return iterator(c_ptr(), 0); }
    [[nodiscard]] iterator end() const noexcept REKALL_LIFETIMEBOUND { return iterator(c_ptr(), size()); }

    [[nodiscard]] const Object *c_ptr() const noexcept { return owned_.get(); }

private:
    owner<Object, Free> owned_;
};

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_VALUES_HPP */
