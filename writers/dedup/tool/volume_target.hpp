// The volume that a verb is about: a block device, or the place where its view is mounted.
#pragma once

#include <functional>
#include <utility>

#include <CLI/CLI.hpp>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/dedup/engine/control_socket.hpp"
#include "writers/tool/output.hpp"

namespace stillframe::dedup::tool {

// Where the processes that have volumes open listen; STILLFRAME_DEDUP_RUN names another folder.
BytePath socket_folder();

struct VolumeTarget {
  BytePath device;
  BytePath place;  // empty: it is not mounted

  // not_found: neither.
  static Result<VolumeTarget> find(const BytePath& named);
  // Where a volume is mounted that has this path, and the path below that.
  static Result<std::pair<BytePath, BytePath>> find_holder(const BytePath& named);
  // The process that has it mounted; disconnected if there is none.
  Result<ControlClient> connect() const;
};

// Asks the process that has the volume open, or opens it for as long as this takes. An interrupt
// ends a job in an orderly way.
Result<Json> ask_volume(const BytePath& named, const Json& question,
                        const std::function<void(const Json&)>& told = {});

// As the settings of a volume name it, from / on: the processes that need it run anywhere.
Result<BytePath> resolved_key_file(const BytePath& named);

void describe_volume(CLI::App& command, std::string& volume);

}  // namespace stillframe::dedup::tool
