/* A plug-in of the major version after ours. */
#include <stillframe/plugin.h>

const stillframe_plugin* stillframe_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor) {
  static const stillframe_plugin plugin = {
      sizeof plugin, STILLFRAME_PLUGIN_ABI_MAJOR + 1, 0, "tomorrow", NULL, NULL};
  (void)host_abi_major;
  (void)host_abi_minor;
  return &plugin;
}
