// Beginning and ending the process that has a volume open.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"
#include "framework/io/mounts.hpp"
#include "writers/dedup/engine/serve.hpp"
#include "writers/dedup/tool/syslog_events.hpp"
#include "writers/dedup/tool/verbs.hpp"
#include "writers/dedup/tool/volume_target.hpp"

namespace stillframe::dedup::tool {

namespace {

constexpr int kEndTimeoutMs = 120'000;  // of a process whose volume was unmounted

// From the process that was begun to the one that began it: how that went.
Status told_by_child(int pipe) {
  auto text = read_all(pipe, 65536, "the process that mounts");
  if (!text.ok()) return text.error();
  if (text.value() == "ready") return Ok{};
  const std::size_t space = text.value().find(' ');
  if (space == std::string::npos) {
    return Error(Errc::internal,
                 "the process that mounts ended without a word; see what the system's "
                 "log has of dedupctl, or mount with --foreground");
  }
  return Error(errc_from_number(std::atoi(text.value().c_str())), text.value().substr(space + 1));
}

void let_go_of_terminal() {
  ::setsid();
  const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    (void)::dup2(null.get(), standard);
  }
  (void)!::chdir("/");
}

class MountVerb final : public Verb {
 public:
  const char* name() const override { return "mount"; }
  const char* summary() const override { return "Show a deduplicated volume to its users"; }
  const char* examples() const override {
    return "  dedupctl mount /dev/sdb1 /srv/data\n"
           "  dedupctl mount --foreground /dev/sdb1 /srv/data\n"
           "  dedupctl mount --read-only /mnt/snapshot /mnt/files";
  }
  void describe(CLI::App& command) override {
    command
        .add_option(
            "device", device_,
            "A block device, mounted nowhere else; to read, a folder with a snapshot of one")
        ->required();
    command.add_option("place", place_, "An empty directory")->required();
    command.add_option("--key-file", key_file_,
                       "Of an encrypted volume, in place of where its settings say that it is");
    command.add_flag("--foreground", foreground_, "Stay, until it is unmounted: for services");
    command.add_flag("--read-only", read_only_,
                     "Show a snapshot's files as their users saw them, and change nothing");
  }

  Result<Exit> run(Output& output) override {
    auto shown = what_to_show();
    if (!shown.ok()) return shown.error();
    const std::unique_ptr<char, decltype(&std::free)> place(::realpath(place_.c_str(), nullptr),
                                                            &std::free);
    // A place that a process which was killed left answers with this until it is mounted again.
    if (!place && errno != ENOTCONN) return posix_error(errno, "examine", place_);
    ServeOptions options{
        shown.value(), place ? place.get() : place_, socket_folder(), {}, {}, nullptr, {}};
    if (!key_file_.empty()) {
      auto key_file = resolved_key_file(key_file_);
      if (!key_file.ok()) return key_file.error();
      options.key_file = std::move(key_file).value();
    }
    const Json answer{{"volume", shown.value()}, {"place", options.place}};
    if (foreground_) return stay(options, answer, output);
    const Status begun = begin_process(options);
    if (!begun.ok()) return begun.error();
    output.show(answer);
    return Exit::ok;
  }

 private:
  // The device of a volume, or the folder of a snapshot.
  Result<BytePath> what_to_show() const {
    if (read_only_) {
      const std::unique_ptr<char, decltype(&std::free)> tree(::realpath(device_.c_str(), nullptr),
                                                             &std::free);
      if (!tree) return posix_error(errno, "examine", device_);
      return BytePath(tree.get());
    }
    const auto target = VolumeTarget::find(device_);
    if (!target.ok()) return target.error();
    if (!target.value().place.empty() && target.value().connect().ok()) {
      return Error(Errc::in_use, "the volume is mounted on " + quoted_path(target.value().place));
    }
    return target.value().device;
  }
  Status serve(const ServeOptions& options) const {
    return read_only_ ? serve_snapshot(options) : serve_volume(options);
  }

  static void block_signals() {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  }

  Result<Exit> stay(ServeOptions& options, const Json& answer, Output& output) const {
    block_signals();
    options.report = [](const Error& error) {
      std::fprintf(stderr, "dedupctl: %s\n", error.what().c_str());
    };
    options.ready = [&] {
      output.show(answer);
      std::fflush(stdout);
    };
    SyslogEvents events;
    options.events = &events;
    const Status done = serve(options);
    if (!done.ok()) return done.error();
    return Exit::ok;
  }

  // This process has one thread yet.
  Status begin_process(ServeOptions& options) const {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return posix_error(errno, "make", "a pipe");
    Descriptor told(ends[0]), tells(ends[1]);
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) return posix_error(errno, "begin", "the process that mounts");
    if (child > 0) {
      tells.reset();
      return told_by_child(told.get());
    }
    told.reset();
    let_go_of_terminal();
    block_signals();
    ::openlog("dedupctl", LOG_PID, LOG_DAEMON);
    options.report = [](const Error& error) { ::syslog(LOG_ERR, "%s", error.what().c_str()); };
    options.ready = [&] {
      (void)write_all(tells.get(), "ready", "whoever mounts");
      tells.reset();
    };
    SyslogEvents events;
    options.events = &events;
    const Status done = serve(options);
    if (!done.ok()) {
      ::syslog(LOG_ERR, "%s", done.error().what().c_str());
      if (tells.valid()) {
        const std::string text =
            std::to_string(static_cast<int>(done.error().code())) + " " + done.error().what();
        (void)write_all(tells.get(), text, "whoever mounts");
      }
    }
    ::_exit(done.ok() ? 0 : static_cast<int>(stillframe::tool::exit_for(done.error().code())));
  }

  std::string device_, place_, key_file_;
  bool foreground_ = false, read_only_ = false;
};

class UnmountVerb final : public Verb {
 public:
  const char* name() const override { return "unmount"; }
  const char* summary() const override {
    return "End the view of a volume, and wait until the volume is closed";
  }
  const char* examples() const override { return "  dedupctl unmount /srv/data"; }
  void describe(CLI::App& command) override { describe_volume(command, volume_); }

  Result<Exit> run(Output& output) override {
    const auto target = VolumeTarget::find(volume_);
    if (!target.ok()) return target.error();
    if (target.value().place.empty()) {
      return Error(Errc::not_found, quoted_path(volume_) + " is not mounted");
    }
    // Before, because nobody listens afterwards.
    Descriptor process;
    if (const auto client = target.value().connect(); client.ok()) {
      process = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, client.value().peer(), 0)));
    }
    if (Status s = unmount(target.value().place); !s.ok()) return s.error();
    pollfd ended{process.get(), POLLIN, 0};
    if (process.valid() && ::poll(&ended, 1, kEndTimeoutMs) == 0) {
      return Error(Errc::timed_out, "the volume is unmounted, but its process has not ended yet");
    }
    output.show(Json{{"volume", target.value().device}, {"place", nullptr}});
    return Exit::ok;
  }

 private:
  std::string volume_;
};

}  // namespace

std::unique_ptr<Verb> make_mount_verb() {
  return std::make_unique<MountVerb>();
}

std::unique_ptr<Verb> make_unmount_verb() {
  return std::make_unique<UnmountVerb>();
}

}  // namespace stillframe::dedup::tool
