#include "framework/daemon/hosts/plugin_host.hpp"

namespace stillframe::daemon {

CommandHelp plugin_host_help() {
  VerbHelp program;
  program.summary = "runs one plug-in or declarative writer; started by Stillframe itself";
  program.usage =
      "stillframe-plugin-host --kind writer|provider|declarative --name NAME "
      "--file FILE --config JSON --socket-dir DIR";
  program.options = {
      {"--kind", "writer|provider|declarative", "what FILE is"},
      {"--name", "NAME", "what the configuration calls it"},
      {"--file", "FILE", "the shared object of a plug-in, or the file of a declarative writer"},
      {"--config", "JSON", "an object that the plug-in is given"},
      {"--socket-dir", "DIR", "where a writer finds the coordinator"},
  };
  CommandHelp help;
  help.program = kPluginHostProgram;
  help.section = 8;
  help.verbs = {program};
  help.statuses = {{kHostEnded, "asked to end, and ended in order"},
                   {kHostCannotLoad, "what it should run cannot be loaded: it is not tried again"},
                   {kHostUsage, "wrong usage"}};
  return help;
}

}  // namespace stillframe::daemon
