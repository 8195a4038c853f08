// The log that recovery goes on with, so that what it undoes is in it and the databases stay those
// of this log.
#pragma once

#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/bytes.hpp"
#include "writers/ese/format/log_attachments.hpp"
#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// Calls come in this order, from one thread.
class ContinuedLog {
 public:
  virtual ~ContinuedLog() = default;
  // All of the log is replayed, and so much was attached where it ended. Until here nothing was
  // written anywhere; from here on the log is.
  virtual Status resume(const LogStreamEnd& end, std::vector<Attachment> attached) = 0;
  virtual Result<Lgpos> append(Bytes record) = 0;
  virtual Status make_durable() = 0;
  // The position of the record that ended the recovery in the log.
  virtual void ended(Lgpos quit) = 0;
};

}  // namespace stillframe::ese
