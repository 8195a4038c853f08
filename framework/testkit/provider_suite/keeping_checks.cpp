// What can be done with a finished snapshot.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "framework/io/file.hpp"
#include "framework/testkit/provider_suite/rich_tree.hpp"
#include "framework/testkit/provider_suite/trial.hpp"

namespace stillframe::testkit {
namespace {

Status survives_restart(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (Status s = build_rich_tree(t.data()); !s.ok()) return s;
  auto before = describe_tree(t.data());
  if (!before.ok()) return before.error();
  auto made = t.snapshot();
  if (!made.ok()) return made.error();
  t.restart();
  auto found = t.find(made.value().snapshot);
  if (!found.ok()) return found.error();
  if (!(found.value() == made.value())) {
    return wrong("after a restart query describes the snapshot differently");
  }
  return expect_same_tree(before.value(), t.data_in(found.value()));
}

Status removal(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (Status s = build_rich_tree(t.data()); !s.ok()) return s;
  DescribeOptions options;
  options.directory_times = false;
  auto before = describe_tree(t.volume().mount_point, options);
  if (!before.ok()) return before.error();
  auto made = t.snapshot();
  if (!made.ok()) return made.error();
  if (Status s = t.provider().remove(made.value().snapshot); !s.ok()) return s;
  Status again = t.provider().remove(made.value().snapshot);
  if (Status s = expect_code(again, Errc::not_found, "the second remove"); !s.ok()) return s;
  if (exists(made.value().root)) return wrong("the snapshot's root is still there");
  return expect_same_tree(before.value(), t.volume().mount_point, options);
}

Status exposure(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (!t.provider().info().capabilities.has(ProviderCapabilities::kExpose)) {
    return Error(Errc::not_supported, "the provider does not expose");
  }
  if (Status s = build_rich_tree(t.data()); !s.ok()) return s;
  auto before = describe_tree(t.data());
  if (!before.ok()) return before.error();
  auto made = t.snapshot();
  if (!made.ok()) return made.error();
  const SnapshotId id = made.value().snapshot;
  const BytePath place = under_test.scratch() + "/exposed here";
  if (Status s = t.provider().expose(id, place); !s.ok()) return s;
  struct statvfs vfs {};
  if (::statvfs(place.c_str(), &vfs) != 0) return wrong("the exposure cannot be looked at");
  for (const unsigned long flag : {ST_RDONLY, ST_NOSUID, ST_NODEV, ST_NOEXEC}) {
    if ((vfs.f_flag & flag) == 0) return wrong("the exposure lacks a mount flag");
  }
  if (Status s = expect_same_tree(before.value(), place + "/suite"); !s.ok()) return s;
  if (put_file(place + "/suite/new", "x").ok()) return wrong("the exposure can be written");
  auto shown = t.find(id);
  if (!shown.ok()) return shown.error();
  if (shown.value().exposed_at != place) return wrong("query does not say where it is exposed");
  Status again = t.provider().expose(id, under_test.scratch() + "/twice");
  if (Status s = expect_code(again, Errc::already_exists, "the second expose"); !s.ok()) return s;
  t.restart();
  if (Status s = t.provider().unexpose(id); !s.ok()) return s;
  Status gone = t.provider().unexpose(id);
  if (Status s = expect_code(gone, Errc::wrong_state, "the second unexpose"); !s.ok()) return s;
  shown = t.find(id);
  if (!shown.ok()) return shown.error();
  return expect(shown.value().exposed_at.empty() && !exists(place + "/suite"),
                "the snapshot is still exposed");
}

Status exposure_places(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (!t.provider().info().capabilities.has(ProviderCapabilities::kExpose)) {
    return Error(Errc::not_supported, "the provider does not expose");
  }
  auto made = t.snapshot();
  if (!made.ok()) return made.error();
  const SnapshotId id = made.value().snapshot;
  const BytePath full = under_test.scratch() + "/full", open = under_test.scratch() + "/open";
  if (Status s = make_directories(full + "/something"); !s.ok()) return s;
  for (const BytePath& place : {full, BytePath("relative/place"), BytePath("/tmp/../etc")}) {
    Status exposed = t.provider().expose(id, place);
    Status refused = expect_code(exposed, Errc::invalid_argument, "expose at '" + place + "'");
    if (!refused.ok()) return refused;
  }
  // A directory that others could look into is closed before anything is shown in it.
  if (Status s = make_directories(open, 0755); !s.ok()) return s;
  if (Status s = t.provider().expose(id, open); !s.ok()) return s;
  if (Status s = t.provider().unexpose(id); !s.ok()) return s;
  struct stat st {};
  if (::stat(open.c_str(), &st) != 0) return wrong("unexpose removed a directory it was given");
  if ((st.st_mode & 07777) != 0700) return wrong("the place has a mode other than 0700");
  (void)::rmdir(open.c_str());
  (void)::rmdir((full + "/something").c_str());
  (void)::rmdir(full.c_str());
  return Ok{};
}

// Removing an exposed snapshot takes the exposure with it.
Status remove_exposed(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (!t.provider().info().capabilities.has(ProviderCapabilities::kExpose)) {
    return Error(Errc::not_supported, "the provider does not expose");
  }
  if (Status s = put_file(t.data() + "/file", "x"); !s.ok()) return s;
  auto made = t.snapshot();
  if (!made.ok()) return made.error();
  const BytePath place = under_test.scratch() + "/exposed";
  if (Status s = t.provider().expose(made.value().snapshot, place); !s.ok()) return s;
  {
    auto busy = open_file(place + "/suite/file", O_RDONLY);
    Status refused = t.provider().remove(made.value().snapshot);
    if (Status s = expect_code(refused, Errc::in_use, "remove while a file is open"); !s.ok()) {
      return s;
    }
  }
  if (Status s = t.provider().remove(made.value().snapshot); !s.ok()) return s;
  return expect(!exists(place), "the exposure outlived its snapshot");
}

Status sealing(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (Status s = put_file(t.data() + "/file", "live"); !s.ok()) return s;
  const SetId set = SetId::generate();
  if (Status s = t.drive(set, Upto::pre_final); !s.ok()) return s;
  const BytePath file = t.data_in(t.made().at(0)) + "/file";
  // Auto-recovery: the writer's turn in the snapshot.
  if (Status s = put_file(file, "recovered"); !s.ok()) return s;
  if (Status s = t.step(set, Upto::post_final); !s.ok()) return s;
  if (under_test.seals_root() && put_file(file, "late").ok()) {
    return wrong("a sealed snapshot can be written");
  }
  auto live = get_file(t.data() + "/file");
  auto kept = get_file(file);
  if (!live.ok() || !kept.ok()) return live.ok() ? kept.error() : live.error();
  if (live.value() != "live" || kept.value() != "recovered") {
    return wrong("auto-recovery wrote elsewhere than into the snapshot");
  }
  if (!t.provider().info().capabilities.has(ProviderCapabilities::kWritable)) return Ok{};
  if (Status s = t.provider().make_writable(t.made().at(0).snapshot); !s.ok()) return s;
  if (Status s = put_file(file, "writable"); !s.ok()) return s;
  live = get_file(t.data() + "/file");
  return expect(live.ok() && live.value() == "live", "the snapshot shares writes with the volume");
}

Status read_only_at_once(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (!under_test.seals_root()) {
    return Error(Errc::not_supported, "the provider seals exposures only");
  }
  if (Status s = put_file(t.data() + "/file", "live"); !s.ok()) return s;
  const SetId set = SetId::generate();
  CutRequest request = t.request(set);
  request.attributes.auto_recovery = false;
  if (Status s = t.provider().begin_prepare(request); !s.ok()) return s;
  for (Upto step :
       {Upto::end_prepare, Upto::pre_commit, Upto::commit, Upto::post_commit, Upto::pre_final}) {
    if (Status s = t.step(set, step); !s.ok()) return s;
  }
  const bool written = put_file(t.data_in(t.made().at(0)) + "/file", "late").ok();
  t.provider().abort(set);
  return expect(!written, "without auto-recovery the snapshot must be read-only at once");
}

}  // namespace

std::vector<ProviderCheck> keeping_checks() {
  return {
      {"SnapshotsSurviveARestart", "A new object lists the same snapshot with the same content.",
       survives_restart},
      {"RemovingLeavesNothing", "After remove the volume is as it was before the snapshot.",
       removal},
      {"ExposuresAreReadOnlyAndHarmless",
       "An exposure is nosuid, nodev, noexec and read-only, shows the snapshot and can be ended.",
       exposure},
      {"ExposuresTakeEmptyPrivatePlaces",
       "Only an empty directory, closed to others, serves as the place.", exposure_places},
      {"RemovingEndsTheExposure",
       "Remove unmounts an exposure, and answers in_use while somebody is in it.", remove_exposed},
      {"WritableUntilTheEndAndThenSealed",
       "Writers can recover in the snapshot until post_final; make_writable opens it again.",
       sealing},
      {"ReadOnlyAtOnceWithoutAutoRecovery", "Without auto-recovery the snapshot is never writable.",
       read_only_at_once},
  };
}

}  // namespace stillframe::testkit
