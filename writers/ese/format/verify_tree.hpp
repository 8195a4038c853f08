// One tree checked from its root down: links, separators and the order across pages.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "writers/ese/format/page_source.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {

struct TreeVisit {
  // Each page of the tree, once.
  std::function<void(Pgno)> page;
  // What is wrong with it.
  std::function<void(std::string)> finding;
};

// False when the tree's nodes cannot all be reached.
bool check_tree(const PageSource& source, Pgno root, Objid objid, const TreeVisit& visit);

}  // namespace stillframe::ese
