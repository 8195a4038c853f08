// What stands between an instance and files that a restore is putting in place.
#pragma once

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/instance/instance_options.hpp"

namespace stillframe::ese {

// A restore of the instance whose logs lie in the same folder is registered while this is there.
inline constexpr const char* kRestoreRecordName = "restore.env";

// Its calls come in this order, in the thread that starts the instance.
class StartGate {
 public:
  virtual ~StartGate() = default;
  // Nothing of the instance was read or written yet. It does not start after an error.
  virtual Status open(Files& files, const InstanceOptions& options) = 0;
  // The instance has recovered and begun its run; after an error it goes as in a crash.
  virtual Status started(Files& files, const InstanceOptions& options) = 0;
};

}  // namespace stillframe::ese
