#include "framework/model/enum_names.hpp"
#include "tests/model/sample_documents.hpp"

namespace stillframe::tests {
namespace {

// Random values by type, so that a document is filled member by member.
class Dice {
 public:
  explicit Dice(std::mt19937& random) : random_(random) {}

  std::uint64_t below(std::uint64_t n) {
    return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random_);
  }
  bool flip() { return below(2) == 0; }

  std::uint64_t number() { return flip() ? below(100) : below(UINT64_MAX); }
  std::int64_t signed_number() { return static_cast<std::int64_t>(number()) * (flip() ? 1 : -1); }

  // Any bytes but NUL.
  std::string bytes() {
    std::string out(below(3) == 0 ? 0 : below(24), '\0');
    for (char& c : out) c = static_cast<char>(flip() ? 'a' + below(26) : 1 + below(255));
    return out;
  }
  BytePath path() { return "/" + bytes(); }
  // Valid UTF-8 without NUL.
  std::string text() {
    static const char* const pieces[] = {"a", "\"",       "\\",           "\n",
                                         "/", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x97\x83",
                                         " ", "\x7f",     "\x01"};
    std::string out;
    for (std::uint64_t n = below(8); n > 0; --n) out += pieces[below(std::size(pieces))];
    return out;
  }
  template <class T>
  T id() {
    return below(4) == 0 ? T() : T::generate();
  }
  template <class E>
  E one_of() {
    const auto names = enum_names(E{});
    return names[below(names.size())].value;
  }
  WallTime wall() { return WallTime(Duration(signed_number() / 4)); }
  BootTime boot() { return BootTime(Duration(signed_number() / 4)); }

  template <class Make>
  auto list(Make make) {
    std::vector<decltype(make())> out(below(4));
    for (auto& element : out) element = make();
    return out;
  }
  template <class Make>
  auto maybe(Make make) {
    std::optional<decltype(make())> out;
    if (flip()) out = make();
    return out;
  }

  UnknownFields unknown() {
    static const char* const values[] = {
        "1", "null", "\"x\"", "[1,[2,{}]]", "{\"q\":-5}", "1.25", "18446744073709551615"};
    UnknownFields out;
    for (std::uint64_t n = below(3); n > 0; --n) {
      out["new_" + std::to_string(below(9))] = values[below(std::size(values))];
    }
    return out;
  }

  ComponentName name() {
    return {flip() ? "" : "P" + std::to_string(below(5)), "c" + std::to_string(number())};
  }
  ByteRange range() { return {number(), number()}; }
  AlternateMapping mapping() { return {path(), bytes(), flip(), path(), unknown()}; }
  ExcludedFiles excluded() { return {path(), bytes(), flip(), unknown()}; }
  WriterIdentity identity() {
    WriterIdentity v;
    v.class_id = id<WriterClassId>();
    v.name = text();
    v.instance_name = text();
    v.version = {static_cast<std::uint32_t>(number()), static_cast<std::uint32_t>(number())};
    v.usage = one_of<UsageType>();
    v.source = one_of<SourceType>();
    v.level = one_of<FreezeLevel>();
    v.capabilities.bits = static_cast<std::uint32_t>(number());
    v.hold_limit = maybe([&] { return std::chrono::milliseconds(below(1'000'000)); });
    return v;
  }
  WriterProcess process() { return {signed_number(), signed_number(), bytes(), text(), text()}; }
  FileSet file_set() {
    return {path(),
            bytes(),
            flip(),
            maybe([&] { return path(); }),
            {static_cast<std::uint32_t>(number())},
            flip(),
            unknown()};
  }
  Component component() {
    Component v;
    v.type = one_of<ComponentType>();
    v.name = name();
    v.caption = text();
    v.icon = list([&] { return static_cast<std::uint8_t>(below(256)); });
    v.selectable_for_backup = flip();
    v.selectable_for_restore = flip();
    v.backup_recovery = flip();
    v.rollback_recovery = flip();
    v.not_system_state = flip();
    v.files = list([&] { return file_set(); });
    v.dependencies = list([&] {
      return Dependency{id<WriterClassId>(), name(), text(), unknown()};
    });
    v.unknown = unknown();
    return v;
  }
  HoldStatement hold() {
    return {boot(), boot(), flip(), flip(), Duration(signed_number() / 4), text()};
  }
  std::vector<PhaseTime> timeline() {
    return list([&] { return PhaseTime{text(), text(), boot(), boot(), text(), text()}; });
  }
  ComponentRestore restore() {
    ComponentRestore v;
    v.selected = flip();
    v.subcomponents = list([&] { return name(); });
    v.target_instance = id<WriterInstanceId>();
    v.options = bytes();
    v.new_targets = list([&] { return NewTarget{path(), bytes(), flip(), path(), unknown()}; });
    v.additional_restores = flip();
    v.roll_forward = maybe([&] { return one_of<RollForward>(); });
    v.roll_forward_point = bytes();
    v.restore_name = text();
    v.authoritative = flip();
    v.target = one_of<RestoreTarget>();
    v.directed_targets = list([&] {
      return DirectedTarget{path(),   bytes(), list([&] { return range(); }),
                            path(),   bytes(), list([&] { return range(); }),
                            unknown()};
    });
    v.metadata = bytes();
    v.status = one_of<FileRestoreStatus>();
    v.mappings_used = list([&] { return mapping(); });
    v.moved_ranges_files = list([&] { return std::pair<BytePath, BytePath>(path(), path()); });
    v.unknown = unknown();
    return v;
  }
  BackupComponent backup_component() {
    BackupComponent v;
    v.writer_class = id<WriterClassId>();
    v.writer_instance = id<WriterInstanceId>();
    v.instance_name = text();
    v.type = one_of<ComponentType>();
    v.name = name();
    v.policy = one_of<ConsistencyPolicy>();
    v.options = bytes();
    v.base = maybe([&] { return ChainBase{id<BackupId>(), bytes(), text()}; });
    v.stamp = bytes();
    v.metadata = bytes();
    v.partial_files = list([&] {
      return PartialFile{path(),  bytes(), list([&] { return range(); }),
                         bytes(), bytes(), unknown()};
    });
    v.differenced_files = list([&] {
      return DifferencedFiles{path(), bytes(), flip(), maybe([&] { return wall(); }), unknown()};
    });
    v.failures = list([&] {
      return ComponentFailure{static_cast<int>(below(100)), static_cast<int>(below(100)) - 50,
                              text(), text()};
    });
    v.succeeded = flip();
    v.restore = maybe([&] { return restore(); });
    v.unknown = unknown();
    return v;
  }

