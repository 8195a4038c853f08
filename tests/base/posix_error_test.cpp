#include "framework/base/posix_error.hpp"

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

namespace stillframe {
namespace {

TEST(PosixError, CallersCanTellTheKindsApart) {
  EXPECT_EQ(errc_from_errno(ENOSPC), Errc::no_space);
  EXPECT_EQ(errc_from_errno(EDQUOT), Errc::no_space);
  EXPECT_EQ(errc_from_errno(EACCES), Errc::access_denied);
  EXPECT_EQ(errc_from_errno(EPERM), Errc::access_denied);
  EXPECT_EQ(errc_from_errno(ENOENT), Errc::not_found);
  EXPECT_EQ(errc_from_errno(EEXIST), Errc::already_exists);
  EXPECT_EQ(errc_from_errno(EBUSY), Errc::in_use);
  EXPECT_EQ(errc_from_errno(EINVAL), Errc::invalid_argument);
  EXPECT_EQ(errc_from_errno(EOPNOTSUPP), Errc::not_supported);
  EXPECT_EQ(errc_from_errno(EMFILE), Errc::out_of_resources);
  EXPECT_EQ(errc_from_errno(ECONNRESET), Errc::disconnected);
  EXPECT_EQ(errc_from_errno(EIO), Errc::io);
  EXPECT_EQ(errc_from_errno(98765), Errc::io);
}

TEST(PosixError, TheMessageNamesOperationObjectCauseAndNextStep) {
  const Error error = posix_error(ENOSPC, "write", "/srv/a\nb");
  EXPECT_EQ(error.code(), Errc::no_space);
  EXPECT_EQ(error.what(),
            "cannot write '/srv/a\\x0ab': No space left on device (ENOSPC); free space or raise "
            "the quota there, or choose another place");
  EXPECT_EQ(posix_error(ENOENT, "open", "/x").what(),
            "cannot open '/x': No such file or directory (ENOENT)");
  EXPECT_EQ(posix_error(98765, "listen", "").what(), "cannot listen: unknown error (errno 98765)");
}

}  // namespace
}  // namespace stillframe
