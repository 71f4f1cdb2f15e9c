/*
 * rekall for C++17: rekall.h with owners, exceptions, string views and ranges. Header only.
 *
 *     rekall::memory memory("knowledge.db");
 *     memory.remember({"CORS fails on Safari", "The preflight answer lacks a header."});
 *     for (const auto &hit : memory.recall("browser blocks my API call"))
 *         std::cout << hit.score() << "  " << hit.entry().title() << '\n';
 *
 * A call that fails throws rekall::error, which carries the status. Handles, hits, entries and the like are move-only and
 * free themselves; what their functions return as a string_view, a hit or an entry_view lives as long as they do. Of a
 * temporary, which is gone by the end of the statement, such functions do not compile: give it a name (or a range-for).
 * Ids, paths and names are taken as any string, a string_view of another entry, too. Callbacks may throw: the
 * exception does not cross the library; it comes out of the call that it stopped (a progress function, a reader, a
 * writer, an embedder), or is dropped (listeners, clocks and downloads, which have nobody
 * to tell). What rekall.h says of threads, units and defaults holds here, too.
 *
 * What is a number in C has a type here: closed sets are enumerations (rekall::status, rekall::mode, ...), durations and
 * moments those of std::chrono, flags named members of type bool. A member that is not set keeps its default.
 *
 * rekall/memory.hpp has the class that does the work; the other files have what it takes and gives.
 */
#ifndef REKALL_HPP
#define REKALL_HPP

/* Said before the standard's own headers fail; Visual C++ tells in a macro of its own. */
#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) < 201703L
#error "rekall.hpp needs C++17 or later: compile with -std=c++17, or /std:c++17 for Visual C++"
#else
#include "rekall/memory.hpp"
#endif

#endif /* REKALL_HPP */
