#include "framework/base/command_help.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace stillframe {
namespace {

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

// The words that may follow `verb`: sub-verbs and long options, the global ones included.
std::vector<std::string> words_after(const std::string& verb, const std::vector<VerbHelp>& all) {
  std::set<std::string> words;
  for (const VerbHelp& help : all) {
    if (help.name == verb || help.name.empty()) {
      for (const OptionHelp& option : help.options) {
        for (const std::string& name : split(option.names, ',')) {
          if (name.starts_with("--")) words.insert(name);
        }
      }
    }
    const std::string prefix = verb.empty() ? "" : verb + " ";
    if (!help.name.empty() && help.name.starts_with(prefix)) {
      const std::string rest = help.name.substr(prefix.size());
      if (rest.find(' ') == std::string::npos && !rest.empty()) words.insert(rest);
    }
  }
  return {words.begin(), words.end()};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string bash(const CommandHelp& command) {
  const auto& all = command.verbs;
  std::string text = "# bash completion for " + command.program + "\n_" + command.program +
                     "() {\n"
                     "  local word=${COMP_WORDS[COMP_CWORD]} verb='' i\n"
                     "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                     "    case ${COMP_WORDS[i]} in\n"
                     "      --) _command_offset $((i + 1)) 2>/dev/null; return ;;\n"
                     "      -*) ;;\n"
                     "      *) case \"$verb ${COMP_WORDS[i]}\" in\n";
  for (const VerbHelp& help : all) {
    if (!help.name.empty())
      text += "           ' " + help.name + "') verb=' " + help.name + "' ;;\n";
  }
  text +=
      "         esac ;;\n"
      "    esac\n"
      "  done\n"
      "  local words=''\n"
      "  case $verb in\n";
  for (const VerbHelp& help : all) {
    const std::string name = help.name.empty() ? "''" : "' " + help.name + "'";
    text += "    " + name + ") words='" + joined(words_after(help.name, all)) + "' ;;\n";
  }
  text +=
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$word\"))\n"
      "}\n"
      "complete -o filenames -F _" +
      command.program + " " + command.program + "\n";
  return text;
}

// Between single quotes of fish.
std::string fish_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string fish(const CommandHelp& command) {
  std::string text = "# fish completion for " + command.program + "\n";
  const std::string complete = "complete -c " + command.program;
  for (const VerbHelp& help : command.verbs) {
    const auto parts = split(help.name, ' ');
    std::string seen;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      seen += "__fish_seen_subcommand_from " + parts[i] + "; and ";
    }
    if (!parts.empty()) {
      const std::string when =
          parts.size() == 1 ? "__fish_use_subcommand" : seen.substr(0, seen.size() - 6);
      text += complete + " -n '" + when + "' -a " + parts.back() + " -d '" +
              fish_text(help.summary) + "'\n";
    }
    for (const OptionHelp& option : help.options) {
      for (const std::string& name : split(option.names, ',')) {
        if (!name.starts_with("--")) continue;
        text += complete;
        if (!parts.empty()) text += " -n '__fish_seen_subcommand_from " + parts.back() + "'";
        text += " -l " + name.substr(2) + (option.value.empty() ? "" : " -r") + " -d '" +
                fish_text(option.help) + "'\n";
      }
    }
  }
  return text;
}

// A hyphen and a backslash mean something to troff.
std::string troff(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && out.empty()) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string section_of(const CommandHelp& command) {
  return "(" + std::to_string(command.section) + ")";
}

// The program's page and those of its verbs; from a verb, its neighbours.
std::string see_also(const CommandHelp& command, const std::string& verb) {
  const std::string group = verb.substr(0, verb.find(' '));
  std::string text = verb.empty() ? "" : ".BR " + command.program + " " + section_of(command);
  for (const VerbHelp& help : command.verbs) {
    const bool near = verb.empty() || help.name.substr(0, help.name.find(' ')) == group;
    if (help.name.empty() || help.name == verb || !near) continue;
    const std::string page = manual_page_name(command, help.name);
    text += (text.empty() ? "" : ",\n") + (".BR " + troff(page) + " " + section_of(command));
  }
  return text;
}

// The same words as for bash, in zsh's own terms, so that it needs no emulation.
std::string zsh(const CommandHelp& command) {
  const auto& all = command.verbs;
  const std::string function = "_" + command.program;
  std::string text = "#compdef " + command.program + "\n" + function +
                     "() {\n"
                     "  local verb='' i\n"
                     "  for ((i = 2; i < CURRENT; i++)); do\n"
                     "    case $words[i] in\n"
                     "      --) shift $i words; ((CURRENT -= i)); _normal; return ;;\n"
                     "      -*) ;;\n"
                     "      *) case \"$verb $words[i]\" in\n";
  for (const VerbHelp& help : all) {
    if (!help.name.empty())
      text += "           ' " + help.name + "') verb=' " + help.name + "' ;;\n";
  }
  text +=
      "         esac ;;\n"
      "    esac\n"
      "  done\n"
      "  case $verb in\n";
  for (const VerbHelp& help : all) {
    const std::string name = help.name.empty() ? "''" : "' " + help.name + "'";
    text += "    " + name + ") compadd -- " + joined(words_after(help.name, all)) + " ;;\n";
  }
  text +=
      "  esac\n"
      "  _files\n"
      "}\n"
      "if [[ $funcstack[1] == " +
      function + " ]]; then " + function + " \"$@\"; else compdef " + function + " " +
      command.program + "; fi\n";
  return text;
}

}  // namespace

