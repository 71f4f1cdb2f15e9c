/* Failed calls, and what the library is. Part of rekall.hpp. */
#ifndef REKALL_ERROR_HPP
#define REKALL_ERROR_HPP

#include "enums.hpp"

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

/* Behind a function whose result lives as long as its object: lets the compiler warn of what would dangle. */
#if !defined(REKALL_LIFETIMEBOUND) && defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::lifetimebound)
#define REKALL_LIFETIMEBOUND [[clang::lifetimebound]]
#elif __has_cpp_attribute(msvc::lifetimebound)
#define REKALL_LIFETIMEBOUND [[msvc::lifetimebound]]
#endif
#endif
#ifndef REKALL_LIFETIMEBOUND
#define REKALL_LIFETIMEBOUND
#endif

namespace rekall {

/* A failed call. */
class error : public std::runtime_error {
public:
    error(rekall::status status, const std::string &message) : std::runtime_error(message), status_(status) {}

    [[nodiscard]] rekall::status status() const noexcept { return status_; }
    /* The status's name in C, such as "REKALL_NOT_FOUND". */
    [[nodiscard]] const char *name() const noexcept { return rekall_status_name(detail::number(status_)); }

private:
    rekall::status status_;
};

/* An id, a path or a name for a call, made of any string. C takes it up to its first NUL, so that a text with one inside
 * would name another file or entry: it is refused. What does not end with a NUL (a string_view) is copied. For parameters:
 * borrows, and lives no longer than the call. */
class c_text {
public:
    c_text() noexcept : text_("") {}
    c_text(const char *text) noexcept : text_(text) {}
    c_text(const std::string &text) : text_(checked(text).data()) {}
    c_text(std::string_view text) : copy_(checked(text)), text_(copy_.c_str()) {}
    /* What is like one of them, such as a std::filesystem::path. */
    template <typename Text, std::enable_if_t<!std::is_convertible_v<const Text &, const char *> &&
                                                  (std::is_convertible_v<const Text &, std::string_view> ||
                                                   std::is_convertible_v<const Text &, std::string>),
                                              int> = 0>
    c_text(const Text &text) : copy_(copied(text)), text_((checked(copy_), copy_.c_str()))
    {
    }
    c_text(const c_text &) = delete;
    c_text &operator=(const c_text &) = delete;

    [[nodiscard]] const char *c_str() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_ == nullptr || *text_ == '\0'; }

private:
    static std::string_view checked(std::string_view text)
    {
        const std::size_t nul = text.find('\0');
        if (nul != std::string_view::npos) {
            throw error(status::invalid_input, "a path, id or name must not contain NUL, got one at byte " +
                                                  std::to_string(nul) + " of \"" +
                                                  std::string(text.substr(0, nul)) + "\"");
        }
        return text;
    }

    template <typename Text>
    static std::string copied(const Text &text)
    {
        if constexpr (std::is_convertible_v<const Text &, std::string_view>) {
            return std::string(static_cast<std::string_view>(text));
        } else {
            return text;
        }
    }

    std::string copy_;
    const char *text_;
};

/* The library's version, such as "0.1.0". */
[[nodiscard]] inline std::string_view version() noexcept { return rekall_version(); }
[[nodiscard]] inline std::uint32_t version_number() noexcept { return rekall_version_number(); }
/* Whether this build of the library has it. */
[[nodiscard]] inline bool has_feature(feature wanted) noexcept
{
    return rekall_has_feature(detail::number(wanted)) != 0;
}

namespace detail {

/* The exception of an embedder, on its way past the library to the call on this thread that asked for vectors. */
inline std::exception_ptr &passing() noexcept
{
    static thread_local std::exception_ptr exception;
    return exception;
}

/* Throws the exception for what a call returned. */
inline void check(rekall_status status, rekall_error *failed)
{
    const std::exception_ptr passed = std::exchange(passing(), nullptr);
    if (status == REKALL_OK) {
        return;
    }
    const std::unique_ptr<rekall_error, decltype(&rekall_error_free)> owner(failed, &rekall_error_free);
    if (status == REKALL_CALLBACK && passed) {
        std::rethrow_exception(passed);
    }
    const rekall_status told = failed != nullptr ? rekall_error_status(failed) : status;
    throw error(rekall::status{told}, rekall_error_message(failed));
}

/* Calls a function whose last parameter is the error. */
template <typename Function, typename... Arguments>
void call(Function function, Arguments... arguments)
{
    rekall_error *failed = nullptr;
    const rekall_status status = function(arguments..., &failed);
    check(status, failed);
}

/* The text that C gets. What a view shows need not end with a NUL: it comes as a c_text. */
inline const char *c_string(const c_text &text) noexcept { return text.c_str(); }
inline const char *c_string(const std::string &text) { return c_text(text).c_str(); }
const char *c_string(std::string_view text) = delete;

/* Refuses a library that this header does not fit. */
inline void check_abi()
{
    if (rekall_abi_version() != REKALL_ABI_VERSION) {
        throw error(status::unsupported, "rekall.h is of another binary interface than the library, version " +
                                            std::string(rekall_version()));
    }
}

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_ERROR_HPP */
