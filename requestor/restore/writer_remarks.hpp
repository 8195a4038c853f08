// What each writer of a restore said last about what it did with its files.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "requestor/client/channel_call.hpp"

namespace stillframe::requestor {

class LastRemarks {
 public:
  // Whether it is one, and no progress. Any thread.
  bool take(std::string_view phase, const std::string& who) {
    if (!phase.starts_with(kRemarkPhase)) return false;
    const std::lock_guard lock(mutex_);
    said_[who] = phase.substr(kRemarkPhase.size());
    return true;
  }

  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> remarks;
    for (const auto& [who, what] : said_) remarks.push_back(who + ": " + what);
    return remarks;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> said_;
};

}  // namespace stillframe::requestor
