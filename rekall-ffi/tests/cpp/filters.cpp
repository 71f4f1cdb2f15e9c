// Filters of the C++ wrapper: each member that leaves out or compares. C++17. Arguments: a folder, the repository.
#include "support.hpp"

#include <cstdio>

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    rekall::open_options options;
    options.embedder = letters();
    rekall::memory memory(std::string(argv[1]) + "/filters.db", options);
    std::vector<rekall::new_entry> entries(4, rekall::new_entry("shared"));
    entries[0].kind = "bug";
    entries[0].metadata = "{\"n\": 1}";
    entries[1].project = "web";
    entries[1].metadata = "{\"n\": 2}";
    entries[2].tags = {"done"};
    entries[2].metadata = "{\"n\": \"b\"}";
    entries[3].memory_type = "semantic";
    const std::vector<std::string> ids = memory.remember_many(entries);

    // Which of the entries pass, as the digits of their numbers.
    const auto passing = [&](const rekall::filter &filter) {
        std::string out;
        for (const auto &entry : memory.list(filter)) {
            for (std::size_t of = 0; of < ids.size(); ++of) {
                if (entry.id() == ids[of]) {
                    out += static_cast<char>('0' + of);
                }
            }
        }
        CHECK(memory.count(filter) == out.size());
        return out;
    };
    using how = rekall::comparison;
    rekall::filter filter;
    filter.not_kinds = {"bug"};
    CHECK(passing(filter) == "123");
    filter = {};
    filter.not_projects = {"web"};
    CHECK(passing(filter) == "023");
    filter = {};
    filter.not_tags = {"done"};
    CHECK(passing(filter) == "013");
    filter = {};
    filter.not_memory_types = {"semantic"};
    CHECK(passing(filter) == "012");
    filter = {};
    filter.not_ids = {ids[0], ids[3]};
    CHECK(passing(filter) == "12");
    filter = {};
    filter.metadata = {{"n", "1"}};
    CHECK(passing(filter) == "0");
    filter.metadata = {{"n", "1", how::not_equal}};
    CHECK(passing(filter) == "123");
    filter.metadata = {{"n", "1", how::at_least}, {"n", "2", how::less_than}};
    CHECK(passing(filter) == "0");
    filter.metadata = {{"n", "1", how::greater_than}, {"n", "2", how::at_most}};
    CHECK(passing(filter) == "1");
    filter.metadata = {{"n", "true", how::at_least}};
    CHECK(status_of([&] { (void)memory.count(filter); }) == rekall::status::invalid_input);
    std::puts("ok");
}
