// Whether a user can read files: found out by trying, as that user, in a child of its own. What
// decides is what the kernel says, access control lists and all, and not a rule of ours.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/transport/peer.hpp"

namespace stillframe::daemon {

// Files in a directory that `name` stands for, which may hold ? and *.
struct FilePlace {
  BytePath directory;  // beneath the root, without a leading slash; "" is the root itself
  BytePath name;
  bool recursive = false;
  friend bool operator==(const FilePlace&, const FilePlace&) = default;
};

struct ReadableLimits {
  std::chrono::milliseconds time{3'000};  // for all places together
  std::size_t names = 20'000;             // looked at in one place on a level and those above it
};

enum class LinksIn { followed, refused };

// What is kept from a user.
struct Unreadable {
  std::size_t place = 0;  // of those that were asked about
  BytePath path;          // beneath the root
  std::string why;
  friend bool operator==(const Unreadable&, const Unreadable&) = default;
};

// The first thing there that `user` cannot read: directories must let themselves be entered and
// listed, files be read. What is not there can be read by nobody and is no mistake. Directories
// that may only be entered do where `name` is one file's name.
//
// timed_out when the file system does not answer; not_supported when this process has no right to
// become the user. `root` is opened with our own rights, and nothing outside it is looked at when
// links are refused.
Result<std::optional<Unreadable>> find_unreadable(const PeerCredentials& user, const BytePath& root,
                                                  LinksIn links,
                                                  const std::vector<FilePlace>& places,
                                                  const ReadableLimits& limits = {});

}  // namespace stillframe::daemon
