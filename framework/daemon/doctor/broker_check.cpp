#include "framework/daemon/doctor/broker_check.hpp"

#include <cerrno>

#include <sys/stat.h>

#include "framework/base/service_command.hpp"
#include "framework/daemon/broker/broker_client.hpp"
#include "framework/wire/message.hpp"

namespace stillframe::daemon {
namespace {

constexpr std::chrono::milliseconds kPatience{3'000};
constexpr const char* kSocketUnit = "stillframe-broker.socket";
constexpr const char* kUnit = "stillframe-broker";

void check_unused(uid_t user, Findings& findings) {
  if (user == 0) return;
  findings.push_back({Severity::note, "broker.unused", "broker",
                      user_word(user) + " cuts only what it may by itself: copies and reflinks of "
                                        "its own files",
                      "[daemon] broker names none", ""});
}

Finding silent(const BytePath& socket, std::string what, std::string cause, std::string remedy) {
  return {Severity::problem, "broker.silent",  escape_path(socket),
          std::move(what),   std::move(cause), std::move(remedy)};
}

// What can be said before anybody is asked; true when asking makes sense.
bool check_socket(const BytePath& socket, uid_t user, Findings& findings) {
  struct stat info {};
  if (::stat(socket.c_str(), &info) != 0) {
    const bool missing = errno == ENOENT;
    findings.push_back(silent(socket, "there is no broker",
                              missing ? "its socket is not there: neither it nor its socket unit "
                                        "was started, or [daemon] broker names another place"
                                      : "its folder is closed to " + user_word(user),
                              start_command(kSocketUnit, kUnit)));
    return false;
  }
  if (!S_ISSOCK(info.st_mode)) {
    findings.push_back(silent(socket, "is no socket", "something else stands in its place",
                              "rm " + shell_word(socket)));
    return false;
  }
  if (user == 0 || info.st_uid == user) return true;
  findings.push_back({Severity::problem, "broker.closed", escape_path(socket),
                      "belongs to " + user_word(info.st_uid) + " and lets " + user_word(user) +
                          ", whom the daemon runs as, not in",
                      "daemon_user of broker.toml, or SocketUser= of " + std::string(kSocketUnit) +
                          ", names somebody else",
                      "set daemon_user = \"" + user_word(user) + "\" in " + kBrokerConfigFile +
                          ", then " + restart_command(kUnit, kUnit)});
  return false;
}

std::string why_silent(const Error& error) {
  switch (error.code()) {
    case Errc::disconnected:
      return "the one that listened here has ended, and left its socket";
    case Errc::timed_out:
      return "it listens, but hangs or is stopped";
    default:
      return error.what();
  }
}

}  // namespace

void check_broker(const BytePath& socket, uid_t user, Findings& findings) {
  if (socket.empty()) return check_unused(user, findings);
  if (!check_socket(socket, user, findings)) return;
  BrokerClientOptions options;
  options.socket = socket;
  options.brief = kPatience;
  const auto version = BrokerClient::create(options)->version();
  if (!version.ok()) {
    const bool hangs = version.error().code() == Errc::timed_out;
    findings.push_back(silent(socket, "the broker does not answer", why_silent(version.error()),
                              hangs ? restart_command(kUnit, kUnit) : start_command(kUnit, kUnit)));
    return;
  }
  if (version.value() != wire::kSdkVersion) {
    findings.push_back({Severity::warning, "broker.version", escape_path(socket),
                        "is of version " + version.value() + ", the daemon of " + wire::kSdkVersion,
                        "one of the two was not started again after an upgrade",
                        restart_command("stillframe-broker stillframed", "both")});
    return;
  }
  findings.push_back({Severity::good, "broker.answers", escape_path(socket),
                      "answers, version " + version.value(), "", ""});
}

}  // namespace stillframe::daemon
