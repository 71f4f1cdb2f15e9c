/* Texts, numbers and objects between C and C++. Part of rekall.hpp. */
#ifndef REKALL_VALUES_HPP
#define REKALL_VALUES_HPP

#include "error.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if __cplusplus >= 202002L && __has_include(<span>)
#include <span>
#endif

namespace rekall {

/* A moment, to the millisecond. */
using time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/* As a time-out or a time to live: no end. */
inline constexpr std::chrono::milliseconds forever = std::chrono::milliseconds::max();
/* As a size or a number of things: no limit. */
inline constexpr std::uint64_t unlimited = REKALL_NEVER;

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

namespace detail {

/* What owns its numbers, so that they go with it. */
template <typename T>
struct owns_floats : std::false_type {};
template <typename Allocator>
struct owns_floats<std::vector<float, Allocator>> : std::true_type {};
template <std::size_t N>
struct owns_floats<std::array<float, N>> : std::true_type {};

} /* namespace detail */

/* The same as a member of options, which outlives the statement: not made of a temporary that owns its numbers. */
class kept_floats : public floats {
public:
    constexpr kept_floats() noexcept = default;
    template <typename Values,
              std::enable_if_t<std::is_convertible_v<Values &&, floats> &&
                                   (std::is_lvalue_reference_v<Values> ||
                                    !detail::owns_floats<std::remove_cv_t<Values>>::value),
                               int> = 0>
    constexpr kept_floats(Values &&values) noexcept : floats(values)
    {
    }
};

namespace detail {

/* Milliseconds since 1970 (UTC), which is where the system's clock begins wherever the library runs. */
inline time moment(std::int64_t ms) noexcept { return time(std::chrono::milliseconds(ms)); }
inline std::int64_t since_1970(time moment) noexcept { return moment.time_since_epoch().count(); }

/* The number that C has for an option: 0 stands for the default there, so that none has a number of its own. */
inline std::uint64_t c_size(const std::optional<std::uint64_t> &given) noexcept
{
    return given ? (*given == 0 ? REKALL_ZERO : *given) : 0;
}

inline std::uint64_t c_duration(const std::optional<std::chrono::milliseconds> &given, const char *what)
{
    if (!given) {
        return 0;
    }
    if (given->count() < 0) {
        throw error(status::invalid_input,
                    std::string(what) + " must not be negative, got " + std::to_string(given->count()) + " ms");
    }
    return *given == forever ? REKALL_NEVER : c_size(static_cast<std::uint64_t>(given->count()));
}

} /* namespace detail */

/* When an id was made; nullopt when it is no id. */
[[nodiscard]] inline std::optional<time> id_time(std::string_view id) noexcept
{
    char text[REKALL_ID_LEN + 1] = {};
    if (id.size() != REKALL_ID_LEN || id.copy(text, REKALL_ID_LEN) != REKALL_ID_LEN) {
        return std::nullopt;
    }
    const std::int64_t made = rekall_id_time_ms(text);
    return made >= 0 ? std::optional<time>(detail::moment(made)) : std::nullopt;
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

/* NULL for none. Points into the text given. */
inline const char *pointer(const std::optional<std::string> &text)
{
    return text ? c_string(*text) : nullptr;
}

inline std::string_view view(const char *nul_terminated) noexcept
{
    return nul_terminated != nullptr ? std::string_view(nul_terminated) : std::string_view();
}

/* What a function gives that writes a length after its other arguments; nullopt for NULL. */
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
        /* The string has room for the NUL after its end. */
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

/* Goes through what has items by number. Items are made when asked for, so that there is no reference to one; C++17 has no
 * name for iterators that are of random access but for that. */
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
    using iterator_category = std::random_access_iterator_tag;
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using pointer = arrow;
    using reference = Item;

    iterator() noexcept = default;
    iterator(const Object *object, std::size_t index) noexcept : object_(object), index_(index) {}

    Item operator*() const noexcept { return Item(object_, index_); }
    arrow operator->() const noexcept { return arrow(**this); }
    Item operator[](difference_type by) const noexcept { return *(*this + by); }
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
    iterator &operator--() noexcept
    {
        --index_;
        return *this;
    }
    iterator operator--(int) noexcept
    {
        iterator before = *this;
        --index_;
        return before;
    }
    iterator &operator+=(difference_type by) noexcept
    {
        index_ += static_cast<std::size_t>(by);
        return *this;
    }
    iterator &operator-=(difference_type by) noexcept
    {
        index_ -= static_cast<std::size_t>(by);
        return *this;
    }
    friend iterator operator+(iterator from, difference_type by) noexcept { return from += by; }
    friend iterator operator+(difference_type by, iterator from) noexcept { return from += by; }
    friend iterator operator-(iterator from, difference_type by) noexcept { return from -= by; }
    friend difference_type operator-(const iterator &to, const iterator &from) noexcept
    {
        return static_cast<difference_type>(to.index_) - static_cast<difference_type>(from.index_);
    }

    friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.index_ == b.index_; }
    friend bool operator!=(const iterator &a, const iterator &b) noexcept { return a.index_ != b.index_; }
    friend bool operator<(const iterator &a, const iterator &b) noexcept { return a.index_ < b.index_; }
    friend bool operator>(const iterator &a, const iterator &b) noexcept { return a.index_ > b.index_; }
    friend bool operator<=(const iterator &a, const iterator &b) noexcept { return a.index_ <= b.index_; }
    friend bool operator>=(const iterator &a, const iterator &b) noexcept { return a.index_ >= b.index_; }

private:
    const Object *object_ = nullptr;
    std::size_t index_ = 0;
};

