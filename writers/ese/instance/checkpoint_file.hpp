// The checkpoint of an instance in its file.
#pragma once

#include <memory>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/checkpoint.hpp"

namespace stillframe::ese {

// One thread at a time.
class CheckpointWriter {
 public:
  CheckpointWriter(Files& files, BytePath directory, const std::string& name);

  // Durable on return: one copy after the other, so that one is whole at any time.
  Status write(const Checkpoint& checkpoint);

 private:
  Status open();

  Files& files_;
  const BytePath directory_;
  const BytePath path_;
  std::unique_ptr<File> file_;
};

}  // namespace stillframe::ese
