#include "requestor/cli/timeline.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "framework/model/enum_names.hpp"

namespace stillframe::cli {
namespace {

constexpr std::size_t kCells = 48;

struct Span {
  std::string name;
  BootTime begun, ended;
  std::string note;
};

double ms(Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

std::string bar(const Span& span, BootTime from, BootTime to) {
  const double whole = static_cast<double>(std::max<std::int64_t>(1, (to - from).count()));
  const auto cell = [&](BootTime at) {
    const double share = static_cast<double>((at - from).count()) / whole;
    return static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * (kCells - 1));
  };
  std::string line(kCells, ' ');
  for (std::size_t i = cell(span.begun); i <= cell(span.ended); ++i) line[i] = '#';
  return line;
}

void draw(const std::vector<Span>& spans, std::vector<std::string>& lines) {
  if (spans.empty()) return;
  BootTime from = spans.front().begun, to = spans.front().ended;
  std::size_t widest = 0;
  for (const Span& span : spans) {
    from = std::min(from, span.begun);
    to = std::max(to, span.ended);
    widest = std::max(widest, span.name.size());
  }
  for (const Span& span : spans) {
    lines.push_back(fmt::format("  {:<{}} |{}| {:>9.3f} + {:>8.3f} ms{}{}", span.name, widest,
                                bar(span, from, to), ms(span.begun - from),
                                ms(span.ended - span.begun), span.note.empty() ? "" : "  ",
                                span.note));
  }
}

std::vector<Span> hold_spans(const Evidence& evidence) {
  std::vector<Span> spans;
  for (const ComponentEvidence& component : evidence.components) {
    if (!component.hold) continue;
    const HoldStatement& hold = *component.hold;
    spans.push_back({"hold " + component.instance_name + ":" + component.name.full(),
                     hold.held_from, hold.held_until,
                     hold.unbroken ? (hold.asserted_only ? "asserted" : "unbroken")
                                   : "BROKEN: " + hold.broken_because});
  }
  for (const SnapshotEvidence& snapshot : evidence.snapshots) {
    if (!snapshot.cut) continue;
    spans.push_back({"cut " + escape_path(snapshot.volume), snapshot.cut->begun,
                     snapshot.cut->ended, snapshot.provider_name});
  }
  return spans;
}

}  // namespace

std::vector<std::string> consistency_lines(const Evidence& evidence) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("set: {} - {}", enum_name(evidence.label), evidence.reason));
  for (const ComponentEvidence& component : evidence.components) {
    lines.push_back(fmt::format("  {}:{}: {} - {}", component.instance_name, component.name.full(),
                                enum_name(component.label), component.reason));
  }
  for (const FailedWriter& writer : evidence.failed_writers) {
    lines.push_back(fmt::format("  writer {} failed in {}: {}", writer.identity.instance_name,
                                writer.phase, writer.message));
  }
  return lines;
}

std::vector<std::string> timeline_lines(const Evidence& evidence) {
  std::vector<std::string> lines{"session " + evidence.session.to_string() + ":"};
  std::vector<Span> phases;
  for (const PhaseTime& phase : evidence.timeline) {
    phases.push_back({phase.who.empty() ? phase.phase : phase.phase + " " + phase.who, phase.begun,
                      phase.ended, phase.result == "ok" ? "" : phase.result});
  }
  draw(phases, lines);
  const auto holds = hold_spans(evidence);
  if (holds.empty()) return lines;
  lines.push_back(fmt::format("hold, {:.3f} ms:", ms(hold_length(evidence))));
  draw(holds, lines);
  return lines;
}

Duration hold_length(const Evidence& evidence) {
  BootTime from{Duration(std::numeric_limits<std::int64_t>::max())}, to{};
  for (const ComponentEvidence& component : evidence.components) {
    if (!component.hold) continue;
    from = std::min(from, component.hold->held_from);
    to = std::max(to, component.hold->held_until);
  }
  return to > from ? to - from : Duration(0);
}

std::vector<std::pair<std::string, std::string>> snapshot_environment(
    const SnapshotSetResult& set) {
  std::vector<std::pair<std::string, std::string>> variables;
  variables.emplace_back("STILLFRAME_SET", set.set.to_string());
  variables.emplace_back("STILLFRAME_SNAPSHOTS", std::to_string(set.snapshots.size()));
  std::size_t number = 0;
  for (const SnapshotInfo& snapshot : set.snapshots) {
    const std::string prefix = "STILLFRAME_SNAPSHOT_" + std::to_string(++number);
    variables.emplace_back(prefix + "_ID", snapshot.snapshot.to_string());
    variables.emplace_back(prefix + "_ROOT", snapshot.root);
    variables.emplace_back(prefix + "_VOLUME", snapshot.volume.mount_point);
  }
  return variables;
}

}  // namespace stillframe::cli
