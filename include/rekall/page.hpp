/* Pages: entries one after the other, without a search. Part of rekall.hpp. */
#ifndef REKALL_PAGE_HPP
#define REKALL_PAGE_HPP

#include "entry.hpp"

namespace rekall {

namespace detail {

/* An entry of a page, which must outlive it. */
class page_entry : public entry_view {
public:
    page_entry(const rekall_page *page, std::size_t index) noexcept : entry_view(rekall_page_entry(page, index)) {}

    /* False where memory::get_many() found no entry with the id, and where memory::list_newest() could not read one; always
     * true in a page of memory::list(). */
    [[nodiscard]] bool exists() const noexcept { return c_ptr() != nullptr; }
};

} /* namespace detail */

/* Entries in the order of what gave them. */
using page = detail::sequence<rekall_page, detail::page_entry, &rekall_page_count, &rekall_page_free>;

} /* namespace rekall */

#endif /* REKALL_PAGE_HPP */
