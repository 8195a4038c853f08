// Every log and checkpoint of the corpus: read, chained, walked and linted. log_corpus.golden has
// the figures, and nothing of the contents.
#include "tests/ese/format/log_corpus.hpp"

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "writers/ese/format/checkpoint.hpp"
#include "writers/ese/format/log_lint.hpp"
#include "writers/ese/format/log_reader.hpp"

namespace stillframe::ese {
namespace {

using tests::CorpusFile;

// The sets' logs by base name; copies with odd names (a sync tool's "conflicted copy") stand alone.
struct LogSet {
  std::vector<ChainLog> chain;
  std::map<std::string, std::string> paths;
};

std::map<std::string, LogSet> log_sets() {
  std::map<std::string, LogSet> sets;
  for (const CorpusFile& file : tests::corpus_files({".log", ".jtx"})) {
    auto header = decode_log_header(tests::read_bytes(file.path), file.name);
    EXPECT_TRUE(header.ok()) << header.error().what();
    if (!header.ok()) continue;
    auto name = parse_log_file_name(file.name.substr(0, 3), file.name);
    const bool copy = !name;
    if (copy) name = LogFileName{};
    LogSet& set = sets[file.set + (copy ? " copy" : "")];
    set.chain.push_back({file.name, *name, std::move(header).value()});
    set.paths[file.name] = file.path;
  }
  return sets;
}

std::string version_text(const LogHeader& h) {
  return std::to_string(h.major) + "." + std::to_string(h.minor) + "." +
         std::to_string(h.update_major) + "." + std::to_string(h.update_minor);
}

// One line for generations that follow each other.
std::string read_span(const std::string& set, const LogSet& logs, std::size_t first,
                      std::size_t last, const std::vector<ChainLog>& chain) {
  const auto open = [&](Generation generation, bool newest) {
    const std::size_t index =
        first + static_cast<std::size_t>(static_cast<int>(generation) -
                                         static_cast<int>(chain[first].generation()));
    const std::string& file = chain[index].file;
    return LogGeneration::read(tests::read_bytes(logs.paths.at(file)), file, {.complete = !newest});
  };
  LogReader reader(open, chain[first].generation(), chain[last].generation());
  LogLinter linter;
  std::ostringstream line;
  line << set << " " << std::hex << std::uppercase << static_cast<int>(chain[first].generation())
       << "-" << static_cast<int>(chain[last].generation()) << std::dec << " version "
       << version_text(chain[first].header.fields);
  std::string error;
  for (;;) {
    auto record = reader.next();
    if (!record.ok()) {
      line << " error " << record.error().application_code();
      ADD_FAILURE() << set << ": " << record.error().what();
      return line.str();
    }
    if (!record.value()) break;
    linter.add(*record.value());
  }
  const LintCounts& c = linter.counts();
  line << " end " << to_string(reader.end().end) << " at " << to_text(reader.end().position)
       << " records " << c.records << " links " << c.links << " macros " << c.macros
       << " transactions " << c.transactions << " differences " << c.differences << " findings "
       << linter.findings_count();
  for (const LintFinding& finding : linter.findings()) {
    line << "\n  " << to_text(finding.at) << " " << finding.what;
  }
  return line.str();
}

std::string read_set(const std::string& name, const LogSet& set) {
  const LogChain chain = examine_chain(set.chain);
  std::ostringstream lines;
  for (const ChainFinding& finding : chain.findings) {
    lines << name << " chain " << static_cast<int>(finding.err) << " at " << std::hex
          << std::uppercase << static_cast<int>(finding.generation) << std::dec << "\n";
  }
  std::size_t first = 0;
  for (std::size_t i = 0; i < chain.logs.size(); ++i) {
    const bool goes_on =
        i + 1 < chain.logs.size() && !check_follows(chain.logs[i], chain.logs[i + 1], std::nullopt);
    if (goes_on) continue;
    lines << read_span(name, set, first, i, chain.logs) << "\n";
    first = i + 1;
  }
  return lines.str();
}

// What there is, beside what is expected, in a form that can be copied over the golden file.
void expect_golden(const std::string& actual, const std::string& file) {
  const std::string path =
      std::string(std::getenv("STILLFRAME_SOURCE")) + "/tests/ese/format/" + file;
  std::ifstream in(path);
  const std::string expected((std::istreambuf_iterator<char>(in)), {});
  if (actual == expected) return;
  const std::string other = testing::TempDir() + file;
  std::ofstream(other) << actual;
  ADD_FAILURE() << "the figures differ from " << file << "; those of this run are in " << other;
}

TEST(EseLogCorpus, EveryChainIsReadFromItsFirstRecordToItsLast) {
  STILLFRAME_NEED_CORPUS();
  std::string lines;
  for (const auto& [name, set] : log_sets()) lines += read_set(name, set);
  expect_golden(lines, "log_corpus.golden");
}

TEST(EseLogCorpus, EveryCheckpointHasTwoGoodCopies) {
  STILLFRAME_NEED_CORPUS();
  std::size_t count = 0;
  for (const CorpusFile& file : tests::corpus_files({".chk", ".jcp"})) {
    const auto read = decode_checkpoint_file(tests::read_bytes(file.path), file.name);
    ASSERT_TRUE(read.ok()) << file.set << ": " << read.error().what();
    EXPECT_EQ(read.value().copies, CheckpointCopies::both_equal) << file.set;
    ++count;
  }
  EXPECT_EQ(count, 72u);
}

// What is read and written again is the same, byte by byte: every field is known.
TEST(EseLogCorpus, HeadersAndCheckpointsAreWrittenAsTheyWereRead) {
  STILLFRAME_NEED_CORPUS();
  std::size_t headers = 0;
  for (const CorpusFile& file : tests::corpus_files({".log"})) {
    const auto bytes = tests::read_bytes(file.path);
    const auto header = decode_log_header(bytes, file.name);
    ASSERT_TRUE(header.ok());
    const auto again = encode_log_header(header.value());
    ASSERT_TRUE(again.ok());
    const bool equal = std::equal(again.value().begin(), again.value().end(), bytes.begin());
    EXPECT_TRUE(equal) << file.set << "/" << file.name;
    ++headers;
  }
  EXPECT_EQ(headers, 132u);
  for (const CorpusFile& file : tests::corpus_files({".chk"})) {
    const auto bytes = tests::read_bytes(file.path);
    const auto read = decode_checkpoint_file(bytes, file.name);
    ASSERT_TRUE(read.ok());
    const auto again = encode_checkpoint(read.value().checkpoint);
    ASSERT_TRUE(again.ok());
    // Behind the end of the list Windows leaves what an earlier one had there.
    const auto fields_end = again.value().begin() + CheckpointFields::kBytes;
    EXPECT_TRUE(std::equal(again.value().begin() + 4, fields_end, bytes.begin() + 4)) << file.set;
  }
}

}  // namespace
}  // namespace stillframe::ese
