// A verifier that runs in children without rights of their own: what a hostile file makes of it can
// neither write, nor reach the network, nor start anything. Bytes go there through shared memory.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <stillframe/verifier.hpp>

namespace stillframe::requestor {

struct SandboxedVerifierOptions {
  int children = 2;                            // that many files are checked at a time
  std::chrono::milliseconds call_max{60'000};  // for each call; then the child is killed
  std::uint64_t memory_bytes_max = std::uint64_t{1} << 30;  // that a child may take
};

// As Verifier says. A child that crashes or hangs costs the file it worked on: `internal` with the
// signal, or timed_out; the next file gets a new child.
class SandboxedVerifier : public Verifier {
 public:
  // Each child works on its own copy of `inner`, as it is when the child starts. Nobody may use it
  // meanwhile, here or on another thread. Not owned.
  static Result<std::unique_ptr<SandboxedVerifier>> start(
      Verifier& inner, const SandboxedVerifierOptions& options = {});

  // What the kernel at hand cannot keep from it; empty when it can all be kept.
  virtual const std::string& weakness() const = 0;
};

// One for each of `verifiers`, and a warning for each that is not closed as tightly as it should
// be.
Result<std::vector<std::unique_ptr<SandboxedVerifier>>> sandbox_verifiers(
    const std::vector<Verifier*>& verifiers, int threads,
    const std::function<void(const std::string&)>& warn);

}  // namespace stillframe::requestor
