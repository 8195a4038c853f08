// The rules that every page keeps, and by name which of them one breaks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "writers/ese/format/page.hpp"

namespace stillframe::ese {

enum class PageRule {
  structure,          // tags and nodes lie within the page
  space_adds_up,      // bodies, tags, free bytes and header are the page
  bodies_apart,       // no two bodies overlap
  data_end_behind,    // every body ends at or before data_end
  pointers_only,      // a node of an internal page is a key and a page number
  keys_ascend,        // strictly; in a non-unique tree together with the data
  last_separator,     // only the last separator of an internal page may be empty
  no_root_prefix,     // the root of an ordinary tree has no prefix
  large_page_number,  // a large page names itself
};
std::string_view name_of(PageRule rule) noexcept;

struct PageFinding {
  PageRule rule;
  std::string what;
};

// Every rule that `page` breaks; nothing but `structure` is looked for when that is broken. Emptied
// pages and such as were never formatted have no nodes to judge.
std::vector<PageFinding> check_page(Bytes page, Pgno pgno);

// What PageEditor relies on beyond check_page_structure(): no page from a file is edited before
// this has passed.
Status check_page_for_editing(Bytes page, std::string_view name, Pgno pgno);

}  // namespace stillframe::ese
