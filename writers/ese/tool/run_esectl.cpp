#include "writers/ese/tool/run_esectl.hpp"

#include <utility>

#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

stillframe::tool::Tool esectl() {
  return {"esectl",
          1,
          "Reads databases, logs and checkpoints of the Extensible Storage Engine",
          "Files are opened for reading only unless the verb says otherwise.",
          {
              {Exit::ok, "done"},
              {Exit::usage, "wrong usage"},
              {Exit::not_found, "not found"},
              {Exit::access_denied, "access denied"},
              {Exit::damaged, "damaged, or the two compared differ"},
              {Exit::unsupported, "of a kind that is not supported"},
              {Exit::wrong_state, "something must be done first"},
              {Exit::io, "input or output failed"},
              {Exit::busy, "in use by somebody else"},
              {Exit::internal, "internal"},
          },
          all_verbs()};
}

Exit run_esectl(std::vector<std::string> words, std::FILE* out, std::FILE* err, bool interactive) {
  return stillframe::tool::run_tool(esectl(), std::move(words), out, err, interactive);
}

CommandHelp esectl_help() {
  return stillframe::tool::help_of(esectl());
}

}  // namespace stillframe::ese::tool
