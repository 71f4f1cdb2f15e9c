// The C++ wrapper: owners, exceptions, ranges, lambdas. Argument: a folder.
#include "rekall.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <thread>
#include <type_traits>

#define CHECK(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            std::cerr << __FILE__ << ':' << __LINE__ << ": not so: " #condition "\n";    \
            return 1;                                                                    \
        }                                                                                \
    } while (0)

static_assert(!std::is_copy_constructible_v<rekall::memory> && std::is_nothrow_move_constructible_v<rekall::memory>);
static_assert(!std::is_copy_constructible_v<rekall::hits> && std::is_nothrow_move_constructible_v<rekall::hits>);
static_assert(!std::is_copy_constructible_v<rekall::entry> && std::is_nothrow_move_assignable_v<rekall::entry>);

static rekall::embedder letters()
{
    rekall::embedder model;
    model.name = "letters";
    model.dimensions = 26;
    model.embed = [](std::uint32_t, const std::vector<std::string_view> &texts, float *rows) {
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
static rekall_status status_of(Call call)
{
    try {
        call();
    } catch (const rekall::error &error) {
        return error.what()[0] != '\0' ? error.status() : -1;
    }
    return REKALL_OK;
}

int main(int, char **argv)
{
    const std::string folder = argv[1];
    int events = 0;
    std::string log;
    rekall::open_options options;
    options.embedder = letters();
    options.on_event = [&](const rekall_event &) {
        ++events;
        throw 1; // dropped
    };
    options.on_log = [&](std::int32_t, std::string_view line) { log += line; };
    rekall::memory memory(folder + "/cpp.db", options);
    CHECK(memory.path().find("cpp.db") != std::string_view::npos);

    rekall::new_entry rich("aaaa", "bb");
    rich.tags = {"x", "y"};
    rich.project = "p";
    rich.confidence = 0;
    rich.context = rekall::context{};
    rich.context->solution = "zzz";
    rich.context->files = {"f1", "f2"};
    rich.metadata = "{\"n\":1}";
    const std::string id = memory.remember(rich);
    CHECK(id.size() == REKALL_ID_LEN);
    {
        const rekall::entry entry = memory.get(id);
        CHECK(entry.id() == id && entry.title() == "aaaa" && entry.content() == "bb" && entry.kind() == "note");
        CHECK(entry.project() == "p" && entry.confidence() == 0 && entry.is_active() && entry.has_context());
        CHECK((entry.tags() == std::vector<std::string_view>{"x", "y"}));
        CHECK(entry.context(REKALL_CONTEXT_FILES).size() == 2 && entry.context(REKALL_CONTEXT_SOLUTION)[0] == "zzz");
        CHECK(entry.metadata() == "{\"n\":1}" && !entry.legacy() && !entry.superseded_by());
    }
    rekall::watch watch;
    std::uint64_t seen = 0;
    watch.progress = [&](std::uint64_t done, std::uint64_t) {
        seen = done;
        return true;
    };
    const auto ids = memory.remember_many({{"cccc"}, {"dddd"}, {"eeee"}}, watch);
    CHECK(ids.size() == 3 && seen == 3 && memory.stats().entries == 4);
    watch.progress = [](std::uint64_t, std::uint64_t) -> bool { throw std::logic_error("mine"); };
    bool mine = false;
    try {
        memory.remember_many({{"ffff"}}, watch);
    } catch (const std::logic_error &error) {
        mine = std::string(error.what()) == "mine";
    }
    CHECK(mine && memory.stats().entries == 4);

    rekall::hits hits = memory.recall("cccc");
    CHECK(!hits.empty() && hits[0].entry().id() == ids[0] && hits.degraded().empty());
    CHECK(hits[0].similarity().value() > 0.99f && hits[0].chunk()->role == REKALL_ROLE_SUMMARY);
    CHECK(hits[0].rank(REKALL_LEG_TEXT) == 1 && hits.elapsed().count() >= 0);
    CHECK(static_cast<std::size_t>(std::distance(hits.begin(), hits.end())) == hits.size());
    double last = 1e9;
    for (const auto &hit : hits) {
        CHECK(hit.score() <= last);
        last = hit.score();
    }
    const rekall::hits moved = std::move(hits);
    CHECK(moved.size() > 0);
    bool out_of_range = false;
    try {
        moved.at(1000);
    } catch (const std::out_of_range &) {
        out_of_range = true;
    }
    CHECK(out_of_range);

    rekall::recall_options how;
    how.filter = rekall::filter{};
    how.filter->tags_all = {"x"};
    how.filter->metadata = {{"n", "1"}};
    how.mode = REKALL_MODE_SEMANTIC;
    how.limit = 5;
    CHECK(memory.recall("cccc", how).size() == 1);
    const std::vector<float> vector = memory.embed("dddd");
    CHECK(vector.size() == 26 && memory.recall_vector(vector)[0].entry().id() == ids[1]);
    CHECK(memory.similar(ids[0], 10, -1).size() == 3);

    rekall::patch patch;
    patch.title = "gggg";
    patch.project = std::optional<std::string>();
    patch.tags = std::vector<std::string>();
    patch.active = false;
    patch.superseded_by = std::optional<std::string>(ids[0]);
    const rekall::entry after = memory.update(id, patch);
    CHECK(after.title() == "gggg" && !after.project() && after.tags().empty() && !after.is_active());
    CHECK(after.superseded_by() == ids[0]);
    memory.link(ids[0], ids[1], "related", "why");
    CHECK(memory.unlink(ids[0], ids[1], "related") && !memory.unlink(ids[0], ids[1], "related"));

    CHECK(status_of([&] { memory.remember({"explode"}); }) == REKALL_CALLBACK);
    CHECK(status_of([&] { memory.get("nonsense"); }) == REKALL_INVALID_INPUT);
    CHECK(status_of([&] { memory.recall(""); }) == REKALL_INVALID_INPUT);
    CHECK(status_of([&] { rekall::memory other(folder); }) == REKALL_NOT_A_DATABASE);
    rekall::token token;
    token.cancel();
    how.token = &token;
    CHECK(status_of([&] { memory.recall("x", how); }) == REKALL_INTERRUPTED);

    std::string exported;
    const rekall::report report = memory.export_jsonl([&](std::string_view bytes) { exported += bytes; });
    CHECK(report.number("entries") == 4 && std::count(exported.begin(), exported.end(), '\n') == 5);
    mine = false;
    try {
        memory.export_jsonl([](std::string_view) { throw std::logic_error("mine"); });
    } catch (const std::logic_error &) {
        mine = true;
    }
    CHECK(mine);
    memory.export_jsonl(folder + "/cpp.jsonl");
    memory.backup(folder + "/cpp-backup.db");
    CHECK(memory.check().number("found") == 0 && memory.check().lines().empty());
    CHECK(memory.repair().json().size() > 2);
    memory.compact();
    rekall::memory other(folder + "/cpp-other.db", options);
    CHECK(other.import_jsonl(folder + "/cpp.jsonl").number("added") == 4);
    rekall::embedder second = letters();
    second.name = "second";
    CHECK(other.reembed(second).entries == 4);
    CHECK(other.embed_pending().entries == 0);
    memory.rebuild_index();
    memory.clear_cache();
    memory.release_memory();
    CHECK(memory.model_state() == REKALL_MODEL_READY && !memory.next_deadline() && memory.unload_if_idle() == 0);
    memory.interrupt();
    std::vector<std::thread> threads;
    for (int at = 0; at < 4; ++at) {
        threads.emplace_back([&] { memory.recall("cccc"); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    for (const std::string &each : ids) {
        memory.forget(each);
    }
    CHECK(events > 0 && !log.empty());
    std::puts("ok");
}
