#include "framework/daemon/broker/broker_request.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillframe::daemon {
namespace {

using testing::HasSubstr;

TEST(BrokerRequest, EachKindComesThroughUnchanged) {
  const std::vector<BrokerRequest> all = {
      AskVersion{},
      StartProvider{"btrfs"},
      StartProvider{"command:/etc/stillframe/\xff.toml"},
      SpawnHost{"mail-2.example_com"},
      KillProcess{ProcessHandle{~std::uint64_t{0}}},
      AskProcess{ProcessHandle{1}},
      ThawRecorded{},
      FlushFileSystem{"/srv/\n\xff"},
      FlushFileSystem{"/"},
      LocatePath{"/srv/\xff"},
      ListVolumes{},
      CheckApart{"/", "/srv"},
      OpenFiles{"/run/x/exposed/1", {"a", "b/c\\d", "\xfe"}},
      AskReadable{{0, 1000, 100, {4, 0xFFFFFFFE}}, "/", {{"", "*", true}, {"a/\xff", "b", false}}},
  };
  for (const BrokerRequest& request : all) {
    auto parsed = parse_broker_request(method_of(request), params_of(request));
    ASSERT_TRUE(parsed.ok()) << params_of(request) << parsed.error().what();
    EXPECT_EQ(parsed.value(), request) << params_of(request);
  }
}

struct Bad {
  std::string method, params, says;
};

TEST(BrokerRequest, WhatIsNotExactlyRightIsRefusedByName) {
  const std::vector<Bad> all = {
      {"provider.start", "{}", "'name' is missing"},
      {"provider.start", R"({"name":7})", "'name' must be"},
      {"provider.start", R"({"name":""})", "'name' must be"},
      {"provider.start", R"({"name":"../btrfs"})", "'name' must be"},
      {"provider.start", R"({"name":"btrfs --state-dir /x"})", "'name' must be"},
      {"provider.start", R"({"name":"command:relative"})", "'name' must be"},
      {"provider.start", R"({"name":"command:/etc/../x"})", "'name' must be"},
      {"provider.start", R"({"name":"command:"})", "'name' must be"},
      {"provider.start", R"({"name":"btrfs","state_dir":"/x"})", "'state_dir' means nothing"},
      {"spawn", R"({"name":".hidden"})", "'name' must be"},
      {"spawn", "{\"name\":\"" + std::string(129, 'a') + "\"}", "'name' must be"},
      {"process.kill", R"({"handle":-1})", "'handle' must be"},
      {"process.kill", R"({"handle":1.5})", "'handle' must be"},
      {"process.kill", R"({"pid":1})", "'handle' is missing"},
      {"process.status", R"({"handle":"1"})", "'handle' must be"},
      {"hello", R"({"x":1})", "'x' means nothing"},
      {"volume.list", R"({"x":1})", "'x' means nothing"},
      {"volume.locate", R"({"path":"srv"})", "'path' must be an absolute"},
      {"volume.locate", R"({})", "'path' is missing"},
      {"volume.apart", R"({"one":"/srv"})", "'other' is missing"},
      {"thaw", R"({"directory":"/tmp"})", "'directory' means nothing"},
      {"flush", R"({"path":"srv"})", "'path' must be an absolute"},
      {"flush", R"({"path":"/srv/../etc"})", "'path' must be an absolute"},
      {"flush", R"({"path":"/srv//etc"})", "'path' must be an absolute"},
      {"flush", R"({"path":"/a\\q"})", "'path'"},
      {"flush", "[]", "must be an object"},
      {"flush", "{", "parameters"},
      {"open", R"({"root":"/a","paths":[]})", "'paths' must be a list"},
      {"open", R"({"root":"/a","paths":"a"})", "'paths' must be a list"},
      {"open", R"({"root":"/a","paths":["/etc/shadow"]})", "'paths' must be relative"},
      {"open", R"({"root":"/a","paths":["../b"]})", "'paths' must be relative"},
      {"open", R"({"root":"/a","paths":["b",""]})", "'paths' must be relative"},
      {"open", R"({"root":"a","paths":["b"]})", "'root' must be an absolute"},
      {"open", R"({"paths":["b"]})", "'root' is missing"},
      {"readable", R"({"uid":0,"gid":1,"groups":[],"root":"/","places":[["a","b",true]]})",
       "'uid' must not be root's"},
      {"readable", R"({"uid":4294967295,"gid":1,"groups":[],"root":"/","places":[["a","b",true]]})",
       "'uid' must be"},
      {"readable", R"({"uid":-5,"gid":1,"groups":[],"root":"/","places":[["a","b",true]]})",
       "'uid' must be"},
      {"readable", R"({"uid":5,"gid":1,"groups":["x"],"root":"/","places":[["a","b",true]]})",
       "'groups' must be"},
      {"readable", R"({"uid":5,"gid":1,"root":"/","places":[["a","b",true]]})",
       "'groups' is missing"},
      {"readable", R"({"uid":5,"gid":1,"groups":[],"root":"x","places":[["a","b",true]]})",
       "'root' must be an absolute"},
      {"readable", R"({"uid":5,"gid":1,"groups":[],"root":"/","places":[]})",
       "'places' must be a list"},
      {"readable", R"({"uid":5,"gid":1,"groups":[],"root":"/","places":[["a","b"]]})",
       "'places' must hold triples"},
      {"readable", R"({"uid":5,"gid":1,"groups":[],"root":"/","places":[["../a","b",true]]})",
       "'places' must hold relative"},
      {"readable", R"({"uid":5,"gid":1,"groups":[],"root":"/","places":[["a","b/c",true]]})",
       "'places' must hold names"},
  };
  for (const Bad& bad : all) {
    auto parsed = parse_broker_request(bad.method, bad.params);
    ASSERT_FALSE(parsed.ok()) << bad.method << bad.params;
    EXPECT_EQ(parsed.error().code(), Errc::invalid_argument) << bad.params;
    EXPECT_THAT(parsed.error().what(), HasSubstr(bad.says)) << bad.params;
    EXPECT_THAT(parsed.error().what(), HasSubstr(bad.method));
  }
  EXPECT_EQ(parse_broker_request("exec", "{}").error().code(), Errc::not_supported);
}

TEST(BrokerRequest, AnOpenNamesAtMostAsManyFilesAsOneMessageCarries) {
  OpenFiles open{"/a", std::vector<BytePath>(kOpenPathsMax, "f")};
  EXPECT_TRUE(parse_broker_request("open", params_of(open)).ok());
  open.paths.emplace_back("f");
  EXPECT_EQ(parse_broker_request("open", params_of(open)).error().code(), Errc::invalid_argument);
}

TEST(BrokerRequest, TheTrailHasOnlyPrintableText) {
  EXPECT_EQ(object_of(FlushFileSystem{"/a\n"}), "/a\\x0a");
  EXPECT_EQ(object_of(OpenFiles{"/r", {"a", "b", "c"}}), "/r: a and 2 more");
  EXPECT_EQ(object_of(KillProcess{ProcessHandle{7}}), "process handle 7");
}

}  // namespace
}  // namespace stillframe::daemon
