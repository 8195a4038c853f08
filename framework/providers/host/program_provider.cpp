#include "framework/providers/host/program_provider.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

#include "framework/model/json_codec.hpp"
#include "framework/providers/host/hold_beat.hpp"
#include "framework/providers/host/provider_calls.hpp"

namespace stillframe {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// For the exit status of a program that has just closed its output.
constexpr milliseconds kExitWait{200};

template <class IdType>
json named(const char* name, const IdType& id) {
  json params = json::object();
  params[name] = id.to_string();
  return params;
}

Status as_status(const Result<json>& result) {
  if (!result.ok()) return result.error();
  return Ok{};
}

// How long a call may take.
struct Patience {
  Patience(milliseconds whole) : all(whole) {}
  Patience(milliseconds whole, milliseconds between) : all(whole), silence(between) {}
  milliseconds all;
  milliseconds silence = milliseconds::max();  // between signs of life
};

class Program final : public ProgramProvider {
 public:
  explicit Program(ProgramProviderOptions options) : options_(std::move(options)) {
    if (options_.info) info_ = *options_.info;
  }

  Status connect() {
    const std::lock_guard lock(mutex_);
    if (Status s = ensure_running(); !s.ok()) return s;
    if (options_.info) return Ok{};
    auto result = exchange("info", json::object(), options_.timeouts.brief);
    if (!result.ok()) return result.error();
    auto info = decode_json<ProviderInfo>(result.value().value("info", json()), "info");
    if (!info.ok()) return failed("info", info.error().what());
    info_ = std::move(info).value();
    return Ok{};
  }

  pid_t pid() const override {
    const std::lock_guard lock(mutex_);
    return child_ && child_->running() ? child_->pid() : 0;
  }

  ProviderInfo info() const override { return info_; }

  Status supports(const Volume& volume, const SnapshotAttributes& attributes) override {
    json params = json::object();
    params["volume"] = encode_json(volume);
    params["attributes"] = encode_json(attributes);
    return as_status(call("supports", params, options_.timeouts.brief));
  }

  Status begin_prepare(const CutRequest& request) override {
    json params = json::object();
    params["request"] = encode_json(request);
    const std::lock_guard lock(mutex_);
    under_way_[request.set].push_back(request.snapshot);
    return as_status(exchange_running("begin_prepare", params, options_.timeouts.brief));
  }

  Result<CutEstimate> end_prepare(const SetId& set) override {
    auto result = call("end_prepare", named("set", set), options_.timeouts.prepare);
    if (!result.ok()) return result.error();
    auto estimate = read_estimate(result.value());
    if (!estimate.ok()) return failed("end_prepare", estimate.error().what());
    return estimate;
  }

  Status pre_commit(const SetId& set) override {
    return as_status(call("pre_commit", named("set", set), in_hold()));
  }

  Result<std::vector<CutRecord>> commit(const SetId& set) override {
    const std::lock_guard lock(mutex_);
    const BootTime begun = system_clock().now();
    auto result = exchange_running("commit", named("set", set), in_hold());
    const BootTime ended = system_clock().now();
    if (!result.ok()) return result.error();
    auto cuts = read_cuts(result.value());
    if (!cuts.ok()) return failed("commit", cuts.error().what());
    return check_cuts(set, std::move(cuts).value(), begun, ended);
  }

  Status post_commit(const SetId& set) override {
    return as_status(call("post_commit", named("set", set), in_hold()));
  }

  Result<std::vector<SnapshotInfo>> pre_final(const SetId& set) override {
    auto result = call("pre_final", named("set", set), options_.timeouts.final);
    if (!result.ok()) return result.error();
    return snapshots("pre_final", result.value());
  }

  Status post_final(const SetId& set) override {
    const std::lock_guard lock(mutex_);
    Status done =
        as_status(exchange_running("post_final", named("set", set), options_.timeouts.final));
    if (done.ok()) under_way_.erase(set);
    return done;
  }

