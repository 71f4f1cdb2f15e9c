// Several entries at once, from C++. C++17. Arguments: a folder, the repository.
#include "support.hpp"

static void reading_many(rekall::memory &memory)
{
    const std::string first = memory.remember("first"), gone = memory.remember("gone");
    memory.forget(gone);
    const rekall::page page = memory.get_many({gone, first});
    CHECK(page.size() == 2 && !page[0].exists() && page[1].exists() && page[1].title() == "first");
    CHECK(status_of([&] { return memory.get_many({"no id"}); }) == rekall::status::invalid_input);
    // Any list of strings, such as ids as they came out.
    const rekall::page again = memory.get_many(std::vector<std::string_view>{page.back().id()});
    CHECK(again.front().title() == "first" && memory.get_many(std::vector<std::string>{first, gone}).size() == 2);
    CHECK(memory.get_many({}).empty());
}

static void superseding(rekall::memory &memory)
{
    const std::string older = memory.remember("older"), newer = memory.remember("newer");
    const rekall::entry entry = memory.supersede_entry(older, newer);
    CHECK(!entry.is_active() && entry.superseded_by() == newer);
    CHECK(status_of([&] { return memory.supersede_entry(newer, older); }) == rekall::status::invalid_input);
}

static void following(rekall::memory &memory)
{
    const std::string gone = memory.remember("gone");
    const rekall::changes all = memory.changes_since();
    CHECK(all.complete() && all[all.size() - 1].id() == gone);
    memory.forget(gone);
    const rekall::changes changes = memory.changes_since(all.position());
    CHECK(!changes.complete() && changes.size() == 1);
    CHECK(!changes[0].id() && changes[0].number() == all[all.size() - 1].number());
    CHECK(memory.changes_since(memory.change_position()).empty());
}

static void applying(rekall::memory &memory)
{
    const std::string older = memory.remember("older guess"), fix = memory.new_id();
    rekall::batch batch;
    CHECK(batch.empty());
    rekall::patch patch;
    patch.content = "found";
    batch.remember(fix, {"the fix"}).update(fix, patch).link(fix, older, "solves", "why").supersede_entry(older, fix);
    CHECK(batch.size() == 4);
    memory.apply(batch);
    const rekall::entry fixed = memory.get(fix), past = memory.get(older);
    CHECK(fixed.content() == "found" && past.superseded_by() == fix);
    CHECK(status_of([&] { memory.apply(batch); }) == rekall::status::invalid_input);
    rekall::watch watch;
    watch.progress = [](std::uint64_t, std::uint64_t) -> bool { throw std::runtime_error("enough"); };
    rekall::batch more;
    more.remember(memory.new_id(), {"never stored"});
    try {
        memory.apply(more, watch);
        CHECK(false);
    } catch (const std::runtime_error &stopped) {
        CHECK(std::string_view(stopped.what()) == "enough");
    }
    std::vector<float> vector(26);
    vector[25] = 2;
    const std::string given = memory.new_id();
    memory.apply(rekall::batch().remember(given, {"given"}, vector).unlink(fix, older, "solves").forget(older));
    const rekall::hits hits = memory.recall_vector(vector);
    CHECK(hits[0].entry().id() == given && memory.links_of(fix).empty());
}

static void the_rest(rekall::memory &memory)
{
    const rekall::report report = memory.remember_json(R"({"title": "qqqq jjjj", "tags": ["json"]})");
    CHECK(report.number("added") == 1 && report.lines().size() == 1);
    rekall::filter filter;
    filter.tags_all = {"json"};
    const rekall::facets tags = memory.facets_of(rekall::facet_kind::tag, filter);
    CHECK(tags.size() == 1 && tags[0].name() == "json" && tags[0].entries() == 1);
    const rekall::hits hits = memory.recall("qqqq jjjj");
    const auto passage = hits[0].passage();
    CHECK(passage && passage->piece == "qqqq jjjj\njson" && passage->start == 0);
    CHECK(passage->content_start == passage->content_end && passage->text == passage->piece);
    const rekall::vectors vectors = memory.embed_texts({"ab", "", "zz"});
    CHECK(vectors.size() == 3 && vectors.dimensions() == 26 && vectors.rows().size() == 78);
    CHECK(vectors[0].size() == 26 && vectors[1].size() == 0 && vectors[2].data()[25] == 1.0f && !vectors[2].is_cut());
}

static void token_families()
{
    rekall::token window;
    const rekall::token search = window.child(), other = window.child();
    other.cancel();
    CHECK(!window.is_cancelled() && !search.is_cancelled());
    window.cancel();
    CHECK(search.is_cancelled() && window.child().is_cancelled());
    const rekall::token moved = std::move(window);
    CHECK(status_of([&] { return window.child(); }) == rekall::status::error && moved.is_cancelled());
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    rekall::open_options options;
    options.embedder = letters();
    rekall::memory memory(std::string(argv[1]) + "/many.db", options);
    reading_many(memory);
    superseding(memory);
    following(memory);
    applying(memory);
    the_rest(memory);
    token_families();
    std::puts("ok");
}
