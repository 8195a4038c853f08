#include "tests/bench/dedup/measured_run.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stillframe::dedup::bench {

namespace {

constexpr std::size_t kSaidBytesMax = 4000;

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// What the child writes, up to its end; of that the end.
std::string end_of_output(int from) {
  std::string said;
  char part[4096];
  for (;;) {
    const ssize_t got = ::read(from, part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return said;
    said.append(part, static_cast<std::size_t>(got));
    if (said.size() > kSaidBytesMax) said.erase(0, said.size() - kSaidBytesMax);
  }
}

// `child` runs with its output going to `said`, and does not return.
template <class Child>
Cost measure(const Child& child) {
  Cost cost;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return cost;
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) child(ends[1]);
  ::close(ends[1]);
  if (pid > 0) cost.said = end_of_output(ends[0]);
  ::close(ends[0]);
  int status = 0;
  rusage used{};
  if (pid < 0 || ::wait4(pid, &status, 0, &used) != pid) return cost;
  cost.good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  cost.user = seconds_of(used.ru_utime);
  cost.system = seconds_of(used.ru_stime);
  cost.peak_bytes = static_cast<double>(used.ru_maxrss) * 1024;
  return cost;
}

}  // namespace

Cost measure_work(const std::function<std::string()>& work) {
  return measure([&](int out) {
    const std::string error = work();
    const ssize_t written = ::write(out, error.data(), error.size());
    ::_exit(error.empty() && written == 0 ? 0 : 1);
  });
}

Cost measure_program(const Program& program) {
  return measure([&](int out) {
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    for (const auto& [name, value] : program.environment) {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
    std::vector<char*> arguments;
    for (const std::string& each : program.arguments) {
      arguments.push_back(const_cast<char*>(each.c_str()));
    }
    arguments.push_back(nullptr);
    if (::chdir(program.folder.c_str()) == 0) ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  });
}

bool is_installed(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/bin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((folder + "/" + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace stillframe::dedup::bench
