#include "framework/daemon/access/rights.hpp"

namespace stillframe::daemon {

std::string_view to_string(Right right) noexcept {
  switch (right) {
    case Right::look:
      return "look";
    case Right::backup:
      return "backup";
    case Right::restore:
      return "restore";
    case Right::remove:
      return "delete";
    case Right::revert:
      return "revert";
    case Right::manage:
      return "manage";
    case Right::register_:
      return "register";
    case Right::redirect:
      return "redirect";
  }
  return "?";
}

std::optional<Right> parse_right(std::string_view text) noexcept {
  for (const Right right : all_rights())
    if (to_string(right) == text) return right;
  return std::nullopt;
}

const std::vector<Right>& all_rights() {
  static const std::vector<Right> all{Right::look,      Right::backup,  Right::restore,
                                      Right::remove,    Right::revert,  Right::manage,
                                      Right::register_, Right::redirect};
  return all;
}

}  // namespace stillframe::daemon
