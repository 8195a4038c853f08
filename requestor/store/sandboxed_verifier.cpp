#include "requestor/store/sandboxed_verifier.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <vector>

#include "requestor/store/verifier_child.hpp"

namespace stillframe::requestor {
namespace {

using Verb = VerifierRequest::Verb;

// The children of one verifier, each lent to one file at a time.
class Children {
 public:
  Children(Verifier& inner, const SandboxedVerifierOptions& options)
      : inner_(inner), options_(options) {}

  Status start() {
    for (int i = 0; i < std::max(1, options_.children); ++i) {
      auto child = VerifierChild::start(inner_, options_.memory_bytes_max, weakness_);
      if (!child.ok()) return child.error();
      idle_.push_back(std::move(child).value());
    }
    return Ok{};
  }

  // Waits until one is free. One that died is replaced here.
  Result<std::unique_ptr<VerifierChild>> borrow() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !idle_.empty(); });
    std::unique_ptr<VerifierChild> child = std::move(idle_.back());
    idle_.pop_back();
    if (child && !child->dead()) return child;
    std::string weakness;
    auto fresh = VerifierChild::start(inner_, options_.memory_bytes_max, weakness);
    if (!fresh.ok()) {
      idle_.push_back(nullptr);
      return fresh.error();
    }
    return std::move(fresh).value();
  }

  void give_back(std::unique_ptr<VerifierChild> child) {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(child));
    }
    changed_.notify_one();
  }

  std::chrono::milliseconds call_max() const { return options_.call_max; }
  const std::string& weakness() const { return weakness_; }

 private:
  Verifier& inner_;
  const SandboxedVerifierOptions options_;
  std::string weakness_;  // of the first children; later ones live under the same kernel
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<VerifierChild>> idle_;  // null: one that could not be started
};

// A child for the time of one file.
class Lease {
 public:
  Lease(Children& children, std::unique_ptr<VerifierChild> child, std::string name)
      : children_(children), child_(std::move(child)), name_(std::move(name)) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { children_.give_back(std::move(child_)); }

  Result<VerifierAnswer> call(Verb verb, std::span<const std::byte> bytes = {},
                              std::uint64_t file_bytes = 0) {
    if (bytes.size() > kSharedBytes)
      return Error(Errc::limit_reached, name_ + ": a name is too long for the verifier");
    if (!bytes.empty()) std::memcpy(child_->shared().data(), bytes.data(), bytes.size());
    const VerifierRequest request{verb, static_cast<std::uint32_t>(bytes.size()), file_bytes};
    auto answer = child_->call(request, children_.call_max());
    if (!answer.ok()) return answer.error().while_doing("verifying " + name_);
    if (answer.value().code == 0) return answer;
    const std::size_t said =
        std::min<std::size_t>(answer.value().message_bytes, answer.value().message.size());
    return Error(errc_from_number(answer.value().code),
                 std::string(answer.value().message.data(), said));
  }
  bool dead() const { return child_->dead(); }

 private:
  Children& children_;
  std::unique_ptr<VerifierChild> child_;
  const std::string name_;
};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class RemoteFile final : public FileVerifier {
 public:
  explicit RemoteFile(std::unique_ptr<Lease> lease) : lease_(std::move(lease)) {}
  ~RemoteFile() override {
    if (!lease_->dead()) (void)lease_->call(Verb::drop);  // an error kills the child: gone as well
  }

  Status feed(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const auto piece = bytes.first(std::min(bytes.size(), kSharedBytes));
      auto fed = lease_->call(Verb::feed, piece);
      if (!fed.ok()) return fed.error();
      bytes = bytes.subspan(piece.size());
    }
    return Ok{};
  }
  Status finish() override {
    auto finished = lease_->call(Verb::finish);
    return finished.ok() ? Status(Ok{}) : Status(finished.error());
  }

 private:
  const std::unique_ptr<Lease> lease_;
};

class ForkedVerifier final : public SandboxedVerifier {
 public:
  ForkedVerifier(Verifier& inner, const SandboxedVerifierOptions& options)
      : name_(inner.name()), children_(inner, options) {}

  Status start() { return children_.start(); }
  std::string name() const override { return name_; }
  const std::string& weakness() const override { return children_.weakness(); }

  // One that cannot say so wants the file: open() then tells what is wrong with it.
  bool wants(const WriterIdentity& writer, const ComponentName& component,
             const BytePath& file) override {
    auto lease = borrow(file);
    if (!lease.ok()) return true;
    auto answer =
        lease.value()->call(Verb::wants, bytes_of(encode_wanted(writer, component, file)));
    return !answer.ok() || answer.value().yes != 0;
  }

  Result<std::unique_ptr<FileVerifier>> open(const BytePath& file, std::uint64_t size) override {
    auto lease = borrow(file);
    if (!lease.ok()) return lease.error();
    auto opened = lease.value()->call(Verb::open, bytes_of(file), size);
    if (!opened.ok()) return opened.error();
    return std::unique_ptr<FileVerifier>(std::make_unique<RemoteFile>(std::move(lease).value()));
  }

 private:
  Result<std::unique_ptr<Lease>> borrow(const BytePath& file) {
    auto child = children_.borrow();
    if (!child.ok()) return child.error().while_doing("verifier " + name_);
    return std::make_unique<Lease>(children_, std::move(child).value(),
                                   "'" + escape_path(file) + "' with " + name_);
  }

  const std::string name_;
  Children children_;
};

}  // namespace

Result<std::unique_ptr<SandboxedVerifier>> SandboxedVerifier::start(
    Verifier& inner, const SandboxedVerifierOptions& options) {
  auto verifier = std::make_unique<ForkedVerifier>(inner, options);
  if (Status s = verifier->start(); !s.ok()) return s.error();
  return std::unique_ptr<SandboxedVerifier>(std::move(verifier));
}

Result<std::vector<std::unique_ptr<SandboxedVerifier>>> sandbox_verifiers(
    const std::vector<Verifier*>& verifiers, int threads,
    const std::function<void(const std::string&)>& warn) {
  std::vector<std::unique_ptr<SandboxedVerifier>> sandboxed;
  SandboxedVerifierOptions options;
  options.children = threads;
  for (Verifier* inner : verifiers) {
    auto started = SandboxedVerifier::start(*inner, options);
    if (!started.ok()) return started.error();
    if (const std::string& weakness = started.value()->weakness(); !weakness.empty() && warn)
      warn("verifier " + inner->name() + " is not kept from everything it should be: " + weakness);
    sandboxed.push_back(std::move(started).value());
  }
  return sandboxed;
}

}  // namespace stillframe::requestor
