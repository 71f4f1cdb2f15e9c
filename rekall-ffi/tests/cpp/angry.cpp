// What a C++ program does to an object in anger: moves it onto itself, uses it after it was moved from, throws whatever it
// likes from every callback, from many threads at once. C++17. Arguments: a folder, the repository.
#include "support.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

static rekall::open_options with_letters()
{
    rekall::open_options options;
    options.embedder = letters();
    return options;
}

// Moves through a reference, so that no compiler warns of what is meant.
template <typename T>
static void onto_itself(T &object)
{
    T &same = object;
    object = std::move(same);
}

static void self_moves(rekall::memory &memory, const std::string &id)
{
    rekall::hits hits = memory.recall("aaaa");
    onto_itself(hits);
    CHECK(hits.front().entry().id() == id);
    rekall::report report = memory.check();
    onto_itself(report);
    CHECK(!report.json().empty());
    rekall::token token;
    onto_itself(token);
    token.cancel();
    CHECK(token.is_cancelled());
    rekall::page page = memory.list();
    onto_itself(page);
    CHECK(page.front().title() == "aaaa");
    rekall::new_entry entry("title", "text");
    onto_itself(entry);
    onto_itself(memory);
    CHECK(memory.stats().entries > 0);

    // Where containers and algorithms move them about.
    std::vector<rekall::hits> many;
    for (const char *word : {"aaaa", "bbbb", "aaaa", "bbbb"}) {
        many.push_back(memory.recall(word));
    }
    std::reverse(many.begin(), many.end());
    std::swap(many.front(), many.back());
    many.erase(many.begin());
    CHECK(many.size() == 3 && std::all_of(many.begin(), many.end(), [](const rekall::hits &one) { return !one.empty(); }));
    std::vector<rekall::entry> entries;
    for (int at = 0; at < 20; ++at) {
        entries.push_back(memory.get(id));
    }
    std::rotate(entries.begin(), entries.begin() + 7, entries.end());
    CHECK(std::all_of(entries.begin(), entries.end(), [&](const rekall::entry &one) { return one.id() == id; }));
    std::optional<rekall::entry> maybe(std::move(entries[3]));
    CHECK(maybe->title() == "aaaa" && entries[3].title().empty() && !entries[3].is_active());
}

static void every_call_on_what_was_moved_from(const std::string &folder)
{
    rekall::memory memory(folder + "/moved.db", with_letters());
    const std::string id = memory.remember("aaaa");
    const rekall::memory holder = std::move(memory);
    const std::vector<float> row(26, 1.0f);
    const std::string path = folder + "/moved.jsonl";
    const std::vector<std::function<void()>> calls = {
        [&] { memory.remember("x"); },
        [&] { memory.remember_many({{"x"}, {"y"}}); },
        [&] { (void)memory.get(id); },
        [&] { (void)memory.get_many({id}); },
        [&] { memory.update(id, {}); },
        [&] { memory.update_with_vector(id, {}, row); },
        [&] { memory.supersede_entry(id, id); },
        [&] { memory.forget(id); },
        [&] { memory.link(id, id, "related"); },
        [&] { memory.unlink(id, id, "related"); },
        [&] { (void)memory.links_of(id); },
        [&] { (void)memory.neighbors_of(id, 1); },
        [&] { (void)memory.list(); },
        [&] { (void)memory.count(); },
        [&] { (void)memory.changes_since(); },
        [&] { (void)memory.change_position(); },
        [&] { (void)memory.recall("x"); },
        [&] { (void)memory.recall_vector(row); },
        [&] { (void)memory.recall_batch({"x", row}); },
        [&] { (void)memory.similar(id); },
        [&] { (void)memory.dimensions(); },
        [&] { (void)memory.data_version(); },
        [&] { (void)memory.embed("x"); },
        [&] { memory.load_model(); },
        [&] { memory.unload_model(); },
        [&] { memory.touch_model(); },
        [&] { (void)memory.model_state(); },
        [&] { memory.load_reranker(); },
        [&] { memory.unload_reranker(); },
        [&] { (void)memory.reranker_state(); },
        [&] { memory.unload_if_idle(); },
        [&] { (void)memory.next_deadline(); },
        [&] { memory.release_memory(); },
        [&] { memory.embed_pending(); },
        [&] { memory.reembed("bundled"); },
        [&] { memory.reembed(letters()); },
        [&] { memory.export_jsonl(path); },
        [&] { memory.export_jsonl([](std::string_view) {}); },
        [&] { memory.import_jsonl(path); },
        [&] { memory.import_jsonl([](char *, std::size_t) { return std::size_t{0}; }); },
        [&] { memory.import_legacy(path); },
        [&] { (void)memory.check(); },
        [&] { memory.repair(); },
        [&] { memory.compact(); },
        [&] { memory.rebuild_index(); },
        [&] { memory.clear_cache(); },
        [&] { (void)memory.audit_index(1, 1); },
        [&] { memory.backup(path); },
        [&] { (void)memory.stats(); },
        [&] { (void)memory.model_name(); },
        [&] { (void)memory.fingerprint(); },
        [&] { (void)memory.index_backend(); },
        [&] { (void)memory.pending_reason(); },
    };
    for (std::size_t at = 0; at < calls.size(); ++at) {
        const rekall::status status = status_of(calls[at]);
        if (status != rekall::status::misuse) {
            std::cerr << "call " << at << " gave " << static_cast<int>(status) << '\n';
        }
        CHECK(status == rekall::status::misuse);
    }
    memory.interrupt();
    CHECK(memory.path().empty() && memory.c_ptr() == nullptr && holder.stats().entries == 1);
    rekall::token token;
    const rekall::token taken = std::move(token);
    token.cancel();
    CHECK(!token.is_cancelled() && !taken.is_cancelled() && token.c_ptr() == nullptr);
}

