#include "writers/ese/tool/run_esectl.hpp"

#include <algorithm>
#include <memory>
#include <sstream>

#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

namespace {

constexpr const char* kSummary =
    "Reads databases, logs and checkpoints of the Extensible Storage Engine";

struct ExitMeaning {
  Exit code;
  const char* meaning;
};
constexpr ExitMeaning kExits[] = {
    {Exit::ok, "done"},
    {Exit::usage, "wrong usage"},
    {Exit::not_found, "not found"},
    {Exit::access_denied, "access denied"},
    {Exit::damaged, "damaged, or the two compared differ"},
    {Exit::unsupported, "of a kind that is not supported"},
    {Exit::wrong_state, "something must be done first"},
    {Exit::io, "input or output failed"},
    {Exit::internal, "internal"},
};

std::string footer() {
  std::string text = "Exit codes:";
  for (const ExitMeaning& exit : kExits) {
    text += fmt::format("\n  {:2} {}", static_cast<int>(exit.code), exit.meaning);
  }
  return text + "\nFiles are opened for reading only unless the verb says otherwise.";
}

// The command line: one subcommand a verb, and one for completions.
struct Grammar {
  Grammar() : app(std::string(kSummary) + ".", "esectl") {
    app.require_subcommand(1);
    app.footer(footer());
    app.add_flag("--json", json, "Answer in JSON; also after the verb");
    for (const auto& verb : verbs) {
      CLI::App* command = app.add_subcommand(verb->name(), verb->summary());
      command->add_flag("--json", json, "Answer in JSON");
      command->footer(std::string("Examples:\n") + verb->examples());
      verb->describe(*command);
      commands.push_back(command);
    }
    completion = app.add_subcommand("completion", "Print a script for a shell's completion");
    completion->add_option("shell", shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  }

  CLI::App app;
  bool json = false;
  std::string shell;
  std::vector<std::unique_ptr<Verb>> verbs = all_verbs();
  std::vector<CLI::App*> commands;  // of the verbs, in their order
  CLI::App* completion = nullptr;
};

VerbHelp describe(const CLI::App& app, const std::string& name, const char* examples) {
  VerbHelp help{name, app.get_description(), "esectl " + (name.empty() ? "VERB" : name), {}, {}};
  if (!name.empty()) help.usage += " [options]";
  for (const CLI::Option* option : app.get_options()) {
    help.options.push_back({option->get_name(option->get_positional(), true),
                            option->get_items_expected_max() == 0 ? "" : option->get_type_name(),
                            option->get_description()});
    if (option->get_positional()) help.usage += " " + option->get_name(true);
  }
  std::istringstream lines(examples);
  for (std::string line; std::getline(lines, line);) help.examples.push_back(line);
  return help;
}

Exit run_verb(Verb& verb, Output& output) {
  try {
    Result<Exit> done = verb.run(output);
    return done.ok() ? done.value() : output.fail(done.error());
  } catch (const std::bad_alloc&) {
    return output.fail(Error(Errc::out_of_resources, "out of memory"));
  }
}

}  // namespace

CommandHelp esectl_help() {
  const Grammar grammar;
  CommandHelp command;
  command.program = "esectl";
  command.verbs = {describe(grammar.app, "", "")};
  command.verbs.front().summary = kSummary;
  for (std::size_t i = 0; i < grammar.verbs.size(); ++i) {
    const Verb& verb = *grammar.verbs[i];
    command.verbs.push_back(describe(*grammar.commands[i], verb.name(), verb.examples()));
  }
  command.verbs.push_back(describe(*grammar.completion, "completion",
                                   "  esectl completion bash > /etc/bash_completion.d/esectl"));
  for (const ExitMeaning& exit : kExits) {
    command.statuses.push_back({static_cast<int>(exit.code), exit.meaning});
  }
  return command;
}

Exit run_esectl(std::vector<std::string> words, std::FILE* out, std::FILE* err, bool interactive) {
  Grammar grammar;
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    grammar.app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    std::ostringstream answer, complaint;
    const int code = grammar.app.exit(error, answer, complaint);
    std::fputs(answer.str().c_str(), out);
    std::fputs(complaint.str().c_str(), err);
    return code == 0 ? Exit::ok : Exit::usage;
  }
  if (grammar.completion->parsed()) {
    std::fputs(completion_script(esectl_help(), grammar.shell).c_str(), out);
    return Exit::ok;
  }
  Output output(out, err, interactive);
  output.use_json(grammar.json);
  for (std::size_t i = 0; i < grammar.verbs.size(); ++i) {
    if (grammar.commands[i]->parsed()) return run_verb(*grammar.verbs[i], output);
  }
  return Exit::internal;  // require_subcommand() saw to it that one was parsed
}

}  // namespace stillframe::ese::tool