  void abort(const SetId& set) override {
    const std::lock_guard lock(mutex_);
    // A program that died gets this set's abort as the first thing its successor hears.
    auto result = exchange_running("abort", named("set", set), options_.timeouts.final);
    if (result.ok()) {
      under_way_.erase(set);
    } else {
      tell(ProgramProviderEvent::unclean, EventLevel::error,
           "abort of set " + set.to_string() + ": " + result.error().what());
    }
  }

  Result<std::vector<SnapshotInfo>> query() override {
    auto result = call("query", json::object(), options_.timeouts.final);
    if (!result.ok()) return result.error();
    return snapshots("query", result.value());
  }

  Status remove(const SnapshotId& snapshot) override {
    return as_status(call("remove", named("snapshot", snapshot), options_.timeouts.final));
  }

  Status expose(const SnapshotId& snapshot, const BytePath& place) override {
    if (Status s = capable(ProviderCapabilities::kExpose, snapshot, "expose snapshots"); !s.ok())
      return s;
    json params = named("snapshot", snapshot);
    params["place"] = escape_path(place);
    return as_status(call("expose", params, options_.timeouts.final));
  }

  Status unexpose(const SnapshotId& snapshot) override {
    if (Status s = capable(ProviderCapabilities::kExpose, snapshot, "expose snapshots"); !s.ok())
      return s;
    return as_status(call("unexpose", named("snapshot", snapshot), options_.timeouts.final));
  }

  Status make_writable(const SnapshotId& snapshot) override {
    if (Status s = capable(ProviderCapabilities::kWritable, snapshot, "make snapshots writable");
        !s.ok()) {
      return s;
    }
    return as_status(call("make_writable", named("snapshot", snapshot), options_.timeouts.final));
  }

  Status revert(const SnapshotId& snapshot, const RevertOptions& options) override {
    if (Status s = capable(ProviderCapabilities::kRevert, snapshot, "revert"); !s.ok()) return s;
    json params = named("snapshot", snapshot);
    params["force"] = options.force;
    return as_status(call("revert", params, options_.timeouts.revert));
  }

 private:
  // The program is not asked for what its owner does not declare; but a snapshot that is not there
  // is not_found first.
  Status capable(std::uint32_t bit, const SnapshotId& snapshot, const std::string& what) {
    if (info_.capabilities.has(bit)) return Ok{};
    auto all = query();
    if (!all.ok()) return all.error();
    for (const SnapshotInfo& one : all.value()) {
      if (one.snapshot == snapshot) {
        return Error(Errc::not_supported, options_.name + " cannot " + what);
      }
    }
    return Error(Errc::not_found, options_.name + " has no snapshot " + snapshot.to_string());
  }

  Error failed(std::string_view method, const std::string& why) const {
    return {Errc::provider_failed, options_.name + ", " + std::string(method) + ": " + why};
  }

  Result<std::vector<SnapshotInfo>> snapshots(const char* method, const json& result) const {
    auto found = read_snapshots(result);
    if (!found.ok()) return failed(method, found.error().what());
    for (SnapshotInfo& snapshot : found.value()) {
      snapshot.provider = info_.id;
      snapshot.provider_name = info_.name;
    }
    return found;
  }

  // One record for each snapshot of the set, inside the call. A program that knows no times gets
  // those of the call, which enclose every cut it made.
  Result<std::vector<CutRecord>> check_cuts(const SetId& set, std::vector<CutRecord> cuts,
                                            BootTime begun, BootTime ended) const {
    const auto it = under_way_.find(set);
    const std::vector<SnapshotId> wanted =
        it == under_way_.end() ? std::vector<SnapshotId>() : it->second;
    if (cuts.empty()) {
      for (const SnapshotId& snapshot : wanted) cuts.push_back({snapshot, begun, ended});
    }
    std::set<SnapshotId> seen;
    for (const CutRecord& cut : cuts) {
      if (std::find(wanted.begin(), wanted.end(), cut.snapshot) == wanted.end() ||
          !seen.insert(cut.snapshot).second) {
        return failed("commit", "it cut " + cut.snapshot.to_string() + ", which is not of the set");
      }
      if (cut.begun < begun || cut.ended > ended || cut.ended < cut.begun) {
        return failed("commit", "the times it gives for its cuts are not those of the call");
      }
      if (Status s = check_parts(cut); !s.ok()) return s.error();
    }
    if (seen.size() != wanted.size()) return failed("commit", "it did not cut every volume");
    return cuts;
  }

