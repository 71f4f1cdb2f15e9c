// The C++ wrapper: owners, exceptions, ranges, lambdas. C++17 and later. Arguments: a folder, the repository.
#include "support.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>
#include <type_traits>

#if __cplusplus >= 202002L
#include <ranges>
static_assert(std::ranges::random_access_range<const rekall::hits> && std::ranges::random_access_range<rekall::links>);
#endif

// What is an owner or a view moves and goes without throwing.
template <typename... Types>
constexpr bool nothing_throws = ((std::is_nothrow_move_constructible_v<Types> && std::is_nothrow_move_assignable_v<Types> &&
                                  std::is_nothrow_destructible_v<Types>) && ...);
static_assert(nothing_throws<rekall::memory, rekall::hits, rekall::links, rekall::neighbors, rekall::page, rekall::entry,
                             rekall::report, rekall::token, rekall::new_entry, rekall::patch, rekall::hit, rekall::link,
                             rekall::entry_view, rekall::floats, rekall::kept_floats, rekall::hits::iterator>);
static_assert(noexcept(std::declval<const rekall::hits &>()[0].entry().id()));
static_assert(noexcept(std::declval<const rekall::hits &>().front()) && noexcept(std::declval<rekall::hits &>().begin()));
static_assert(!std::is_copy_constructible_v<rekall::memory> && std::is_nothrow_move_constructible_v<rekall::memory>);
static_assert(!std::is_copy_constructible_v<rekall::hits> && std::is_nothrow_move_constructible_v<rekall::hits>);
static_assert(!std::is_copy_constructible_v<rekall::entry> && std::is_nothrow_move_assignable_v<rekall::entry>);

/* By the clock of this test, when all is written. */
static constexpr rekall::time stamped{std::chrono::milliseconds(1700000000000)};

static std::string title_of(const rekall::entry &entry)
{
    return std::string(entry.title());
}

static const rekall::entry_view first(const rekall::hits &hits)
{
    CHECK(!hits.empty());
    return hits[0].entry();
}

static void entries(rekall::memory &memory)
{
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
        CHECK(entry.context(rekall::context_part::files).size() == 2 && entry.context(rekall::context_part::solution)[0] == "zzz");
        CHECK(entry.metadata() == "{\"n\":1}" && !entry.legacy() && !entry.superseded_by());
        CHECK(entry.memory_type() == "episodic" && entry.json().find("aaaa") != std::string_view::npos);
        CHECK(entry.created_at() == stamped && entry.updated_at() == entry.created_at());
        CHECK(rekall::id_time(id) == stamped && !rekall::id_time("nonsense"));
    }
    const std::string other = memory.remember("its successor");
    rekall::patch patch;
    patch.title = "gggg";
    patch.project = std::optional<std::string>();
    patch.tags = std::vector<std::string>();
    patch.status = rekall::entry_status::obsolete;
    patch.confidence = 5;
    patch.superseded_by = std::optional<std::string>(other);
    patch.context = std::optional<rekall::context>();
    {
        const rekall::entry after = memory.update(id, patch);
        CHECK(after.title() == "gggg" && !after.project() && after.tags().empty() && !after.is_active());
        CHECK(after.superseded_by() == other && after.confidence() == 5 && !after.has_context());
    }
    rekall::patch back;
    back.superseded_by = std::optional<std::string>();
    rekall::context again;
    again.situation = "at night";
    back.context = again;
    back.project = std::optional<std::string>("q");
    {
        const rekall::entry updated = memory.update(id, back);
        CHECK(!updated.superseded_by() && updated.project() == "q" && memory.get(id).has_context());
    }

    memory.link(id, other, "related", "why");
    memory.link(other, id, "supersedes");
    {
        std::size_t listed = 0;
        std::string last;
        for (;;) {
            const rekall::page page = memory.list({}, last, 1);
            if (page.empty()) {
                break;
            }
            for (const auto entry : page) {
                CHECK(title_of(memory.get(entry.id())) == entry.title());
                last = entry.id();
                ++listed;
            }
        }
        CHECK(listed > 0 && listed == memory.count());
        const rekall::links links = memory.links_of(id);
        CHECK(links.size() == 2 && links[0].source() == id && links[0].target() == other);
        CHECK(links[0].relation() == "related" && links[0].reason() == "why" && !links.at(1).reason());
        std::size_t seen = 0;
        for (const rekall::link &link : links) {
            seen += link.created_at() == stamped;
        }
        CHECK(seen == 2);
        const rekall::neighbors near = memory.neighbors_of(id, 2);
        CHECK(near.size() == 1 && near[0].id() == other && near[0].distance() == 1);
    }
    CHECK(memory.unlink(id, other, "related") && !memory.unlink(id, other, "related"));
    memory.forget(id);
    memory.forget(other);
}

