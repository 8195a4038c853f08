// Where a verb's answer goes: text for people, or JSON for programs.
#pragma once

#include <cstdio>
#include <string_view>

#include "writers/ese/tool/exit_code.hpp"
#include "writers/ese/tool/fields.hpp"

namespace stillframe::ese::tool {

class Output {
 public:
  Output(std::FILE* out, std::FILE* err, bool interactive)
      : out_(out), err_(err), interactive_(interactive) {}

  void use_json(bool json) { json_ = json; }
  bool json() const { return json_; }

  // The whole answer of a verb. As text, nested objects are indented `name: value` lines.
  void show(const Json& answer);

  // One of many equal things, such as a record or a row: a line of its own, in JSON as well.
  void line(std::string_view text);

  // How far a long verb is, on the terminal and nowhere else.
  void progress(std::string_view what, std::uint64_t done, std::uint64_t total);
  void progress_done();

  // Says why the verb ended and what the program's exit code is.
  Exit fail(const Error& error);

 private:
  std::FILE* out_;
  std::FILE* err_;
  bool interactive_;
  bool json_ = false;
};

}  // namespace stillframe::ese::tool
