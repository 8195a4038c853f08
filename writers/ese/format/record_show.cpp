#include "writers/ese/format/record_show.hpp"

#include <array>
#include <cstdio>
#include <tuple>
#include <type_traits>

#include "framework/base/check.hpp"
#include "writers/ese/format/log_ranges.hpp"
#include "writers/ese/format/record_database.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_transaction.hpp"
#include "writers/ese/format/record_tree.hpp"

namespace stillframe::ese {

namespace {

using Layouts = std::tuple<
    BareRecord, InitRecord, InitRecord2, QuitRecord, QuitRecord2, RecoveryUndoRecord2, LevelRecord,
    LevelRecord0, RefreshRecord, MacroRecord, PrepareCommitRecord, SessionRecord, JetOpRecord,
    NoteRecord, OldBackupRecord, MultiSectorRecord, ExtensibleRecord, FragmentBeginRecord,
    FragmentRecord, CreateDbRecord, AttachDbRecord, DetachDbRecord, CreateDbFinishRecord,
    ShrinkDbRecord, ShrinkDbRecord3, TrimDbRecord, SetDbVersionRecord, SignalAttachDbRecord,
    ScanCheckRecord2, ExtentFreedRecord, ExtentFreedRecord2, BackupRecord2, InsertRecord,
    FlagInsertRecord, FlagInsertAndReplaceRecord, LineRecord, ReplaceRecord, ReplaceDiffRecord,
    UndoInfoRecord, DeltaRecord, DeltaRecord64, ExternalHeaderRecord, UndoRecord, EmptyTreeRecord,
    ScrubRecord, CreateMultipleExtentFdpRecord, CreateSingleExtentFdpRecord, ConvertFdpRecord,
    ConvertFdpRecord2, NewPageRecord, RootPageMoveRecord, SplitRecord, SplitRecord2, MergeRecord,
    MergeRecord2, PageMoveRecord, ChecksumRecord, PagePatchRequestRecord>;

// Hands the fields on; structures that only group fields vanish.
class Shower {
 public:
  explicit Shower(const FieldSink& sink) : sink_(sink) {}

  template <class T>
  void operator()(std::size_t, std::string_view name, const T& value) const {
    if constexpr (std::is_same_v<T, RecordType>) {
      return;  // the reader of the fields knows it
    } else if constexpr (std::is_same_v<T, Lgpos> || std::is_same_v<T, LogTime> ||
                         std::is_same_v<T, Signature>) {
      sink_(name, to_text(value));
    } else if constexpr (Described<T>) {
      T::fields(value, *this);
    } else if constexpr (kIsArray<T>) {
      show_array(name, value);
    } else if constexpr (std::is_enum_v<T>) {
      (*this)(0, name, static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_signed_v<T>) {
      sink_(name, std::int64_t{value});
    } else {
      sink_(name, std::uint64_t{value});
    }
  }

 private:
  template <class T, std::size_t N>
  void show_array(std::string_view name, const std::array<T, N>& values) const {
    if constexpr (std::is_same_v<T, char>) {
      const std::string_view all(values.data(), N);
      sink_(name, std::string(all.substr(0, all.find('\0'))));
    } else {
      static_assert(sizeof(T) == 1);
      sink_(name, std::as_bytes(std::span(values)));
    }
  }

  const FieldSink& sink_;
};

template <class Body>
bool show_body(Bytes body, const FieldSink& sink) {
  if (body.size() < Body::kBytes) return false;
  const Body fields = decode<Body>(body);
  Body::fields(fields, Shower(sink));
  return true;
}

bool show_known_body(RecordType type, Bytes body, const FieldSink& sink) {
  if (type == RecordType::extend_db) return show_body<ExtendDbBody>(body, sink);
  if (type == RecordType::reattach) return show_body<ReattachBody>(body, sink);
  return type == RecordType::free_fdp && show_body<FreeFdpBody>(body, sink);
}

template <class R>
void show_as(Bytes bytes, const FieldSink& sink) {
  const auto record = decode_record<R>(bytes);
  R::fields(record.fixed, Shower(sink));
  if constexpr (HasParts<R>) {
    std::size_t i = 0;
    R::parts(record.fixed, [&](std::string_view name, const auto&) {
      const Bytes part = record.parts[i++];
      if (!std::is_same_v<R, ExtensibleRecord> || !show_known_body(record.fixed.type, part, sink)) {
        sink(name, part);
      }
    });
  }
}

using ShowFunction = void (*)(Bytes, const FieldSink&);

template <class R>
constexpr void enter(std::array<ShowFunction, 256>& table) {
  for (const RecordType type : R::kTypes) table[static_cast<std::size_t>(type)] = show_as<R>;
}

constexpr auto kShow = []<class... R>(std::tuple<R...>*) {
  std::array<ShowFunction, 256> table{};
  (enter<R>(table), ...);
  return table;
}(static_cast<Layouts*>(nullptr));

}  // namespace

void show_record(Bytes bytes, const FieldSink& sink) {
  if (measure_record(bytes).read != RecordRead::whole) return;
  const ShowFunction show = kShow[std::to_integer<std::size_t>(bytes[0])];
  STILLFRAME_CHECK(show != nullptr, "a record's type has a row but no layout");
  show(bytes, sink);
}

std::string to_text(const LogTime& t) {
  if (!t.set()) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d.%03d%s",
                t.years_since_1900 + 1900, t.month, t.day, t.hours, t.minutes, t.seconds,
                t.milliseconds(), t.utc() ? "Z" : "");
  return text;
}

std::string to_text(const Signature& signature) {
  if (!signature.set()) return "-";
  char text[16];
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(signature.random));
  return std::string(text) + "@" + to_text(signature.created);
}

}  // namespace stillframe::ese
