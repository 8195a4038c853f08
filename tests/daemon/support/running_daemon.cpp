#include "tests/daemon/support/running_daemon.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;
constexpr auto kPatience = 60s;  // a sanitizer's start takes its time

}  // namespace

std::string program(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string() + "/" + name;
}

NotifySocket::NotifySocket(const std::string& path)
    : path_(path), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  ::unlink(path.c_str());
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  path.copy(at.sun_path, sizeof at.sun_path - 1);
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
    socket_.reset();
}

std::string NotifySocket::next(std::chrono::milliseconds for_at_most) {
  pollfd readable{socket_.get(), POLLIN, 0};
  if (::poll(&readable, 1, static_cast<int>(for_at_most.count())) <= 0) return {};
  char buffer[4096];
  const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, 0);
  return n < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(n));
}

bool NotifySocket::heard(const std::string& text, std::chrono::milliseconds for_at_most) {
  const auto until = std::chrono::steady_clock::now() + for_at_most;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    const std::string message = next(std::max(left, 0ms));
    if (message.find(text) != std::string::npos) return true;
    if (message.empty()) return false;
  }
}

RunningDaemon::RunningDaemon() {
  std::filesystem::create_directories(base() + "/conf/conf.d");
  notify_ = std::make_unique<NotifySocket>(base() + "/notify");
}

RunningDaemon::~RunningDaemon() {
  kill();
}

void RunningDaemon::run_as(uid_t user, gid_t group) {
  user_ = {user, group};
  ::chmod(base().c_str(), 0755);
  ::chmod(notify_->path().c_str(), 0666);
  [[maybe_unused]] const int n = ::chown(base().c_str(), user, group);
}

// In the child.
void RunningDaemon::become_daemon() const {
  if (!user_) return;
  const auto [user, group] = *user_;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(group, group, group) != 0 ||
      ::setresuid(user, user, user) != 0)
    ::_exit(126);
}

void RunningDaemon::write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

std::vector<Descriptor> RunningDaemon::open_activated() const {
  std::vector<Descriptor> sockets;
  for (const std::string& name : activated) {
    std::filesystem::create_directories(socket_dir());
    const std::string path = socket_dir() + "/" + name;
    ::unlink(path.c_str());
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 &&
        ::listen(socket.get(), 16) == 0)
      sockets.push_back(std::move(socket));
  }
  return sockets;
}

// Waits no longer for one that has ended.
bool RunningDaemon::became_ready() const {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    if (notify_->heard("READY=1", 100ms)) return true;
    siginfo_t ended{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        ended.si_pid == pid_)
      return notify_->heard("READY=1", 0ms);
  }
  return false;
}

Status RunningDaemon::start() {
  std::vector<std::string> words{program("stillframed"), "--config",        config_path(),
                                 "--state-dir",          base() + "/state", "--runtime-dir",
                                 socket_dir(),           "--helper-dir",    program("")};
  if (!std::filesystem::exists(config_path())) configure("");
  auto variables = environment;
  variables.emplace_back("NOTIFY_SOCKET", notify_->path());
  for (const char* name : {"PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const char* value = std::getenv(name)) variables.emplace_back(name, value);
  const std::string log_path = base() + "/log";
  const std::vector<Descriptor> sockets = open_activated();
  pid_ = ::fork();
  if (pid_ == 0) {
    if (!sockets.empty()) {
      std::string names;
      for (const std::string& name : activated) names += (names.empty() ? "" : ":") + name;
      variables.emplace_back("LISTEN_FDNAMES", names);
      variables.emplace_back("LISTEN_FDS", std::to_string(sockets.size()));
      variables.emplace_back("LISTEN_PID", std::to_string(::getpid()));
      // First out of the way of each other, then to where they are looked for.
      std::vector<int> away;
      for (const Descriptor& socket : sockets) away.push_back(::fcntl(socket.get(), F_DUPFD, 100));
      for (std::size_t i = 0; i < away.size(); ++i) ::dup2(away[i], 3 + static_cast<int>(i));
      for (const int fd : away) ::close(fd);
    }
    std::vector<std::string> assigned;
    for (const auto& [name, value] : variables) assigned.push_back(name + "=" + value);
    std::vector<char*> argv, envp;
    for (auto& word : words) argv.push_back(word.data());
    for (auto& text : assigned) envp.push_back(text.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    const int log = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(log, STDERR_FILENO);
    // By descriptor: the folders above a build may be closed to the daemon's user.
    const int image = ::open(argv[0], O_PATH | O_CLOEXEC);
    become_daemon();
    ::fexecve(image, argv.data(), envp.data());
    ::_exit(127);
  }
  if (!became_ready())
    return Error(Errc::timed_out, "stillframed did not become ready; it said: " + log());
  return Ok{};
}

bool RunningDaemon::running() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

void RunningDaemon::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

Result<ExitStatus> RunningDaemon::stop() {
  signal(SIGTERM);
  return wait();
}

Result<ExitStatus> RunningDaemon::wait() {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  int status = 0;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until)
      return Error(Errc::timed_out, "stillframed does not end; it said: " + log());
    std::this_thread::sleep_for(2ms);
  }
  pid_ = -1;
  ExitStatus ended;
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  ended.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return ended;
}

void RunningDaemon::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string RunningDaemon::log() const {
  std::ifstream in(base() + "/log");
  return {std::istreambuf_iterator<char>(in), {}};
}

bool RunningDaemon::logged(const std::string& text) const {
  for (int round = 0; round < 1000; ++round) {
    if (log().find(text) != std::string::npos) return true;
    std::this_thread::sleep_for(20ms);
  }
  return false;
}

Result<std::unique_ptr<RequestorChannel>> RunningDaemon::connect(const char* socket) const {
  ConnectOptions options;
  options.socket = socket_dir() + "/" + socket;
  options.requestor_name = "test";
  return stillframe::connect(options);
}

}  // namespace stillframe::tests
