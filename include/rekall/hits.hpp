/* Hits: what a search found. Part of rekall.hpp. */
#ifndef REKALL_HITS_HPP
#define REKALL_HITS_HPP

#include "entry.hpp"

#include <chrono>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace rekall {

/* The passage that a hit is about; lives as long as the hits. */
struct passage {
    /* The whole text that the piece is of, and the piece, which begins at its byte start. */
    std::string_view text, piece;
    std::size_t start;
    /* Where the part of it stands that is the entry's content, in bytes of the content; equal: there is none. */
    std::size_t content_start, content_end;
};

/* Which piece of an entry's text a vector was made of. */
struct chunk {
    rekall::role role;
    /* Its number among the pieces of that text, from 0. */
    std::uint32_t number;
    /* Where it begins and ends in that text, in characters. */
    std::uint32_t start, end;
};

/* What a reranker made of a hit: its score, and score and place (from 1) before. */
struct reranked {
    double score, score_before;
    std::size_t rank_before;
};

/* One of hits, which must outlive it. */
class hit {
public:
    hit(const rekall_hits *hits, std::size_t index) noexcept : hits_(hits), index_(index) {}

    [[nodiscard]] entry_view entry() const noexcept { return entry_view(rekall_hits_entry(hits_, index_)); }
    /* What the hits are ordered by, greater is better; comparable only within one search. */
    [[nodiscard]] double score() const noexcept { return rekall_hits_score(hits_, index_); }

    /* -1 to 1; nullopt when the entry or the query has no vector. */
    [[nodiscard]] std::optional<float> similarity() const noexcept
    {
        const float similarity = rekall_hits_similarity(hits_, index_);
        return std::isnan(similarity) ? std::nullopt : std::optional<float>(similarity);
    }

    /* The passage that the hit is about: of an entry with several, the one that the search scores best. */
    [[nodiscard]] std::optional<rekall::chunk> chunk() const noexcept
    {
        rekall_chunk found = {0, 0, 0, 0};
        if (rekall_hits_chunk(hits_, index_, &found) == 0) {
            return std::nullopt;
        }
        return rekall::chunk{role{found.role}, found.number, found.start, found.end};
    }

    /* The same piece in bytes, with its text. */
    [[nodiscard]] std::optional<rekall::passage> passage() const noexcept
    {
        rekall_passage found = {nullptr, 0, 0, 0, 0, 0};
        if (rekall_hits_passage(hits_, index_, &found) == 0) {
            return std::nullopt;
        }
        const std::string_view text(found.text, found.text_len);
        return rekall::passage{text, text.substr(found.start, found.end - found.start), found.start,
                               found.content_start, found.content_end};
    }

    /* A piece of the passage around the words found, where recall_options::snippets asked for it. */
    [[nodiscard]] std::optional<std::string_view> snippet() const noexcept
    {
        return detail::find(rekall_hits_snippet, hits_, index_);
    }

    /* Place among what one of the retrievals found, from 1; 0: not found by it. */
    [[nodiscard]] std::size_t rank(retrieval by) const noexcept
    {
        return rekall_hits_retrieval_rank(hits_, index_, detail::number(by));
    }

    /* Score that one of the retrievals gave: the similarity by meaning, BM25 by words (greater is better). NaN: not found by
     * it. */
    [[nodiscard]] double retrieval_score(retrieval by) const noexcept
    {
        return rekall_hits_retrieval_score(hits_, index_, detail::number(by));
    }

    /* The number of the passage that one of the retrievals found best, and of which text; nullopt: not found by it. */
    [[nodiscard]] std::optional<std::pair<rekall::role, std::uint32_t>> retrieval_passage(retrieval by) const noexcept
    {
        std::uint32_t text = 0;
        std::uint32_t number = 0;
        if (rekall_hits_retrieval_passage(hits_, index_, detail::number(by), &text, &number) == 0) {
            return std::nullopt;
        }
        return std::pair<rekall::role, std::uint32_t>(role{text}, number);
    }

