/* The plug-in of tests/plugin as a file of its own. */
#include "tests/plugin/all_verbs_plugin.h"

__attribute__((visibility("default"))) const stillframe_plugin* stillframe_plugin_entry(
    uint32_t host_abi_major, uint32_t host_abi_minor) {
  return all_verbs_entry(host_abi_major, host_abi_minor);
}