static std::vector<std::string> remembering(rekall::memory &memory)
{
    rekall::watch watch;
    std::uint64_t seen = 0;
    watch.progress = [&](std::uint64_t done, std::uint64_t) {
        seen = done;
        return true;
    };
    const auto ids = memory.remember_many({{"cccc"}, {"dddd"}, {"eeee"}}, watch);
    CHECK(ids.size() == 3 && seen == 3 && memory.stats().entries == 3);
    watch.progress = [](std::uint64_t, std::uint64_t) -> bool { throw std::logic_error("mine"); };
    bool mine = false;
    try {
        memory.remember_many({{"ffff"}}, watch);
    } catch (const std::logic_error &error) {
        mine = std::string(error.what()) == "mine";
    }
    CHECK(mine && memory.stats().entries == 3);
    rekall::remember_options own;
    std::array<float, 52> rows{};
    rows[0] = rows[26 + 1] = 2;
    own.vectors = rows;
    own.keep_alive = rekall::forever;
    const auto two = memory.remember_many({{"with its vector"}, {"and another"}}, own);
    CHECK(memory.similar(two[0], {10, -1, {}, nullptr}).size() == 4);
    CHECK(memory.similar(two[0], {10, -1, {}, nullptr}).threshold() == -1.0f);
    CHECK(memory.similar(two[0]).threshold() == 0.75f);
    CHECK(memory.similarity_rank(1.5f) == 1.0f && memory.similarity_rank(-1) == 0.0f);
    CHECK(status_of([&] { memory.remember("too short", rekall::floats(rows.data(), 3)); }) == rekall::status::invalid_vector);
    rekall::patch renamed;
    renamed.title = "renamed";
    std::array<float, 26> turned{};
    turned[25] = 1;
    CHECK(title_of(memory.update_with_vector(two[1], renamed, turned)) == "renamed");
    CHECK(first(memory.recall_vector(turned)).id() == two[1] && title_of(memory.get(two[1])) == "renamed");
    CHECK(status_of([&] { memory.update_with_vector(two[1], {}, {}); }) == rekall::status::invalid_vector);
    for (const std::string &id : two) {
        memory.forget(id);
    }
    return ids;
}

