// What every test of an instance asks of the files that it leaves.
#pragma once

#include <cstdint>

#include <gtest/gtest.h>

#include "tests/ese/support/row_values.hpp"
#include "tests/io/support/crashing_files.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/log_lint.hpp"
#include "writers/ese/format/verify.hpp"
#include "writers/ese/instance/instance.hpp"

namespace stillframe::ese::tests {

using stillframe::tests::CrashingFiles;

// Small, without a background, with a clock and a source of chance that repeat themselves. Logs are
// in "/log", a checkpoint too.
InstanceOptions small_instance(std::uint32_t page_bytes);

// The instance, or a failure of the test and none.
std::unique_ptr<Instance> started(Files& files, const InstanceOptions& options);

DatabaseHeader header_of(Files& files, const BytePath& database);
// Expects that every check of a database that nobody has attached is content.
VerifyReport expect_sound(Files& files, const BytePath& database);
// Expects that the records of all logs that are there make sense together.
LintCounts expect_good_log(Files& files, const InstanceOptions& options);

}  // namespace stillframe::ese::tests
