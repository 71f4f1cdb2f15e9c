/* Failed calls, and what the library is. Part of rekall.hpp. */
#ifndef REKALL_ERROR_HPP
#define REKALL_ERROR_HPP

#include "../rekall.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rekall {

/* A failed call. */
class error : public std::runtime_error {
public:
    error(rekall_status status, const std::string &message) : std::runtime_error(message), status_(status) {}

    /* A REKALL_ code. */
    rekall_status status() const noexcept { return status_; }
    /* Its name. */
    const char *name() const noexcept { return rekall_status_name(status_); }

private:
    rekall_status status_;
};

/* The library's version, such as "0.1.0". */
inline std::string_view version() noexcept { return rekall_version(); }
inline std::uint32_t version_number() noexcept { return rekall_version_number(); }
/* A REKALL_FEATURE_ number. */
inline bool has_feature(std::uint32_t feature) noexcept { return rekall_has_feature(feature) != 0; }

namespace detail {

/* Throws what a call left behind. */
inline void check(rekall_status status, rekall_error *failed)
{
    if (status == REKALL_OK) {
        return;
    }
    const std::unique_ptr<rekall_error, decltype(&rekall_error_free)> owner(failed, &rekall_error_free);
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