static void searching(rekall::memory &memory, const std::vector<std::string> &ids)
{
    rekall::hits hits = memory.recall("cccc");
    CHECK(!hits.empty() && hits[0].entry().id() == ids[0] && hits.degraded().empty());
    CHECK(hits[0].similarity().value() > 0.99f && hits[0].chunk()->role == rekall::role::summary);
    CHECK(hits[0].rank(rekall::retrieval::text) == 1 && hits[0].retrieval_score(rekall::retrieval::text) > 0 && !hits[0].snippet());
    CHECK(hits[0].retrieval_passage(rekall::retrieval::text)->first == rekall::role::summary);
    CHECK(hits[0].part(rekall::part::text) == 1 && hits[0].part_weight(rekall::part::text) == 1);
    CHECK(hits.elapsed().count() >= 0 && !hits.known() && !hits.threshold());
    CHECK(static_cast<std::size_t>(std::distance(hits.begin(), hits.end())) == hits.size());
    double last = 1e9;
    for (const auto &hit : hits) {
        CHECK(hit.score() <= last);
        last = hit.score();
    }
    const rekall::hits moved = std::move(hits);
    CHECK(moved.size() == 3);
    bool out_of_range = false;
    try {
        (void)moved.at(1000);
    } catch (const std::out_of_range &) {
        out_of_range = true;
    }
    CHECK(out_of_range);

    rekall::recall_options how;
    how.filter = rekall::filter{};
    how.filter->ids = std::vector<std::string>{ids[1]};
    how.filter->created_after = rekall::time();
    how.mode = rekall::mode::semantic;
    how.limit = 5;
    CHECK(memory.recall("cccc", how).size() == 1);
    how.filter->metadata = {{"n", "1"}};
    CHECK(memory.recall("cccc", how).empty());
    how = {};
    how.threshold = 0.9f;
    CHECK(memory.recall("dddd", how).size() == 1);
    how = {};
    how.require_quotes = true;
    CHECK(memory.recall("\"dddd\"", how).size() == 1 && memory.recall("dddd", how).size() > 1);
    how = {};
    how.snippets = {"<", ">"};
    how.prefix = true;
    how.fusion = rekall::fusion::reciprocal_rank;
    how.weights = {1.0, 2.0};
    const rekall::hits typed = memory.recall("eee", how);
    CHECK(typed[0].snippet() == "<eeee>" && std::abs(typed[0].score() - 3.0 / 61) < 1e-9);
    const std::vector<float> vector = memory.embed("dddd");
    CHECK(vector.size() == 26 && memory.dimensions() == 26 && first(memory.recall_vector(vector)).id() == ids[1]);
    how = {};
    how.vector = vector;
    CHECK(first(memory.recall("nothing known", how)).id() == ids[1]);
    rekall::similar_options similar;
    similar.threshold = -1;
    similar.filter = rekall::filter{};
    similar.filter->ids = std::vector<std::string>{ids[2]};
    CHECK(memory.similar(ids[0], similar).size() == 1);

    how = {};
    how.limit = 2;
    how.supersede = "typing";
    const std::string text = "cccc";
    const std::vector<rekall::hits> found = memory.recall_batch({text, "eeee", vector, {"eeee", vector}}, how);
    CHECK(found.size() == 4 && first(found[0]).id() == ids[0] && first(found[1]).id() == ids[2]);
    CHECK(first(found[2]).id() == ids[1] && found[2].size() == 2);
    // The vector finds one of the two, the word the other.
    CHECK(found[3][0].rank(rekall::retrieval::text) + found[3][1].rank(rekall::retrieval::text) == 1);
    CHECK(memory.recall_batch({}).empty());
    CHECK(status_of([&] { return memory.recall_batch({"cccc", ""}); }) == rekall::status::invalid_input);
    CHECK(status_of([&] { return memory.recall_batch({rekall::floats(vector.data(), 3)}); }) == rekall::status::invalid_vector);

    CHECK(status_of([&] { return memory.get("nonsense"); }) == rekall::status::invalid_input);
    CHECK(status_of([&] { return memory.recall(""); }) == rekall::status::invalid_input);
    rekall::token token;
    token.cancel();
    how.token = similar.token = &token;
    CHECK(token.is_cancelled() && status_of([&] { return memory.recall("x", how); }) == rekall::status::interrupted);
    CHECK(status_of([&] { return memory.similar(ids[0], similar); }) == rekall::status::interrupted);
    memory.interrupt();
}

