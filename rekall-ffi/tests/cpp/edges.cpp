// What a C++ program might trip over: moved-from objects, NULs in names, exceptions of a model, limits, iterators.
// C++17 and later. Arguments: a folder, the repository.
#include "support.hpp"

#include <cstdio>
#include <iterator>
#include <string>
#include <thread>

#if __cplusplus >= 202002L
#include <algorithm>
#include <ranges>
#include <span>
static_assert(std::ranges::random_access_range<const rekall::hits> && std::ranges::sized_range<rekall::hits>);
static_assert(std::ranges::random_access_range<rekall::neighbors> && std::ranges::random_access_range<rekall::page>);
static_assert(std::is_convertible_v<std::span<float>, rekall::floats>);
static_assert(std::is_convertible_v<std::span<const float, 3>, rekall::floats>);
#endif

static std::string title_of(const rekall::memory &memory, std::string_view id)
{
    const rekall::entry entry = memory.get(id);
    return std::string(entry.title());
}

static void moved_from(rekall::memory &memory, const std::string &id)
{
    rekall::entry entry = memory.get(id);
    rekall::entry other = std::move(entry);
    CHECK(other.title() == "aaaa" && entry.title().empty() && entry.c_ptr() == nullptr && entry.tags().empty());
    entry = std::move(other);
    CHECK(entry.title() == "aaaa" && other.id().empty() && !other.project());
    rekall::entry &itself = entry;
    entry = std::move(itself);
    CHECK(entry.title() == "aaaa");
    // A view of an entry is one of what it holds, wherever that is moved to.
    const rekall::entry_view view = entry;
    const rekall::entry third = std::move(entry);
    CHECK(view.title() == "aaaa" && third.id() == view.id());

    rekall::token token;
    const rekall::token taken = std::move(token);
    rekall::recall_options how;
    how.token = &token;
    CHECK(status_of([&] { return memory.recall("aaaa", how); }) == rekall::status::misuse);
    rekall::watch watch;
    watch.token = &token;
    CHECK(status_of([&] { memory.remember_many({{"bbbb"}}, watch); }) == rekall::status::misuse);
    CHECK(!taken.is_cancelled());
}

static void nul_inside(rekall::memory &memory, const std::string &folder, const std::string &id)
{
    using namespace std::string_literals;
    const std::string longer = id + "\0x"s;
    const auto refused = [](auto call) { return status_of(call) == rekall::status::invalid_input; };
    CHECK(refused([&] { rekall::memory other(folder + "/a\0b"s); }));
    CHECK(refused([&] { return memory.get(longer); }) && refused([&] { memory.forget(longer); }));
    CHECK(refused([&] { memory.update(longer, {}); }) && refused([&] { memory.link(id, longer, "related"); }));
    CHECK(refused([&] { memory.link(id, id, "related\0to"s); }) && refused([&] { return memory.similar(longer); }));
    CHECK(refused([&] { memory.export_jsonl(folder + "/nul\0.jsonl"s); }));
    CHECK(refused([&] { memory.backup(folder + "/nul\0.db"s); }));
    CHECK(refused([&] { memory.reembed("bundled\0"s); }) && !rekall::id_time(longer));
    rekall::embedder other = letters();
    other.name = "letters\0, version 2"s;
    CHECK(refused([&] { memory.reembed(other); }));
    rekall::open_options options;
    options.embedder = other;
    CHECK(refused([&] { rekall::memory opened(folder + "/named.db", options); }));
    rekall::patch patch;
    patch.superseded_by = std::optional<std::string>(longer);
    CHECK(refused([&] { memory.update(id, patch); }) && title_of(memory, id) == "aaaa");
    // Text has its length with it, and the library says what is wrong with it.
    CHECK(refused([&] { memory.remember({"cccc", "a\0b"s}); }));
}

static void exceptions_of_a_model(const std::string &folder)
{
    rekall::open_options options;
    std::function<void()> fail = [] {};
    options.embedder = letters();
    options.embedder->embed = [&fail](rekall::purpose, const std::vector<std::string_view> &texts, float *rows) {
        fail();
        for (std::size_t at = 0; at < texts.size(); ++at) {
            rows[at * 26] = 1;
        }
    };
    rekall::memory memory(folder + "/failing.db", options);
    const auto text_of = [&](auto call) {
        try {
            call();
        } catch (const std::exception &error) {
            return std::string(error.what());
        }
        return std::string("nothing");
    };
    const auto remember = [&] { memory.remember("aaaa"); };
    remember();
    fail = [] { throw std::runtime_error("the GPU fell off"); };
    CHECK(text_of(remember) == "the GPU fell off");
    rekall::recall_options by_meaning;
    by_meaning.mode = rekall::mode::semantic;
    CHECK(text_of([&] { (void)memory.recall_batch({"aaaa", "bbbb"}, by_meaning); }) == "the GPU fell off");
    const rekall::hits by_words = memory.recall("aaaa");
    CHECK(by_words.degraded().size() == 1);
    CHECK(text_of([&] { (void)memory.embed("aaaa"); }) == "the GPU fell off");
    // Said to be no failure, it is one all the same.
    fail = [] { throw rekall::error(rekall::status::ok, "all is well"); };
    CHECK(text_of(remember) == "all is well" && memory.stats().entries == 1);
    fail = [] { throw 7; };
    int seven = 0;
    try {
        remember();
    } catch (const int thrown) {
        seven = thrown;
    }
    CHECK(seven == 7);
    // These two say something to the library, and an old exception is not told again.
    fail = [] { throw rekall::error(rekall::status::interrupted, "stop"); };
    CHECK(status_of(remember) == rekall::status::interrupted);
    fail = [] { throw rekall::error(rekall::status::model_unavailable, "not now"); };
    remember();
    CHECK(memory.stats().entries == 2 && status_of([&] { return memory.get("nonsense"); }) == rekall::status::invalid_input);
    fail = [] { throw std::runtime_error("on another thread"); };
    std::thread([&] { CHECK(text_of(remember) == "on another thread"); }).join();
    fail = [] {};
    CHECK(memory.embed_pending().entries == 1);
}