  Status check_parts(const CutRecord& cut) const {
    std::set<BytePath> seen;
    for (const CutPart& part : cut.parts) {
      if (part.path.empty() || part.path.front() != '/' || !seen.insert(part.path).second) {
        return failed("commit", "the parts of a cut need an absolute path each");
      }
      if (part.begun < cut.begun || part.ended > cut.ended || part.ended < part.begun) {
        return failed("commit",
                      "the times it gives for the parts of a cut are not those of the cut");
      }
    }
    return Ok{};
  }

  Patience in_hold() const { return {options_.timeouts.commit, options_.timeouts.lease}; }

  Result<json> call(std::string_view method, const json& params, Patience patience) {
    const std::lock_guard lock(mutex_);
    return exchange_running(method, params, patience);
  }

  Result<json> exchange_running(std::string_view method, const json& params, Patience patience) {
    if (Status s = ensure_running(); !s.ok()) return s.error();
    if (!beats_) patience.silence = milliseconds::max();
    return exchange(method, params, patience);
  }

  Status ensure_running() {
    if (child_ && child_->running()) return Ok{};
    if (child_) {
      const ProgramEnd end = obituary("between calls");
      tell(ProgramProviderEvent::died, EventLevel::error, end.why);
      if (options_.ended) options_.ended(end);
      child_.reset();
      orphan_all();
    }
    if (dying_) {
      if (!dying_->wait(Deadline(system_clock().now() + options_.timeouts.brief)).ok()) {
        return failed("start",
                      "its predecessor was killed and does not end; it is in a system "
                      "call of the file system");
      }
      dying_.reset();
    }
    if (Status s = start_program(); !s.ok()) return s;
    json params{{"version", 1}};
    if (options_.timeouts.lease.count() > 0) params["lease_ms"] = options_.timeouts.lease.count();
    auto hello = exchange("hello", params, options_.timeouts.start);
    if (!hello.ok()) return hello.error();
    beats_ = hello.value().value("beats", json()) == json(true);
    return clean_up();
  }

  Status start_program() {
    if (options_.check && !options_.start) {
      if (Status s = options_.check(options_.program); !s.ok()) return s;
    }
    auto child = options_.start ? options_.start() : ChildProcess::start(options_.program);
    if (!child.ok()) return failed("start", child.error().what());
    beats_ = false;
    child_ = std::move(child).value();
    return Ok{};
  }

  void orphan_all() {
    for (const auto& [set, snapshots] : under_way_) orphans_.insert(set);
  }

  // What a dead predecessor had begun and may still have finished.
  Status clean_up() {
    const std::set<SetId> orphans = orphans_;
    for (const SetId& set : orphans) {
      auto result = exchange("abort", named("set", set), options_.timeouts.final);
      if (!result.ok()) {
        tell(ProgramProviderEvent::unclean, EventLevel::error, result.error().what());
        return result.error();
      }
      orphans_.erase(set);
      tell(ProgramProviderEvent::cleaned, EventLevel::warning,
           "aborted set " + set.to_string() + ", which a program that died had begun");
    }
    return Ok{};
  }

