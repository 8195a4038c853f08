#include "writers/ese/recovery/redo_versions.hpp"

#include <string>
#include <utility>

#include "writers/ese/format/compression.hpp"
#include "writers/ese/format/page.hpp"
#include "writers/ese/format/record_image.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_parts.hpp"
#include "writers/ese/format/record_tree.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint8_t kOpenedAtMask = 0xF;

RecordType type_of(const LoggedRecord& record) {
  return static_cast<RecordType>(record.bytes[0]);
}

std::vector<std::byte> copy_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

class Maker {
 public:
  Maker(const NodeChange& change, Bytes page)
      : change_(change),
        page_(page),
        header_(decode<NodeRecordHeader>(change.record.bytes)),
        unique_((header_.page.flags & PageRecordHeader::kUnique) != 0) {}

  std::vector<RedoVersion> make() {
    switch (type_of(change_.record)) {
      case RecordType::insert: {
        const auto record = decode_record<InsertRecord>(change_.record.bytes);
        std::vector<std::byte> key = copy_of(record.parts[0]);
        key.insert(key.end(), record.parts[1].begin(), record.parts[1].end());
        named(VersionOper::insert, key, record.parts[2]);
        break;
      }
      case RecordType::flag_insert: {
        const auto record = decode_record<FlagInsertRecord>(change_.record.bytes);
        named(VersionOper::insert, copy_of(record.parts[0]), record.parts[1]);
        break;
      }
      case RecordType::flag_insert_and_replace: {
        // Undone newest first: the dead node gets its old data back, and then is dead again.
        const auto record = decode_record<FlagInsertAndReplaceRecord>(change_.record.bytes);
        named(VersionOper::insert, copy_of(record.parts[0]), record.parts[1]);
        from_page(VersionOper::replace).rceid = record.fixed.rceid_replace;
        break;
      }
      case RecordType::replace:
      case RecordType::replace_diff:
        from_page(VersionOper::replace);
        break;
      case RecordType::flag_delete:
        from_page(VersionOper::flag_delete);
        break;
      case RecordType::delta: {
        const auto record = decode_record<DeltaRecord>(change_.record.bytes);
        delta(copy_of(record.parts[0]), record.parts[1], record.fixed.delta, record.fixed.offset,
              sizeof(std::int32_t));
        break;
      }
      case RecordType::delta64: {
        const auto record = decode_record<DeltaRecord64>(change_.record.bytes);
        delta(copy_of(record.parts[0]), record.parts[1], record.fixed.delta, record.fixed.offset,
              sizeof(std::int64_t));
        break;
      }
      default:  // no other is taken back by transactions
        break;
    }
    return std::move(versions_);
  }

 private:
  RedoVersion& add(VersionOper oper) {
    RedoVersion version;
    version.rceid = header_.rceid;
    version.fdp = header_.fdp;
    version.objid = header_.objid;
    version.level = header_.page.level & kOpenedAtMask;
    version.trx = header_.page.trx;
    version.unique = unique_;
    version.change.oper = oper;
    version.at = change_.record.at;
    versions_.push_back(std::move(version));
    return versions_.back();
  }

  // The record has the whole name of the node.
  RedoVersion& named(VersionOper oper, std::vector<std::byte> key, Bytes data) {
    RedoVersion& version = add(oper);
    version.key = std::move(key);
    if (!unique_) version.bookmark_data = copy_of(data);
    return version;
  }

  // The page has it, and what the node was before.
  RedoVersion& from_page(VersionOper oper) {
    RedoVersion& version = add(oper);
    version.deferred = page_.empty() || change_.line >= PageView(page_).lines();
    if (version.deferred) return version;
    const NodeView node = PageView(page_).node(change_.line);
    version.key.resize(node.key.size());
    node.key.copy_to(version.key.data());
    if (PageView(page_).has(kPageNonUnique)) version.bookmark_data = copy_of(node.data);
    if (oper == VersionOper::replace) version.change.old_data = copy_of(node.data);
    return version;
  }

  void delta(std::vector<std::byte> key, Bytes data, std::int64_t by, std::uint16_t offset,
             std::uint8_t width) {
    RedoVersion& version = named(VersionOper::delta, std::move(key), data);
    version.change.delta = by;
    version.change.offset = offset;
    version.change.width = width;
  }

  const NodeChange& change_;
  const Bytes page_;
  const NodeRecordHeader header_;
  const bool unique_;
  std::vector<RedoVersion> versions_;
};

}  // namespace

bool is_node_record(RecordType type) {
  const auto in = [type](RecordType first, RecordType last) {
    return type >= first && type <= last;
  };
  return in(RecordType::insert, RecordType::undo) || type == RecordType::empty_tree ||
         type == RecordType::scrub || type == RecordType::delta64;
}

std::vector<NodeChange> versioned_changes(ChangeRecords records) {
  std::vector<NodeChange> changes;
  std::optional<Record<SplitRecord2>> split;
  for (const LoggedRecord& record : records) {
    if (type_of(record) == RecordType::split2) split = decode_record<SplitRecord2>(record.bytes);
    if (!is_node_record(type_of(record))) continue;
    const auto header = decode<NodeRecordHeader>(record.bytes);
    if ((header.page.flags & PageRecordHeader::kVersioned) == 0) continue;
    NodeChange change{record, header.page.page, header.page.line, {}, 0};
    if (split) {
      change.page = split->fixed.split.page.page;
      change.line = split->fixed.split.line_operation;
      change.image = split->parts[3];
      change.image_flags = split->fixed.image_flags;
    }
    changes.push_back(change);
  }
  return changes;
}

Result<std::vector<std::byte>> page_of_image(const NodeChange& change, std::size_t page_bytes,
                                             const std::string& where) {
  if (change.image.empty()) return std::vector<std::byte>();
  const auto expand = [](Bytes data, std::size_t) { return decompress(data); };
  return restore_page_image(change.image, change.image_flags, page_bytes, expand, where);
}

std::vector<RedoVersion> versions_of(const NodeChange& change, Bytes page) {
  return Maker(change, page).make();
}

}  // namespace stillframe::ese
