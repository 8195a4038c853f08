#include "requestor/remote/mover_frame.hpp"

#include <gtest/gtest.h>

#include "framework/remote/mover_control.hpp"
#include "requestor/remote/mover_link.hpp"

namespace stillframe::requestor {
namespace {

TEST(MoverFrame, HeadersAreBytesAndBack) {
  const auto bytes = encode_mover_header({MoverFrame::data, 0x01020304 & 0xfffff});
  auto header = decode_mover_header({bytes.data(), bytes.size()});
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header.value().kind, MoverFrame::data);
  EXPECT_EQ(header.value().bytes, 0x20304U);
}

TEST(MoverFrame, HeadersThatLieAreRefused) {
  auto bytes = encode_mover_header({MoverFrame::request, 1});
  bytes[2] = 1;
  EXPECT_EQ(decode_mover_header({bytes.data(), bytes.size()}).error().code(), Errc::corrupt);
  bytes[2] = 0;
  bytes[0] = 3;
  EXPECT_EQ(decode_mover_header({bytes.data(), bytes.size()}).error().code(), Errc::corrupt);
  const auto large = encode_mover_header({MoverFrame::data, 1U << 30});
  EXPECT_EQ(decode_mover_header({large.data(), large.size()}).error().code(), Errc::limit_reached);
  EXPECT_EQ(decode_mover_header("short").error().code(), Errc::truncated);
}

TEST(MoverFrame, RequestsAreTextAndBack) {
  MoverRequest request;
  request.verb = MoverVerb::read;
  request.volume = "/srv/\xff";
  request.path = "a/b";
  request.partial = true;
  request.ranges = {{1, 2}, {7, 9}};
  auto back = decode_mover_request(encode(request));
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_EQ(back.value(), request);
}

TEST(MoverFrame, NoRequestLeadsOutOfTheSnapshot) {
  for (const char* path : {"..", "../x", "a/../b", "/etc/passwd", "a//b", "a/./b", "a/"}) {
    MoverRequest request;
    request.path = path;
    EXPECT_FALSE(decode_mover_request(encode(request)).ok()) << path;
  }
}

TEST(MoverFrame, NoListLeadsOutOfItsFolder) {
  for (const char* name : {"..", ".", "", "a/b"}) {
    Tree::Entry entry;
    entry.name = name;
    EXPECT_FALSE(decode_entries(encode(std::vector{entry})).ok()) << name;
  }
}

TEST(MoverFrame, NodesAreTextAndBack) {
  NodeDescription node;
  node.attributes = {0640, 1, 2, -3, 4, {{"user.a", std::string("\0\xff", 2)}}};
  node.size = 7;
  node.link_target = "../else";
  node.device_major = 8;
  auto back = decode_node(encode(node));
  ASSERT_TRUE(back.ok()) << back.error().what();
  EXPECT_EQ(back.value(), node);
}

TEST(MoverFrame, DataWithoutBytesIsNone) {
  EXPECT_FALSE(split_data("12345678").ok());
  auto data = split_data(std::string_view("\1\0\0\0\0\0\0\0x", 9));
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data.value().offset, 1U);
  EXPECT_EQ(data.value().bytes, "x");
}

TEST(MoverControl, PacketsAreTextAndBack) {
  MoverStart start;
  start.client[3] = 9;
  start.mount_points = {"/", "/srv/\xfe"};
  auto back = decode_to_mover(stillframe::encode(ToMover(start)));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(std::get<MoverStart>(back.value()).mount_points, start.mount_points);
  EXPECT_EQ(std::get<MoverStart>(back.value()).client, start.client);
  MoverAdmit admit;
  admit.ticket[0] = 1;
  admit.valid = std::chrono::milliseconds(5);
  back = decode_to_mover(stillframe::encode(ToMover(admit)));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(std::get<MoverAdmit>(back.value()).ticket, admit.ticket);
  EXPECT_FALSE(decode_to_mover("{}").ok());
  EXPECT_FALSE(decode_from_mover("[]").ok());
}

}  // namespace
}  // namespace stillframe::requestor
