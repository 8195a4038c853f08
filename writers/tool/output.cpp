#include "writers/tool/output.hpp"

#include <fmt/format.h>

namespace stillframe::tool {

namespace {

constexpr std::size_t kIndent = 2;

std::string scalar_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool is_flat(const Json& value) {
  if (!value.is_structured()) return true;
  if (value.is_object()) return false;
  for (const Json& element : value) {
    if (element.is_structured()) return false;
  }
  return true;
}

std::string flat_text(const Json& value) {
  if (!value.is_array()) return scalar_text(value);
  std::string text;
  for (const Json& element : value) text += (text.empty() ? "" : ", ") + scalar_text(element);
  return text;
}

void print(std::FILE* out, const Json& value, std::size_t depth) {
  const std::string indent(depth * kIndent, ' ');
  if (value.is_array()) {
    bool first = true;
    for (const Json& element : value) {
      if (is_flat(element)) {
        fmt::print(out, "{}- {}\n", indent, flat_text(element));
        continue;
      }
      if (!first) fmt::print(out, "\n");
      first = false;
      print(out, element, depth);
    }
    return;
  }
  for (const auto& [name, element] : value.items()) {
    if (is_flat(element)) {
      fmt::print(out, "{}{}: {}\n", indent, name, flat_text(element));
    } else {
      fmt::print(out, "{}{}:\n", indent, name);
      print(out, element, depth + 1);
    }
  }
}

}  // namespace

void Output::show(const Json& answer) {
  if (json_) {
    fmt::print(out_, "{}\n", answer.dump(2));
  } else {
    print(out_, answer, 0);
  }
}

void Output::line(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fputc('\n', out_);
}

void Output::progress(std::string_view what, std::uint64_t done, std::uint64_t total) {
  if (!interactive_ || total == 0) return;
  fmt::print(err_, "\r{} {:3}%", what, done * 100 / total);
  std::fflush(err_);
}

void Output::progress_done() {
  if (interactive_) fmt::print(err_, "\r\033[K");
}

Exit Output::fail(const Error& error) {
  const Exit code = exit_for(error.code());
  if (json_) {
    const Json answer{{"error", to_string(error.code())},
                      {"number", error.application_code()},
                      {"message", error.what()}};
    fmt::print(out_, "{}\n", answer.dump(2));
  } else {
    fmt::print(err_, "{}: {}\n", program_, error.what());
  }
  return code;
}

}  // namespace stillframe::tool
