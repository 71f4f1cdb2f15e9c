// Indexes the text and Markdown files of a folder, then answers questions about them.
//
//     notes DATABASE FOLDER [QUESTION...]
//
// Files that did not change since the last run are not read again, and what is gone from the folder is forgotten. Without
// questions they are read from standard input, a line each.
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

// A JSON string, in the form in which the library gives it back.
std::string quoted(const std::string &text)
{
    static const std::string escaped = "\"\\\b\t\n\f\r", letters = "\"\\btnfr", digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char character : text) {
        const auto code = static_cast<unsigned char>(character);
        const std::size_t at = escaped.find(character);
        if (at != std::string::npos) {
            out += {'\\', letters[at]};
        } else if (code < 0x20) {
            out += {'\\', 'u', '0', '0', digits[code / 16], digits[code % 16]};
        } else {
            out += character;
        }
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

// What is known of each file: its metadata, and the entries of its sections.
struct known_file {
    std::string metadata;
    std::vector<std::string> ids;
};

// By the metadata's "path" as it stands in the JSON. All entries of files carry one tag.
std::map<std::string, known_file> known_files(const rekall::memory &memory)
{
    std::map<std::string, known_file> out;
    rekall::filter of_files;
    of_files.tags_all = {"indexedfile"};
    std::string last;
    for (;;) {
        const rekall::page page = memory.list(of_files, last, 1000);
        if (page.empty()) {
            return out;
        }
        for (const auto entry : page) {
            const std::string metadata(entry.metadata());
            known_file &file = out[metadata.substr(0, metadata.rfind(",\"stamp\":"))];
            file.metadata = metadata;
            last = entry.id();
            file.ids.push_back(last);
        }
    }
}

std::size_t index(rekall::memory &memory, const fs::path &folder)
{
    std::map<std::string, known_file> known = known_files(memory);
    std::vector<rekall::new_entry> entries;
    for (const fs::directory_entry &file : fs::recursive_directory_iterator(folder)) {
        const std::string extension = file.path().extension().string();
        if (!file.is_regular_file() || (extension != ".md" && extension != ".txt")) {
            continue;
        }
        const std::string path = "{\"path\":" + quoted(file.path().string());
        const std::string metadata = path + ",\"stamp\":" + quoted(stamp(file.path())) + "}";
        const auto before = known.find(path);
        if (before != known.end() && before->second.metadata == metadata) {
            known.erase(before);
            continue;
        }
        for (const section &section : sections(file.path().filename().string(), read(file.path()))) {
            if (!blank(section.text)) {
                rekall::new_entry entry(section.title, section.text);
                entry.metadata = metadata;
                entry.tags = {"indexedfile"};
                entries.push_back(std::move(entry));
            }
        }
    }
    rekall::watch watch;
    watch.progress = [](std::uint64_t done, std::uint64_t total) {
        std::cerr << "\r" << done << " of " << total << " sections" << (done == total ? "\n" : "");
        return true;
    };
    memory.remember_many(entries, watch);
    // What is left was changed or is gone; the new sections are there already.
    for (const auto &[path, file] : known) {
        for (const std::string &id : file.ids) {
            memory.forget(id);
        }
    }
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
