#include "writers/ese/tool/restore_decision.hpp"

#include <sys/file.h>

#include "framework/io/file.hpp"
#include "writers/ese/interlock/restore_interlock.hpp"

namespace stillframe::ese::tool {

namespace {

constexpr const char *kResume = "resume", *kAbandon = "abandon";

// As instances and the calls of a restore hold it.
Result<Descriptor> hold_logs(const BytePath& logs) {
  auto folder = open_directory(logs);
  if (!folder.ok()) return folder.error();
  if (::flock(folder.value().get(), LOCK_EX | LOCK_NB) == 0) return folder;
  return Error(Errc::wrong_state, "'" + escape_path(logs) +
                                      "' is used by an instance or another program; end it first");
}

}  // namespace

bool is_restore_decision(const std::string& word) {
  return word == kResume || word == kAbandon;
}

Result<Exit> decide_restore(Output& output, const std::string& word, const std::string& logs) {
  if (!is_restore_decision(word)) {
    return Error(Errc::invalid_argument, "a restore is resumed or abandoned, not '" + word + "'");
  }
  const auto held = hold_logs(logs);
  if (!held.ok()) return held.error();
  const auto files = posix_files();
  const Status done =
      word == kResume ? resume_restore(*files, logs) : abandon_restore(*files, logs);
  if (!done.ok()) return done.error();
  output.show(
      Json{{"folder", escape_bytes(logs)}, {"restore", word + (word == kResume ? "d" : "ed")}});
  return Exit::ok;
}

}  // namespace stillframe::ese::tool
