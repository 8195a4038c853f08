// A process that gives up its rights before it handles what strangers wrote.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

struct SandboxOptions {
  std::vector<BytePath> readable;      // files, and directories with all below them
  std::uint64_t memory_bytes_max = 0;  // that it may take more than it has now; 0: no limit
  std::chrono::seconds cpu_max{0};     // of processor time from now on; 0: no limit
};

// How tightly the kernel at hand could close it.
struct Sandbox {
  bool files_confined = false;  // by Landlock: only what is readable can be opened
  bool calls_filtered = false;  // by seccomp: no sockets, no programs, no signals, no files written
  std::string weakness;         // for people; empty when both hold
};

// For good, and for everything the process starts. To be called while it has one thread. Open
// descriptors stay usable: close those that it must not have. Root becomes nobody first. From here
// on a call that is not for reading, memory or its own end answers EPERM.
//
// An error means that something was refused which every kernel can do; the process should end then.
Result<Sandbox> enter_sandbox(const SandboxOptions& options);

}  // namespace stillframe
