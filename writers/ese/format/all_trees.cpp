#include "writers/ese/format/all_trees.hpp"

namespace stillframe::ese {

std::vector<NamedTree> all_trees(const Schema& schema) {
  std::vector<NamedTree> trees{{Pgno{1}, Objid::root, "the database root"}};
  for (const Table& table : schema.tables) {
    trees.push_back({table.root, table.objid, "table '" + table.name + "'"});
    for (const Index& index : table.indexes) {
      if (index.primary()) continue;
      trees.push_back(
          {index.root, index.objid, "index '" + index.name + "' of table '" + table.name + "'"});
    }
    if (table.long_values_root != Pgno::null) {
      trees.push_back({table.long_values_root, table.long_values_objid,
                       "long values of table '" + table.name + "'"});
    }
  }
  return trees;
}

}  // namespace stillframe::ese
