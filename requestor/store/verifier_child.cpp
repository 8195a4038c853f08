#include "requestor/store/verifier_child.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/io/sandbox.hpp"
#include "framework/model/json_codec.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::chrono::milliseconds kStartMax{10'000};
constexpr int kSocketOfChild = 3;

VerifierAnswer answer_of(const Status& status) {
  VerifierAnswer answer;
  if (status.ok()) return answer;
  answer.code = static_cast<std::int32_t>(status.error().code());
  const std::string& what = status.error().what();
  answer.message_bytes = static_cast<std::uint32_t>(std::min(what.size(), answer.message.size()));
  std::memcpy(answer.message.data(), what.data(), answer.message_bytes);
  return answer;
}

// ---- the child

void close_all_but(int kept) {
  if (::dup2(kept, kSocketOfChild) != kSocketOfChild) ::_exit(1);
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < kSocketOfChild; ++fd)
    if (null < 0 || ::dup2(null, fd) != fd) ::_exit(1);
  if (::syscall(SYS_close_range, kSocketOfChild + 1, ~0U, 0) == 0) return;
  rlimit most{};  // before Linux 5.9
  (void)::getrlimit(RLIMIT_NOFILE, &most);
  for (int fd = kSocketOfChild + 1; fd < static_cast<int>(most.rlim_cur); ++fd) ::close(fd);
}

bool send(int socket, const VerifierAnswer& answer) {
  return ::write(socket, &answer, sizeof answer) == static_cast<ssize_t>(sizeof answer);
}

[[noreturn]] void be_the_child(Verifier& inner, int socket, std::span<const std::byte> shared,
                               std::uint64_t memory_bytes_max) {
  close_all_but(socket);
  SandboxOptions options;
  options.memory_bytes_max = memory_bytes_max;
  auto sandbox = enter_sandbox(options);
  VerifierAnswer ready = answer_of(sandbox.ok() ? Status(Ok{}) : Status(sandbox.error()));
  if (sandbox.ok())
    ready = answer_of(sandbox.value().weakness.empty()
                          ? Status(Ok{})
                          : Status(Error(Errc::not_supported, sandbox.value().weakness)));
  if (!send(kSocketOfChild, ready) || !sandbox.ok()) ::_exit(1);
  serve_verifier(inner, kSocketOfChild, shared);
}

// Works on one file at a time.
class Server {
 public:
  Server(Verifier& inner, std::span<const std::byte> shared) : inner_(inner), shared_(shared) {}

  VerifierAnswer answer(const VerifierRequest& request) {
    const auto bytes = shared_.first(std::min<std::size_t>(request.shared_bytes, shared_.size()));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    switch (request.verb) {
      case VerifierRequest::Verb::wants:
        return wants(text);
      case VerifierRequest::Verb::open:
        return answer_of(open(BytePath(text), request.file_bytes));
      case VerifierRequest::Verb::feed:
        return answer_of(file_ ? file_->feed(bytes) : no_file());
      case VerifierRequest::Verb::finish:
        return answer_of(file_ ? file_->finish() : no_file());
      case VerifierRequest::Verb::drop:
        file_.reset();
        return {};
    }
    return answer_of(no_file());
  }

 private:
  static Status no_file() { return Error(Errc::wrong_state, "no file is being verified"); }

  VerifierAnswer wants(std::string_view text) {
    const auto wanted = nlohmann::json::parse(text, nullptr, false);
    if (!wanted.is_array() || wanted.size() != 3) return answer_of(no_file());
    const auto writer = decode_json<WriterIdentity>(wanted[0]);
    const auto component = decode_json<ComponentName>(wanted[1]);
    const auto file = unescape_path(wanted[2].get<std::string>());
    if (!writer.ok() || !component.ok() || !file.ok()) return answer_of(no_file());
    VerifierAnswer answer;
    answer.yes = inner_.wants(writer.value(), component.value(), file.value()) ? 1 : 0;
    return answer;
  }

  Status open(const BytePath& path, std::uint64_t size) {
    auto opened = inner_.open(path, size);
    if (!opened.ok()) return opened.error();
    file_ = std::move(opened).value();
    return Ok{};
  }

