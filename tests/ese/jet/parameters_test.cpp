// System parameters: what they may be, and until when.
#include <filesystem>
#include <string>

#include "tests/ese/jet/jet_application.hpp"

namespace stillframe::ese::tests {
namespace {

JET_API_PTR number_of(JET_INSTANCE instance, std::uint32_t parameter) {
  JET_API_PTR number = 0;
  EXPECT_JET(JetGetSystemParameterA(instance, JET_sesidNil, parameter, &number, nullptr, 0));
  return number;
}

std::string text_of(JET_INSTANCE instance, std::uint32_t parameter) {
  char text[300] = {};
  EXPECT_JET(JetGetSystemParameterA(instance, JET_sesidNil, parameter, nullptr, text, sizeof text));
  return text;
}

TEST(JetParameters, WhatAnInstanceIsToldIsItsOwn) {
  JetFolder folder;
  JET_INSTANCE one = small_instance(folder, "one"), two = JET_instanceNil;
  ASSERT_JET(JetCreateInstanceA(&two, "two"));
  EXPECT_EQ(number_of(one, JET_paramLogFileSize), 128U);
  EXPECT_EQ(number_of(two, JET_paramLogFileSize), 5120U);
  EXPECT_EQ(text_of(one, JET_paramLogFilePath), folder.path());
  ASSERT_JET(JetSetSystemParameterW(&two, JET_sesidNil, JET_paramBaseName, 0, u"abc"));
  EXPECT_EQ(text_of(two, JET_paramBaseName), "abc");
  EXPECT_EQ(text_of(one, JET_paramBaseName), "edb");
  ASSERT_JET(JetTerm(one));
  ASSERT_JET(JetTerm(two));
}

TEST(JetParameters, ValuesOutsideTheirRangeAreRefused) {
  JetFolder folder;
  JET_INSTANCE instance = small_instance(folder, "one");
  const auto set = [&](std::uint32_t parameter, JET_API_PTR number, const char* text = nullptr) {
    return JetSetSystemParameterA(&instance, JET_sesidNil, parameter, number, text);
  };
  EXPECT_EQ(set(JET_paramLogFileSize, 63), JET_errInvalidParameter);
  EXPECT_EQ(set(JET_paramLogFileSize, 32769), JET_errInvalidParameter);
  EXPECT_EQ(set(JET_paramBaseName, 0, "ab"), JET_errInvalidParameter);
  EXPECT_EQ(set(JET_paramBaseName, 0, "a/b"), JET_errInvalidParameter);
  EXPECT_EQ(set(JET_paramEventLoggingLevel, 101), JET_errInvalidParameter);
  EXPECT_EQ(set(JET_paramRecovery, 0, "off"), JET_errFeatureNotAvailable);
  EXPECT_EQ(set(JET_paramKeyMost, 10), JET_errInvalidParameter);
  EXPECT_EQ(set(999, 0), JET_errInvalidParameter);
  EXPECT_JET(set(JET_paramEventLoggingLevel, 25));
  EXPECT_EQ(number_of(instance, JET_paramEventLoggingLevel), 25U);
  ASSERT_JET(JetTerm(instance));
}

TEST(JetParameters, SomeAreFixedByTheRunAndSomeByTheFirstInstance) {
  JetFolder folder;
  JET_INSTANCE instance = small_instance(folder, "one");
  EXPECT_EQ(JetSetSystemParameterA(nullptr, JET_sesidNil, JET_paramDatabasePageSize, 4096, nullptr),
            JET_errSystemParamsAlreadySet);
  ASSERT_JET(JetInit(&instance));
  EXPECT_EQ(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramCircularLog, 0, nullptr),
            JET_errAlreadyInitialized);
  EXPECT_JET(JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramCommitDefault,
                                    JET_bitCommitLazyFlush, nullptr));
  ASSERT_JET(JetTerm(instance));
}

TEST(JetParameters, TheSizeOfPagesIsTheProcessAndDecidesTheLongestKey) {
  const auto set = [](JET_API_PTR bytes) {
    return JetSetSystemParameterA(nullptr, JET_sesidNil, JET_paramDatabasePageSize, bytes, nullptr);
  };
  EXPECT_EQ(set(5000), JET_errInvalidParameter);
  EXPECT_EQ(set(1024), JET_errInvalidParameter);
  ASSERT_JET(set(4096));
  EXPECT_EQ(number_of(JET_instanceNil, JET_paramKeyMost), 1000U);
  ASSERT_JET(set(8192));
  EXPECT_EQ(number_of(JET_instanceNil, JET_paramKeyMost), 2000U);
}

TEST(JetParameters, FoldersAreMadeOnlyIfThatIsAskedFor) {
  JetFolder folder;
  const std::string logs = folder.file("a/logs"), system = folder.file("b");
  const auto instance_with = [&](JET_API_PTR make) {
    JET_INSTANCE instance = small_instance(folder, "one");
    JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramLogFilePath, 0, logs.c_str());
    JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramSystemPath, 0, system.c_str());
    JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramCreatePathIfNotExist, make, nullptr);
    return instance;
  };
  JET_INSTANCE refused = instance_with(0);
  EXPECT_EQ(JetInit(&refused), JET_errInvalidSystemPath);
  EXPECT_EQ(refused, JET_instanceNil);
  EXPECT_FALSE(std::filesystem::exists(logs));
  std::filesystem::create_directory(system);
  refused = instance_with(0);
  EXPECT_EQ(JetInit(&refused), JET_errInvalidLogDirectory);
  JET_INSTANCE instance = instance_with(1);
  ASSERT_JET(JetInit(&instance));
  EXPECT_TRUE(std::filesystem::exists(logs + "/edb.log"));
  EXPECT_TRUE(std::filesystem::exists(system + "/edb.chk"));
  ASSERT_JET(JetTerm(instance));
}

TEST(JetParameters, FilesAreNamedAsIsAskedFor) {
  JetFolder folder;
  JET_INSTANCE instance = small_instance(folder, "one");
  JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramBaseName, 0, "abc");
  JetSetSystemParameterA(&instance, JET_sesidNil, JET_paramLegacyFileNames, 0, nullptr);
  ASSERT_JET(JetInit(&instance));
  EXPECT_TRUE(std::filesystem::exists(folder.file("abc.jtx")));
  EXPECT_TRUE(std::filesystem::exists(folder.file("abc.jcp")));
  ASSERT_JET(JetTerm(instance));
}

}  // namespace
}  // namespace stillframe::ese::tests
