// Writers in C++ behind the C interface, and in front of it again.
#include "framework/plugin/exported_writer.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "framework/plugin/c_writer.hpp"
#include "framework/plugin/plugin.hpp"
#include "framework/sdk/dispatch.hpp"
#include "tests/plugin/all_verbs_plugin.h"
#include "tests/wire/sample_values.hpp"

namespace stillframe::plugin {
namespace {

std::unique_ptr<Writer> through_the_interface(std::unique_ptr<Writer> writer) {
  Table<stillframe_writer> table;
  export_writer(std::move(writer), *table.get());
  auto wrapped = wrap_writer(std::move(table));
  EXPECT_TRUE(wrapped.ok()) << (wrapped.ok() ? "" : wrapped.error().what());
  return wrapped.ok() ? std::move(wrapped).value() : nullptr;
}

class ExportedWriter : public ::testing::Test {
 protected:
  void SetUp() override {
    all_verbs_answer = STILLFRAME_OK;
    all_verbs_size = 0;
    all_verbs_destroyed = 0;
  }
  std::unique_ptr<Writer> all_verbs() {
    auto writer = Plugin::adopt(all_verbs_entry, "test").value()->make_writer("{}");
    EXPECT_TRUE(writer.ok());
    return std::move(writer).value();
  }
  // What the writer behind it was told, and what it answered.
  struct Conversation {
    std::string told;
    WriterAnswer answer;
  };
  static Conversation say(Writer& writer, const WriterCall& call) {
    all_verbs_log[0] = '\0';
    Conversation said;
    said.answer = dispatch(writer, {call.session, Deadline(call.deadline)}, call);
    said.told = all_verbs_log;
    // The plug-in gives a text without an end, of which an orderly one has room for a byte less.
    if (auto* hold = std::get_if<HoldStatement>(&said.answer.payload)) {
      EXPECT_GE(hold->broken_because.size(), 255u);
      hold->broken_because.resize(255);
    }
    return said;
  }
};

TEST_F(ExportedWriter, EveryVerbIsToldAndAnsweredAsWithoutTheInterface) {
  const auto direct = all_verbs();
  const auto exported = through_the_interface(all_verbs());
  EXPECT_EQ(exported->identity(), direct->identity());
  for (const std::int32_t code : {STILLFRAME_OK, STILLFRAME_IN_USE}) {
    all_verbs_answer = code;
    for (const WriterCall& call : tests::sample_calls()) {
      SCOPED_TRACE(to_string(call.verb));
      const Conversation wanted = say(*direct, call), got = say(*exported, call);
      EXPECT_EQ(got.told, wanted.told);
      ASSERT_EQ(got.answer.status.ok(), wanted.answer.status.ok());
      if (wanted.answer.status.ok()) {
        EXPECT_TRUE(got.answer.payload == wanted.answer.payload);
      } else {
        EXPECT_EQ(got.answer.status.error().code(), wanted.answer.status.error().code());
      }
    }
  }
}

TEST_F(ExportedWriter, ItIsDestroyedWithWhatStandsForIt) {
  auto exported = through_the_interface(all_verbs());
  EXPECT_EQ(all_verbs_destroyed, 0);
  exported.reset();
  EXPECT_EQ(all_verbs_destroyed, 1);
}

class ThrowingWriter final : public Writer {
 public:
  WriterIdentity identity() const override { return tests::sample_identity(); }
  Result<WriterMetadata> identify(const CallContext&) override {
    throw std::runtime_error("no memory is left");
  }
  Status freeze(const CallContext&) override { throw 7; }
  void abort(const CallContext&) override { throw std::runtime_error("unheard"); }
};

TEST_F(ExportedWriter, WhatItThrowsIsAFailureOfItsVerb) {
  const auto exported = through_the_interface(std::make_unique<ThrowingWriter>());
  const auto identified = exported->identify({});
  ASSERT_FALSE(identified.ok());
  EXPECT_EQ(identified.error().code(), Errc::writer_fatal);
  EXPECT_NE(identified.error().what().find("no memory is left"), std::string::npos);
  EXPECT_EQ(exported->freeze({}).error().code(), Errc::writer_fatal);
  exported->abort({});
}

}  // namespace
}  // namespace stillframe::plugin