static void limits(rekall::memory &memory, const std::string &id)
{
    rekall::recall_options how;
    rekall::similar_options similar;
    how.limit = similar.limit = 0;
    CHECK(status_of([&] { return memory.recall("aaaa", how); }) == rekall::status::invalid_input);
    CHECK(status_of([&] { return memory.recall_batch({"aaaa"}, how); }) == rekall::status::invalid_input);
    CHECK(status_of([&] { return memory.similar(id, similar); }) == rekall::status::invalid_input);
    how.limit = 100001;
    CHECK(status_of([&] { return memory.recall("aaaa", how); }) == rekall::status::invalid_input);
    how.limit = 1;
    CHECK(memory.recall("aaaa", how).size() == 1);
}

static rekall::recall_options only_text()
{
    rekall::recall_options how;
    how.mode = rekall::mode::text;
    return how;
}

static void iterators(rekall::memory &memory)
{
    memory.remember_many({{"aaab"}, {"aabb"}});
    const rekall::hits hits = memory.recall("aaaa");
    CHECK(hits.size() >= 3);
    const auto first = hits.begin();
    CHECK(first->entry().title() == "aaaa" && first->score() == (*first).score());
    auto next = first;
    CHECK(next++ == first && next != first && ++next == std::next(first, 2));
    CHECK(--next > first && next-- - first == 1 && next <= first && next >= first && first < 2 + next);
    CHECK(std::distance(hits.begin(), hits.end()) == static_cast<std::ptrdiff_t>(hits.size()));
    auto last = hits.end() - 1;
    CHECK(last->entry().id() == hits.back().entry().id() && hits.cbegin() == first && hits.cend() - 1 == last);
    CHECK(first[last - first].entry().id() == hits.back().entry().id() && hits.front().entry().title() == "aaaa");
    CHECK((last -= last - first) == first && (last += 1) == std::next(first));
    std::reverse_iterator<rekall::hits::iterator> backwards(hits.end());
    CHECK(backwards->entry().id() == hits.back().entry().id() && (*++backwards).score() >= hits.back().score());
    const auto worse = std::partition_point(first, hits.end(), [](const rekall::hit &hit) { return hit.score() > 1e9; });
    CHECK(worse == first && std::prev(hits.end()) == hits.end() - 1);
    // As empty as what C gives for an index beyond the end.
    const rekall::hits none = memory.recall("qqqq", only_text());
    CHECK(none.empty() && none.begin() == none.end() && none.front().entry().title().empty());
    CHECK(none.back().entry().id().empty() && none[7].similarity() == std::nullopt && hits[1000].entry().id().empty());
    rekall::hits left = memory.recall("aaaa");
    const rekall::hits taken = std::move(left);
    CHECK(left.empty() && left.begin() == left.end() && left.front().entry().title().empty() && !taken.empty());
    CHECK(left.degraded().empty() && left.elapsed().count() == 0);
    rekall::report report = memory.check();
    const rekall::report other = std::move(report);
    CHECK(report.json().empty() && report.lines().empty() && report.number("found") == 0 && !other.json().empty());
#if __cplusplus >= 202002L
    CHECK(std::ranges::max_element(hits, {}, &rekall::hit::score) == first);
    CHECK(std::ranges::distance(hits) == static_cast<std::ptrdiff_t>(hits.size()));
    std::vector<float> vector(26);
    vector[0] = 1;
    const std::span<const float> span(vector);
    const rekall::hits by_span = memory.recall_vector(span);
    CHECK(by_span[0].entry().title() == "aaaa");
    rekall::recall_options how;
    how.vector = span;
    how.vector = std::span<float>(vector);
    CHECK(!memory.recall("aaaa", how).empty());
    CHECK(memory.recall_batch({rekall::query(span), {"aaaa", std::span<float>(vector)}}).size() == 2);
#endif
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    const std::string folder = argv[1];
    rekall::open_options options;
    options.embedder = letters();
    rekall::memory memory(folder + "/edges.db", options);
    const std::string id = memory.remember("aaaa");
    moved_from(memory, id);
    nul_inside(memory, folder, id);
    exceptions_of_a_model(folder);
    limits(memory, id);
    iterators(memory);
    std::puts("ok");
}
