#include "requestor/store/loaded_verifier.hpp"

#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

#include "framework/base/shared_object.hpp"
#include "framework/model/json_codec.hpp"

namespace stillframe::requestor {
namespace {

constexpr const char* kVerifierEntry = "stillframe_verifier_entry";

// The outcome of one call. A code that this program does not know is `internal`.
Status outcome(std::int32_t code, const stillframe_error& error, const char* call) {
  if (code == STILLFRAME_OK) return Ok{};
  std::string message(error.message, ::strnlen(error.message, sizeof error.message));
  if (message.empty()) message = "the verifier gave no reason";
  Errc known = errc_from_number(code);
  if (static_cast<int>(known) != code) {
    known = Errc::internal;
    message += " (code " + std::to_string(code) + ")";
  }
  return Error(known, std::string(call) + ": " + message, error.application_code);
}

class CFileVerifier final : public FileVerifier {
 public:
  CFileVerifier(const stillframe_verifier& table, void* check) : table_(table), check_(check) {}
  ~CFileVerifier() override { table_.close(check_); }
  CFileVerifier(const CFileVerifier&) = delete;
  CFileVerifier& operator=(const CFileVerifier&) = delete;

  Status feed(std::span<const std::byte> bytes) override {
    stillframe_error error{};
    const std::int32_t code = table_.feed(check_, bytes.data(), bytes.size(), &error);
    return outcome(code, error, "feed");
  }
  Status finish() override {
    stillframe_error error{};
    return outcome(table_.finish(check_, &error), error, "finish");
  }

 private:
  const stillframe_verifier& table_;
  void* const check_;
};

class CVerifier final : public Verifier {
 public:
  explicit CVerifier(const stillframe_verifier& table) : table_(table) {}

  std::string name() const override { return table_.name; }
  bool wants(const WriterIdentity& writer, const ComponentName& component,
             const BytePath& file) override {
    return table_.wants(dump_json(encode_json(writer)).c_str(), component.full().c_str(),
                        file.c_str()) != 0;
  }
  Result<std::unique_ptr<FileVerifier>> open(const BytePath& file, std::uint64_t size) override {
    stillframe_error error{};
    void* check = nullptr;
    const std::int32_t code = table_.open(file.c_str(), size, &check, &error);
    if (Status s = outcome(code, error, "open"); !s.ok()) return s.error();
    return std::unique_ptr<FileVerifier>(std::make_unique<CFileVerifier>(table_, check));
  }

 private:
  const stillframe_verifier& table_;  // lives as long as the object is loaded
};

}  // namespace

Result<std::unique_ptr<Verifier>> adopt_verifier(stillframe_verifier_entry_function entry,
                                                 const std::string& where) {
  const stillframe_verifier* table = entry(STILLFRAME_VERIFIER_ABI_MAJOR);
  if (table == nullptr || table->abi_major != STILLFRAME_VERIFIER_ABI_MAJOR) {
    return Error(Errc::not_supported, where + " does not work with version " +
                                          std::to_string(STILLFRAME_VERIFIER_ABI_MAJOR) +
                                          " of the interface of verifiers");
  }
  const bool whole = table->size >= sizeof *table && table->name != nullptr && table->wants &&
                     table->open && table->feed && table->finish && table->close;
  if (!whole) return Error(Errc::invalid_argument, where + " lacks a part of a verifier");
  return std::unique_ptr<Verifier>(std::make_unique<CVerifier>(*table));
}

Result<std::unique_ptr<Verifier>> load_verifier(const BytePath& path) {
  const auto entry = load_symbol(path, kVerifierEntry);
  if (!entry.ok()) return entry.error();
  return adopt_verifier(reinterpret_cast<stillframe_verifier_entry_function>(entry.value()),
                        "plug-in '" + escape_path(path) + "'");
}

}  // namespace stillframe::requestor
