#include "tests/ese/support/numbered_log.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/record_transaction.hpp"

namespace stillframe::ese::tests {

namespace {

constexpr std::size_t kNumberBytes = sizeof(std::uint64_t);

std::vector<std::byte> text_of(std::uint64_t number, std::size_t bytes) {
  std::vector<std::byte> text(std::max(bytes, kNumberBytes));
  store_le(text.data(), number);
  std::uint64_t state = number;
  for (std::size_t i = kNumberBytes; i < text.size(); ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    text[i] = static_cast<std::byte>(state >> 56);
  }
  return text;
}

}  // namespace

std::vector<std::byte> numbered_record(std::uint64_t number, std::size_t text_bytes) {
  return encode_record(NoteRecord{}, {Bytes(text_of(number, text_bytes))});
}

std::optional<std::uint64_t> number_of(Bytes record) {
  const Bytes text = decode_record<NoteRecord>(record).parts[0];
  if (text.size() < kNumberBytes) return std::nullopt;
  const auto number = load_le<std::uint64_t>(text.data());
  const std::vector<std::byte> expected = text_of(number, text.size());
  if (!std::equal(text.begin(), text.end(), expected.begin(), expected.end())) return std::nullopt;
  return number;
}

LogStream::Clock counting_clock() {
  return [count = std::make_shared<std::atomic<std::uint32_t>>(0)] {
    const std::uint32_t now = ++*count;
    LogTime time;
    time.seconds = static_cast<std::uint8_t>(now % 60);
    time.minutes = static_cast<std::uint8_t>(now / 60 % 60);
    time.hours = static_cast<std::uint8_t>(now / 3600 % 24);
    time.day = 1;
    time.month = 1;
    time.years_since_1900 = 125;
    return time;
  };
}

Result<ReadLog> read_numbered_log(Files& files, const LogDirectoryOptions& options) {
  const LogDirectory directory(files, options);
  const auto chain = directory.chain();
  if (!chain.ok()) return chain.error();
  ReadLog log;
  if (chain.value().logs.empty()) return log;
  if (!chain.value().whole()) return chain.value().findings.front().error();
  log.empty = false;
  const auto open = [&](Generation generation, bool last) {
    return directory.read(chain.value(), generation, last);
  };
  LogReader reader(open, chain.value().usable_from(), chain.value().newest());
  for (;;) {
    auto record = reader.next();
    if (!record.ok()) return record.error();
    if (!record.value()) break;
    const auto number = number_of(record.value()->bytes);
    if (!number) {
      return Error(Errc::corrupt,
                   "the record at " + to_text(record.value()->at) + " has other bytes");
    }
    log.records.emplace(record.value()->at, *number);
  }
  log.end = reader.end();
  return log;
}

Result<std::unique_ptr<LogStream>> open_numbered_log(Files& files, const LogStreamOptions& options,
                                                     LogHost& host, const LogStream::Clock& clock) {
  const auto log = read_numbered_log(files, options.directory);
  if (!log.ok()) return log.error();
  if (log.value().empty) return LogStream::begin(files, options, Signature{7, {}, {}}, host, clock);
  return LogStream::resume(files, options, log.value().end, host, clock);
}

}  // namespace stillframe::ese::tests
