// Which call is permitted when, all volumes or none, and what abort owes.
#include "framework/io/file.hpp"
#include "framework/testkit/provider_suite/rich_tree.hpp"
#include "framework/testkit/provider_suite/trial.hpp"

namespace stillframe::testkit {
namespace {

constexpr Upto kSteps[] = {Upto::begin,       Upto::end_prepare, Upto::pre_commit, Upto::commit,
                           Upto::post_commit, Upto::pre_final,   Upto::post_final};

const char* call_of(Upto step) {
  switch (step) {
    case Upto::begin:
      return "begin_prepare";
    case Upto::end_prepare:
      return "end_prepare";
    case Upto::pre_commit:
      return "pre_commit";
    case Upto::commit:
      return "commit";
    case Upto::post_commit:
      return "post_commit";
    case Upto::pre_final:
      return "pre_final";
    case Upto::post_final:
      return "post_final";
  }
  return "";
}

// The volume's root as it was before, snapshots and times aside.
Result<TreeDescription> describe_volume(const Trial& trial, std::size_t index) {
  DescribeOptions options;
  options.directory_times = false;
  return describe_tree(trial.volume(index).mount_point, options);
}

Status full_order(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (Status s = put_file(t.data() + "/file", "content"); !s.ok()) return s;
  const SetId set = SetId::generate();
  if (Status s = t.drive(set, Upto::pre_commit); !s.ok()) return s;
  const BootTime before = system_clock().now();
  auto cuts = t.provider().commit(set);
  const BootTime after = system_clock().now();
  if (!cuts.ok()) return cuts.error();
  if (cuts.value().size() != 1) return wrong("commit should answer one record a volume");
  const CutRecord& cut = cuts.value()[0];
  if (Status s = expect(before <= cut.begun && cut.begun <= cut.ended && cut.ended <= after,
                        "the cut's times lie outside the call");
      !s.ok()) {
    return s;
  }
  for (const CutPart& part : cut.parts) {
    Status inside =
        expect(cut.begun <= part.begun && part.begun <= part.ended && part.ended <= cut.ended,
               "the times of part '" + escape_path(part.path) + "' lie outside its cut");
    if (!inside.ok()) return inside;
  }
  for (Upto step : {Upto::post_commit, Upto::pre_final, Upto::post_final}) {
    if (Status s = t.step(set, step); !s.ok()) return s;
  }
  auto info = t.find(cut.snapshot);
  if (!info.ok()) return info.error();
  if (info.value().state != SnapshotState::created || info.value().set != set ||
      info.value().volume != t.volume() || !info.value().exposed_at.empty() ||
      info.value().provider != t.provider().info().id || info.value().host.empty()) {
    return wrong("query describes the snapshot wrongly");
  }
  auto read = get_file(t.data_in(info.value()) + "/file");
  if (!read.ok()) return read.error();
  return expect(read.value() == "content", "the snapshot's file reads '" + read.value() + "'");
}

Status wrong_order(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  for (Upto reached : kSteps) {
    if (reached == Upto::post_final) continue;  // the set is over then
    const SetId set = SetId::generate();
    if (Status s = t.drive(set, reached); !s.ok()) return s;
    for (Upto call : kSteps) {
      const bool next = static_cast<int>(call) == static_cast<int>(reached) + 1;
      const bool more = call == Upto::begin;
      if (next || more) continue;
      const std::string what = std::string(call_of(call)) + " after " + call_of(reached);
      if (Status s = expect_code(t.step(set, call), Errc::wrong_state, what); !s.ok()) return s;
    }
    t.provider().abort(set);
  }
  return Ok{};
}

Status unknown_ids(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  const SetId set = SetId::generate();
  const SnapshotId snapshot = SnapshotId::generate();
  for (Upto call : kSteps) {
    if (call == Upto::begin) continue;
    if (Status s = expect_code(t.step(set, call), Errc::not_found, call_of(call)); !s.ok())
      return s;
  }
  t.provider().abort(set);
  Provider& p = t.provider();
  const BytePath place = under_test.scratch() + "/unknown";
  for (const auto& [call, status] : {std::pair{"remove", p.remove(snapshot)},
                                     {"expose", p.expose(snapshot, place)},
                                     {"unexpose", p.unexpose(snapshot)},
                                     {"make_writable", p.make_writable(snapshot)},
                                     {"revert", p.revert(snapshot, {})}}) {
    if (Status s = expect_code(status, Errc::not_found, call); !s.ok()) return s;
  }
  return expect(!exists(place), "expose made a directory for a snapshot that does not exist");
}

Status abort_at_each_step(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  const std::size_t volumes = t.volume_count();
  for (std::size_t i = 0; i < volumes; ++i) {
    if (Status s = build_rich_tree(t.data(i)); !s.ok()) return s;
  }
  for (Upto step : kSteps) {
    for (const bool restarted : {false, true}) {
      const std::string when =
          std::string(" after ") + call_of(step) + (restarted ? " and a restart" : "");
      std::vector<TreeDescription> before;
      for (std::size_t i = 0; i < volumes; ++i) {
        auto described = describe_volume(t, i);
        if (!described.ok()) return described.error();
        before.push_back(std::move(described).value());
      }
      const SetId set = SetId::generate();
      if (Status s = t.drive(set, step, volumes); !s.ok()) return s.error().while_doing(when);
      if (restarted) t.restart();
      t.provider().abort(set);
      t.provider().abort(set);
      auto left = t.count_of(set);
      if (!left.ok()) return left.error();
      if (left.value() != 0) return wrong("abort leaves snapshots" + when);
      for (std::size_t i = 0; i < volumes; ++i) {
        DescribeOptions options;
        options.directory_times = false;
        Status same = expect_same_tree(before[i], t.volume(i).mount_point, options);
        if (!same.ok()) return same.error().while_doing("abort" + when);
      }
    }
  }
  return Ok{};
}

Status all_volumes_or_none(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (t.volume_count() < 2) return Error(Errc::not_supported, "needs two volumes");
  const SetId good = SetId::generate();
  if (Status s = t.drive(good, Upto::post_final, 2); !s.ok()) return s;
  auto both = t.count_of(good);
  if (!both.ok()) return both.error();
  if (both.value() != 2) return wrong("a set over two volumes should have two snapshots");
  t.provider().abort(good);

  // The second volume is refused for its size; the first must not stay.
  const SetId bad = SetId::generate();
  if (Status s = t.provider().begin_prepare(t.request(bad, 0)); !s.ok()) return s;
  CutRequest refused = t.request(bad, 1);
  refused.bytes_limit = 1;
  Status begun = t.provider().begin_prepare(refused);
  if (begun.ok()) {
    auto ended = t.provider().end_prepare(bad);
    if (Status s = expect_code(ended, Errc::limit_reached, "end_prepare"); !s.ok()) return s;
    Status after = t.provider().pre_commit(bad);
    if (Status s = expect_code(after, Errc::wrong_state, "pre_commit"); !s.ok()) return s;
  }
  t.provider().abort(bad);
  auto left = t.count_of(bad);
  if (!left.ok()) return left.error();
  return expect(left.value() == 0, "one volume of a failed set has stayed");
}

Status refuses_duplicates(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  const SetId set = SetId::generate();
  if (Status s = t.drive(set, Upto::begin); !s.ok()) return s;
  Status again = t.provider().begin_prepare(t.request(set));
  t.provider().abort(set);
  return expect_code(again, Errc::already_exists, "begin_prepare of the same volume");
}

Status refuses_beyond_the_limit(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  if (Status s = put_file(t.data() + "/file", std::string(1 << 20, 'x')); !s.ok()) return s;
  const SetId set = SetId::generate();
  CutRequest request = t.request(set);
  request.bytes_limit = 1;
  Status begun = t.provider().begin_prepare(request);
  if (!begun.ok()) return expect_code(begun, Errc::limit_reached, "begin_prepare");
  auto ended = t.provider().end_prepare(set);
  t.provider().abort(set);
  return expect_code(ended, Errc::limit_reached, "end_prepare");
}

Status contradictory_attributes(ProviderUnderTest& under_test) {
  auto trial = Trial::start(under_test);
  if (!trial.ok()) return trial.error();
  Trial& t = *trial.value();
  SnapshotAttributes both;
  both.differential = both.clone = true;
  if (Status s = expect_code(t.provider().supports(t.volume(), both), Errc::volume_not_supported,
                             "supports, differential and clone");
      !s.ok()) {
    return s;
  }
  const auto capabilities = t.provider().info().capabilities;
  SnapshotAttributes clone;
  clone.clone = true;
  if (capabilities.has(ProviderCapabilities::kClone))
    return t.provider().supports(t.volume(), clone);
  return expect_code(t.provider().supports(t.volume(), clone), Errc::volume_not_supported,
                     "supports, clone");
}

}  // namespace

std::vector<ProviderCheck> order_checks() {
  return {
      {"FullOrderMakesAReadableSnapshot",
       "After the whole order query lists the snapshot as created and its files can be read.",
       full_order},
      {"CallsOutOfOrderAreRefused",
       "Every call at a step where it is not permitted answers wrong_state.", wrong_order},
      {"UnknownIdsAreNotFound", "Calls that name an unknown set or snapshot answer not_found.",
       unknown_ids},
      {"AbortAtEachStepLeavesNothing",
       "Abort after any step, twice, also by a new object, leaves the volumes as they were.",
       abort_at_each_step},
      {"AllVolumesOrNone", "When one volume of a set cannot be cut, none stays cut.",
       all_volumes_or_none},
      {"AVolumeIsInASetOnce", "The same volume cannot be in a set twice.", refuses_duplicates},
      {"EstimatesBeyondTheLimitAreRefused",
       "An estimate above the request's limit answers limit_reached before the hold.",
       refuses_beyond_the_limit},
      {"AttributesThatCannotBeMetAreRefused",
       "Attributes the provider cannot meet answer volume_not_supported.",
       contradictory_attributes},
  };
}

}  // namespace stillframe::testkit
