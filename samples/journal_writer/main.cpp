// The journal as a program: takes commands on standard input and is backed up by whoever asks.
//
//   journal_app DIR [--socket DIR] [--instance NAME] [--die-at "VERB" | "VERB done"]
//
//   put TEXT      append an entry; answers its number once it is durable
//   fill N        append N entries
//   count         the number of the newest entry
//   checkpoint    move what the logs have to the data file
//   quit
//
// --die-at kills the process with SIGKILL when the verb begins or has ended, for tests of what a
// crash leaves behind.
#include <csignal>
#include <iostream>
#include <string>

#include "samples/journal_writer/journal_backup.hpp"

namespace {

using namespace journal;

struct Options {
  std::string dir, socket, instance = "journal", die_at;
};

bool parse(int count, char** words, Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    std::string* value = nullptr;
    if (word == "--socket") value = &options.socket;
    if (word == "--instance") value = &options.instance;
    if (word == "--die-at") value = &options.die_at;
    if (value == nullptr) {
      if (!options.dir.empty() || word.starts_with("-")) return false;
      options.dir = word;
    } else if (++i < count) {
      *value = words[i];
    } else {
      return false;
    }
  }
  return !options.dir.empty();
}

std::string run_command(JournalSlot& slot, const std::string& line) {
  const auto space = line.find(' ');
  const std::string verb = line.substr(0, space);
  const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
  const auto journal = slot.get();
  if (!journal) return "offline";
  if (verb == "count") return std::to_string(journal->last_entry());
  Status done = Error(Errc::invalid_argument, "unknown command '" + verb + "'");
  if (verb == "put") done = journal->put(rest);
  if (verb == "checkpoint") done = journal->checkpoint();
  if (verb == "fill") {
    done = Ok{};
    for (int i = std::atoi(rest.c_str()); i > 0 && done.ok(); --i) done = journal->put("filling");
  }
  return done.ok() ? std::to_string(journal->last_entry()) : "error " + done.error().what();
}

}  // namespace

int main(int count, char** words) {
  Options options;
  if (!parse(count, words, options)) {
    std::cerr << "usage: journal_app DIR [--socket DIR] [--instance NAME] [--die-at VERB]\n";
    return 2;
  }
  JournalSlot slot{Place{options.dir}};
  if (Status opened = slot.open(); !opened.ok()) {
    std::cerr << "journal: " << opened.error().what() << "\n";
    return opened.error().code() == Errc::interlocked ? 3 : 1;
  }
  JournalWriter writer(slot, options.instance, [&](std::string_view moment) {
    if (moment == options.die_at) raise(SIGKILL);
  });
  WriterHostOptions host_options;
  host_options.socket_dir = options.socket;
  auto host = WriterHost::start(writer, host_options);
  if (!host.ok()) {
    std::cerr << "journal: " << host.error().what() << "\n";
    return 1;
  }
  std::cout << "ready " << slot.get()->last_entry() << std::endl;
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    std::cout << run_command(slot, line) << std::endl;
  }
  return 0;
}
