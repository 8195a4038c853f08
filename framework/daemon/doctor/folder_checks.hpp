// The folders of the daemon: there, its own, and fit to write to.
#pragma once

#include <sys/types.h>

#include <stillframe/byte_path.hpp>

#include "framework/wire/finding.hpp"

namespace stillframe::daemon {

struct ServiceFolders {
  BytePath state, runtime, sockets;
};

// As the daemon does at its start: `user` is whom it runs as.
void check_folders(const ServiceFolders& folders, uid_t user, Findings& findings);

// Of a daemon that does not answer: who else works with its state, and what stands where its
// sockets belong.
void check_in_the_way(const ServiceFolders& folders, Findings& findings);

}  // namespace stillframe::daemon
