#include "tests/ese/support/replay.hpp"

#include <utility>

#include "writers/ese/engine/page_apply.hpp"
#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/record_transaction.hpp"
#include "writers/ese/format/record_types.hpp"

namespace stillframe::ese::tests {

namespace {

struct KeptRecord {
  std::vector<std::byte> bytes;
  Lgpos at;
};

class Replay {
 public:
  explicit Replay(std::size_t page_bytes) : page_bytes_(page_bytes) {}

  Status take(const LogRecord& record) {
    const RecordType type = record.type();
    if (type == RecordType::macro_begin) {
      macros_[name_of(record.bytes)] = {};
      return Ok{};
    }
    if (type == RecordType::macro_commit) {
      const auto macro = macros_.extract(name_of(record.bytes));
      return apply(macro.mapped());
    }
    const RecordKind* kind = record_kind(type);
    if (kind == nullptr || kind->record_class != RecordClass::page) return Ok{};
    const auto header = decode<PageRecordHeader>(record.bytes);
    KeptRecord kept{{record.bytes.begin(), record.bytes.end()}, record.at};
    const auto macro = macros_.find({header.procid, header.dbtime});
    if (macro == macros_.end()) return apply({std::move(kept)});
    macro->second.push_back(std::move(kept));
    return Ok{};
  }

  ReplayedPages pages;

 private:
  using MacroName = std::pair<Procid, Dbtime>;

  static MacroName name_of(Bytes record) {
    const auto mark = decode<MacroRecord>(record);
    return {mark.procid, mark.dbtime};
  }

  Status apply(const std::vector<KeptRecord>& records) {
    std::vector<LoggedRecord> logged;
    for (const KeptRecord& record : records) logged.push_back({record.bytes, record.at});
    const auto touched = touched_pages(logged);
    if (!touched.ok()) return touched.error();
    std::vector<HeldPage> held;
    for (const TouchedPage& page : touched.value()) {
      std::vector<std::byte>& bytes = pages[page.pgno];
      bytes.resize(page_bytes_);
      held.push_back({page.pgno, bytes, true});
    }
    return apply_change(logged, held, {});
  }

  const std::size_t page_bytes_;
  std::map<MacroName, std::vector<KeptRecord>> macros_;
};

}  // namespace

Result<ReplayedPages> replay_log(Files& files, const LogDirectoryOptions& options,
                                 std::size_t page_bytes) {
  const LogDirectory directory(files, options);
  const auto chain = directory.chain();
  if (!chain.ok()) return chain.error();
  const auto open = [&](Generation generation, bool last) {
    return directory.read(chain.value(), generation, last);
  };
  LogReader reader(open, Generation{1}, chain.value().newest());
  Replay replay(page_bytes);
  for (;;) {
    const auto record = reader.next();
    if (!record.ok()) return record.error();
    if (!record.value()) return std::move(replay.pages);
    if (Status s = replay.take(*record.value()); !s.ok()) return s.error();
  }
}

}  // namespace stillframe::ese::tests
