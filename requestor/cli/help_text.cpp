// Completions and manual pages, from what parse.cpp knows.
#include <algorithm>
#include <set>
#include <sstream>

#include "requestor/cli/exit_code.hpp"
#include "requestor/cli/parse.hpp"

namespace stillframe::cli {
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

std::string bash(const std::vector<VerbHelp>& all) {
  std::string text =
      "# bash completion for stillframe\n"
      "_stillframe() {\n"
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
      "complete -o filenames -F _stillframe stillframe\n";
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

std::string fish(const std::vector<VerbHelp>& all) {
  std::string text = "# fish completion for stillframe\n";
  for (const VerbHelp& help : all) {
    const auto parts = split(help.name, ' ');
    std::string seen;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      seen += "__fish_seen_subcommand_from " + parts[i] + "; and ";
    }
    if (!parts.empty()) {
      const std::string when =
          parts.size() == 1 ? "__fish_use_subcommand" : seen.substr(0, seen.size() - 6);
      text += "complete -c stillframe -n '" + when + "' -a " + parts.back() + " -d '" +
              fish_text(help.summary) + "'\n";
    }
    for (const OptionHelp& option : help.options) {
      for (const std::string& name : split(option.names, ',')) {
        if (!name.starts_with("--")) continue;
        text += "complete -c stillframe";
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

// The program's page and those of its verbs; from a verb, its neighbours.
std::string see_also(const std::string& verb, const std::vector<VerbHelp>& all) {
  const std::string group = verb.substr(0, verb.find(' '));
  std::string text = verb.empty() ? "" : ".BR stillframe (1)";
  for (const VerbHelp& help : all) {
    const bool near = verb.empty() || help.name.substr(0, help.name.find(' ')) == group;
    if (help.name.empty() || help.name == verb || !near) continue;
    std::string page = "stillframe";
    for (const std::string& part : split(help.name, ' ')) page += "-" + part;
    text += (text.empty() ? "" : ",\n") + (".BR " + troff(page) + " (1)");
  }
  return text;
}

// The same words as for bash, in zsh's own terms, so that it needs no emulation.
std::string zsh(const std::vector<VerbHelp>& all) {
  std::string text =
      "#compdef stillframe\n"
      "_stillframe() {\n"
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
      "if [[ $funcstack[1] == _stillframe ]]; then _stillframe \"$@\"; "
      "else compdef _stillframe stillframe; fi\n";
  return text;
}

}  // namespace

std::string completion_script(const std::string& shell) {
  const auto all = describe_verbs();
  if (shell == "bash") return bash(all);
  if (shell == "fish") return fish(all);
  if (shell == "zsh") return zsh(all);
  return "";
}

std::string manual_page(const std::string& verb) {
  const auto all = describe_verbs();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const VerbHelp& help) { return help.name == verb; });
  if (found == all.end()) return "";
  std::string title = "stillframe";
  for (const std::string& part : split(verb, ' ')) title += "-" + part;
  std::string text = ".TH " + troff(title) + " 1 \"\" stillframe\n.SH NAME\n" + troff(title) +
                     " \\- " + troff(found->summary) + "\n.SH SYNOPSIS\n.B " + troff(found->usage) +
                     "\n";
  if (verb.empty()) {
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
  for (const ExitHelp& exit : exit_helps()) {
    text += ".TP\n.B " + std::to_string(to_int(exit.code)) + "\n" +
            troff(std::string(exit.meaning)) + "\n";
  }
  text += "Exec and hold end with the command's own status when that is not 0.\n";
  text += ".SH SEE ALSO\n" + see_also(verb, all) + "\n";
  return text;
}

}  // namespace stillframe::cli