static void transfer(rekall::memory &memory, const std::string &folder, const rekall::open_options &options)
{
    std::string exported;
    const rekall::report report = memory.export_jsonl([&](std::string_view bytes) { exported += bytes; });
    CHECK(report.number("entries") == 3 && std::count(exported.begin(), exported.end(), '\n') == 4);
    bool mine = false;
    try {
        memory.export_jsonl([](std::string_view) { throw std::logic_error("mine"); });
    } catch (const std::logic_error &) {
        mine = true;
    }
    CHECK(mine);
    memory.export_jsonl(folder + "/cpp.jsonl");
    memory.backup(folder + "/cpp-backup.db");
    const rekall::report checked = memory.check(), repaired = memory.repair();
    CHECK(checked.number("found") == 0 && checked.lines().empty() && repaired.json().size() > 2);
    memory.compact();
    CHECK(rekall::salvage(folder + "/cpp-backup.db", folder + "/cpp-salvaged.db").number("entries") == 3);

    rekall::memory other(folder + "/cpp-other.db", options);
    std::size_t at = 0;
    const auto give = [&](char *buffer, std::size_t capacity) {
        const std::size_t len = exported.copy(buffer, capacity, at);
        at += len;
        return len;
    };
    CHECK(other.import_jsonl(give).number("added") == 3);
    CHECK(other.import_jsonl(folder + "/cpp.jsonl", rekall::on_duplicate::replace).number("replaced") == 3);
    mine = false;
    try {
        other.import_jsonl([](char *, std::size_t) -> std::size_t { throw std::logic_error("mine"); });
    } catch (const std::logic_error &) {
        mine = true;
    }
    CHECK(mine);
    rekall::embedder second = letters();
    second.name = "second";
    CHECK(other.reembed(second).entries == 3);
    CHECK(other.embed_pending().entries == 0);
    rekall::token stop;
    stop.cancel();
    rekall::watch watch;
    watch.token = &stop;
    CHECK(status_of([&] { other.reembed(letters(), watch); }) == rekall::status::interrupted);
    CHECK(status_of([&] { other.reembed("nonsense"); }) == rekall::status::invalid_input);
}

/* Durations, sizes, flags and events, as C++ has them. */
static void settings(const std::string &folder)
{
    using namespace std::chrono_literals;
    rekall::open_options options;
    options.no_model = true;
    std::vector<rekall::event_kind> heard;
    bool timed = false, told = false;
    options.on_event = [&](const rekall::event &event) {
        heard.push_back(event.kind);
        timed = timed || (event.kind == rekall::event_kind::index_loaded && event.elapsed >= 0us && !event.model);
        told = told || !event.message.empty();
    };
    const std::string path = folder + "/cpp-settings.db";
    options.must_exist = true;
    CHECK(status_of([&] { rekall::memory memory(path, options); }) == rekall::status::not_found);
    options.must_exist = false;
    options.vectors_name = "own";
    options.vectors_dimensions = 2;
    CHECK(status_of([&] { rekall::memory memory(path, options); }) == rekall::status::misuse);
    options.no_model = false;
    for (const auto backend : {rekall::vector_backend::automatic, rekall::vector_backend::flat, rekall::vector_backend::sq8,
                               rekall::vector_backend::binary}) {
        options.vector_backend = backend;
        rekall::memory memory(path, options);
        const std::array<float, 2> vector{1, 2};
        memory.remember("x", rekall::floats(vector));
        CHECK(!memory.recall_vector(vector).empty());
    }
    CHECK(timed && told && heard.front() == rekall::event_kind::index_loaded);
    options.vector_backend = rekall::vector_backend{99};
    CHECK(status_of([&] { rekall::memory memory(path, options); }) == rekall::status::invalid_input);
    options.vector_backend.reset();

    // No duration is negative, and none is taken for another.
    for (auto *duration : {&options.cache_ttl, &options.model_idle_timeout, &options.busy_timeout}) {
        *duration = -1ms;
        CHECK(status_of([&] { rekall::memory memory(path, options); }) == rekall::status::invalid_input);
        for (const std::chrono::milliseconds good : {0ms, 1ms, std::chrono::milliseconds(2s), rekall::forever}) {
            *duration = good;
            rekall::memory memory(path, options);
        }
        duration->reset();
    }
    options.cache_max_size = 0;
    options.memory_budget_bytes = rekall::unlimited;
    rekall::memory memory(path, options);
    rekall::recall_options how;
    how.keep_alive = -1ms;
    CHECK(status_of([&] { return memory.recall("x", how); }) == rekall::status::invalid_input);
    how.keep_alive = 0ms;
    how.mode = rekall::mode::text;
    CHECK(memory.recall("x", how).size() == 4);
    CHECK(status_of([&] { memory.import_legacy(path, std::chrono::hours(25)); }) == rekall::status::invalid_input);

    // The reader's handle refuses to write; the other one has its lock for as long as the busy time-out says.
    options.read_only = true;
    rekall::memory reader(path, options);
    CHECK(status_of([&] { reader.remember("y"); }) == rekall::status::read_only);
    const std::string id = [&] {
        const rekall::page page = memory.list();
        return std::string(page.front().id());
    }();
    rekall::patch patch;
    patch.status = rekall::entry_status::obsolete;
    memory.update(id, patch);
    rekall::filter filter;
    CHECK(memory.count(filter) == 3);
    filter.status = rekall::entry_status::obsolete;
    CHECK(memory.count(filter) == 1);
    filter.status.reset();
    CHECK(memory.count(filter) == 4);
    const rekall::entry entry = memory.get(id);
    CHECK(entry.status() == rekall::entry_status::obsolete && entry.updated_at() >= entry.created_at());
    filter.created_before = entry.created_at() - 1h;
    CHECK(memory.count(filter) == 0);
    filter.created_before = entry.created_at() + 1h;
    CHECK(memory.count(filter) == 4);
}

