/* A plug-in in C whose writer and provider write down what they are told. */
#ifndef TESTS_PLUGIN_ALL_VERBS_PLUGIN_H
#define TESTS_PLUGIN_ALL_VERBS_PLUGIN_H

#include <stillframe/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

extern char all_verbs_log[65536]; /* one line a call: name, then its text arguments */
extern int32_t all_verbs_answer;  /* what every fallible call answers */
extern uint32_t all_verbs_size;   /* of the writer's table; 0: its real size */
extern int all_verbs_destroyed;

const stillframe_plugin* all_verbs_entry(uint32_t major, uint32_t minor);

#ifdef __cplusplus
}
#endif
#endif
