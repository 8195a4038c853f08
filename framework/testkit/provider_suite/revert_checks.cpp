// Putting a volume back.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "framework/io/file.hpp"
#include "framework/testkit/provider_suite/rich_tree.hpp"
#include "framework/testkit/provider_suite/trial.hpp"

namespace stillframe::testkit {
namespace {

Status needs_revert(Trial& t) {
  if (t.provider().info().capabilities.has(ProviderCapabilities::kRevert)) return Ok{};
  return Error(Errc::not_supported, "the provider does not revert");
}

Status spoil(const BytePath& data) {
  bool done = ::unlink((data + "/plain").c_str()) == 0;
  done = done && ::truncate((data + "/big").c_str(), 10) == 0;
  done = done && ::rename((data + "/sparse").c_str(), (data + "/moved").c_str()) == 0;
  done = done && ::chmod((data + "/dir").c_str(), 0777) == 0;
  done = done && ::unlink((data + "/link").c_str()) == 0;
  if (!done) return wrong("cannot change the live files");
  if (Status s = make_directories(data + "/link/was a link", 0755); !s.ok()) return s;
  if (Status s = make_directories(data + "/extra/inner", 0755); !s.ok()) return s;
  return put_file(data + "/extra/inner/file", "extra");
}

Status reverts(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (Status s = needs_revert(t); !s.ok()) return s;
  if (Status s = build_rich_tree(t.data()); !s.ok()) return s;
  auto before = describe_tree(t.data());
  if (!before.ok()) return before.error();
  auto made = t.snapshot();
  if (!made.ok()) return made.error();
  for (int round = 0; round < 2; ++round) {
    if (Status s = spoil(t.data()); !s.ok()) return s;
    if (Status s = t.provider().revert(made.value().snapshot, {}); !s.ok()) return s;
    if (Status s = expect_same_tree(before.value(), t.data()); !s.ok()) return s;
  }
  // The snapshot itself has to outlive its use.
  auto kept = t.find(made.value().snapshot);
  if (!kept.ok()) return kept.error();
  return expect_same_tree(before.value(), t.data_in(kept.value()));
}

Status busy(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (Status s = needs_revert(t); !s.ok()) return s;
  if (Status s = put_file(t.data() + "/file", "old"); !s.ok()) return s;
  auto made = t.snapshot();
  if (!made.ok()) return made.error();
  if (Status s = put_file(t.data() + "/file", "new"); !s.ok()) return s;
  {
    auto held = open_file(t.data() + "/file", O_RDONLY);
    Status refused = t.provider().revert(made.value().snapshot, {});
    if (Status s = expect_code(refused, Errc::in_use, "revert of a busy volume"); !s.ok()) return s;
    const std::string me = "process " + std::to_string(::getpid());
    if (refused.error().what().find(me) == std::string::npos) {
      return wrong("in_use should name " + me + ": " + refused.error().what());
    }
  }
  auto still = get_file(t.data() + "/file");
  if (!still.ok() || still.value() != "new") return wrong("a refused revert changed the volume");
  if (Status s = t.provider().revert(made.value().snapshot, {}); !s.ok()) return s;
  auto reverted = get_file(t.data() + "/file");
  return expect(reverted.ok() && reverted.value() == "old", "the file was not put back");
}

}  // namespace

std::vector<ProviderCheck> revert_checks() {
  return {
      {"RevertingPutsEverythingBack",
       "After revert the files are those of the snapshot, extra ones are gone, and the snapshot is "
       "intact.",
       reverts},
      {"ABusyVolumeIsNotReverted",
       "Revert answers in_use, names the process and changes nothing while a file is open.", busy},
  };
}

}  // namespace stillframe::testkit