/* An object that has items by number. Items live as long as it does: of a temporary there are none to be had, except in a
 * range-for, which keeps it. An item beyond the end is empty. */
template <typename Object, typename Item, auto Count, auto Free>
class sequence {
public:
    using iterator = detail::iterator<Object, Item>;
    using const_iterator = iterator;
    using value_type = Item;
    using reference = Item;
    using const_reference = Item;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;

    explicit sequence(Object *owned) noexcept : owned_(owned) {}

    [[nodiscard]] std::size_t size() const noexcept { return Count(owned_.get()); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] Item operator[](std::size_t index) const & noexcept REKALL_LIFETIMEBOUND
    {
        return Item(owned_.get(), index);
    }

    [[nodiscard]] Item at(std::size_t index) const & REKALL_LIFETIMEBOUND
    {
        if (index >= size()) {
            throw std::out_of_range("rekall: index " + std::to_string(index) + " of " + std::to_string(size()));
        }
        return (*this)[index];
    }
    [[nodiscard]] Item front() const & noexcept REKALL_LIFETIMEBOUND { return (*this)[0]; }
    [[nodiscard]] Item back() const & noexcept REKALL_LIFETIMEBOUND { return (*this)[size() - 1]; }
    [[nodiscard]] iterator begin() const & noexcept REKALL_LIFETIMEBOUND { return iterator(owned_.get(), 0); }
    [[nodiscard]] iterator end() const & noexcept REKALL_LIFETIMEBOUND { return iterator(owned_.get(), size()); }
    [[nodiscard]] iterator cbegin() const & noexcept REKALL_LIFETIMEBOUND { return begin(); }
    [[nodiscard]] iterator cend() const & noexcept REKALL_LIFETIMEBOUND { return end(); }

    [[nodiscard]] const Object *c_ptr() const & noexcept REKALL_LIFETIMEBOUND { return owned_.get(); }

    Item operator[](std::size_t index) const && = delete;
    Item at(std::size_t index) const && = delete;
    Item front() const && = delete;
    Item back() const && = delete;
    iterator begin() const && = delete;
    iterator end() const && = delete;
    iterator cbegin() const && = delete;
    iterator cend() const && = delete;
    const Object *c_ptr() const && = delete;

private:
    owner<Object, Free> owned_;
};

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_VALUES_HPP */
