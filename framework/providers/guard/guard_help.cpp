#include "framework/providers/guard/guard_help.hpp"

namespace stillframe::guard {

CommandHelp guard_help() {
  VerbHelp thaw;
  thaw.summary = "thaws file systems that freeze guards killed together left frozen";
  thaw.usage = "stillframe-guard thaw [DIR]";
  thaw.options = {
      {"DIR", "",
       std::string("where the records of what is held are: ") + kDefaultRecordDirectory +
           " of a coordinator that runs as root, which is what is meant without it; "
           "/run/stillframe-broker/held of the broker"},
      {"--help", "", "show how it is used"},
  };
  thaw.examples = {
      "# What a dead broker left, by hand:",
      "stillframe-guard thaw /run/stillframe-broker/held",
  };
  CommandHelp help;
  help.program = "stillframe-guard";
  help.section = 8;
  help.verbs = {thaw};
  help.statuses = {{0, "nothing that was recorded is frozen any more, or its client still runs"},
                   {1, "something could not be thawed, or the records could not be read"},
                   {2, "wrong usage"}};
  return help;
}

std::string guard_help_text() {
  const VerbHelp thaw = guard_help().verbs.front();
  return "usage: " + thaw.usage + "\nIt " + thaw.summary + ". DIR is " + thaw.options.front().help +
         ".\n'stillframe-guard pair' is started by Stillframe itself.\n";
}

}  // namespace stillframe::guard
