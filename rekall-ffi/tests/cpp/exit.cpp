// Remembering in the destructor of a static object. C++17. Arguments: a folder, the repository.
#include "support.hpp"

#include <cstdio>
#include <optional>
#include <string>

namespace {

struct Kept {
    std::optional<rekall::memory> memory;

    ~Kept()
    {
        const rekall::entry entry = memory->get(memory->remember("at the end"));
        CHECK(entry.title() == "at the end");
        CHECK(memory->recall("end").size() > 0);
        memory.reset();
        std::puts("ok");
    }
};

Kept kept;

} // namespace

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    kept.memory.emplace(std::string(argv[1]) + "/exit.db");
    kept.memory->remember("while it runs");
    return 0;
}
