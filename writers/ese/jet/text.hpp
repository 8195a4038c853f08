// The two forms of text that callers use. The engine's own is UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace stillframe::ese::jet {

// Null pointers are empty text. A lone surrogate becomes the three bytes that UTF-8 would have for
// it, and comes back from them, so that no two names become one.
std::string utf8(const char* text);
std::string utf8(const char16_t* text);
std::string utf8(std::u16string_view text);
// Bytes that are no UTF-8 become U+FFFD.
std::u16string utf16(std::string_view text);

// `text` as the caller's form has it.
template <class Char>
std::basic_string<Char> in_form(const std::string& text) {
  if constexpr (sizeof(Char) == 1) {
    return text;
  } else {
    return utf16(text);
  }
}

// Copies `text` with its zero into a buffer of `bytes`, cut off where that ends. Whether all of it
// fitted.
template <class Char>
bool copy_text(const std::string& text, Char* to, std::size_t bytes) {
  const std::basic_string<Char> whole = in_form<Char>(text);
  const std::size_t room = bytes / sizeof(Char);
  if (to == nullptr || room == 0) return false;
  const std::size_t taken = whole.copy(to, room - 1);
  to[taken] = Char{0};
  return taken == whole.size();
}

// The parts of a list in which each part ends with a zero, and the list with one more.
std::vector<std::string> parts_of(std::string_view list);
template <class Char>
std::vector<std::string> list_of(const Char* text, std::size_t bytes) {
  if (text == nullptr) return {};
  const std::basic_string_view<Char> whole(text, bytes / sizeof(Char));
  if constexpr (sizeof(Char) == 1) {
    return parts_of(whole);
  } else {
    return parts_of(utf8(whole));
  }
}

}  // namespace stillframe::ese::jet
