// Commands that messages name as remedies, as they are right on this machine.
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

namespace stillframe {

// `text` as one word of a shell's command line.
std::string shell_word(std::string_view text);

// Whom a number stands for, as chown takes it: "stillframe", or the number where it has no name.
std::string user_word(uid_t user);

// "systemctl start UNIT" under systemd, else the program, which stays in the foreground.
std::string start_command(const std::string& unit, const std::string& program);
// Elsewhere than under systemd only words: who started it knows how.
std::string restart_command(const std::string& unit, const std::string& program);

}  // namespace stillframe
