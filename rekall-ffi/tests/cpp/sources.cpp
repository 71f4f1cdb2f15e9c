// Sources in C++: sections that become entries, move, and keep what people gave them. C++17. Arguments: a folder, the
// repository.
#include "support.hpp"

#include <cstdio>

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    rekall::open_options options;
    options.embedder = letters();
    rekall::memory memory(std::string(argv[1]) + "/sources.db", options);

    rekall::new_source page("wiki:/a", "1");
    page.sections.push_back({"Ship", "say \"aaaa\"\n\tand \\", {"Guide", "Ship"}, 7, {"of the page"}});
    rekall::found_sources found;
    found.sources.push_back(page);
    const rekall::report first = memory.sync_sources("wiki:", found);
    CHECK(first.number("added") == 1);

    rekall::filter filter;
    filter.sources = {"wiki:"};
    const rekall::page listed = memory.list(filter, {}, 10);
    CHECK(listed.size() == 1);
    const std::string id(listed[0].id());
    CHECK(listed[0].content() == page.sections[0].content);
    CHECK(listed[0].source()->uri == "wiki:/a" && listed[0].source()->line == 7);

    page.uri = "wiki:/b";
    rekall::found_sources moved;
    moved.sources.push_back(page);
    moved.skipped.push_back({"wiki:/c", "it is not text"});
    const rekall::report second = memory.sync_sources("wiki:", moved);
    CHECK(second.number("moved") == 1 && second.lines().size() == 1);
    const rekall::entry entry = memory.get(id);
    CHECK(entry.source()->uri == "wiki:/b" && entry.tags().size() == 1);
    const rekall::report known = memory.sources("wiki:");
    CHECK(known.number("sources") == 1);

    rekall::found_sources nothing;
    const rekall::report held_back = memory.sync_sources("wiki:", nothing);
    CHECK(held_back.number("held_back") == 1);
    nothing.prune = true;
    const rekall::report gone = memory.sync_sources("wiki:", nothing);
    CHECK(gone.number("gone") == 1);
    CHECK(!memory.get(memory.remember({"aaaa"})).source());
    CHECK(status_of([&] { memory.sync_sources("other:", found); }) == rekall::status::invalid_input);
    std::puts("ok");
}
