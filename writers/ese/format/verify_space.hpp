// Whether the trees of a database share its pages out properly.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "writers/ese/format/page_source.hpp"
#include "writers/ese/format/space.hpp"

namespace stillframe::ese {

struct TreeSpace {
  std::string name;  // for people
  Pgno root{};
  Space space;  // extents in ascending order
};

// A tree takes its extents from its parent's: they must lie in what the parent owns, not in what
// the parent calls free, and no two trees of one parent may own the same page.
void check_shares(const PageSource& source, const std::vector<TreeSpace>& trees,
                  const std::function<void(std::string)>& finding);

}  // namespace stillframe::ese