 private:
  std::mt19937& random_;
};

// Names are unique in a document: two equal ones would be refused, rightly.
template <class T>
void make_names_differ(std::vector<T>& components) {
  for (std::size_t i = 0; i < components.size(); ++i) {
    components[i].name.name += "#" + std::to_string(i);
  }
}

}  // namespace

WriterMetadata random_writer_metadata(std::mt19937& random) {
  Dice dice(random);
  WriterMetadata v;
  v.identity = dice.identity();
  v.instance = dice.id<WriterInstanceId>();
  v.process = dice.process();
  v.restore = {dice.one_of<RestoreMethod>(), dice.text(), dice.text(),
               dice.one_of<RestoreEvents>(), dice.flip(), dice.unknown()};
  v.schema.bits = static_cast<std::uint32_t>(dice.number());
  v.components = dice.list([&] { return dice.component(); });
  make_names_differ(v.components);
  v.exclude = dice.list([&] { return dice.excluded(); });
  v.exclude_from_snapshot = dice.list([&] { return dice.excluded(); });
  v.alternate_mappings = dice.list([&] { return dice.mapping(); });
  v.unknown = dice.unknown();
  return v;
}

BackupDocument random_backup_document(std::mt19937& random) {
  Dice dice(random);
  BackupDocument v;
  v.session = dice.id<SessionId>();
  v.backup = dice.id<BackupId>();
  v.set = dice.id<SetId>();
  v.type = dice.one_of<BackupType>();
  v.component_mode = dice.flip();
  v.bootable_system_state = dice.flip();
  v.partial_file_support = dice.flip();
  v.restore_mode = dice.flip();
  v.chain_owner = dice.text();
  v.components = dice.list([&] { return dice.backup_component(); });
  make_names_differ(v.components);
  v.unknown = dice.unknown();
  return v;
}

Evidence random_evidence(std::mt19937& random) {
  Dice dice(random);
  Evidence v;
  v.session = dice.id<SessionId>();
  v.set = dice.id<SetId>();
  v.host = dice.text();
  v.created = dice.wall();
  v.label = dice.one_of<Consistency>();
  v.reason = dice.text();
  v.components = dice.list([&] {
    return ComponentEvidence{dice.id<WriterClassId>(),
                             dice.text(),
                             dice.name(),
                             dice.one_of<Consistency>(),
                             dice.text(),
                             dice.maybe([&] { return dice.hold(); }),
                             dice.list([&] { return dice.id<SnapshotId>(); }),
                             dice.list([&] {
                               return ComponentFailure{static_cast<int>(dice.below(100)),
                                                       static_cast<int>(dice.below(100)),
                                                       dice.text(), dice.text()};
                             }),
                             dice.unknown()};
  });
  v.snapshots = dice.list([&] {
    return SnapshotEvidence{dice.id<SnapshotId>(),
                            dice.id<ProviderId>(),
                            dice.text(),
                            dice.one_of<Atomicity>(),
                            dice.path(),
                            dice.maybe([&] {
                              return CutRecord{
                                  dice.id<SnapshotId>(), dice.boot(), dice.boot(), dice.list([&] {
                                    return CutPart{dice.path(), dice.boot(), dice.boot()};
                                  })};
                            }),
                            dice.unknown()};
  });
  v.failed_writers = dice.list([&] {
    return FailedWriter{dice.identity(),
                        dice.process(),
                        dice.text(),
                        static_cast<int>(dice.below(100)),
                        static_cast<int>(dice.below(100)),
                        dice.text()};
  });
  v.timeline = dice.timeline();
  v.outcome = dice.text();
  v.unknown = dice.unknown();
  return v;
}

Receipt random_receipt(std::mt19937& random) {
  Dice dice(random);
  std::string digest(64, '0');
  for (char& c : digest) c = "0123456789abcdef"[dice.below(16)];
  return {dice.id<BackupId>(), dice.id<SessionId>(), dice.id<SetId>(), digest,
          dice.wall(),         dice.unknown()};
}

RestoreReport random_restore_report(std::mt19937& random) {
  Dice dice(random);
  RestoreReport v;
  v.session = dice.id<SessionId>();
  v.backup = dice.id<BackupId>();
  v.finished = dice.wall();
  v.outcome = dice.text();
  v.components = dice.list([&] {
    return RestoredComponent{dice.id<WriterClassId>(),
                             dice.text(),
                             dice.name(),
                             dice.one_of<FileRestoreStatus>(),
                             dice.number(),
                             dice.number(),
                             dice.text()};
  });
  v.timeline = dice.timeline();
  v.unknown = dice.unknown();
  return v;
}

}  // namespace stillframe::tests
