// Several entries at once, from C++. C++17. Arguments: a folder, the repository.
#include "support.hpp"

static void reading_many(rekall::memory &memory)
{
    const std::string first = memory.remember("first"), gone = memory.remember("gone");
    memory.forget(gone);
    const rekall::page page = memory.get_many({gone, first});
    CHECK(page.size() == 2 && !page[0].exists() && page[1].exists() && page[1].title() == "first");
    CHECK(status_of([&] { return memory.get_many({"no id"}); }) == REKALL_INVALID_INPUT);
}

static void superseding(rekall::memory &memory)
{
    const std::string older = memory.remember("older"), newer = memory.remember("newer");
    const rekall::entry entry = memory.supersede_entry(older, newer);
    CHECK(!entry.is_active() && entry.superseded_by() == newer);
    CHECK(status_of([&] { return memory.supersede_entry(newer, older); }) == REKALL_INVALID_INPUT);
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

static void token_families()
{
    rekall::token window;
    const rekall::token search = window.child(), other = window.child();
    other.cancel();
    CHECK(!window.is_cancelled() && !search.is_cancelled());
    window.cancel();
    CHECK(search.is_cancelled() && window.child().is_cancelled());
    const rekall::token moved = std::move(window);
    CHECK(status_of([&] { return window.child(); }) == REKALL_ERROR && moved.is_cancelled());
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
    token_families();
    std::puts("ok");
}