/* How much an approximate index misses. */
static void recall_of_an_index(const std::string &folder)
{
    rekall::open_options options;
    options.vectors_name = "own";
    options.vectors_dimensions = 2;
    options.vector_backend = rekall::vector_backend::binary;
    options.rescored_rows = 1;
    rekall::memory memory(folder + "/cpp-recall.db", options);
    CHECK(memory.audit_index(5, 1).queries == 0);
    for (int at = 1; at <= 20; ++at) {
        const std::array<float, 2> vector{1, static_cast<float>(at)};
        memory.remember("x", rekall::floats(vector));
    }
    rekall::watch watch;
    std::uint64_t seen = 0;
    watch.progress = [&](std::uint64_t done, std::uint64_t) {
        seen = done;
        return true;
    };
    const rekall_index_audit report = memory.audit_index(20, 1, watch);
    CHECK(report.queries == 20 && report.rows == 20 && report.k == 1 && seen == 20);
    CHECK(report.backend == std::string_view("binary") && report.recall < 1 && report.differing > 0);
    watch.progress = [](std::uint64_t, std::uint64_t) -> bool { throw std::logic_error("mine"); };
    bool mine = false;
    try {
        (void)memory.audit_index(20, 1, watch);
    } catch (const std::logic_error &) {
        mine = true;
    }
    CHECK(mine);
    CHECK(status_of([&] { return memory.audit_index(0, 1); }) == rekall::status::invalid_input);
}

static void legacy(rekall::memory &memory, const std::string &folder, const std::string &repository)
{
    const std::string path = folder + "/python.db";
    std::ifstream from(repository + "/rekall-core/tests/data/python-rekall/v12-head.db", std::ios::binary);
    std::ofstream(path, std::ios::binary) << from.rdbuf();
    CHECK(rekall::probe_legacy(path).number("entries") == 123);
    CHECK(memory.import_legacy(path, std::chrono::hours(1)).number("entries") == 123);
    CHECK(rekall::migrate_legacy(path).number("entries") == 123);
    CHECK(status_of([&] { return rekall::probe_legacy(path); }) == rekall::status::not_a_database);
}