static void names_of_all_kinds(rekall::memory &memory, const std::string &id)
{
    // A view into a longer text, of no text, and no text at all.
    const std::string longer = "id: " + id + ", and more";
    const rekall::entry entry = memory.get(std::string_view(longer).substr(4, REKALL_ID_LEN));
    CHECK(entry.id() == id);
    CHECK(status_of([&] { return memory.get(std::string_view()); }) == rekall::status::invalid_input);
    CHECK(status_of([&] { return memory.get(static_cast<const char *>(nullptr)); }) == rekall::status::misuse);
    CHECK(status_of([&] { rekall::memory none(static_cast<const char *>(nullptr)); }) == rekall::status::misuse);
    CHECK(status_of([&] { memory.forget({}); }) == rekall::status::invalid_input);
    CHECK(status_of([&] { memory.remember(std::string_view()); }) == rekall::status::invalid_input);
    CHECK(rekall::id_time(entry.id()) && !rekall::id_time({}) && !rekall::id_time(longer));
    CHECK(!rekall::id_time(std::string_view("0123456789\0" "123456789012345", REKALL_ID_LEN)));

    rekall::hits::iterator nowhere, other;
    CHECK(nowhere == other && nowhere->entry().title().empty() && !(*nowhere).similarity());
    // Hits and entries stay when the memory is gone.
    std::optional<rekall::memory> brief;
    brief.emplace(memory.path(), with_letters());
    const rekall::hits hits = brief->recall("aaaa");
    brief.reset();
    CHECK(hits.front().entry().title() == "aaaa");
}

// Thrown by a program that knows no std::exception.
struct anger {
    int number;
};

