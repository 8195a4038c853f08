#include "tests/providers/guard/guard_fixture.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace stillframe::tests {

std::int64_t boot_now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

void sleep_a_millisecond() {
  ::usleep(1000);
}

PidFd::PidFd(pid_t pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
PidFd::~PidFd() {
  if (fd_ >= 0) ::close(fd_);
}
void PidFd::send(int signal) const {
  ::syscall(SYS_pidfd_send_signal, fd_, signal, nullptr, 0);
}
bool PidFd::ended() const {
  pollfd about{fd_, POLLIN, 0};
  return fd_ < 0 || ::poll(&about, 1, 0) > 0;
}

Driver::Driver(int lease_ms, int limit_ms, const std::string& record_directory,
               const std::vector<std::string>& targets, const std::string& never_freeze) {
  std::vector<std::string> words = {GUARD_DRIVER, std::to_string(lease_ms),
                                    std::to_string(limit_ms), record_directory, never_freeze};
  words.insert(words.end(), targets.begin(), targets.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int to[2], from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) std::abort();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(to[0], 0);
    ::dup2(from[1], 1);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(to[0]);
  ::close(from[1]);
  in_ = to[1];
  out_ = from[0];
}

Driver::~Driver() {
  ::close(in_);
  ::close(out_);
  if (!reaped_) {
    ::kill(pid_, SIGKILL);
    wait_end();
  }
}

void Driver::finish() {
  ::close(in_);
  in_ = -1;
}

void Driver::wait_end() {
  ::waitpid(pid_, nullptr, 0);
  reaped_ = true;
}

void Driver::say(const std::string& command) {
  const std::string line = command + "\n";
  [[maybe_unused]] const auto n = ::write(in_, line.data(), line.size());
}

std::string Driver::read_line() {
  while (true) {
    if (const auto end = pending_.find('\n'); end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return line;
    }
    pollfd ready{out_, POLLIN, 0};
    if (::poll(&ready, 1, 60'000) <= 0) return {};
    char buffer[4096];
    const ssize_t n = ::read(out_, buffer, sizeof buffer);
    if (n <= 0) return {};
    pending_.append(buffer, static_cast<std::size_t>(n));
  }
}

JudgeWriter::JudgeWriter(const std::string& directory) {
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  shared_ = new (memory) Shared();
  const std::string path = directory + "/judge.log";
  pid_ = ::fork();
  if (pid_ != 0) return;
  const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  while (!shared_->stop) {
    const std::int64_t began = boot_now_ns();
    if (::write(fd, &began, sizeof began) != sizeof began || ::fdatasync(fd) != 0) {
      shared_->failed = true;
      break;
    }
    shared_->last_began = began;
    ::usleep(10'000);
  }
  ::_exit(0);
}

JudgeWriter::~JudgeWriter() {
  shared_->stop = true;
  ::waitpid(pid_, nullptr, 0);
  ::munmap(shared_, sizeof(Shared));
}

bool in_uninterruptible_call(pid_t pid) {
  std::error_code failure;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (std::filesystem::directory_iterator it(tasks, failure), end; !failure && it != end;
       it.increment(failure)) {
    std::ifstream in(it->path() / "stat");
    std::string text;
    std::getline(in, text);  // an iterator would throw when the thread ends meanwhile
    const auto close = text.rfind(')');
    if (close != std::string::npos && close + 2 < text.size() && text[close + 2] == 'D')
      return true;
  }
  return false;
}

void make_dirty(const std::string& directory, std::uint64_t bytes) {
  const std::vector<char> block(1 << 20, 'd');
  const int fd = ::open((directory + "/dirty").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  for (std::uint64_t done = 0; done < bytes; done += block.size()) {
    if (::write(fd, block.data(), block.size()) < 0) std::abort();
  }
  ::close(fd);
}

void sync_now(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ::syncfs(fd);
  ::close(fd);
}

int thaw_now(const std::string& mount_point) {
  const int fd = ::open(mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int thawed = 0;
  while (::ioctl(fd, FITHAW, 0) == 0) ++thawed;
  ::close(fd);
  return thawed;
}

bool freeze_now(const std::string& mount_point) {
  const int fd = ::open(mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool frozen = ::ioctl(fd, FIFREEZE, 0) == 0;
  ::close(fd);
  return frozen;
}

std::size_t entries_in(const std::string& directory) {
  std::error_code failure;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator it(directory, failure), end; !failure && it != end;
       it.increment(failure)) {
    ++count;
  }
  return count;
}

}  // namespace stillframe::tests
