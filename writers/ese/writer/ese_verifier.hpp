// Checks the pages of databases and the segments of logs while any requestor copies them.
#pragma once

#include <memory>
#include <string>

#include <stillframe/verifier.hpp>

namespace stillframe::ese {

// Knows the files of every writer of the engine: databases by what they begin with, logs by their
// names.
class EseVerifier final : public Verifier {
 public:
  std::string name() const override { return "ese"; }
  bool wants(const WriterIdentity& writer, const ComponentName& component,
             const BytePath& file) override;
  Result<std::unique_ptr<FileVerifier>> open(const BytePath& file, std::uint64_t size) override;
};

}  // namespace stillframe::ese