static void each_thread_gets_its_own_exception(const std::string &folder)
{
    rekall::open_options options = with_letters();
    std::atomic<int> events{0};
    options.on_event = [&](const rekall::event &) -> void { throw anger{++events}; };
    options.on_log = [](rekall::log_level, std::string_view) -> void { throw anger{0}; };
    options.log_level = rekall::log_level::trace;
    options.age = []() -> std::chrono::milliseconds { throw anger{0}; };
    options.embedder->count_tokens = [](std::string_view) -> std::size_t { throw anger{0}; };
    options.embedder->max_tokens = 100;
    options.embedder->embed = [](rekall::purpose, const std::vector<std::string_view> &texts, float *rows) {
        for (std::size_t at = 0; at < texts.size(); ++at) {
            const std::size_t number = texts[at].find("explode");
            if (number != std::string_view::npos) {
                throw anger{std::stoi(std::string(texts[at].substr(number + 7)))};
            }
            rows[at * 26] = 1;
        }
    };
    rekall::memory memory(folder + "/threads.db", options);
    memory.remember("calm");
    std::vector<std::thread> threads;
    std::atomic<int> caught{0};
    for (int number = 0; number < 8; ++number) {
        threads.emplace_back([&, number] {
            const auto is_mine = [&](auto call) {
                try {
                    call();
                } catch (const anger &mine) {
                    CHECK(mine.number == number);
                    ++caught;
                    return;
                }
                CHECK(!"it did not come out");
            };
            rekall::watch watch;
            watch.progress = [number](std::uint64_t, std::uint64_t) -> bool { throw anger{number}; };
            for (int round = 0; round < 10; ++round) {
                is_mine([&] { memory.remember("explode" + std::to_string(number)); });
                is_mine([&] { memory.remember("calm", watch); });
                is_mine([&] { memory.export_jsonl([&](std::string_view) { throw anger{number}; }); });
                is_mine([&] { (void)memory.check(watch); });
                // And what goes well has nothing of it.
                CHECK(!memory.recall("calm").empty() && memory.stats().entries == 1);
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(caught == 8 * 10 * 4);
}

static void a_call_inside_a_callback(const std::string &folder, rekall::memory &memory)
{
    // Another file is used in a callback; its failure is that callback's own affair.
    rekall::memory other(folder + "/other.db", with_letters());
    rekall::watch watch;
    int inside = 0;
    watch.progress = [&](std::uint64_t, std::uint64_t) {
        try {
            other.remember("explode");
        } catch (const std::runtime_error &error) {
            inside += std::string(error.what()) == "boom";
        }
        inside += status_of([&] { return other.get("nonsense"); }) == rekall::status::invalid_input;
        other.remember("bbbb");
        return true;
    };
    const auto before = memory.stats().entries;
    memory.remember_many({{"cccc"}, {"dddd"}}, watch);
    CHECK(inside >= 2 && inside % 2 == 0 && memory.stats().entries == before + 2 && other.stats().entries > 0);
    // Its own handle is refused, and the call goes on.
    rekall::status own = rekall::status::ok;
    watch.progress = [&](std::uint64_t, std::uint64_t) {
        own = status_of([&] { return memory.stats(); });
        return true;
    };
    memory.remember_many({{"cccc"}, {"dddd"}}, watch);
    CHECK(own == rekall::status::misuse && memory.stats().entries == before + 4);
}

static void what_was_never_set(const std::string &folder)
{
    rekall::open_options options;
    options.embedder = rekall::embedder{};
    CHECK(status_of([&] { rekall::memory memory(folder + "/empty.db", options); }) != rekall::status::ok);
    options.embedder = letters();
    options.embedder->embed = nullptr;
    CHECK(status_of([&] { rekall::memory memory(folder + "/empty.db", options); }) != rekall::status::ok);
    rekall::memory memory(folder + "/empty.db", with_letters());
    const auto function_is_empty = [](auto call) {
        try {
            call();
        } catch (const std::bad_function_call &) {
            return true;
        }
        return false;
    };
    CHECK(function_is_empty([&] { memory.export_jsonl(std::function<void(std::string_view)>()); }));
    CHECK(function_is_empty([&] { memory.import_jsonl(std::function<std::size_t(char *, std::size_t)>()); }));
    // A reader that says it gave more than there is room for.
    CHECK(status_of([&] { memory.import_jsonl([](char *, std::size_t room) { return room + 1; }); }) != rekall::status::ok);
    CHECK(memory.stats().entries == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    const std::string folder = argv[1];
    rekall::memory memory(folder + "/angry.db", with_letters());
    const std::string id = memory.remember("aaaa");
    memory.remember("bbbb");
    self_moves(memory, id);
    every_call_on_what_was_moved_from(folder);
    names_of_all_kinds(memory, id);
    each_thread_gets_its_own_exception(folder);
    a_call_inside_a_callback(folder, memory);
    what_was_never_set(folder);
    std::puts("ok");
}
