#include "writers/tool/run_tool.hpp"

#include <algorithm>
#include <csignal>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

namespace stillframe::tool {

namespace {

std::string footer(const Tool& tool) {
  std::string text = "Exit codes:";
  for (const ExitMeaning& exit : tool.exits) {
    text += fmt::format("\n  {:2} {}", static_cast<int>(exit.code), exit.meaning);
  }
  if (*tool.note != '\0') text += std::string("\n") + tool.note;
  return text;
}

// The command line: one subcommand a verb, and one for completions.
struct Grammar {
  explicit Grammar(Tool described)
      : tool(std::move(described)), app(std::string(tool.summary) + ".", tool.name) {
    app.require_subcommand(1);
    app.footer(footer(tool));
    app.add_flag("--json", json, "Answer in JSON; also after the verb");
    for (const auto& verb : tool.verbs) {
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

  const Tool tool;
  CLI::App app;
  bool json = false;
  std::string shell;
  std::vector<CLI::App*> commands;  // of the verbs, in their order
  CLI::App* completion = nullptr;
};

VerbHelp describe(const Tool& tool, const CLI::App& app, const std::string& name,
                  const std::string& examples) {
  VerbHelp help{name,
                app.get_description(),
                std::string(tool.name) + " " + (name.empty() ? "VERB" : name),
                {},
                {}};
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

CommandHelp describe_all(const Grammar& grammar) {
  CommandHelp command;
  command.program = grammar.tool.name;
  command.section = grammar.tool.section;
  command.verbs = {describe(grammar.tool, grammar.app, "", "")};
  command.verbs.front().summary = grammar.tool.summary;
  for (std::size_t i = 0; i < grammar.tool.verbs.size(); ++i) {
    const Verb& verb = *grammar.tool.verbs[i];
    command.verbs.push_back(
        describe(grammar.tool, *grammar.commands[i], verb.name(), verb.examples()));
  }
  command.verbs.push_back(describe(
      grammar.tool, *grammar.completion, "completion",
      fmt::format("  {0} completion bash > /etc/bash_completion.d/{0}", grammar.tool.name)));
  for (const ExitMeaning& exit : grammar.tool.exits) {
    command.statuses.push_back({static_cast<int>(exit.code), exit.meaning});
  }
  return command;
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

CommandHelp help_of(Tool tool) {
  return describe_all(Grammar(std::move(tool)));
}

Exit run_tool(Tool tool, std::vector<std::string> words, std::FILE* out, std::FILE* err,
              bool interactive) {
  Grammar grammar(std::move(tool));
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
    std::fputs(completion_script(describe_all(grammar), grammar.shell).c_str(), out);
    return Exit::ok;
  }
  Output output(grammar.tool.name, out, err, interactive);
  output.use_json(grammar.json);
  for (std::size_t i = 0; i < grammar.tool.verbs.size(); ++i) {
    if (grammar.commands[i]->parsed()) return run_verb(*grammar.tool.verbs[i], output);
  }
  return Exit::internal;  // require_subcommand() saw to it that one was parsed
}

int tool_main(Tool tool, int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto code = run_tool(std::move(tool), {words + 1, words + count}, stdout, stderr,
                             isatty(STDERR_FILENO) == 1);
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  return static_cast<int>(written ? code : Exit::io);
}

int manual_main(Tool tool, int count, char** words) {
  if (count != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", words[0]);
    return 2;
  }
  const auto written = write_manual_pages(help_of(std::move(tool)), words[1]);
  if (written.ok()) return 0;
  std::fprintf(stderr, "%s\n", written.error().what().c_str());
  return 1;
}

}  // namespace stillframe::tool
