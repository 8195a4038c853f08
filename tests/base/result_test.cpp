#include <set>
#include <string>

#include <gtest/gtest.h>

#include <stillframe/result.hpp>

namespace stillframe {
namespace {

// Every code of the header, so that a new one without a row in the table is noticed.
constexpr Errc kAllCodes[] = {
    Errc::invalid_argument, Errc::wrong_state,
    Errc::already_exists,   Errc::not_found,
    Errc::not_supported,    Errc::access_denied,
    Errc::corrupt,          Errc::truncated,
    Errc::future_version,   Errc::no_space,
    Errc::limit_reached,    Errc::inconsistent_snapshot,
    Errc::chain_broken,     Errc::volume_not_supported,
    Errc::in_progress,      Errc::in_use,
    Errc::interlocked,      Errc::timed_out,
    Errc::out_of_resources, Errc::writer_retryable,
    Errc::provider_veto,    Errc::provider_failed,
    Errc::disconnected,     Errc::io,
    Errc::writer_fatal,     Errc::writer_gone,
    Errc::partial_failure,  Errc::recovery_failed,
    Errc::hold_broken,      Errc::cancelled,
    Errc::internal,
};

TEST(Errc, EveryCodeHasANameOfItsOwnAndComesBackFromItsNumber) {
  std::set<std::string> names;
  for (Errc code : kAllCodes) {
    EXPECT_TRUE(names.insert(std::string(to_string(code))).second) << to_string(code);
    EXPECT_EQ(errc_from_number(static_cast<int>(code)), code) << to_string(code);
  }
}

TEST(Errc, ANumberFromANewerPeerIsInternal) {
  EXPECT_EQ(errc_from_number(0), Errc::internal);
  EXPECT_EQ(errc_from_number(-7), Errc::internal);
  EXPECT_EQ(errc_from_number(9999), Errc::internal);
}

TEST(RetryAdvice, TransientFailuresAreTriedThreeTimesTenMinutesApart) {
  for (Errc code : {Errc::out_of_resources, Errc::timed_out, Errc::writer_retryable,
                    Errc::provider_veto, Errc::provider_failed, Errc::hold_broken}) {
    const RetryAdvice advice = retry_advice(code);
    EXPECT_EQ(advice.kind, RetryClass::retry_later) << to_string(code);
    EXPECT_EQ(advice.delay, std::chrono::minutes(10)) << to_string(code);
    EXPECT_EQ(advice.tries, 3) << to_string(code);
  }
}

TEST(RetryAdvice, ABusyThingIsWaitedForAndAWrongInputIsChanged) {
  EXPECT_EQ(retry_advice(Errc::in_progress).kind, RetryClass::retry_when_free);
  EXPECT_EQ(retry_advice(Errc::in_use).kind, RetryClass::retry_when_free);
  EXPECT_EQ(retry_advice(Errc::inconsistent_snapshot).kind, RetryClass::change_then_retry);
  EXPECT_EQ(retry_advice(Errc::no_space).kind, RetryClass::change_then_retry);
  EXPECT_EQ(retry_advice(Errc::limit_reached).kind, RetryClass::change_then_retry);
}

TEST(RetryAdvice, AWritersFatalErrorAndACallersMistakeAreNeverRetried) {
  EXPECT_EQ(retry_advice(Errc::writer_fatal).kind, RetryClass::fatal_for_writer);
  EXPECT_EQ(retry_advice(Errc::writer_gone).kind, RetryClass::fatal_for_writer);
  for (Errc code : {Errc::wrong_state, Errc::invalid_argument, Errc::cancelled, Errc::internal}) {
    EXPECT_EQ(retry_advice(code).kind, RetryClass::programming_error) << to_string(code);
    EXPECT_EQ(retry_advice(code).tries, 0) << to_string(code);
  }
}

TEST(Error, CarriesItsAdviceAndSaysWhatWasBeingDone) {
  const Error error = Error(Errc::no_space, "the disk is full").while_doing("copying a.db");
  EXPECT_EQ(error.what(), "copying a.db: the disk is full");
  EXPECT_EQ(error.retry_advice().kind, RetryClass::change_then_retry);
  EXPECT_EQ(to_string(error.retry_advice().kind), "change_then_retry");
}

}  // namespace
}  // namespace stillframe