static void model(const std::string &folder, const std::string &repository)
{
    std::chrono::milliseconds now{0};
    rekall::open_options options;
    options.model = "path:" + repository + "/rekall-model/tests/fixtures/static-f32";
    options.age = [&] { return now; };
    options.model_idle_timeout = std::chrono::seconds(1);
    options.load = rekall::load_options{};
    options.load->max_threads = 2;
    options.load->query_prefix = "";
    options.load->download = [](std::string_view, std::uint64_t, std::uint64_t) {};
    options.memory_budget_bytes = 0;
    rekall::memory memory(folder + "/cpp-model.db", options);
    CHECK(memory.model_state() == rekall::model_state::unloaded && memory.model_name().empty() && !memory.next_deadline());
    CHECK(memory.index_backend().empty() && memory.fingerprint().empty() && memory.dimensions() == 0);
    memory.load_model();
    CHECK(memory.model_name() == "static-f32" && memory.next_deadline() == std::chrono::milliseconds(1000));
    now = std::chrono::milliseconds(300);
    memory.touch_model();
    now = std::chrono::milliseconds(1300);
    CHECK(memory.next_deadline() == std::chrono::milliseconds(0) && memory.unload_if_idle() > 0);
    memory.remember("leak");
    CHECK(first(memory.recall("leak")).title() == "leak" && memory.index_backend() == "rows in the file");
    CHECK(memory.fingerprint().find("static-f32") != std::string::npos);
    const rekall::unloaded gone = memory.unload_model();
    CHECK(gone.outcome == rekall::unload::done && gone.bytes > 0 && gone.leases == 0);
    CHECK(memory.unload_model().outcome == rekall::unload::not_loaded);
    CHECK(status_of([&] { memory.reembed("path:/nonexistent", {}, *options.load); }) == rekall::status::invalid_model);
    memory.release_memory();
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    const std::string folder = argv[1];
    int events = 0, counted = 0;
    std::string log;
    rekall::open_options options;
    options.embedder = letters();
    options.embedder->max_tokens = 1000;
    options.embedder->count_tokens = [&](std::string_view text) {
        ++counted;
        return text.size();
    };
    options.on_event = [&](const rekall::event &) {
        ++events;
        throw 1; // dropped
    };
    options.on_log = [&](rekall::log_level, std::string_view line) { log += line; };
    options.now = [] { return stamped; };
    CHECK(rekall::version_number() == REKALL_VERSION_NUMBER && rekall::version().size() >= 5);
    CHECK(!rekall::has_feature(rekall::feature{999}));
    rekall::memory memory(folder + "/cpp.db", options);
    CHECK(memory.path().find("cpp.db") != std::string_view::npos && memory.c_ptr() != nullptr);
    CHECK(status_of([&] { rekall::memory other(folder); }) == rekall::status::not_a_database);
    entries(memory);
    const std::vector<std::string> ids = remembering(memory);
    searching(memory, ids);
    transfer(memory, folder, options);
    memory.remember(std::string(900, 'z'));
    CHECK(counted > 0);
    memory.rebuild_index();
    memory.clear_cache();
    memory.release_memory();
    CHECK(memory.model_state() == rekall::model_state::ready && !memory.next_deadline() && memory.unload_if_idle() == 0);
    std::vector<std::thread> threads;
    for (int at = 0; at < 4; ++at) {
        threads.emplace_back([&] { (void)memory.recall("cccc"); });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    memory.remember("12345"); // nothing that the model knows: an event says so
    CHECK(events > 0 && !log.empty());
    settings(folder);
    recall_of_an_index(folder);
    legacy(memory, folder, argv[2]);
    model(folder, argv[2]);
    rekall::memory moved = std::move(memory);
    CHECK(moved.stats().entries > 3);
    std::puts("ok");
}
