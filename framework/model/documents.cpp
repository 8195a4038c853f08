#include <unordered_set>

#include <stillframe/documents.hpp>

#include "framework/model/json_codec.hpp"
#include "framework/model/json_fields.hpp"
#include "framework/model/json_parse.hpp"

namespace stillframe {
namespace {

using nlohmann::json;

constexpr std::uint32_t kDocumentMinor = 0;

// What a kind of document is called: in its envelope and to people.
struct DocumentKind {
  std::string_view format;
  std::string_view spoken;
};
constexpr DocumentKind kWriterMetadata{"stillframe-writer-metadata", "writer metadata"};
constexpr DocumentKind kBackupDocument{"stillframe-backup-document", "backup document"};
constexpr DocumentKind kEvidence{"stillframe-evidence", "evidence"};
constexpr DocumentKind kReceipt{"stillframe-receipt", "receipt"};
constexpr DocumentKind kRestoreReport{"stillframe-restore-report", "restore report"};

// The envelope goes first, so that `head -c 100` tells what a file is.
template <class T>
std::string write_document(const T& document, const DocumentKind& kind) {
  const std::string body = dump_json(encode_json(document));
  std::string text = "{\"format\":\"" + std::string(kind.format) +
                     "\",\"version\":{\"major\":" + std::to_string(kDocumentMajor) +
                     ",\"minor\":" + std::to_string(kDocumentMinor) + "}";
  if (body.size() > 2) text += ',';
  text.append(body, 1);  // without its opening brace
  return text;
}

// Checks the envelope and takes it off.
Status open_envelope(json& root, const DocumentKind& kind) {
  const auto refuse = [&](Errc code, std::string what) {
    return Error(code, "not a " + std::string(kind.spoken) + ": " + std::move(what));
  };
  if (!root.is_object()) return refuse(Errc::corrupt, "the document is no JSON object");
  const auto format = root.find("format");
  if (format == root.end()) return refuse(Errc::corrupt, "format is missing");
  if (!format->is_string() || format->get_ref<const std::string&>() != kind.format) {
    constexpr std::size_t kShownBytesMax = 60;
    return refuse(Errc::corrupt, "format is " + dump_json(*format).substr(0, kShownBytesMax) +
                                     " and should be " + std::string(kind.format));
  }
  if (!root.contains("version")) return refuse(Errc::corrupt, "version is missing");
  auto version = decode_json<Version>(root["version"], "version");
  if (!version.ok()) return version.error();
  if (version.value().major > kDocumentMajor) {
    return Error(Errc::future_version,
                 "this " + std::string(kind.spoken) + " is of version " +
                     std::to_string(version.value().major) + "." +
                     std::to_string(version.value().minor) + "; this program reads up to version " +
                     std::to_string(kDocumentMajor) + ": use a newer Stillframe");
  }
  if (version.value().major == 0) return refuse(Errc::corrupt, "version.major is 0");
  root.erase("format");
  root.erase("version");
  return Ok{};
}

bool is_component_list(std::string_view array) {
  return array == "components";
}

// Reads a document whose `components` may be long: each is decoded and dropped as it comes, so that
// memory holds the result and not a tree of the text beside it.
template <class T, class Element>
Result<T> read_document(std::string_view text, const DocumentKind& kind,
                        std::vector<Element> T::*list) {
  std::vector<Element> elements;
  JsonProblem problem;
  const auto take_element = [&](std::string_view array, std::size_t index, const json& value) {
    if (problem.error) return;
    const JsonPlace outer{nullptr, array}, at{&outer, {}, index};
    decode_json_into(value, at, problem, elements.emplace_back());
  };
  auto root = parse_json_streaming(text, kDocumentBytesMax, is_component_list, take_element);
  if (!root.ok()) return root.error().while_doing("reading the " + std::string(kind.spoken));
  // Before the elements' own problems: a newer version may have changed what an element is.
  if (Status envelope = open_envelope(root.value(), kind); !envelope.ok()) return envelope.error();
  if (problem.error) return *problem.error;
  auto document = decode_json<T>(root.value());
  if (document.ok()) document.value().*list = std::move(elements);
  return document;
}

Error twice(std::size_t index, const std::string& name) {
  return {Errc::corrupt, "components[" + std::to_string(index) + "].name: component '" +
                             escape_path(name) + "' is there twice"};
}

}  // namespace

std::string to_json(const WriterMetadata& document) {
  return write_document(document, kWriterMetadata);
}

std::string to_json(const BackupDocument& document) {
  return write_document(document, kBackupDocument);
}

std::string to_json(const Evidence& document) {
  return write_document(document, kEvidence);
}

std::string to_json(const Receipt& document) {
  return write_document(document, kReceipt);
}

std::string to_json(const RestoreReport& document) {
  return write_document(document, kRestoreReport);
}

Result<WriterMetadata> parse_writer_metadata(std::string_view text) {
  auto document = read_document(text, kWriterMetadata, &WriterMetadata::components);
  if (!document.ok()) return document;
  std::unordered_set<std::string> names;
  const auto& components = document.value().components;
  names.reserve(components.size());
  for (std::size_t i = 0; i < components.size(); ++i) {
    std::string name = components[i].name.full();
    if (!names.insert(name).second) return twice(i, name);
  }
  return document;
}

Result<BackupDocument> parse_backup_document(std::string_view text) {
  auto document = read_document(text, kBackupDocument, &BackupDocument::components);
  if (!document.ok()) return document;
  std::unordered_set<std::string> names;
  const auto& components = document.value().components;
  names.reserve(components.size());
  for (std::size_t i = 0; i < components.size(); ++i) {
    const BackupComponent& component = components[i];
    std::string key =
        component.writer_class.to_string() + component.instance_name + '\0' + component.name.full();
    if (!names.insert(std::move(key)).second) return twice(i, component.name.full());
  }
  return document;
}

Result<Evidence> parse_evidence(std::string_view text) {
  return read_document(text, kEvidence, &Evidence::components);
}

Result<Receipt> parse_receipt(std::string_view text) {
  auto root = parse_json_text(text, kDocumentBytesMax);
  if (!root.ok()) return root.error().while_doing("reading the receipt");
  if (Status envelope = open_envelope(root.value(), kReceipt); !envelope.ok()) {
    return envelope.error();
  }
  auto receipt = decode_json<Receipt>(root.value());
  if (!receipt.ok()) return receipt;
  const std::string& digest = receipt.value().manifest_sha256;
  if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Error(Errc::corrupt, "manifest_sha256: must be 64 lower-case hexadecimal digits");
  }
  return receipt;
}

Result<RestoreReport> parse_restore_report(std::string_view text) {
  return read_document(text, kRestoreReport, &RestoreReport::components);
}

}  // namespace stillframe
