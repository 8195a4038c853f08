// A program run as a child in a process group of its own, spoken to over its standard input and
// output, with a deadline on every wait.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/time.hpp>
#include <stillframe/writer.hpp>

namespace stillframe {

// What a program of this user may not do to us: everything between fork and exec is set up by
// start(), in a child that runs nothing else.
struct ChildUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

struct ChildOptions {
  std::vector<std::string> command;  // a path and its arguments; no search, no shell
  std::vector<std::pair<std::string, std::string>> environment;  // all of it
  BytePath working_directory = "/";
  std::optional<ChildUser> user;  // whom to become; needs root
  // The child dies with the thread that starts it. For children that hold something.
  bool die_with_parent = false;
  // Standard output goes where standard error goes, into complaints().
  bool output_is_complaint = false;
};

struct ExitStatus {
  int code = 0;       // of exit(), when `signal` is 0
  int signal = 0;     // that killed it
  bool known = true;  // false: whoever started it is gone and took the rest along
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};
std::string to_string(const ExitStatus& status);  // "exit code 62", "signal 9 (Killed)"

// Our ends of a program's three pipes, non-blocking, and what becomes readable when it has ended.
struct ChildDescriptors {
  Descriptor input, output, error, pidfd;
};

// A program that somebody else started for us, who alone may signal and reap it.
struct AdoptedChild {
  pid_t pid = -1;
  ChildDescriptors descriptors;
  // SIGKILL to its group, now or as soon as its starter hears of it. Any thread; must not throw.
  std::function<void()> kill;
  // How it ended; asked once, after it has. An error becomes the last of its complaints.
  std::function<Result<ExitStatus>()> ended;
};

// Not for several threads at once, kill_group() excepted. The destructor kills the whole group and
// reaps the child; an adopted one is left to its starter to reap, and nobody waits for that.
class ChildProcess {
 public:
  static constexpr std::size_t kComplaintBytesMax = 4096;  // the last ones are kept

  // not_found or access_denied when there is no such program or it may not be run.
  static Result<std::unique_ptr<ChildProcess>> start(const ChildOptions& options);
  static std::unique_ptr<ChildProcess> adopt(AdoptedChild child);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Errors: timed_out, cancelled, disconnected when the child has closed its side.
  Status write(std::string_view bytes, Deadline deadline, const CancelToken* cancel = nullptr);
  // The next line, without its newline. Also limit_reached when it is longer than `bytes_max`; what
  // follows cannot be read then.
  Result<std::string> read_line(std::size_t bytes_max, Deadline deadline,
                                const CancelToken* cancel = nullptr);
  void close_input() noexcept { input_.reset(); }
  // Asks it to end: closes its input and sends SIGTERM, to the child alone, so that it ends what it
  // has started in its own order.
  void ask_to_end() noexcept;
  // Until the child itself has ended; then ends what is left of its group.
  Result<ExitStatus> wait(Deadline deadline, const CancelToken* cancel = nullptr);
  bool running() const;
  void kill_group() noexcept;  // SIGKILL
  pid_t pid() const noexcept { return pid_; }

  // For whoever watches many children with one poll(2): readable when the child has ended.
  int end_descriptor() const noexcept { return pidfd_.get(); }
  // Readable when complaints() has something to take out of the pipe, which must not fill up; -1
  // once the child has closed it.
  int complaint_descriptor() const noexcept { return error_.get(); }

  // The last of what it wrote to standard error, as printable text on one line.
  std::string complaints();

  // For whoever talks to it in our place. What is left here is to wait and to kill.
  Result<ChildDescriptors> hand_over();

 private:
  ChildProcess() = default;
  enum class Wanted { input, output, end };
  Status wait_for(Wanted wanted, Deadline deadline, const CancelToken* cancel);
  void drain_complaints();
  ExitStatus reap();
  ExitStatus ask_starter();

  pid_t pid_ = -1;
  Descriptor input_, output_, error_, pidfd_;
  std::function<void()> kill_adopted_;                 // empty: it is our own child
  std::function<Result<ExitStatus>()> adopted_ended_;  // likewise
  std::string pending_;                                // read from output_, not yet asked for
  std::size_t searched_ = 0;                           // that much of it holds no newline
  std::string complaints_;
  bool output_ended_ = false;
  std::optional<ExitStatus> status_;
};

// Starts a program that speaks over its standard input and output, by whatever right that takes.
using ProcessStarter = std::function<Result<std::unique_ptr<ChildProcess>>()>;

}  // namespace stillframe
