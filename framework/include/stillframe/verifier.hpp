// Checks that need a writer's knowledge (page checksums, chunk digests), run over bytes as they are
// copied, so that every byte is read once. A verifier runs in a child without rights of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <stillframe/writer.hpp>

namespace stillframe {

// One file's check. Bytes come in order and without gaps; finish() is called once, after the last.
class FileVerifier {
 public:
  virtual ~FileVerifier() = default;
  virtual Status feed(std::span<const std::byte> bytes) = 0;  // corrupt names offset and cause
  virtual Status finish() = 0;
};

// Any thread; files are checked in parallel, each by its own FileVerifier.
class Verifier {
 public:
  virtual ~Verifier() = default;
  virtual std::string name() const = 0;
  // Whether it knows files of this component and name.
  virtual bool wants(const WriterIdentity& writer, const ComponentName& component,
                     const BytePath& file) = 0;
  virtual Result<std::unique_ptr<FileVerifier>> open(const BytePath& file, std::uint64_t size) = 0;
};

}  // namespace stillframe
