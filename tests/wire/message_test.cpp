#include "framework/wire/message.hpp"

#include <gtest/gtest.h>

#include "framework/wire/request_message.hpp"
#include "tests/wire/sample_values.hpp"

namespace stillframe::wire {
namespace {

class FixedClock : public Clock {
 public:
  BootTime now() const override { return BootTime(Duration(1000)); }
  WallTime wall_now() const override { return {}; }
};

const ClockSample kClock{BootTime(Duration(123)), 4026531834};

TEST(Message, EachComesBackAsItWent) {
  Hello hello;
  hello.role = Role::requestor;
  hello.name = "nightly";
  hello.pid = 7;
  hello.clock = kClock;
  EXPECT_EQ(decode_hello(encode(hello)).value(), hello);
  Welcome welcome;
  welcome.pid = 8;
  welcome.clock = kClock;
  EXPECT_EQ(decode_welcome(encode(welcome)).value(), welcome);
  const Refuse refuse{Error(Errc::already_exists, "taken")};
  EXPECT_EQ(decode_refuse(encode(refuse)).value(), refuse);
  EXPECT_EQ(decode_bye(encode(Bye{"done"})).value(), Bye{"done"});
  const RegisterWriter reg{tests::sample_identity(), WriterInstanceId::generate(), kClock};
  EXPECT_EQ(decode_register(encode(reg)).value(), reg);
  const Registered registered{WriterInstanceId::generate()};
  EXPECT_EQ(decode_registered(encode(registered)).value(), registered);
  const SessionId session = SessionId::generate();
  EXPECT_EQ(decode_cancel(encode(Cancel{session})).value().session, session);
  EXPECT_EQ(decode_heartbeat(encode(Heartbeat{session})).value().session, session);
  const Progress progress{Verb::verify, 3, 10, "pages"};
  EXPECT_EQ(encode(progress, 9).sequence, 9u);
  EXPECT_EQ(decode_progress(encode(progress, 9)).value(), progress);
}

TEST(Message, AnotherKindOrADescriptorIsCorrupt) {
  EXPECT_EQ(decode_hello(encode(Bye{"x"})).error().code(), Errc::corrupt);
  RawMessage heavy = encode(Bye{"x"});
  heavy.descriptors = 1;
  EXPECT_EQ(decode_bye(heavy).error().code(), Errc::corrupt);
}

TEST(Message, UnknownMembersOfANewerPeerAreIgnored) {
  auto bye = decode_bye({Kind::bye, 0, 0, R"({"reason":"x","mood":"fine"})"});
  ASSERT_TRUE(bye.ok());
  EXPECT_EQ(bye.value().reason, "x");
}

TEST(Message, HostilePayloadsAreCorrupt) {
  for (const char* json : {"", "7", "{", R"({"role":"king"})", R"({"session":5})",
                           R"({"session":"zz"})", R"({"session":"x","session":"y"})"}) {
    EXPECT_EQ(decode_hello({Kind::hello, 0, 0, json}).error().code(), Errc::corrupt) << json;
    EXPECT_EQ(decode_heartbeat({Kind::heartbeat, 0, 0, json}).error().code(), Errc::corrupt);
    EXPECT_EQ(decode_progress({Kind::progress, 0, 0, json}).error().code(), Errc::corrupt);
    EXPECT_EQ(decode_register({Kind::register_writer, 0, 0, json}).error().code(), Errc::corrupt);
  }
}

TEST(Message, ProtocolVersionIsTheHighestThatBothSpeak) {
  Hello hello;
  hello.protocol_min = 1;
  hello.protocol_max = 9;
  EXPECT_EQ(negotiate(hello).value(), kProtocolMax);
  hello.protocol_min = kProtocolMax + 1;
  EXPECT_EQ(negotiate(hello).error().code(), Errc::future_version);
  hello.protocol_min = 0;
  hello.protocol_max = 0;
  EXPECT_EQ(negotiate(hello).error().code(), Errc::future_version);
}

TEST(Message, ClocksOfAnotherTimeNamespaceAreRefused) {
  const BootTime before(Duration(100)), after(Duration(200));
  EXPECT_TRUE(compare_clocks(kClock, kClock, before, after).ok());
  ClockSample elsewhere = kClock;
  elsewhere.time_namespace += 1;
  EXPECT_EQ(compare_clocks(kClock, elsewhere, before, after).error().code(), Errc::not_supported);
}

TEST(Message, ClocksThatDifferAreRefusedAlsoWhenTheNamespaceIsNotKnown) {
  const BootTime before(Duration(100)), after(Duration(200));
  ClockSample peer = kClock;
  peer.time_namespace = 0;
  for (const Duration boot : {Duration(99), Duration(201)}) {
    peer.boot = BootTime(boot);
    EXPECT_EQ(compare_clocks(kClock, peer, before, after).error().code(), Errc::not_supported);
  }
  for (const Duration boot : {Duration(100), Duration(200)}) {
    peer.boot = BootTime(boot);
    EXPECT_TRUE(compare_clocks(kClock, peer, before, after).ok());
  }
}

TEST(Message, OwnSampleNamesTheTimeNamespace) {
  const ClockSample sample = sample_clock(FixedClock());
  EXPECT_EQ(sample.boot, BootTime(Duration(1000)));
  EXPECT_EQ(sample.time_namespace, sample_clock(FixedClock()).time_namespace);
}

TEST(RequestMessage, RequestReplyAndEventComeBack) {
  auto message = encode_request("backup.begin", R"({"options":{"type":"full"}})", 4);
  ASSERT_TRUE(message.ok());
  auto request = decode_request(message.value());
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request.value().method, "backup.begin");
  EXPECT_EQ(request.value().params_json, R"({"options":{"type":"full"}})");
  EXPECT_EQ(decode_request(encode_request("writers", "", 5).value()).value().params_json, "{}");

  EXPECT_EQ(decode_reply(encode_reply(std::string(R"({"a":1})"), 4)).value(), R"({"a":1})");
  EXPECT_EQ(decode_reply(encode_reply(std::string(), 4)).value(), "{}");
  const Error error(Errc::in_progress, "'nightly' holds /srv");
  EXPECT_EQ(decode_reply(encode_reply(error, 4)).error(), error);
  EXPECT_EQ(decode_event(encode_event(R"({"event":"state"})").value()).value(),
            R"({"event":"state"})");
}

TEST(RequestMessage, WhatIsNoObjectIsNotSent) {
  for (const char* json : {"[]", "7", "{", "{}}", R"({"a":1},"method":"x")"}) {
    EXPECT_EQ(encode_request("writers", json, 1).error().code(), Errc::invalid_argument) << json;
    EXPECT_EQ(encode_event(json).error().code(), Errc::invalid_argument) << json;
    EXPECT_EQ(decode_reply(encode_reply(std::string(json), 1)).error().code(), Errc::internal);
  }
}

TEST(RequestMessage, HostileMessagesAreCorrupt) {
  for (const char* json : {"", "[]", "{}", R"({"method":7})", R"({"method":"a","params":[]})"}) {
    EXPECT_EQ(decode_request({Kind::request, 1, 0, json}).error().code(), Errc::corrupt) << json;
  }
  for (const char* json : {"", "[]", "{}", R"({"result":[]})", R"({"error":7})"}) {
    EXPECT_EQ(decode_reply({Kind::reply, 1, 0, json}).error().code(), Errc::corrupt) << json;
  }
}

}  // namespace
}  // namespace stillframe::wire
