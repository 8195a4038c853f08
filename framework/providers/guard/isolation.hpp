// What keeps a guard process running when its surroundings are killed, frozen or short of memory.
#pragma once

#include <string_view>

namespace stillframe::guard {

// Moves this process into a cgroup of its own (v2 and the v1 freezer, where mounted and writable).
// False when it stays in its parent's, where one order to freeze or kill the group hits the client
// and both guards.
bool move_to_own_cgroup(std::string_view role);

// Removes the empty cgroups that earlier guards left: a process cannot remove the one it is in.
void sweep_cgroups();

// Not a victim of the OOM killer; ahead of ordinary processes. Best effort.
void raise_priority();

// Locks all memory of this process, present and future. False when the kernel refuses.
bool lock_memory();

}  // namespace stillframe::guard
