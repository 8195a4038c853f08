// A program's own JET instance as a Stillframe writer: backups that hold it still for a moment,
// logs that go when they are stored, and restores that close it and open it again. Needs
// libstillframe-ese-writer. docs/ese/writer.md says what travels when; samples/shop uses it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>
#include <stillframe/verifier.hpp>
#include <stillframe/writer.hpp>

namespace stillframe::jet {

// What a program implements for its writer. The calls come from threads of the writer; never while
// an earlier one runs, except running().
class InstanceOwner {
 public:
  virtual ~InstanceOwner() = default;

  // The instance; or why there is none: what the last start failed with, which backups then say.
  virtual Result<JET_INSTANCE> running() const = 0;

  // For a restore: ends what is going on in the instance, and the instance. Once it returns Ok
  // nobody uses the files. After an error all is as before, and the restore is refused.
  virtual Status go_offline() = 0;

  // The instance starts again, if it is not running. As every start of the program it asks
  // startup_gate() of the folder of the logs first (<stillframe/writer_host.hpp>): while a restore
  // is half done JetInit refuses too (-506), but when its files are in place, only the gate knows.
  // The databases recover when they are attached; one that is not there is not to be made anew.
  virtual Status go_online() = 0;
};

// Where the files are, whether or not the instance runs. Absolute paths.
struct InstanceFiles {
  BytePath logs;                    // JET_paramLogFilePath
  BytePath system;                  // JET_paramSystemPath; empty: the same
  std::string base = "edb";         // JET_paramBaseName
  bool legacy_names = true;         // .log and .chk, unless JET_paramLegacyFileNames says otherwise
  std::vector<BytePath> databases;  // those that belong together, and come back together
};

// Hand it to WriterHost or EmbeddedCoordinator::add_writer(). `owner` outlives it.
// `instance_name` tells the instances of a machine apart.
std::unique_ptr<Writer> make_writer(InstanceOwner& owner, InstanceFiles files,
                                    std::string instance_name);

// For a start after a crash: what a restore has put in place and nobody has recovered. Ask it
// before startup_gate(); nobody uses the files meanwhile. Ok when there is nothing to do.
Status finish_restore(const InstanceFiles& files);

// For requestors: checks the pages of databases and the segments of logs while they are copied,
// whoever's instance it is.
std::unique_ptr<Verifier> make_verifier();

}  // namespace stillframe::jet
