// Checks the containers of a store while any requestor copies them.
#pragma once

#include <memory>
#include <string>

#include <stillframe/verifier.hpp>

namespace stillframe::dedup {

// A sealed container frame by frame, and its footer. Of one that was appended to when it was cut,
// only its commit record says how much of it is valid: what is behind its last whole frame passes.
class DedupVerifier final : public Verifier {
 public:
  std::string name() const override { return "dedup"; }
  bool wants(const WriterIdentity& writer, const ComponentName& component,
             const BytePath& file) override;
  Result<std::unique_ptr<FileVerifier>> open(const BytePath& file, std::uint64_t size) override;
};

}  // namespace stillframe::dedup
