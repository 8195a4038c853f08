// The first pass of verify_database(): every page by itself, on all processors.
#pragma once

#include <cstdint>
#include <vector>

#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/page_check.hpp"
#include "writers/ese/format/verify.hpp"

namespace stillframe::ese {

struct PageFacts {
  PageSum sum = PageSum::zero;
  Objid objid{};
  std::uint32_t flags = 0;
  bool breaks_rules = false;
};

struct BrokenPage {
  Pgno pgno{};
  PageFinding finding;
};

struct PageSurvey {
  std::vector<PageFacts> pages;      // [0] is page 1
  std::vector<BrokenPage> findings;  // by page number
  const PageFacts& of(Pgno pgno) const { return pages[static_cast<std::uint32_t>(pgno) - 1]; }
};

Result<PageSurvey> survey_pages(const PageSource& source, const VerifyOptions& options);

}  // namespace stillframe::ese
