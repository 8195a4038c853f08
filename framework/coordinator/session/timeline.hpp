// When each step of a session began and ended, and how: the raw material of evidence and reports.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <stillframe/evidence.hpp>

#include "framework/coordinator/machine/event.hpp"

namespace stillframe::coordinator {

// Used on the session's strand only. Steps without an answer are listed as such.
class Timeline {
 public:
  void begin(machine::CallSeq seq, std::string phase, std::string who, BootTime now);
  void end(machine::CallSeq seq, const Status& result, BootTime now);
  // Something that took no time, such as an abort's reason.
  void note(std::string phase, std::string who, const Status& result, std::string detail,
            BootTime now);

  // In order of beginning.
  std::vector<PhaseTime> entries() const;

 private:
  // A thousand writers make some ten thousand entries; beyond this the oldest answered ones stay
  // and later ones are dropped, with a last entry that says so.
  static constexpr std::size_t kEntriesMax = 200'000;

  std::vector<PhaseTime> entries_;
  std::map<machine::CallSeq, std::size_t> open_;
  std::size_t dropped_ = 0;
};

}  // namespace stillframe::coordinator
