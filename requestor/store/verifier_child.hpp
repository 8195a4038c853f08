// One sandboxed child of sandboxed_verifier.hpp, and how it is spoken to: a request of fixed size
// over a socket, whose bytes lie in memory that both share, and an answer of fixed size.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <sys/types.h>

#include <stillframe/descriptor.hpp>
#include <stillframe/verifier.hpp>

namespace stillframe::requestor {

inline constexpr std::size_t kSharedBytes = std::size_t{1} << 20;

struct VerifierRequest {
  enum class Verb : std::uint32_t { wants, open, feed, finish, drop } verb = Verb::wants;
  std::uint32_t shared_bytes = 0;  // of the shared memory that belong to it
  std::uint64_t file_bytes = 0;    // open
};

struct VerifierAnswer {
  std::int32_t code = 0;  // of an Errc; 0: ok
  std::uint32_t yes = 0;  // wants
  std::uint32_t message_bytes = 0;
  std::array<char, 1000> message{};
};

class VerifierChild {
 public:
  // The answer to start() says how tight its sandbox is.
  static Result<std::unique_ptr<VerifierChild>> start(Verifier& inner,
                                                      std::uint64_t memory_bytes_max,
                                                      std::string& weakness);
  ~VerifierChild();  // kills and reaps it
  VerifierChild(const VerifierChild&) = delete;
  VerifierChild& operator=(const VerifierChild&) = delete;

  std::span<std::byte> shared() const { return {shared_, kSharedBytes}; }
  // One at a time. After timed_out and internal it is dead.
  Result<VerifierAnswer> call(const VerifierRequest& request, std::chrono::milliseconds limit);
  bool dead() const noexcept { return dead_; }

 private:
  VerifierChild() = default;
  Result<VerifierAnswer> receive(std::chrono::milliseconds limit);
  Error died();

  pid_t pid_ = -1;
  Descriptor socket_;
  std::byte* shared_ = nullptr;
  bool dead_ = false;
};

// What the child does until its socket closes; never returns. For VerifierChild and tests.
[[noreturn]] void serve_verifier(Verifier& inner, int socket, std::span<const std::byte> shared);

// Who owns a file and what it is called, in the shared memory of `wants`.
std::string encode_wanted(const WriterIdentity& writer, const ComponentName& component,
                          const BytePath& file);

}  // namespace stillframe::requestor
