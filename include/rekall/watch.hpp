/* Watching and stopping long calls, and what they report. Part of rekall.hpp. */
#ifndef REKALL_WATCH_HPP
#define REKALL_WATCH_HPP

#include "values.hpp"

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace rekall {

/* Stops calls from another thread. */
class token {
public:
    token() : token(rekall_token_new()) {}

    /* A token that is cancelled with this one, and can be cancelled alone. */
    [[nodiscard]] token child() const { return token(rekall_token_child(owned_.get())); }

    /* Stops the calls that were given it or its children, those that run and those to come. */
    void cancel() const noexcept { rekall_token_cancel(owned_.get()); }
    [[nodiscard]] bool is_cancelled() const noexcept { return rekall_token_is_cancelled(owned_.get()) != 0; }
    [[nodiscard]] rekall_token *c_ptr() const & noexcept REKALL_LIFETIMEBOUND { return owned_.get(); }
    rekall_token *c_ptr() const && = delete;

private:
    explicit token(rekall_token *owned) : owned_(owned)
    {
        if (owned_ == nullptr) {
            throw error(status::error, "the library gave no token");
        }
    }

    detail::owner<rekall_token, &rekall_token_free> owned_;
};

/* How a long call is watched: progress returns false to stop it; a total of 0 is not known. Its exception comes out of the
 * call, also when it came too late to stop it: what the call did is done then, and what it would have returned is lost. */
struct watch {
    std::function<bool(std::uint64_t done, std::uint64_t total)> progress;
    const rekall::token *token = nullptr;
};

/* How entries are remembered. */
struct remember_options : watch {
    remember_options() = default;
    remember_options(watch watched) : watch(std::move(watched)) {}
    remember_options(floats rows) : vectors(rows) {}

    /* Vectors made by the program, one row an entry; empty: the model makes them. */
    kept_floats vectors;
    /* How long the model stays loaded after this call; zero: not at all, forever; nullopt: as the memory was opened. */
    std::optional<std::chrono::milliseconds> keep_alive;
};

/* What upkeep, import or export found and did. */
class report {
public:
    explicit report(rekall_report *owned) noexcept : owned_(owned) {}

    /* A number by its name, as rekall.h lists them; 0 when there is no such number. */
    [[nodiscard]] std::uint64_t number(const char *key) const noexcept
    {
        return rekall_report_number(owned_.get(), key);
    }

    /* All of it, as one JSON object. */
    [[nodiscard]] std::string_view json() const & noexcept REKALL_LIFETIMEBOUND
    {
        return detail::view(rekall_report_json, owned_.get());
    }

    /* What a person may want to look at. */
    [[nodiscard]] std::vector<std::string_view> lines() const & REKALL_LIFETIMEBOUND
    {
        return detail::list(rekall_report_line_count(owned_.get()),
                            [this](std::size_t at) { return detail::view(rekall_report_line, owned_.get(), at); });
    }

    std::string_view json() const && = delete;
    std::vector<std::string_view> lines() const && = delete;

private:
    detail::owner<rekall_report, &rekall_report_free> owned_;
};

namespace detail {

/* NULL for none; what was moved from would never stop anything. */
inline rekall_token *c_token(const token *given)
{
    if (given != nullptr && given->c_ptr() == nullptr) {
        throw error(status::misuse, "the token was moved from");
    }
    return given != nullptr ? given->c_ptr() : nullptr;
}

/* Where an exception of a callback waits until the call that it stopped is over. */
class thrown {
public:
    /* Runs a callback; `otherwise` when it threw. */
    template <typename Result, typename Callback>
    Result guard(Result otherwise, Callback callback) noexcept
    {
        try {
            return callback();
        } catch (...) {
            if (!exception_) {
                exception_ = std::current_exception();
            }
            return otherwise;
        }
    }

    void rethrow() const
    {
        if (exception_) {
            std::rethrow_exception(exception_);
        }
    }

    /* Ends a call: by the callback's exception, or else the call's own failure. */
    void check(rekall_status status, rekall_error *failed) const
    {
        if (exception_) {
            rekall_error_free(failed);
            passing() = nullptr;
            rethrow();
        }
        detail::check(status, failed);
    }

private:
    std::exception_ptr exception_;
};

struct c_watch {
    rekall_watch value = REKALL_WATCH_INIT;
    const watch &given;
    detail::thrown thrown;

    explicit c_watch(const watch &watched) : given(watched)
    {
        value.token = c_token(watched.token);
        value.user_data = this;
        if (watched.progress) {
            value.progress = [](void *self, std::uint64_t done, std::uint64_t total) -> std::int32_t {
                auto &me = *static_cast<c_watch *>(self);
                return me.thrown.guard(std::int32_t{1}, [&] { return me.given.progress(done, total) ? 0 : 1; });
            };
        }
    }

    c_watch(const c_watch &) = delete;
    c_watch &operator=(const c_watch &) = delete;
};

/* Calls a function that ends with watch, out and error; out is a struct of figures. */
template <typename Out, typename Function, typename... Arguments>
void watched(const watch &watch, Out *out, Function function, Arguments... arguments)
{
    c_watch c(watch);
    rekall_error *failed = nullptr;
    const rekall_status status = function(arguments..., &c.value, out, &failed);
    c.thrown.check(status, failed);
}

/* The same, for a report. */
template <typename Function, typename... Arguments>
report reported(const watch &watch, Function function, Arguments... arguments)
{
    c_watch c(watch);
    rekall_report *out = nullptr;
    rekall_error *failed = nullptr;
    const rekall_status status = function(arguments..., &c.value, &out, &failed);
    /* Owned before anything is thrown: a callback may have thrown although the call succeeded. */
    report owned(out);
    c.thrown.check(status, failed);
    return owned;
}

} /* namespace detail */

} /* namespace rekall */

#endif /* REKALL_WATCH_HPP */
