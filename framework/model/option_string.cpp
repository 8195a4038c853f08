#include "framework/model/option_string.hpp"

#include <algorithm>

#include <stillframe/byte_path.hpp>

namespace stillframe {
namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// Whether an item for `limit` holds for `subcomponent`.
bool holds_for(std::string_view limit, std::string_view subcomponent) noexcept {
  if (limit.empty()) return true;
  if (subcomponent.size() < limit.size()) return false;
  if (!same_ignoring_case(limit, subcomponent.substr(0, limit.size()))) return false;
  return subcomponent.size() == limit.size() || subcomponent[limit.size()] == '/';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { skip_space(); }

  bool at_end() const { return at_ == text_.size(); }

  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    skip_space();
    return true;
  }

  Result<std::string> quoted() {
    if (at_end() || text_[at_] != '"') return refused("expected a quoted text");
    std::string out;
    for (++at_; !at_end(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        skip_space();
        return out;
      }
      if (text_[at_] == '\\') {
        if (at_ + 1 >= text_.size() || (text_[at_ + 1] != '"' && text_[at_ + 1] != '\\')) {
          return refused("a backslash must come before a quote or a backslash");
        }
        ++at_;
      }
      out += text_[at_];
    }
    return refused("the closing quote is missing");
  }

  Error refused(std::string_view why) const {
    constexpr std::size_t kShownBytesMax = 40;
    return {Errc::invalid_argument, "restore options at character " + std::to_string(at_) + ", '" +
                                        escape_path(text_.substr(at_, kShownBytesMax)) +
                                        "': " + std::string(why)};
  }

 private:
  void skip_space() {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

Result<RestoreOption> read_option(Scanner& scanner) {
  RestoreOption option;
  auto first = scanner.quoted();
  if (!first.ok()) return first.error();
  option.name = std::move(first).value();
  if (scanner.take(':')) {
    option.subcomponent = std::move(option.name);
    if (option.subcomponent.empty()) return scanner.refused("the subcomponent has no name");
    auto name = scanner.quoted();
    if (!name.ok()) return name.error();
    option.name = std::move(name).value();
  }
  if (option.name.empty()) return scanner.refused("the option has no name");
  if (!scanner.take('=')) return scanner.refused("expected '='");
  auto value = scanner.quoted();
  if (!value.ok()) return value.error();
  option.value = std::move(value).value();
  return option;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace

Result<std::vector<RestoreOption>> parse_restore_options(std::string_view text) {
  std::vector<RestoreOption> options;
  Scanner scanner(text);
  if (scanner.at_end()) return options;
  do {
    auto option = read_option(scanner);
    if (!option.ok()) return option.error();
    options.push_back(std::move(option).value());
  } while (scanner.take(','));
  if (!scanner.at_end()) return scanner.refused("expected ',' or the end");
  return options;
}

std::string format_restore_options(const std::vector<RestoreOption>& options) {
  std::string text;
  for (const RestoreOption& option : options) {
    if (!text.empty()) text += ',';
    if (!option.subcomponent.empty()) {
      append_quoted(text, option.subcomponent);
      text += ':';
    }
    append_quoted(text, option.name);
    text += '=';
    append_quoted(text, option.value);
  }
  return text;
}

std::vector<std::string> option_values(const std::vector<RestoreOption>& options,
                                       std::string_view name, std::string_view subcomponent) {
  std::vector<std::string> values;
  for (const RestoreOption& option : options) {
    if (same_ignoring_case(option.name, name) && holds_for(option.subcomponent, subcomponent)) {
      values.push_back(option.value);
    }
  }
  return values;
}

}  // namespace stillframe
