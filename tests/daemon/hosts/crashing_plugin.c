/* A plug-in that dies as soon as it is asked for anything. */
#include <stdio.h>
#include <stdlib.h>

#include <stillframe/plugin.h>

static int32_t make_writer(const char* config_json, stillframe_writer* writer,
                           stillframe_error* error) {
  (void)config_json, (void)writer, (void)error;
  puts("the table is not there"); /* on standard output, where no plug-in has any business */
  fflush(stdout);
  abort();
}

__attribute__((visibility("default"))) const stillframe_plugin* stillframe_plugin_entry(
    uint32_t host_abi_major, uint32_t host_abi_minor) {
  static const stillframe_plugin plugin = {sizeof plugin,
                                           STILLFRAME_PLUGIN_ABI_MAJOR,
                                           STILLFRAME_PLUGIN_ABI_MINOR,
                                           "crashing",
                                           make_writer,
                                           NULL};
  (void)host_abi_major, (void)host_abi_minor;
  return &plugin;
}
