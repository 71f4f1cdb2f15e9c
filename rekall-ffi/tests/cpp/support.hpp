// What the C++ tests share: checks that say where they failed, a model, and what a call comes to.
#ifndef SUPPORT_HPP
#define SUPPORT_HPP

#include "rekall.hpp"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#define CHECK(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            std::cerr << __FILE__ << ':' << __LINE__ << ": not so: " #condition "\n";    \
            std::exit(1);                                                                \
        }                                                                                \
    } while (0)

inline rekall::embedder letters()
{
    rekall::embedder model;
    model.name = "letters";
    model.dimensions = 26;
    model.embed = [](rekall::purpose, const std::vector<std::string_view> &texts, float *rows) {
        for (std::size_t at = 0; at < texts.size(); ++at) {
            if (texts[at].find("explode") != std::string_view::npos) {
                throw std::runtime_error("boom");
            }
            for (const char letter : texts[at]) {
                if (letter >= 'a' && letter <= 'z') {
                    rows[at * 26 + static_cast<std::size_t>(letter - 'a')] += 1;
                }
            }
        }
    };
    return model;
}

template <typename Call>
rekall::status status_of(Call call)
{
    try {
        call();
    } catch (const rekall::error &error) {
        return error.what()[0] != '\0' ? error.status() : rekall::status{-1};
    }
    return rekall::status::ok;
}

#endif // SUPPORT_HPP