    /* A part of a hybrid search's score, which is the sum of the parts, each times its weight. NaN: not such a search. */
    [[nodiscard]] double part(rekall::part of) const noexcept
    {
        return rekall_hits_part(hits_, index_, detail::number(of));
    }

    /* The weight of that part. */
    [[nodiscard]] double part_weight(rekall::part of) const noexcept
    {
        return rekall_hits_part_weight(hits_, index_, detail::number(of));
    }

    /* What age multiplied the score by; NaN where it does not count. */
    [[nodiscard]] double recency() const noexcept
    {
        return rekall_hits_adjustment(hits_, index_, REKALL_ADJUSTMENT_RECENCY);
    }

    /* Where recall_options::diversity asked for it: how relevant the hit is, and how similar to the most similar one before, each
     * 0 to 1. NaN otherwise. */
    [[nodiscard]] double relevance() const noexcept
    {
        return rekall_hits_adjustment(hits_, index_, REKALL_ADJUSTMENT_RELEVANCE);
    }
    [[nodiscard]] double redundancy() const noexcept
    {
        return rekall_hits_adjustment(hits_, index_, REKALL_ADJUSTMENT_REDUNDANCY);
    }

    /* What a reranker made of the hit; nullopt where none judged it. */
    [[nodiscard]] std::optional<rekall::reranked> reranked() const noexcept
    {
        const double score = rekall_hits_adjustment(hits_, index_, REKALL_ADJUSTMENT_RERANK);
        if (std::isnan(score)) {
            return std::nullopt;
        }
        const double rank = rekall_hits_adjustment(hits_, index_, REKALL_ADJUSTMENT_RANK_BEFORE_RERANK);
        return rekall::reranked{
            score, rekall_hits_adjustment(hits_, index_, REKALL_ADJUSTMENT_SCORE_BEFORE_RERANK), static_cast<std::size_t>(rank)};
    }

private:
    const rekall_hits *hits_;
    std::size_t index_;
};

/* Why a search is less than it could be. */
struct degraded {
    degradation kind;
    /* How many entries it concerns, where that can be said. */
    std::uint64_t entries;
    /* The same in words. */
    std::string_view text;
};

/* What a search found, best first. */
class hits : public detail::sequence<rekall_hits, hit, &rekall_hits_count, &rekall_hits_free> {
public:
    using sequence::sequence;

    /* What kept the search from being complete; usually nothing. */
    [[nodiscard]] std::vector<rekall::degraded> degraded() const & REKALL_LIFETIMEBOUND
    {
        std::vector<rekall::degraded> out(rekall_hits_degraded_count(c_ptr()));
        for (std::size_t at = 0; at < out.size(); ++at) {
            out[at] = {degradation{rekall_hits_degraded_kind(c_ptr(), at)}, rekall_hits_degraded_entries(c_ptr(), at),
                       detail::view(rekall_hits_degraded, c_ptr(), at)};
        }
        return out;
    }
    std::vector<rekall::degraded> degraded() const && = delete;

    /* How much of the query the model knows, 0 to 1; nullopt when meaning was not searched, the query was a vector, or the
     * model cannot tell. */
    [[nodiscard]] std::optional<float> known() const noexcept
    {
        const float known = rekall_hits_known(c_ptr());
        return std::isnan(known) ? std::nullopt : std::optional<float>(known);
    }

    /* The least similarity of a hit that was asked for, or that memory::similar() found to mean something; nullopt: any. */
    [[nodiscard]] std::optional<float> threshold() const noexcept
    {
        const float threshold = rekall_hits_threshold(c_ptr());
        return std::isnan(threshold) ? std::nullopt : std::optional<float>(threshold);
    }

    /* How long the search took, loading of model and index included. */
    [[nodiscard]] std::chrono::microseconds elapsed() const noexcept
    {
        return std::chrono::microseconds(rekall_hits_elapsed_us(c_ptr()));
    }
};

} /* namespace rekall */

#endif /* REKALL_HITS_HPP */
