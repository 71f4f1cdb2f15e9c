/* Several operations in one transaction. Part of rekall.hpp. */
#ifndef REKALL_BATCH_HPP
#define REKALL_BATCH_HPP

#include "entry.hpp"

#include <string>
#include <string_view>

namespace rekall {

/* Operations that memory::apply() does together, in the order in which they were added. Plain data; not to be used by two
 * threads at once. */
class batch {
public:
    batch() : owned_(rekall_batch_new())
    {
        if (owned_ == nullptr) {
            throw error(status::error, "rekall_batch_new() gave no batch");
        }
    }

    /* Under an id of memory::new_id(), or of the program's own. Without a vector the model makes it. */
    batch &remember(const c_text &id, const new_entry &entry, floats vector = {})
    {
        const detail::c_entries c(&entry, 1);
        detail::call(rekall_batch_remember, c_ptr(), detail::c_string(id), c.values.data(), vector.data(),
                     vector.size());
        return *this;
    }

    /* Only texts that change are embedded again; with a vector it takes the place of all that there were. */
    batch &update(const c_text &id, const patch &changes, floats vector = {})
    {
        const detail::c_patch c(changes);
        detail::call(rekall_batch_update, c_ptr(), detail::c_string(id), &c.value, vector.data(), vector.size());
        return *this;
    }

    batch &forget(const c_text &id)
    {
        detail::call(rekall_batch_forget, c_ptr(), detail::c_string(id));
        return *this;
    }

    /* Puts an entry in the place of an older one. */
    batch &supersede_entry(const c_text &old_id, const c_text &new_id)
    {
        detail::call(rekall_batch_supersede_entry, c_ptr(), detail::c_string(old_id), detail::c_string(new_id));
        return *this;
    }

    batch &link(const c_text &source, const c_text &target, const c_text &relation,
                std::string_view reason = {})
    {
        detail::call(rekall_batch_link, c_ptr(), detail::c_string(source), detail::c_string(target),
                     detail::c_string(relation), reason.data(), reason.size());
        return *this;
    }

    batch &unlink(const c_text &source, const c_text &target, const c_text &relation)
    {
        detail::call(rekall_batch_unlink, c_ptr(), detail::c_string(source), detail::c_string(target),
                     detail::c_string(relation));
        return *this;
    }

    [[nodiscard]] std::size_t size() const noexcept { return rekall_batch_count(c_ptr()); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] rekall_batch *c_ptr() const & noexcept REKALL_LIFETIMEBOUND { return owned_.get(); }
    rekall_batch *c_ptr() const && = delete;

private:
    detail::owner<rekall_batch, &rekall_batch_free> owned_;
};

} /* namespace rekall */

#endif /* REKALL_BATCH_HPP */
