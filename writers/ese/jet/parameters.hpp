// The system parameters: which there are, what they may be, and when they may be set.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>

#include "writers/ese/instance/instance_options.hpp"

namespace stillframe::ese::jet {

enum class ParameterKind { number, text };
// Whose it is, and until when it can be set.
enum class ParameterScope {
  before_init,       // of an instance, until it runs
  any_time,          // of an instance
  process_before,    // of the process, until there is an instance
  process_any_time,  // of the process
  read_only,
};

struct ParameterRule {
  std::uint32_t id;
  ParameterKind kind;
  ParameterScope scope;
  std::uint64_t usual;        // of a number
  std::uint64_t least, most;  // of a number, or of a text's length
  const char* usual_text = "";
};

// Null: there is no such parameter.
const ParameterRule* find_parameter(std::uint32_t id);
constexpr bool of_process(ParameterScope scope) {
  return scope == ParameterScope::process_before || scope == ParameterScope::process_any_time;
}

// Values of parameters; those that were not set are as usual. Any thread.
class Parameters {
 public:
  Parameters() = default;
  Parameters(const Parameters& other);
  Parameters& operator=(const Parameters&) = delete;

  // InvalidParameter for values outside the rule. When it may be set is for callers to know.
  Status set(const ParameterRule& rule, std::uint64_t number, const std::string& text);
  std::uint64_t number(std::uint32_t id) const;
  std::string text(std::uint32_t id) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::uint32_t, std::uint64_t> numbers_;
  std::map<std::uint32_t, std::string> texts_;
};

// The absolute path that a parameter, or a call, means.
BytePath absolute_path(const std::string& path);

// What an instance with these parameters starts with; `process` has those of the process.
InstanceOptions options_from(const Parameters& own, const Parameters& process);
// InvalidSystemPath, InvalidLogDirectory for folders that are not there, unless they are to be
// made.
Status prepare_folders(const Parameters& own);

}  // namespace stillframe::ese::jet
