// The daemon was told to use a broker, and does not reach it.
#include <csignal>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/daemon/doctor/broker_check.hpp"
#include "tests/daemon/doctor/doctor_fixture.hpp"
#include "tests/daemon/support/broker_under_test.hpp"

namespace stillframe::tests {
namespace {

using testing::HasSubstr;

class BrokerTrouble : public DoctorTest {
 protected:
  void start_with_broker() {
    ASSERT_TRUE(broker_.start());
    daemon_.drop_in("10.toml", "[daemon]\nbroker = \"" + broker_.socket() + "\"\n");
    start();
    EXPECT_TRUE(find("broker.answers"));
  }

  BrokerUnderTest broker_;
};

TEST_F(BrokerTrouble, OneThatDiedIsMissedUntilItIsStartedAgain) {
  start_with_broker();
  broker_.kill();
  const Finding silent = complete(find("broker.silent", broker_.socket()), Severity::problem);
  EXPECT_THAT(silent.cause, HasSubstr("has ended"));
  EXPECT_THAT(silent.remedy, HasSubstr("stillframe-broker"));
  ASSERT_TRUE(broker_.start());
  EXPECT_TRUE(find("broker.answers"));
}

TEST_F(BrokerTrouble, OneThatHangsIsToldFromOneThatIsNotThere) {
  start_with_broker();
  stop_process(broker_.pid());
  const Finding silent = complete(find("broker.silent", broker_.socket()), Severity::problem);
  broker_.signal(SIGCONT);
  EXPECT_THAT(silent.cause, HasSubstr("hangs"));
  EXPECT_TRUE(find("broker.answers"));
}

TEST_F(BrokerTrouble, ADaemonThatCannotStartWithoutItIsToldSoFromOutside) {
  daemon_.drop_in("10.toml", "[daemon]\nbroker = \"" + broker_.socket() + "\"\n");
  EXPECT_FALSE(daemon_.start().ok());
  const Finding silent = complete(find("broker.silent", broker_.socket()), Severity::problem);
  EXPECT_THAT(silent.cause, HasSubstr("its socket is not there"));
  ASSERT_TRUE(broker_.start());
  EXPECT_TRUE(find("broker.answers")) << "also while no daemon runs";
  start();
}

TEST_F(BrokerTrouble, OneThatServesSomebodyElseIsNamed) {
  if (::geteuid() != 0) GTEST_SKIP() << "a broker for another user takes root";
  ASSERT_TRUE(broker_.start());
  Findings findings;
  daemon::check_broker(broker_.socket(), 12345, findings);
  const Finding closed =
      complete(find(findings, "broker.closed", broker_.socket()), Severity::problem);
  EXPECT_THAT(closed.remedy, HasSubstr("daemon_user = \"12345\""));
  findings.clear();
  daemon::check_broker(broker_.socket(), broker_.daemon_uid(), findings);
  EXPECT_TRUE(find(findings, "broker.answers"));
}

}  // namespace
}  // namespace stillframe::tests