  Verifier& inner_;
  const std::span<const std::byte> shared_;
  std::unique_ptr<FileVerifier> file_;
};

Status status_of(const VerifierAnswer& answer) {
  if (answer.code == 0) return Ok{};
  const std::size_t bytes = std::min<std::size_t>(answer.message_bytes, answer.message.size());
  return Error(errc_from_number(answer.code), std::string(answer.message.data(), bytes));
}

}  // namespace

[[noreturn]] void serve_verifier(Verifier& inner, int socket, std::span<const std::byte> shared) {
  Server server(inner, shared);
  VerifierRequest request;
  while (::read(socket, &request, sizeof request) == static_cast<ssize_t>(sizeof request)) {
    if (!send(socket, server.answer(request))) break;
  }
  ::_exit(0);
}

std::string encode_wanted(const WriterIdentity& writer, const ComponentName& component,
                          const BytePath& file) {
  return dump_json(
      nlohmann::json::array({encode_json(writer), encode_json(component), escape_path(file)}));
}

// ---- the parent

Result<std::unique_ptr<VerifierChild>> VerifierChild::start(Verifier& inner,
                                                            std::uint64_t memory_bytes_max,
                                                            std::string& weakness) {
  std::unique_ptr<VerifierChild> child(new VerifierChild);
  void* const memory =
      ::mmap(nullptr, kSharedBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return posix_error(errno, "map", "memory for a verifier");
  child->shared_ = static_cast<std::byte*>(memory);
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return posix_error(errno, "make", "a socket for a verifier");
  child->socket_ = Descriptor(ends[0]);
  Descriptor theirs(ends[1]);
  child->pid_ = ::fork();
  if (child->pid_ < 0) return posix_error(errno, "start", "a verifier's child");
  if (child->pid_ == 0)
    be_the_child(inner, theirs.get(), std::span<const std::byte>(child->shared_, kSharedBytes),
                 memory_bytes_max);
  theirs.reset();
  auto ready = child->receive(kStartMax);
  if (!ready.ok()) return ready.error().while_doing("starting a verifier's child");
  const Status sandboxed = status_of(ready.value());
  if (!sandboxed.ok() && sandboxed.error().code() != Errc::not_supported)
    return sandboxed.error().while_doing("starting a verifier's child");
  weakness = sandboxed.ok() ? "" : sandboxed.error().what();
  return child;
}

VerifierChild::~VerifierChild() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  }
  if (shared_ != nullptr) ::munmap(shared_, kSharedBytes);
}

Result<VerifierAnswer> VerifierChild::call(const VerifierRequest& request,
                                           std::chrono::milliseconds limit) {
  if (dead_) return Error(Errc::internal, "the verifier's child is gone");
  if (::send(socket_.get(), &request, sizeof request, MSG_NOSIGNAL) !=
      static_cast<ssize_t>(sizeof request))
    return died();
  return receive(limit);
}

Result<VerifierAnswer> VerifierChild::receive(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  pollfd readable{socket_.get(), POLLIN, 0};
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    const int ready =
        ::poll(&readable, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready < 0 && errno == EINTR) continue;
    if (ready > 0) break;
    dead_ = true;
    ::kill(pid_, SIGKILL);
    return Error(Errc::timed_out, "the verifier did not answer within " +
                                      std::to_string(limit.count()) + " ms and was killed");
  }
  VerifierAnswer answer;
  const ssize_t got = ::recv(socket_.get(), &answer, sizeof answer, 0);
  if (got != static_cast<ssize_t>(sizeof answer)) return died();
  return answer;
}

Error VerifierChild::died() {
  dead_ = true;
  int status = 0;
  ::kill(pid_, SIGKILL);  // it closed its socket: whatever it does now, it verifies nothing
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  pid_ = -1;
  const std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                              : "exit code " + std::to_string(WEXITSTATUS(status));
  return {Errc::internal, "the verifier ended by itself: " + how};
}

}  // namespace stillframe::requestor
