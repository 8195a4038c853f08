// A deduplicated volume as a snapshot or a backup has it: a tree of files with their marks and the
// store beside them. It is only read.
#pragma once

#include <functional>
#include <memory>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "framework/chunkstore/store.hpp"
#include "writers/dedup/view/view.hpp"
#include "writers/dedup/volume/dedup_file.hpp"

namespace stillframe::dedup {

class VolumeInSnapshot {
 public:
  // Nothing below `tree` is changed: what a crash would leave is put right in memory. not_found
  // when it is no deduplicated volume; interlocked for half of one, while a restore was under way;
  // access_denied when it is encrypted with another key file than its settings or `key_file` name.
  static Result<std::unique_ptr<VolumeInSnapshot>> open(const BytePath& tree,
                                                        const BytePath& key_file = {});

  // Every file with its content, at `place`. The volume outlives the view.
  Result<std::unique_ptr<View>> show(const BytePath& place,
                                     std::function<void(const Error&)> report);

 private:
  VolumeInSnapshot(BytePath tree, Descriptor root)
      : tree_(std::move(tree)), root_(std::move(root)) {}
  Status load(const BytePath& key_file);

  const BytePath tree_;
  const Descriptor root_;
  std::unique_ptr<Files> below_, files_;
  UuidBytes store_id_{};
  std::unique_ptr<chunkstore::Store> store_;
  std::unique_ptr<FileTable> table_;
};

}  // namespace stillframe::dedup
