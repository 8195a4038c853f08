// The mover's answers: reads the snapshots it was given, and nothing else.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "requestor/remote/mover_link.hpp"

namespace stillframe::requestor {

struct MoverRootTree {
  BytePath mount_point;
  Tree tree;
};

// Any thread.
class MoverService {
 public:
  explicit MoverService(std::vector<MoverRootTree> roots);

  void add_stream(std::uint64_t key, Descriptor pipe);
  // Answers requests until the link ends, and says why it did.
  Error serve(MoverLink& link);

 private:
  Status answer(MoverLink& link, const MoverRequest& request);
  Status answer_list(MoverLink& link, const SourceTree& tree, const BytePath& path);
  Status answer_read(MoverLink& link, const Tree& tree, const MoverRequest& request);
  Status answer_stream(MoverLink& link, std::uint64_t key);
  struct Root {
    BytePath mount_point;
    Tree tree;
    std::unique_ptr<SourceTree> source;
  };
  const Root* root_of(const BytePath& mount_point) const;

  std::vector<Root> roots_;
  std::mutex mutex_;  // guards what follows
  std::map<std::uint64_t, Descriptor> streams_;
};

}  // namespace stillframe::requestor
