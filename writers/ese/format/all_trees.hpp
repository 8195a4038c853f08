// Every tree that a catalog names.
#pragma once

#include <string>
#include <vector>

#include "writers/ese/format/schema.hpp"

namespace stillframe::ese {

struct NamedTree {
  Pgno root{};
  Objid objid{};
  std::string name;  // for people
};

// The database root, then for each table its rows, its secondary indexes and its long values.
std::vector<NamedTree> all_trees(const Schema& schema);

}  // namespace stillframe::ese
