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

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    rekall::open_options options;
    options.embedder = letters();
    rekall::memory memory(std::string(argv[1]) + "/many.db", options);
    reading_many(memory);
    std::puts("ok");
}
