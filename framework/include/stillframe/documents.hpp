// Documents as JSON text and back. Each has a schema in docs/schemas/ and a version; a newer major
// version is refused with Errc::future_version, bytes that are no document with Errc::corrupt.
#pragma once

#include <string>
#include <string_view>

#include <stillframe/evidence.hpp>

namespace stillframe {

inline constexpr std::uint32_t kDocumentMajor = 1;
inline constexpr std::size_t kDocumentBytesMax = std::size_t{1} << 30;

std::string to_json(const WriterMetadata& document);
std::string to_json(const BackupDocument& document);
std::string to_json(const Evidence& document);
std::string to_json(const Receipt& document);
std::string to_json(const RestoreReport& document);

Result<WriterMetadata> parse_writer_metadata(std::string_view json);
Result<BackupDocument> parse_backup_document(std::string_view json);
Result<Evidence> parse_evidence(std::string_view json);
Result<Receipt> parse_receipt(std::string_view json);
Result<RestoreReport> parse_restore_report(std::string_view json);

}  // namespace stillframe
