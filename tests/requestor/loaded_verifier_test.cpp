// Verifiers behind the C interface: as good as any other, or refused when they are loaded.
#include "requestor/store/loaded_verifier.hpp"

#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace stillframe::requestor {
namespace {

// Wants names that end with "x", and finds a byte 7 to be damage.
struct Check {
  std::uint64_t fed = 0, expected = 0;
};
int open_checks = 0;

std::int32_t wants(const char* writer, const char* component, const char* file) {
  const std::string name = file;
  return std::string(writer).find("Orders") != std::string::npos &&
         std::string(component) == "Stores/EU" && name.back() == 'x';
}
std::int32_t open(const char*, std::uint64_t bytes, void** check, stillframe_error*) {
  ++open_checks;
  *check = new Check{0, bytes};
  return STILLFRAME_OK;
}
std::int32_t feed(void* check, const void* data, std::uint64_t bytes, stillframe_error* error) {
  auto& its = *static_cast<Check*>(check);
  for (std::uint64_t i = 0; i < bytes; ++i, ++its.fed) {
    if (static_cast<const char*>(data)[i] != 7) continue;
    error->code = STILLFRAME_CORRUPT;
    std::snprintf(error->message, sizeof error->message, "byte %d", static_cast<int>(its.fed));
    return STILLFRAME_CORRUPT;
  }
  return STILLFRAME_OK;
}
std::int32_t finish(void* check, stillframe_error* error) {
  auto& its = *static_cast<Check*>(check);
  if (its.fed == its.expected) return STILLFRAME_OK;
  error->code = STILLFRAME_TRUNCATED;
  return STILLFRAME_TRUNCATED;
}
void close(void* check) {
  --open_checks;
  delete static_cast<Check*>(check);
}

stillframe_verifier sample_table() {
  return {sizeof(stillframe_verifier),
          STILLFRAME_VERIFIER_ABI_MAJOR,
          "sample",
          wants,
          open,
          feed,
          finish,
          close};
}
stillframe_verifier table = sample_table();

Result<std::unique_ptr<Verifier>> adopted() {
  return adopt_verifier([](std::uint32_t) -> const stillframe_verifier* { return &table; }, "here");
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(LoadedVerifier, SaysWhatTheTableSays) {
  table = sample_table();
  auto verifier = adopted();
  ASSERT_TRUE(verifier.ok()) << verifier.error().what();
  EXPECT_EQ(verifier.value()->name(), "sample");
  WriterIdentity writer;
  writer.name = "Orders";
  EXPECT_TRUE(verifier.value()->wants(writer, {"Stores", "EU"}, "/a/x"));
  EXPECT_FALSE(verifier.value()->wants(writer, {"Stores", "EU"}, "/a/y"));
  EXPECT_FALSE(verifier.value()->wants(writer, {"", "EU"}, "/a/x"));
  {
    auto file = verifier.value()->open("/a/x", 5);
    ASSERT_TRUE(file.ok());
    EXPECT_TRUE(file.value()->feed(bytes_of("ab")).ok());
    EXPECT_EQ(file.value()->finish().error().code(), Errc::truncated);
    const Status damaged = file.value()->feed(bytes_of("c\7"));
    ASSERT_FALSE(damaged.ok());
    EXPECT_EQ(damaged.error().code(), Errc::corrupt);
    EXPECT_NE(damaged.error().what().find("byte 3"), std::string::npos) << damaged.error().what();
    EXPECT_EQ(open_checks, 1);
  }
  EXPECT_EQ(open_checks, 0);
}

TEST(LoadedVerifier, WhatLacksAPartIsRefused) {
  const auto refused = [] { return adopted().error().code(); };
  table = sample_table();
  table.size -= 8;
  EXPECT_EQ(refused(), Errc::invalid_argument);
  table = sample_table();
  table.finish = nullptr;
  EXPECT_EQ(refused(), Errc::invalid_argument);
  table = sample_table();
  table.name = nullptr;
  EXPECT_EQ(refused(), Errc::invalid_argument);
  table = sample_table();
  table.abi_major = 2;
  EXPECT_EQ(refused(), Errc::not_supported);
  const auto none =
      adopt_verifier([](std::uint32_t) -> const stillframe_verifier* { return nullptr; }, "here");
  EXPECT_EQ(none.error().code(), Errc::not_supported);
}

TEST(LoadedVerifier, FilesThatAreNoneAreRefused) {
  EXPECT_EQ(load_verifier("relative.so").error().code(), Errc::invalid_argument);
  EXPECT_EQ(load_verifier("/nonexistent.so").error().code(), Errc::not_found);
  EXPECT_EQ(load_verifier("/proc/self/exe").error().code(), Errc::invalid_argument)
      << "a program that has no verifier";
}

}  // namespace
}  // namespace stillframe::requestor
