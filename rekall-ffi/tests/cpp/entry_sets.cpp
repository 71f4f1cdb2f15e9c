// Sets of entries in C++: forgotten together, listed by time, own ids and keys, vectors read back. C++17. Arguments: a
// folder, the repository.
#include "support.hpp"

#include <cstdio>

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    rekall::open_options options;
    options.embedder = letters();
    rekall::memory memory(std::string(argv[1]) + "/entry_sets.db", options);
    const std::string own = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    rekall::new_entry old("aaaa");
    old.id = own;
    old.created_at = rekall::time(std::chrono::milliseconds(5000));
    CHECK(memory.remember(old) == own);
    CHECK(memory.get(own).created_at() == *old.created_at);
    CHECK(status_of([&] { memory.remember(old); }) == rekall::status::invalid_input);

    rekall::new_entry note("notes", "buy milk");
    note.metadata = "{\"path\": \"today.md\"}";
    const rekall::upserted first = memory.upsert("path", note);
    note.content = "buy bread";
    const rekall::upserted second = memory.upsert("path", note);
    CHECK(first.is_new && !second.is_new && first.id == second.id);
    const rekall::entry changed = memory.get(first.id);
    CHECK(changed.content() == "buy bread");

    rekall_cursor cursor = {{0, 0}};
    std::vector<std::string> walked;
    for (;;) {
        const rekall::page page = memory.list_newest(cursor, rekall::newest_by::created, {}, 1);
        if (page.empty()) {
            break;
        }
        CHECK(page[0].exists());
        walked.emplace_back(page[0].id());
    }
    CHECK((walked == std::vector<std::string>{first.id, own}));

    const rekall::spaces spaces = memory.spaces();
    CHECK(spaces.size() == 1 && spaces[0].state() == rekall::space_state::active && spaces[0].dimensions() == 26);
    CHECK(spaces[0].fingerprint() == memory.fingerprint());
    const std::vector<float> vector = memory.stored_vector(own);
    CHECK(vector.size() == 26 && vector[0] > 0.99f);
    CHECK(status_of([&] { (void)memory.stored_vector(own, rekall::role::context); }) == rekall::status::not_found);

    CHECK((memory.forget_many({own, std::string("01ARZ3NDEKTSV4RRFFQ69G5FAA")}) == std::vector<std::string>{own}));
    rekall::filter filter;
    CHECK(status_of([&] { memory.forget_matching(filter); }) == rekall::status::invalid_input);
    filter.kinds = {"other"};
    CHECK(memory.forget_matching(filter).empty());
    CHECK((memory.forget_all() == std::vector<std::string>{first.id}));
    std::puts("ok");
}
