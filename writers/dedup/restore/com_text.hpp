// COM's strings from and to ours.
#pragma once

#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/restore/ddpbackup.h>
#include <stillframe/result.hpp>

namespace stillframe::dedup {

// Frees what it holds.
class ComText {
 public:
  // As documents write a path, in UTF-16. Throws std::bad_alloc.
  static ComText of_path(const BytePath& path);
  ComText(ComText&& other) noexcept : text_(other.text_) { other.text_ = nullptr; }
  ComText& operator=(ComText&&) = delete;
  ~ComText() { SysFreeString(text_); }
  BSTR get() const { return text_; }

 private:
  explicit ComText(BSTR text) : text_(text) {}
  BSTR text_;
};

// The path that it is the text of. invalid_argument: half a surrogate, or an escape that is none.
Result<BytePath> path_of_text(BSTR text);

}  // namespace stillframe::dedup
