// Servers of ntdsbcli.h in other processes of this machine: "unix:PATH" in the calls of one, and
// the socket at PATH in the other. Needs libstillframe-ese-writer. docs/ese/writer.md.
#pragma once

#include <memory>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe::ntds {

// From now on, for all calls of this process.
Status use_directory_channel();

struct DirectoryServerOptions {
  std::string server;  // the instance, by its name in this process; it need not be there yet
  BytePath socket;     // its folder is made when missing
  // Who may connect. Who may restore is decided by the rules of ntdshost.h, for the user whom the
  // kernel says the other process has.
  unsigned socket_mode = 0666;
};

// Listens until it goes, and waits for calls that are under way then. Restores that are registered
// stay so: what was connected is as a process that has ended.
class DirectoryServer {
 public:
  static Result<std::unique_ptr<DirectoryServer>> start(const DirectoryServerOptions& options);
  virtual ~DirectoryServer() = default;
};

}  // namespace stillframe::ntds
