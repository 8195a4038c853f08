// A daemon with something wrong, and the doctor that is to find it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "framework/wire/finding.hpp"
#include "tests/daemon/support/running_daemon.hpp"

namespace stillframe::tests {

class DoctorTest : public testing::Test {
 protected:
  // No snapshots are made here, and those of other tests are none of our business.
  DoctorTest();

  // The configuration, as the daemon would read it that the remedies start.
  void configure(const std::string& more);
  std::string config(const std::string& more) const;
  void start();

  // A look from outside. What other tests do to this machine is in it too, so that assertions are
  // about findings by name and object.
  Findings look() const;
  // The finding of that name about an object that contains `object`.
  static std::optional<Finding> find(const Findings& findings, const std::string& check,
                                     const std::string& object = {});
  std::optional<Finding> find(const std::string& check, const std::string& object = {}) const {
    return find(look(), check, object);
  }
  // Looks until it is gone, as the daemon may take a moment to notice that it was mended.
  bool gone(const std::string& check, const std::string& object = {}) const;
  bool comes(const std::string& check, const std::string& object = {}) const;

  // The finding, which must be there and say everything that one has to; else an empty one.
  static Finding complete(const std::optional<Finding>& finding, Severity severity);
  // SIGSTOP, and waits until it counts: a thread would still answer a moment longer.
  static void stop_process(pid_t pid);
  // Runs the remedy as a shell would.
  static void carry_out(const std::string& remedy);

  std::string folder() const { return daemon_.base(); }

  RunningDaemon daemon_;
  std::chrono::milliseconds patience_{2'000};  // to connect
};

}  // namespace stillframe::tests
