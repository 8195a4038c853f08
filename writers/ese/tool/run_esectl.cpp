#include "writers/ese/tool/run_esectl.hpp"

#include <algorithm>
#include <sstream>

#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

constexpr const char* kFooter =
    "Exit codes: 0 done, 2 wrong usage, 3 not found, 4 access denied, 5 damaged,\n"
    "6 of a kind that is not supported, 7 something must be done first, 8 input or output failed,\n"
    "20 internal. Files are opened for reading only unless the verb says otherwise.";

Exit run_verb(Verb& verb, Output& output) {
  try {
    Result<Exit> done = verb.run(output);
    return done.ok() ? done.value() : output.fail(done.error());
  } catch (const std::bad_alloc&) {
    return output.fail(Error(Errc::out_of_resources, "out of memory"));
  }
}

}  // namespace

Exit run_esectl(std::vector<std::string> words, std::FILE* out, std::FILE* err, bool interactive) {
  CLI::App app("Reads databases, logs and checkpoints of the Extensible Storage Engine.", "esectl");
  app.require_subcommand(1);
  app.footer(kFooter);
  bool json = false;
  const std::vector<std::unique_ptr<Verb>> verbs = all_verbs();
  std::vector<CLI::App*> commands;
  for (const auto& verb : verbs) {
    CLI::App* command = app.add_subcommand(verb->name(), verb->summary());
    command->add_flag("--json", json, "Answer in JSON");
    command->footer(std::string("Examples:\n") + verb->examples());
    verb->describe(*command);
    commands.push_back(command);
  }

  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    std::ostringstream answer, complaint;
    const int code = app.exit(error, answer, complaint);
    std::fputs(answer.str().c_str(), out);
    std::fputs(complaint.str().c_str(), err);
    return code == 0 ? Exit::ok : Exit::usage;
  }
  Output output(out, err, interactive);
  output.use_json(json);
  for (std::size_t i = 0; i < verbs.size(); ++i) {
    if (commands[i]->parsed()) return run_verb(*verbs[i], output);
  }
  return Exit::internal;  // require_subcommand() saw to it that one was parsed
}

}  // namespace stillframe::ese::tool
