// What the files of a log sequence are called. docs/formats/log-files.md has the rules.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// The extensions an application chose: the historic ones, or those it gets when it does not ask for
// them (Windows Search).
enum class LogExtensions { log_chk, jtx_jcp };

enum class LogFileKind {
  current,     // edb.log: the generation that is being written
  archived,    // edb0001A.log or edb0000001A.log: a finished one
  temporary,   // edbtmp.log: the next one, before its name is right
  reserve,     // edbres00001.jrs, and res1.log of old: room to end cleanly on a full disk
  checkpoint,  // edb.chk
};

struct LogFileName {
  LogFileKind kind = LogFileKind::current;
  LogExtensions extensions = LogExtensions::log_chk;
  Generation generation = Generation::none;  // of an archived file only
  int digits = 0;                            // 5 or 8, of an archived file only

  friend bool operator==(const LogFileName&, const LogFileName&) = default;
};

// Which file of the sequence `base` (three characters, such as "edb") has this name; none when it
// has nothing to do with it. Case does not matter, as on Windows.
std::optional<LogFileName> parse_log_file_name(std::string_view base, std::string_view file);

// The base name of a sequence that has `file` as its current log or checkpoint, none when it is
// neither. "edbtmp.log" is not the current log of "edbtmp".
std::optional<std::string> log_base_of(std::string_view file);

std::string current_log_name(std::string_view base, LogExtensions extensions);
std::string temporary_log_name(std::string_view base, LogExtensions extensions);
std::string checkpoint_name(std::string_view base, LogExtensions extensions);
std::string reserve_log_name(std::string_view base, int number);  // from 1

// Eight digits when the application asked for them, or when five do not suffice.
std::string archived_log_name(std::string_view base, Generation generation,
                              LogExtensions extensions, bool eight_digits = false);

}  // namespace stillframe::ese
