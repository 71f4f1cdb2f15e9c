// Recency, diversity, times, use and near duplicates by the C++ wrapper. C++17. Arguments: a folder, the repository.
#include "support.hpp"

#include <cmath>
#include <cstdio>

using namespace std::chrono_literals;

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    rekall::open_options options;
    options.embedder = letters();
    rekall::memory memory(std::string(argv[1]) + "/ranking.db", options);
    const auto now = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    rekall::new_entry entry("a note");
    entry.created_at = now - 48h;
    const std::string old = memory.remember(entry);
    const std::string fresh = memory.remember("a note");

    // Age, by change and by use.
    rekall::recall_options how;
    const rekall::hits plain = memory.recall("note", how);
    CHECK(plain[0].entry().id() == old && std::isnan(plain[0].recency()));
    how.recency = rekall::recency{24h, 0.2};
    const rekall::hits by_age = memory.recall("note", how);
    CHECK(by_age[0].entry().id() == fresh && by_age[1].recency() < 0.41 && by_age[1].recency() > 0.3);
    memory.record_use({old});
    CHECK(memory.usage(old).uses == 0 && memory.flush_usage() == 1 && memory.usage(old).uses == 1);
    how.recency->by = rekall::recency_time::last_used;
    const rekall::hits by_use = memory.recall("note", how);
    CHECK(by_use[1].recency() > 0.99);
    how.recency->half_life = 0ms;
    CHECK(status_of([&] { (void)memory.recall("note", how); }) == rekall::status::invalid_input);
    how.recency.reset();

    // Unlike hits, and like entries.
    const std::string other = memory.remember("a note of zebras");
    how.diversity = 0.1;
    const rekall::hits diverse = memory.recall("note", how);
    CHECK(diverse[0].entry().id() == old && diverse[1].entry().id() == other && diverse[2].redundancy() > 0.99);
    CHECK(diverse[0].relevance() == 1.0 && diverse[0].redundancy() == 0.0);
    const rekall::duplicates near = memory.near_duplicates(fresh);
    CHECK(near.size() == 1 && near[0].first() == fresh && near[0].second() == old && near[0].differences().empty());
    rekall::duplicates_options wanted;
    wanted.threshold = -1.0F;
    wanted.limit = 2;
    const rekall::duplicates pairs = memory.duplicates(wanted);
    CHECK(pairs.size() == 2 && pairs.found() == 3 && pairs[1].differences().size() == 1);
    CHECK(pairs[1].differences()[0].second_start == 7 && pairs[1].differences()[0].second_end == 16);

    const auto [made, like] = memory.remember_with_duplicates("a note of zebras");
    CHECK(like && like->size() == 1 && (*like)[0].first() == made && (*like)[0].second() == other);
    CHECK(status_of([&] { (void)memory.remember_with_duplicates("x", 2.0F); }) == rekall::status::invalid_input);
    memory.forget(made);

    // Expiry and valid time.
    rekall::new_entry ends("a note that ends");
    ends.expires_at = now - 1h;
    ends.valid_from = now - 3h;
    ends.valid_to = now - 2h;
    const std::string ended = memory.remember(ends);
    CHECK(memory.count() == 3);
    rekall::filter filter;
    filter.include_expired = true;
    CHECK(memory.count(filter) == 4);
    filter.as_of = now - 2h;
    CHECK(memory.count(filter) == 3);
    const rekall::entry read = memory.get(ended);
    CHECK(read.expires_at() == ends.expires_at && read.valid_from() == ends.valid_from);
    CHECK(read.valid_to() == ends.valid_to && !plain[0].entry().valid_to());
    rekall::patch patch;
    patch.expires_at = std::optional<rekall::time>();
    patch.valid_to = now;
    const rekall::entry patched = memory.update(ended, patch);
    CHECK(!patched.expires_at() && patched.valid_to() == now && patched.valid_from() == ends.valid_from);
    patch = {};
    patch.expires_at = now - 1h;
    memory.update(ended, patch);
    CHECK(memory.forget_expired() == std::vector<std::string>{ended});
    std::puts("ok");
    return 0;
}