  Result<json> exchange(std::string_view method, const json& params, Patience patience) {
    const Deadline deadline(system_clock().now() + patience.all);
    Status sent = child_->write(encode_provider_request(method, params) + "\n", deadline);
    auto line = sent.ok() ? next_reply(deadline, patience) : Result<std::string>(sent.error());
    if (!line.ok()) return give_up(method, line.error(), deadline, patience);
    bool is_reply = false;
    auto reply = parse_provider_reply(line.value(), is_reply);
    if (!is_reply) return give_up(method, reply.error(), deadline, patience);
    if (reply.ok()) return reply;
    const Error& refusal = reply.error();
    return Error(refusal.code(),
                 options_.name + ", " + std::string(method) + ": " + refusal.what());
  }

  // The next line that is no sign of life.
  Result<std::string> next_reply(Deadline deadline, const Patience& patience) {
    while (true) {
      Deadline silent = deadline;
      if (patience.silence < patience.all)
        silent = Deadline(std::min(deadline.at(), system_clock().now() + patience.silence));
      auto line = child_->read_line(kProviderMessageBytesMax, silent);
      if (!line.ok() || !beats_ || line.value() != kProviderBeat) return line;
    }
  }

  // Kills the program. It may be inside a system call that ends late, so nobody waits for it here;
  // but no successor starts before its end.
  Error give_up(std::string_view method, const Error& error, Deadline deadline,
                const Patience& patience) {
    ProgramEnd end;
    if (error.code() == Errc::disconnected) {
      end = obituary("in " + std::string(method));
      tell(ProgramProviderEvent::died, EventLevel::error, end.why);
    } else if (error.code() == Errc::timed_out) {
      const bool silent = !deadline.passed(system_clock().now());
      end.why = silent ? "it gave no sign of life for " + std::to_string(patience.silence.count()) +
                             " ms in " + std::string(method) + " and was killed"
                       : "it did not answer " + std::string(method) + " within " +
                             std::to_string(patience.all.count()) + " ms and was killed";
      tell(ProgramProviderEvent::overran, EventLevel::error, end.why);
    } else {
      end.why = std::string(method) + ": " + error.what();
    }
    child_->kill_group();
    dying_ = std::move(child_);
    orphan_all();
    if (options_.ended) options_.ended(end);
    return {Errc::provider_failed, options_.name + ": " + end.why};
  }

  ProgramEnd obituary(const std::string& when) {
    auto ended = child_->wait(Deadline(system_clock().now() + kExitWait));
    const std::string said = child_->complaints();
    ProgramEnd end;
    if (ended.ok()) end.status = ended.value();
    end.why = "it ended " + when + " with " +
              (ended.ok() ? to_string(ended.value()) : std::string("its output closed")) +
              (said.empty() ? "" : ": " + said);
    return end;
  }

  void tell(ProgramProviderEvent id, EventLevel level, const std::string& message) {
    if (options_.events == nullptr) return;
    EventRecord event;
    event.id = static_cast<int>(id);
    event.source = "provider." + (info_.name.empty() ? options_.name : info_.name);
    event.level = level;
    event.message = options_.name + ": " + message;
    event.when = system_clock().wall_now();
    options_.events->emit(event);
  }

  ProgramProviderOptions options_;
  ProviderInfo info_;  // constant once connect() has returned
  mutable std::mutex mutex_;
  std::unique_ptr<ChildProcess> child_;
  bool beats_ = false;                                  // it promised signs of life
  std::unique_ptr<ChildProcess> dying_;                 // killed, not yet seen to end
  std::map<SetId, std::vector<SnapshotId>> under_way_;  // from begin_prepare to post_final or abort
  std::set<SetId> orphans_;                             // begun by a program that is dead
};

}  // namespace

Result<std::unique_ptr<ProgramProvider>> ProgramProvider::start(ProgramProviderOptions options) {
  auto program = std::make_unique<Program>(std::move(options));
  if (Status s = program->connect(); !s.ok()) return s.error();
  return std::unique_ptr<ProgramProvider>(std::move(program));
}

}  // namespace stillframe
