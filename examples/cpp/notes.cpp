// Indexes the text and Markdown files of a folder, then answers questions about them.
//
//     notes DATABASE FOLDER [QUESTION...]
//
// Files that did not change since the last run are not read again. Without questions they are read from standard input,
// a line each.
#include <rekall.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

std::string read(const fs::path &path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// A JSON string; paths and times have no other characters that JSON treats specially.
std::string quoted(const std::string &text)
{
    std::string out = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') {
            out += '\\';
        }
        out += character;
    }
    return out + '"';
}

std::string stamp(const fs::path &path)
{
    return std::to_string(fs::last_write_time(path).time_since_epoch().count());
}

// A piece of a file: a heading or the file's name, and the paragraphs below it.
struct section {
    std::string title, text;
};

std::vector<section> sections(const std::string &name, const std::string &text)
{
    std::vector<section> out{{name, ""}};
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t end = std::min(text.find('\n', from), text.size());
        const std::string line = text.substr(from, end - from);
        const std::size_t marks = line.find_first_not_of('#');
        if (marks != std::string::npos && marks > 0 && marks < 7 && line[marks] == ' ') {
            out.push_back({name + ": " + line.substr(marks + 1), ""});
        } else {
            out.back().text += line + '\n';
        }
        from = end + 1;
    }
    return out;
}

bool blank(const std::string &text)
{
    return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

std::size_t index(rekall::memory &memory, const fs::path &folder)
{
    std::vector<rekall::new_entry> entries;
    std::vector<std::string> outdated;
    for (const fs::directory_entry &file : fs::recursive_directory_iterator(folder)) {
        const std::string extension = file.path().extension().string();
        if (!file.is_regular_file() || (extension != ".md" && extension != ".txt")) {
            continue;
        }
        const std::string path = file.path().string();
        const std::string metadata = "{\"path\":" + quoted(path) + ",\"stamp\":" + quoted(stamp(file.path())) + "}";

        // What is known of this file: unchanged, or to be replaced?
        rekall::recall_options known;
        known.mode = REKALL_MODE_TEXT;
        known.limit = 1000;
        known.filter = rekall::filter{};
        known.filter->metadata = {{"path", quoted(path)}};
        bool unchanged = false;
        for (const auto &hit : memory.recall(file.path().filename().string(), known)) {
            unchanged |= hit.entry().metadata() == metadata;
            outdated.emplace_back(hit.entry().id());
        }
        if (unchanged) {
            outdated.clear();
            continue;
        }
        for (const section &section : sections(file.path().filename().string(), read(file.path()))) {
            if (!blank(section.text)) {
                rekall::new_entry entry(section.title, section.text);
                entry.metadata = metadata;
                entries.push_back(std::move(entry));
            }
        }
        for (const std::string &id : outdated) {
            memory.forget(id);
        }
        outdated.clear();
    }
    rekall::watch watch;
    watch.progress = [](std::uint64_t done, std::uint64_t total) {
        std::cerr << "\r" << done << " of " << total << " sections" << (done == total ? "\n" : "");
        return true;
    };
    memory.remember_many(entries, watch);
    return entries.size();
}

void answer(const rekall::memory &memory, const std::string &question)
{
    rekall::recall_options options;
    options.limit = 3;
    const rekall::hits hits = memory.recall(question, options);
    for (const auto &hit : hits) {
        std::cout << hit.similarity().value_or(0) << "  " << hit.entry().title() << '\n';
        if (const auto chunk = hit.chunk()) {
            std::cout << "      characters " << chunk->start << " to " << chunk->end << '\n';
        }
    }
    for (const rekall::degraded &why : hits.degraded()) {
        std::cout << "(" << why.text << ")\n";
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::cerr << "usage: notes DATABASE FOLDER [QUESTION...]\n";
        return 2;
    }
    try {
        rekall::memory memory(argv[1]);
        std::cout << index(memory, argv[2]) << " sections indexed, " << memory.stats().entries << " in all\n";
        if (argc > 3) {
            for (int at = 3; at < argc; ++at) {
                answer(memory, argv[at]);
            }
        } else {
            for (std::string question; std::getline(std::cin, question);) {
                if (!blank(question)) {
                    answer(memory, question);
                }
            }
        }
    } catch (const rekall::error &error) {
        std::cerr << error.name() << ": " << error.what() << '\n';
        return 1;
    }
}
