#include "framework/base/service_command.hpp"

#include <array>

#include <pwd.h>
#include <unistd.h>

namespace stillframe {
namespace {

bool under_systemd() {
  return ::access("/run/systemd/system", F_OK) == 0;
}

}  // namespace

std::string shell_word(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@+,=";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos)
    return std::string(text);
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string user_word(uid_t user) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    return entry.pw_name;
  return std::to_string(user);
}

std::string start_command(const std::string& unit, const std::string& program) {
  return under_systemd() ? "systemctl start " + unit : program;
}

std::string restart_command(const std::string& unit, const std::string& program) {
  return under_systemd() ? "systemctl restart " + unit : "end and start " + program;
}

}  // namespace stillframe
