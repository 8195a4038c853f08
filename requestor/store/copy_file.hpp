// Copies one file's bytes while hashing them, so that each is read once. Holes stay holes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <stillframe/verifier.hpp>

#include "requestor/store/manifest.hpp"

namespace stillframe::requestor {

// Told how many bytes were just done; answers whether to go on. Any copying thread.
using CopyObserver = std::function<bool(std::uint64_t bytes)>;

struct CopyRequest {
  int source = -1;
  int destination = -1;                            // -1: only read and hash
  BytePath name;                                   // for messages
  const std::vector<ByteRange>* ranges = nullptr;  // only these; nullptr: the whole file
  FileVerifier* verifier = nullptr;                // fed every byte of a whole file, then finished
  CopyObserver observer;                           // may be empty
};

struct CopyOutcome {
  std::uint64_t size = 0;    // of the source file, holes and all
  std::uint64_t copied = 0;  // bytes of data
  std::string sha256;
  std::vector<ByteRange> extents;  // where data is; empty when the file has no hole
};

// Both descriptors at any position; the destination must be empty unless `ranges` is given.
// truncated when the source turns out shorter than it said, cancelled when the observer said so.
Result<CopyOutcome> copy_file(const CopyRequest& request);

// The data extents of a file of `size` bytes; one for all of it where the file system cannot tell.
Result<std::vector<ByteRange>> find_extents(int fd, std::uint64_t size, const BytePath& name);

// What copy_file() does with each piece of content, for content that comes from elsewhere (a
// writer's stream): hash, verify, write, report. `request.source` is not used.
class ContentSink {
 public:
  explicit ContentSink(const CopyRequest& request);  // which must outlive the sink
  ~ContentSink();
  ContentSink(const ContentSink&) = delete;
  ContentSink& operator=(const ContentSink&) = delete;

  Status data(std::span<const std::byte> bytes, std::uint64_t offset);  // in order, without gaps
  Status hole(std::uint64_t length);  // zeros that need no place on disk
  // Once, after the last piece: finishes the verifier and answers the SHA-256.
  Result<std::string> finish();
  std::uint64_t copied() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Mode, owner, times and extended attributes of an open file or directory.
Result<FileAttributes> read_attributes(int fd, const BytePath& name);

enum class OwnerPolicy { required, best_effort };  // best effort: without root the caller owns it

// Puts them on. Set-id bits only when the owner could be set, so that no file becomes a set-uid
// file of somebody else. Times last.
Status apply_attributes(int fd, const FileAttributes& attributes, OwnerPolicy owner,
                        const BytePath& name);

// Symlinks themselves, by the directory they lie in.
Result<FileAttributes> read_link_attributes(int directory, const BytePath& link);
Status apply_link_attributes(int directory, const BytePath& link, const FileAttributes& attributes,
                             OwnerPolicy owner);
// The same and the mode, for pipes and devices: they cannot be opened without doing something.
Status apply_node_attributes(int directory, const BytePath& node, const FileAttributes& attributes,
                             OwnerPolicy owner);

}  // namespace stillframe::requestor
