// Who owns what in the C++ wrapper: moves, and callbacks that live as long as the library may call them. Arguments: a
// folder, the repository.
#include "support.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

// Says when it goes.
struct witness {
    std::function<void()> gone;
    explicit witness(std::function<void()> then) : gone(std::move(then)) {}
    witness(const witness &) = delete;
    witness &operator=(const witness &) = delete;
    ~witness() { gone(); }
};

// Options whose embedder goes when the file is closed, and whose clock must not go before that.
static rekall::open_options watched(bool &closed, bool &in_order)
{
    rekall::open_options options;
    options.embedder = letters();
    const auto model = std::make_shared<witness>([&closed] { closed = true; });
    options.embedder->embed = [model, embed = letters().embed](auto purpose, const auto &texts, float *rows) {
        embed(purpose, texts, rows);
    };
    const auto clock = std::make_shared<witness>([&] { in_order = closed; });
    options.age = [clock] { return std::chrono::milliseconds(0); };
    return options;
}

static void a_file_is_closed_before_its_callbacks_go(const std::string &folder)
{
    bool closed = false, in_order = false;
    {
        rekall::memory memory(folder + "/first.db", watched(closed, in_order));
        memory.remember("aaaa");
    }
    CHECK(closed && in_order);
    closed = in_order = false;
    rekall::memory memory(folder + "/second.db", watched(closed, in_order));
    memory.remember("aaaa");
    memory = rekall::memory(folder + "/third.db");
    CHECK(closed && in_order && memory.stats().entries == 0);
}

// The library's thread reads the clock until the file is closed, whichever object it is moved through.
static void a_thread_reads_the_clock_until_the_end(const std::string &folder, const std::string &repository)
{
    rekall::open_options options;
    options.model = "path:" + repository + "/rekall-model/tests/fixtures/static-f32";
    options.unload_thread = true;
    options.model_idle_timeout = std::chrono::milliseconds(1);
    for (int round = 0; round < 20; ++round) {
        const auto time = std::make_shared<std::int64_t>(0);
        options.age = [time] { return std::chrono::milliseconds(*time); };
        rekall::memory memory(folder + "/threads.db", options), other(folder + "/threads.db", options);
        memory.load_model();
        memory = std::move(other);
        memory.load_model();
    }
}

static void moves(const std::string &folder)
{
    rekall::open_options options;
    options.embedder = letters();
    rekall::memory memory(folder + "/moves.db", options);
    const std::string id = memory.remember("aaaa");
    rekall::memory &itself = memory;
    memory = std::move(itself);
    CHECK(memory.stats().entries == 1);
    rekall::memory moved = std::move(memory);
    const rekall::entry entry = moved.get(id);
    CHECK(entry.title() == "aaaa");

    // All calls on what was moved from are refused, those with callbacks, too.
    rekall::load_options load;
    load.download = [](std::string_view, std::uint64_t, std::uint64_t) {};
    CHECK(memory.c_ptr() == nullptr && memory.path().empty());
    memory.interrupt();
    CHECK(status_of([&] { return memory.stats(); }) == rekall::status::misuse);
    CHECK(status_of([&] { return memory.reembed("bundled"); }) == rekall::status::misuse);
    CHECK(status_of([&] { return memory.reembed("bundled", {}, load); }) == rekall::status::misuse);
    CHECK(status_of([&] { return memory.reembed(letters()); }) == rekall::status::misuse);
    memory = std::move(moved);
    CHECK(memory.stats().entries == 1);
}

// However often the model is changed, one function hears of downloads, and none is kept for a change that failed.
static void who_hears_of_downloads(const std::string &folder, const std::string &repository)
{
    rekall::open_options options;
    options.embedder = letters();
    int kept = 0;
    rekall::memory memory(folder + "/downloads.db", options);
    for (int round = 0; round < 5; ++round) {
        rekall::load_options load;
        const auto here = std::make_shared<witness>([&kept] { --kept; });
        ++kept;
        load.download = [here](std::string_view, std::uint64_t, std::uint64_t) {};
        CHECK(status_of([&] { return memory.reembed("path:/nonexistent", {}, load); }) == rekall::status::invalid_model);
        memory.reembed("path:" + repository + "/rekall-model/tests/fixtures/static-f32", {}, load);
    }
    CHECK(kept == 1);
}

// An exception that comes too late to stop its call comes out of it all the same, and leaks nothing.
static void a_late_exception(const std::string &folder)
{
    rekall::open_options options;
    options.embedder = letters();
    rekall::memory memory(folder + "/late.db", options);
    rekall::watch watch;
    watch.progress = [](std::uint64_t done, std::uint64_t total) -> bool {
        if (done == total) {
            throw std::logic_error("too late");
        }
        return true;
    };
    const auto late = [](auto call) {
        try {
            call();
        } catch (const std::logic_error &error) {
            return std::string(error.what()) == "too late";
        }
        return false;
    };
    memory.remember_many({{"aaaa"}, {"bbbb"}});
    const std::string path = folder + "/late.jsonl";
    CHECK(late([&] { memory.export_jsonl(path, rekall::exported::all, watch); }));
    CHECK(late([&] { memory.export_jsonl([](std::string_view) {}, rekall::exported::without_vectors, watch); }));
    CHECK(late([&] { memory.backup(folder + "/late-backup.db", watch); }));
    rekall::memory other(folder + "/late-other.db", options);
    CHECK(late([&] { other.import_jsonl(path, rekall::on_duplicate::skip, watch); }));
}

// A scope keeps what the memory calls, however long it lives after it.
static void a_scope_outlives_its_memory(const std::string &folder)
{
    bool closed = false, in_order = false;
    {
        auto memory = std::make_unique<rekall::memory>(folder + "/scopes.db", watched(closed, in_order));
        rekall::memory ann = memory->scope("ann");
        CHECK(memory->scopes() == std::vector<std::string>{"ann"});
        CHECK(ann.scope_name() == "ann" && !memory->scope_name());
        ann.remember("aaaa");
        CHECK(memory->recall("aaaa").empty());
        memory.reset();
        CHECK(!closed);
        CHECK(ann.recall("aaaa").size() == 1);
        CHECK(status_of([&] { static_cast<void>(ann.scope("bob")); }) == rekall::status::unsupported);
    }
    CHECK(closed && in_order);
    rekall::memory memory(folder + "/scopes.db");
    CHECK(memory.remove_scope("ann") == 1);
    CHECK(status_of([&] { memory.remove_scope("ann"); }) == rekall::status::not_found);
    const rekall::memory moved = std::move(memory);
    CHECK(status_of([&] { static_cast<void>(memory.scope("ann")); }) == rekall::status::misuse);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    a_scope_outlives_its_memory(argv[1]);
    a_file_is_closed_before_its_callbacks_go(argv[1]);
    a_thread_reads_the_clock_until_the_end(argv[1], argv[2]);
    moves(argv[1]);
    who_hears_of_downloads(argv[1], argv[2]);
    a_late_exception(argv[1]);
    std::puts("ok");
}
