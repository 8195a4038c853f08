// What a record's change would take to undo, read off the record and the page before the change.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/page_apply.hpp"
#include "writers/ese/recovery/redo_sessions.hpp"

namespace stillframe::ese {

// Whether records of this type begin with a NodeRecordHeader.
bool is_node_record(RecordType type);

// A change of one node that a transaction may take back.
struct NodeChange {
  LoggedRecord record;
  Pgno page{};           // where the node was before
  std::size_t line = 0;  // on it
  Bytes image;           // of the page before the change, if the record of a split has it
  std::uint32_t image_flags = 0;
};

// Those among the records of a change. The operation of a leaf that splits has its line in the
// split's record.
std::vector<NodeChange> versioned_changes(ChangeRecords records);

// The page before the change by its image; empty without one.
Result<std::vector<std::byte>> page_of_image(const NodeChange& change, std::size_t page_bytes,
                                             const std::string& where);

// The versions that the change makes, in order. `page` is the page before the change, empty if it
// has the change already: then what was before is left to an UndoInfo record.
std::vector<RedoVersion> versions_of(const NodeChange& change, Bytes page);

}  // namespace stillframe::ese
