// The C header itself: that it can be used from C, and what only a run can tell.
#include <string>

#include <gtest/gtest.h>

#include <stillframe/ese/jet.h>

extern "C" JET_ERR ask_from_c(JET_ERR number, char* text, uint32_t bytes);

namespace {

TEST(JetHeader, IsUsedFromC) {
  char text[100] = {};
  ASSERT_EQ(ask_from_c(JET_errBadPageLink, text, sizeof text), JET_errSuccess);
  EXPECT_STREQ(text, "JET_errBadPageLink");
}

TEST(JetHeader, AnErrorCanBeAskedForInWordsThatNameItsObject) {
  JET_RSTINFO_A info{};
  info.cbStruct = sizeof info;
  info.lgposStop.lGeneration = 1;
  const JET_ERR failed = JetInit3A(nullptr, &info, 0);
  ASSERT_EQ(failed, JET_errFeatureNotAvailable);
  char text[200] = {};
  ASSERT_EQ(ask_from_c(failed, text, sizeof text), JET_errSuccess);
  EXPECT_NE(std::string(text).find("goes to the end of the log"), std::string::npos) << text;
}

TEST(JetHeader, BothFormsOfTextAreTheSameCall) {
  JET_API_PTR asked = static_cast<JET_API_PTR>(JET_errSuccess);
  char16_t text[100] = {};
  ASSERT_EQ(JetGetSystemParameterW(JET_instanceNil, JET_sesidNil, JET_paramErrorToString, &asked,
                                   text, sizeof text),
            JET_errSuccess);
  EXPECT_EQ(std::u16string(text), u"JET_errSuccess");
  EXPECT_EQ(JetGetSystemParameterW(JET_instanceNil, JET_sesidNil, JET_paramErrorToString, &asked,
                                   text, 8),
            JET_errBufferTooSmall);
}

}  // namespace
