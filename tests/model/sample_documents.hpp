// Documents in which every field is set, and random ones: what the codec, the schemas and the fuzz
// corpora are tried on.
#pragma once

#include <random>
#include <vector>

#include <stillframe/documents.hpp>

namespace stillframe::tests {

// Every field differs from its default, every list has an element, every name is awkward: bytes
// that are no UTF-8, a newline, a backslash.
WriterMetadata full_writer_metadata();
BackupDocument full_backup_document();
Evidence full_evidence();
Receipt full_receipt();
RestoreReport full_restore_report();

// A path of exactly kBytePathBytesMax bytes, each of which needs an escape.
BytePath longest_path();

// Any document the types can hold, within reason. Not necessarily a valid one by validate().
WriterMetadata random_writer_metadata(std::mt19937& random);
BackupDocument random_backup_document(std::mt19937& random);
Evidence random_evidence(std::mt19937& random);
Receipt random_receipt(std::mt19937& random);
RestoreReport random_restore_report(std::mt19937& random);

}  // namespace stillframe::tests
