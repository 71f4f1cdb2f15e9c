/* Failed calls, and what the library is. Part of rekall.hpp. */
#ifndef REKALL_ERROR_HPP
#define REKALL_ERROR_HPP

#include "../rekall.h"

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
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
    error(rekall_status status, const std::string &message) : std::runtime_error(message), status_(status) {}

    /* A REKALL_ code. */
    [[nodiscard]] rekall_status status() const noexcept { return status_; }
    /* Its name. */
    [[nodiscard]] const char *name() const noexcept { return rekall_status_name(status_); }

private:
    rekall_status status_;
};

/* The library's version, such as "0.1.0". */
[[nodiscard]] inline std::string_view version() noexcept { return rekall_version(); }
[[nodiscard]] inline std::uint32_t version_number() noexcept { return rekall_version_number(); }
/* A REKALL_FEATURE_ number. */
[[nodiscard]] inline bool has_feature(std::uint32_t feature) noexcept { return rekall_has_feature(feature) != 0; }

namespace detail {

/* The exception of an embedder, on its way past the library to the call on this thread that asked for vectors. */
inline std::exception_ptr &passing() noexcept
{
    static thread_local std::exception_ptr exception;
    return exception;
}

/* Throws what a call left behind. */
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
    throw error(told, rekall_error_message(failed));
}

/* Calls a function whose last parameter is the error. */
template <typename Function, typename... Arguments>
void call(Function function, Arguments... arguments)
{
    rekall_error *failed = nullptr;
    const rekall_status status = function(arguments..., &failed);
    check(status, failed);
}

/* A text as C has it: one with a NUL inside would be cut there, and name another file or entry. */
inline const char *c_string(const std::string &text)
{
    const std::size_t nul = text.find('\0');
    if (nul != std::string::npos) {
        throw error(REKALL_INVALID_INPUT, "a path, id or name must not contain NUL, got one at byte " +
                                              std::to_string(nul) + " of \"" + text.c_str() + "\"");
    }
    return text.c_str();
}

/* Refuses a library that this header does not fit. */
inline void check_abi()
{
    if (rekall_abi_version() != REKALL_ABI_VERSION) {
        throw error(REKALL_UNSUPPORTED, "rekall.h is of another binary interface than the library, version " +
                                            std::string(rekall_version()));
    }
}

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_ERROR_HPP */
