#include "framework/daemon/observe/metrics.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <sstream>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "framework/coordinator/event_ids.hpp"

namespace stillframe::daemon {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;

// Plug-ins' names come from a configuration, yet a metric must not grow without bound.
constexpr std::size_t kPluginsMax = 64;
constexpr int kPluginEventsFirst = 2230, kPluginEventsLast = 2249;

// From a hold nobody notices to the limits of a hold and a commit.
const Histogram::BucketBoundaries& seconds_buckets() {
  static const Histogram::BucketBoundaries buckets{
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
  return buckets;
}

std::string field(const EventRecord& event, const char* name) {
  const auto found = event.fields.find(name);
  return found == event.fields.end() ? std::string() : found->second;
}

Histogram& histogram(Registry& registry, const char* name, const char* help) {
  return BuildHistogram().Name(name).Help(help).Register(registry).Add({}, seconds_buckets());
}

Gauge& gauge(Registry& registry, const char* name, const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

void observe_milliseconds(Histogram& histogram, const EventRecord& event, const char* name) {
  const std::string text = field(event, name);
  if (!text.empty()) histogram.Observe(std::strtod(text.c_str(), nullptr) / 1000);
}

}  // namespace

struct Metrics::Families {
  explicit Families(const std::string& version);

  void count(const EventRecord& event);
  void session_begun(const EventRecord& event);
  void session_ended(const EventRecord& event);
  void hold_ended(const EventRecord& event);
  void plugin_event(const EventRecord& event);

  Registry registry;
  Histogram& hold;
  Histogram& commit;
  Histogram& stall;
  Gauge& in_quiesce;
  Gauge& writers;
  Counter& broken_holds;
  Family<Counter>& sessions;
  Family<Gauge>& under_way;
  Family<Counter>& failures;
  Family<Counter>& writer_failures;
  Family<Counter>& sets;
  Family<Counter>& plugins;
  Family<Counter>& events;

  std::mutex mutex;  // of what follows
  std::set<std::string> holding, registered, known_plugins;
  std::map<std::string, std::string> sessions_begun;  // kind by id
};

Metrics::Families::Families(const std::string& version)
    : hold(histogram(registry, "stillframe_hold_seconds",
                     "From the first freeze asked to the last thaw answered, by set")),
      commit(histogram(registry, "stillframe_commit_seconds",
                       "From the providers' pre-commit to the end of their post-commit, by set")),
      stall(histogram(registry, "stillframe_stall_seconds",
                      "Longest wait of a write that a writer saw, by hold in which one waited")),
      in_quiesce(gauge(registry, "stillframe_in_quiesce", "1 while a session holds writers")),
      writers(gauge(registry, "stillframe_writers_registered", "Writers that are connected")),
      broken_holds(BuildCounter()
                       .Name("stillframe_holds_broken_total")
                       .Help("Holds that a writer broke or did not answer the end of")
                       .Register(registry)
                       .Add({})),
      sessions(BuildCounter()
                   .Name("stillframe_sessions_total")
                   .Help("Sessions that ended")
                   .Register(registry)),
      under_way(BuildGauge()
                    .Name("stillframe_sessions_under_way")
                    .Help("Sessions that began and have not ended")
                    .Register(registry)),
      failures(BuildCounter()
                   .Name("stillframe_failures_total")
                   .Help("Sessions that failed, by the first failure's class")
                   .Register(registry)),
      writer_failures(BuildCounter()
                          .Name("stillframe_writer_failures_total")
                          .Help("Failed calls of writers, by class")
                          .Register(registry)),
      sets(BuildCounter()
               .Name("stillframe_sets_total")
               .Help("Sets that were made, by their label")
               .Register(registry)),
      plugins(BuildCounter()
                  .Name("stillframe_plugin_events_total")
                  .Help("Crashes, restarts and quarantines of plug-ins, by event id")
                  .Register(registry)),
      events(BuildCounter()
                 .Name("stillframe_events_total")
                 .Help("Events, by level")
                 .Register(registry)) {
  BuildGauge()
      .Name("stillframe_build_info")
      .Help("Always 1")
      .Register(registry)
      .Add({{"version", version}})
      .Set(1);
  for (const EventLevel level : {EventLevel::info, EventLevel::warning, EventLevel::error})
    events.Add({{"level", std::string(to_string(level))}});
  for (const char* kind : {"backup", "restore"}) under_way.Add({{"kind", kind}});
}

void Metrics::Families::count(const EventRecord& event) {
  events.Add({{"level", std::string(to_string(event.level))}}).Increment();
  switch (event.id) {
    case coordinator::kEventSessionBegun:
      return session_begun(event);
    case coordinator::kEventSessionEnded:
      return session_ended(event);
    case coordinator::kEventHoldBegun:
      holding.insert(field(event, "session"));
      return in_quiesce.Set(1);
    case coordinator::kEventHoldEnded:
      return hold_ended(event);
    case coordinator::kEventCommitEnded:
      return observe_milliseconds(commit, event, "commit_ms");
    case coordinator::kEventSetMade:
      return sets.Add({{"label", field(event, "label")}}).Increment();
    case coordinator::kEventSetFailed:
      return failures.Add({{"class", field(event, "failure")}, {"kind", field(event, "kind")}})
          .Increment();
    case coordinator::kEventWriterFailed:
      return writer_failures.Add({{"class", field(event, "failure")}}).Increment();
    case coordinator::kEventWriterRegistered:
      registered.insert(field(event, "instance"));
      return writers.Set(static_cast<double>(registered.size()));
    case coordinator::kEventWriterLeft:
      registered.erase(field(event, "instance"));
      return writers.Set(static_cast<double>(registered.size()));
    default:  // ids of every source, most of which are of no number here
      if (event.id >= kPluginEventsFirst && event.id <= kPluginEventsLast) plugin_event(event);
  }
}

void Metrics::Families::session_begun(const EventRecord& event) {
  const std::string kind = field(event, "kind");
  if (!sessions_begun.emplace(field(event, "session"), kind).second) return;
  under_way.Add({{"kind", kind}}).Increment();
}

void Metrics::Families::session_ended(const EventRecord& event) {
  const std::string kind = field(event, "kind");
  sessions.Add({{"kind", kind}, {"outcome", field(event, "outcome")}}).Increment();
  if (sessions_begun.erase(field(event, "session")) != 0)
    under_way.Add({{"kind", kind}}).Decrement();
  holding.erase(field(event, "session"));
  in_quiesce.Set(holding.empty() ? 0 : 1);
}

void Metrics::Families::hold_ended(const EventRecord& event) {
  holding.erase(field(event, "session"));
  in_quiesce.Set(holding.empty() ? 0 : 1);
  observe_milliseconds(hold, event, "hold_ms");
  observe_milliseconds(stall, event, "stall_ms");
  if (event.level != EventLevel::info) broken_holds.Increment();
}

void Metrics::Families::plugin_event(const EventRecord& event) {
  std::string name = field(event, "plugin");
  if (known_plugins.size() >= kPluginsMax && known_plugins.count(name) == 0) name = "others";
  known_plugins.insert(name);
  plugins.Add({{"plugin", name}, {"event_id", std::to_string(event.id)}}).Increment();
}

Metrics::Metrics(const std::string& version) : families_(std::make_unique<Families>(version)) {}
Metrics::~Metrics() = default;

void Metrics::emit(const EventRecord& event) {
  const std::lock_guard lock(families_->mutex);
  families_->count(event);
}

std::string Metrics::text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_->registry.Collect());
  return out.str();
}

}  // namespace stillframe::daemon
