// Copies one file's bytes while hashing them, so that each is read once. Holes stay holes.
#pragma once

#include <cstdint>
#include <functional>
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

// The same from a pipe that ends by itself after `size` bytes; truncated when it ends sooner.
Result<CopyOutcome> copy_stream(const CopyRequest& request, std::uint64_t size);

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

}  // namespace stillframe::requestor
