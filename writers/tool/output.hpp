// Where a verb's answer goes: text for people, or JSON for programs.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "writers/tool/exit_code.hpp"

namespace stillframe::tool {

using Json = nlohmann::ordered_json;

class Output {
 public:
  // `program` is for messages.
  Output(std::string program, std::FILE* out, std::FILE* err, bool interactive)
      : program_(std::move(program)), out_(out), err_(err), interactive_(interactive) {}

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
  const std::string program_;
  std::FILE* out_;
  std::FILE* err_;
  bool interactive_;
  bool json_ = false;
};

}  // namespace stillframe::tool
