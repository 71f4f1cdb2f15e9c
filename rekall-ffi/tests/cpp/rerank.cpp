// Hits that a reranker judges, and eight bits, by the C++ wrapper. C++17. Arguments: a folder, the repository.
#include "support.hpp"

#include <algorithm>

static rekall::reranker loud()
{
    rekall::reranker own;
    own.name = "loud";
    own.memory_bytes = 77;
    own.rerank = [](std::string_view query, const std::vector<std::string_view> &passages, float *scores) {
        CHECK(query == "disk");
        for (std::size_t at = 0; at < passages.size(); ++at) {
            if (passages[at].find("explode") != std::string_view::npos) {
                throw std::runtime_error("boom");
            }
            if (passages[at].find("stop") != std::string_view::npos) {
                throw rekall::error(rekall::status::interrupted, "enough");
            }
            scores[at] = static_cast<float>(std::count(passages[at].begin(), passages[at].end(), '!')) - 5.0F;
        }
    };
    return own;
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    const std::string folder = argv[1];
    const std::string fixtures = std::string("path:") + argv[2] + "/rekall-model/tests/fixtures/";
    rekall::open_options options;
    options.no_model = true;
    options.own_reranker = loud();
    rekall::memory memory(folder + "/rerank.db", options);
    (void)memory.remember("a disk");
    (void)memory.remember("b disk of some words !");

    rekall::recall_options how;
    how.mode = rekall::mode::text;
    const rekall::hits plain = memory.recall("disk", how);
    CHECK(plain[0].entry().title() == "a disk" && !plain[0].reranked());
    how.rerank = 10;
    how.limit = 1;
    const rekall::hits judged = memory.recall("disk", how);
    CHECK(judged.size() == 1 && judged[0].entry().title() == "b disk of some words !" && judged.degraded().empty());
    CHECK(judged[0].reranked()->score == -4.0 && judged[0].score() == -4.0 && judged[0].reranked()->rank_before == 2);
    CHECK(judged[0].reranked()->score_before == plain[1].score());
    how.limit = 10;
    const std::string bad = memory.remember("disk explode");
    const rekall::hits as_before = memory.recall("disk", how);
    CHECK(as_before.size() == 3 && !as_before[0].reranked());
    CHECK(as_before.degraded().size() == 1 && as_before.degraded()[0].kind == rekall::degradation::not_reranked);
    memory.forget(bad);
    (void)memory.remember("disk stop");
    CHECK(status_of([&] { (void)memory.recall("disk", how); }) == rekall::status::interrupted);
    how.rerank = 1001;
    CHECK(status_of([&] { (void)memory.recall("disk", how); }) == rekall::status::invalid_input);
    CHECK(memory.reranker_state() == rekall::model_state::ready && memory.stats().reranker_bytes == 77);

    // None, and one from a folder.
    options.own_reranker.reset();
    rekall::memory without(folder + "/rerank.db", options);
    how.rerank = 3;
    CHECK(status_of([&] { (void)without.recall("disk", how); }) == rekall::status::invalid_input);
    options.reranker_load.emplace();
    options.reranker_load->precision = "int8";
    CHECK(status_of([&] { rekall::memory(folder + "/rerank.db", options); }) == rekall::status::misuse);
    options.reranker = fixtures + "rerank-bert";
    rekall::memory of_folder(folder + "/rerank.db", options);
    CHECK(of_folder.reranker_state() == rekall::model_state::unloaded);
    if (rekall::has_feature(rekall::feature::transformer)) {
        of_folder.load_reranker();
        const rekall::hits by_network = of_folder.recall("disk", how);
        CHECK(by_network[0].reranked() && by_network.degraded().empty());
        CHECK(of_folder.unload_reranker().outcome == rekall::unload::done);
    }

    // A static model has no eight bits.
    rekall::open_options int8;
    int8.model = fixtures + "static-f32";
    int8.load.emplace();
    int8.load->precision = "int8";
    rekall::memory refused(folder + "/int8.db", int8);
    CHECK(status_of([&] { (void)refused.remember("the server"); }) == rekall::status::invalid_input);
    std::puts("ok");
    return 0;
}