std::string completion_script(const CommandHelp& command, const std::string& shell) {
  if (shell == "bash") return bash(command);
  if (shell == "fish") return fish(command);
  if (shell == "zsh") return zsh(command);
  return "";
}

std::string manual_page_name(const CommandHelp& command, const std::string& verb) {
  std::string name = command.program;
  for (const std::string& part : split(verb, ' ')) name += "-" + part;
  return name;
}

std::string manual_page(const CommandHelp& command, const std::string& verb) {
  const auto& all = command.verbs;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const VerbHelp& help) { return help.name == verb; });
  if (found == all.end()) return "";
  const std::string title = manual_page_name(command, verb);
  std::string text = ".TH " + troff(title) + " " + std::to_string(command.section) +
                     " \"\" stillframe\n.SH NAME\n" + troff(title) + " \\- " +
                     troff(found->summary) + "\n.SH SYNOPSIS\n.B " + troff(found->usage) + "\n";
  if (verb.empty() && all.size() > 1) {
    text += ".SH VERBS\n";
    for (const VerbHelp& help : all) {
      if (help.name.empty()) continue;
      text += ".TP\n.B " + troff(help.name) + "\n" + troff(help.summary) + "\n";
    }
  }
  text += ".SH OPTIONS\n";
  for (const OptionHelp& option : found->options) {
    text += ".TP\n.B " + troff(option.names) +
            (option.value.empty() ? "" : " " + troff(option.value)) + "\n" + troff(option.help) +
            "\n";
  }
  if (!found->examples.empty()) text += ".SH EXAMPLES\n.nf\n";
  for (const std::string& example : found->examples) text += troff(example) + "\n";
  if (!found->examples.empty()) text += ".fi\n";
  text += ".SH EXIT STATUS\n";
  for (const StatusHelp& status : command.statuses) {
    text += ".TP\n.B " + std::to_string(status.code) + "\n" + troff(status.meaning) + "\n";
  }
  text += command.status_note;
  const std::string others = see_also(command, verb);
  if (!others.empty()) text += ".SH SEE ALSO\n" + others + "\n";
  return text;
}

Status write_manual_pages(const CommandHelp& command, const std::string& folder) {
  for (const VerbHelp& help : command.verbs) {
    const std::string path =
        folder + "/" + manual_page_name(command, help.name) + "." + std::to_string(command.section);
    std::ofstream out(path);
    out << manual_page(command, help.name);
    out.close();
    if (!out) return Error(Errc::io, "cannot write '" + path + "'");
  }
  return Ok{};
}

}  // namespace stillframe
