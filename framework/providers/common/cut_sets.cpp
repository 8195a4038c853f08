#include "framework/providers/common/cut_sets.hpp"

#include <algorithm>
#include <system_error>

namespace stillframe {
namespace {

constexpr std::size_t kVolumesMax = 64;  // of one set; what VSS permits too

const char* name_of(SetStep step) {
  switch (step) {
    case SetStep::preparing:
      return "being prepared (begin_prepare, end_prepare and abort are";
    case SetStep::prepared:
      return "prepared (pre_commit and abort are";
    case SetStep::pre_committed:
      return "pre-committed (commit and abort are";
    case SetStep::committed:
      return "committed (post_commit and abort are";
    case SetStep::post_committed:
      return "post-committed (pre_final and abort are";
    case SetStep::pre_final:
      return "in its final steps (post_final and abort are";
  }
  return "";
}

Error wrong_state(std::string_view call, const SetId& set, const std::string& why) {
  return Error(Errc::wrong_state,
               std::string(call) + ": set " + set.to_string() + " " + why + " permitted)");
}

// A step of ours that fails for a reason of the file system keeps its code; what the coordinator
// could misread as its own mistake does not.
Error as_provider_error(const Error& error, std::string_view call, const CutRequest& request) {
  const std::string doing =
      std::string(call) + " for '" + escape_path(request.volume.mount_point) + "'";
  return error.while_doing(doing);
}

}  // namespace

CutSets::~CutSets() {
  for (auto& [id, set] : sets_) {
    set->cancelled = true;
    wait_for(*set);
  }
}

Status CutSets::refuse(const CutSet& found, const CutRequest& request) const {
  if (found.failed) return wrong_state("begin_prepare", request.set, "has failed (only abort is");
  if (found.step != SetStep::preparing) {
    return wrong_state("begin_prepare", request.set, std::string("is ") + name_of(found.step));
  }
  if (found.members.size() == kVolumesMax) {
    return Error(Errc::limit_reached, "begin_prepare: set " + request.set.to_string() + " has " +
                                          std::to_string(kVolumesMax) + " volumes already");
  }
  for (const auto& member : found.members) {
    if (member.request.snapshot == request.snapshot) {
      return Error(Errc::already_exists, "begin_prepare: snapshot " + request.snapshot.to_string() +
                                             " is in the set already");
    }
    if (member.request.volume.id == request.volume.id) {
      return Error(Errc::already_exists,
                   "begin_prepare: volume " + request.volume.id + " is in the set already");
    }
  }
  return Ok{};
}

Status CutSets::begin(const CutRequest& request, std::unique_ptr<VolumeCut> cut) {
  if (request.set.is_nil() || request.snapshot.is_nil()) {
    return Error(Errc::invalid_argument, "begin_prepare: the set or the snapshot has the nil id");
  }
  auto& set = sets_[request.set];
  if (!set) set = std::make_unique<CutSet>();
  if (Status s = refuse(*set, request); !s.ok()) return s;
  Member& member = set->members.emplace_back();
  member.request = request;
  member.cut = std::move(cut);
  VolumeCut* work = member.cut.get();
  const std::atomic<bool>* cancelled = &set->cancelled;
  try {
    member.prepared =
        std::async(std::launch::async, [work, cancelled] { return work->prepare(*cancelled); });
  } catch (const std::system_error& failed) {
    set->members.pop_back();
    return Error(Errc::out_of_resources, std::string("start preparing: ") + failed.what());
  }
  return Ok{};
}

void CutSets::wait_for(CutSet& set) {
  for (auto& member : set.members) {
    if (member.prepared.valid()) member.prepared.wait();
  }
}

Result<CutSets::CutSet*> CutSets::at_step(const SetId& set, SetStep wanted, std::string_view call) {
  const auto at = sets_.find(set);
  if (at == sets_.end()) {
    return Error(Errc::not_found,
                 std::string(call) + ": there is no set " + set.to_string() + " here");
  }
  if (at->second->failed) return wrong_state(call, set, "has failed (only abort is");
  if (at->second->step != wanted) {
    return wrong_state(call, set, std::string("is ") + name_of(at->second->step));
  }
  return at->second.get();
}

template <class Work>
Status CutSets::each(CutSet& set, std::string_view call, SetStep next, Work work) {
  for (auto& member : set.members) {
    Status done = environment_.at(call);
    if (done.ok()) done = work(member);
    if (!done.ok()) {
      set.failed = true;
      return as_provider_error(done.error(), call, member.request);
    }
  }
  set.step = next;
  return Ok{};
}

Result<CutEstimate> CutSets::end_prepare(const SetId& id) {
  auto set = at_step(id, SetStep::preparing, "end_prepare");
  if (!set.ok()) return set.error();
  wait_for(*set.value());  // all of them, so that nothing runs on when one has failed
  CutEstimate total;
  bool first = true;
  Status done = each(*set.value(), "end_prepare", SetStep::prepared, [&](Member& member) -> Status {
    if (Status s = member.prepared.get(); !s.ok()) return s;
    const CutEstimate one = member.cut->estimate();
    total.bytes_needed += one.bytes_needed;
    total.files += one.files;
    total.commit = std::max(total.commit, one.commit);  // volumes are cut side by side
    total.bytes_available =
        first ? one.bytes_available : std::min(total.bytes_available, one.bytes_available);
    first = false;
    return Ok{};
  });
  if (!done.ok()) return done.error();
  return total;
}

Status CutSets::pre_commit(const SetId& id) {
  auto set = at_step(id, SetStep::prepared, "pre_commit");
  if (!set.ok()) return set.error();
  return each(*set.value(), "pre_commit", SetStep::pre_committed,
              [](Member& member) { return member.cut->pre_commit(); });
}

Result<std::vector<CutRecord>> CutSets::commit(const SetId& id) {
  auto set = at_step(id, SetStep::pre_committed, "commit");
  if (!set.ok()) return set.error();
  auto& members = set.value()->members;
  // Side by side: the hold lasts as long as the slowest, not as long as all of them together.
  std::vector<std::future<Result<CutRecord>>> running;
  for (std::size_t i = 1; i < members.size(); ++i) {
    VolumeCut* cut = members[i].cut.get();
    try {
      running.push_back(std::async(std::launch::async, [cut] { return cut->commit(); }));
    } catch (const std::system_error&) {
      running.push_back(std::async(std::launch::deferred, [cut] { return cut->commit(); }));
    }
  }
  std::vector<CutRecord> records;
  std::size_t index = 0;
  Status done = each(*set.value(), "commit", SetStep::committed, [&](Member& member) -> Status {
    auto record = index == 0 ? member.cut->commit() : running[index - 1].get();
    ++index;
    if (!record.ok()) return record.error();
    records.push_back(record.value());
    return Ok{};
  });
  for (auto& other : running) {
    if (other.valid()) other.wait();
  }
  if (!done.ok()) return done.error();
  return records;
}

Status CutSets::post_commit(const SetId& id) {
  auto set = at_step(id, SetStep::committed, "post_commit");
  if (!set.ok()) return set.error();
  return each(*set.value(), "post_commit", SetStep::post_committed,
              [](Member& member) { return member.cut->post_commit(); });
}

Result<std::vector<SnapshotInfo>> CutSets::pre_final(const SetId& id) {
  auto set = at_step(id, SetStep::post_committed, "pre_final");
  if (!set.ok()) return set.error();
  std::vector<SnapshotInfo> snapshots;
  Status done = each(*set.value(), "pre_final", SetStep::pre_final, [&](Member& member) -> Status {
    auto info = member.cut->pre_final();
    if (!info.ok()) return info.error();
    snapshots.push_back(std::move(info).value());
    return Ok{};
  });
  if (!done.ok()) return done.error();
  return snapshots;
}

Status CutSets::post_final(const SetId& id) {
  auto set = at_step(id, SetStep::pre_final, "post_final");
  if (!set.ok()) return set.error();
  Status done = each(*set.value(), "post_final", SetStep::pre_final,
                     [](Member& member) { return member.cut->post_final(); });
  if (done.ok()) sets_.erase(id);
  return done;
}

bool CutSets::abort(const SetId& id) {
  const auto at = sets_.find(id);
  if (at == sets_.end()) return false;
  at->second->cancelled = true;
  wait_for(*at->second);
  auto& members = at->second->members;
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    Status undone = member->cut->abandon();
    if (!undone.ok()) {
      environment_.warn(ProviderEvent::leftover_kept,
                        "abort of set " + id.to_string() + " left something behind: " +
                            undone.error().what() + "; the next query tries again");
    }
  }
  sets_.erase(at);
  return true;
}

}  // namespace stillframe
