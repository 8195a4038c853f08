#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/ese/support/sample_database.hpp"
#include "tests/ese/tool/esectl_runner.hpp"
#include "writers/ese/tool/run_esectl.hpp"
#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {
namespace {

// The sample database as a file, headers and all.
class Esectl : public testing::Test {
 protected:
  Esectl() : sample_(4096) {
    folder_ = testing::TempDir() + "esectl.XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/sample.edb";
    write();
  }
  ~Esectl() override { std::filesystem::remove_all(folder_); }

  void write() {
    tests::Blob bytes(2 * 4096);
    seal_header(sample_.header, MutableBytes(bytes).first(4096));
    seal_header(sample_.header, MutableBytes(bytes).subspan(4096));
    for (std::uint32_t i = 1; i <= static_cast<std::uint32_t>(sample_.pages.last_page()); ++i) {
      const MutableBytes page = sample_.pages.page(Pgno{i});
      bytes.insert(bytes.end(), page.begin(), page.end());
    }
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  }

  tests::SampleDatabase sample_;
  std::string folder_, path_;
};

TEST_F(Esectl, EveryVerbExplainsItselfWithExamples) {
  for (const auto& verb : all_verbs()) {
    const Answer answer = esectl({verb->name(), "--help"});
    EXPECT_EQ(answer.code, Exit::ok) << verb->name();
    EXPECT_NE(answer.out.find("Examples:\n  esectl " + std::string(verb->name())),
              std::string::npos)
        << verb->name();
    EXPECT_NE(answer.out.find("--json"), std::string::npos) << verb->name();
  }
}

TEST_F(Esectl, EveryVerbHasItsManualPageAndIsCompleted) {
  const CommandHelp help = esectl_help();
  const std::string bash = esectl({"completion", "bash"}).out;
  ASSERT_EQ(help.verbs.size(), all_verbs().size() + 2);  // the program itself, completion
  for (const VerbHelp& verb : help.verbs) {
    const std::string page = manual_page(help, verb.name);
    EXPECT_NE(page.find(".SH SYNOPSIS\n.B esectl"), std::string::npos) << verb.name;
    EXPECT_NE(page.find(".SH EXAMPLES"), verb.name.empty() ? 0 : std::string::npos) << verb.name;
    EXPECT_NE(page.find("damaged"), std::string::npos) << verb.name;
    EXPECT_NE(bash.find("' " + verb.name + "')"), verb.name.empty() ? 0 : std::string::npos);
  }
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_NE(esectl({"completion", shell}).out.find("threads"), std::string::npos) << shell;
  }
  EXPECT_EQ(esectl({"completion", "tcsh"}).code, Exit::usage);
}

TEST_F(Esectl, WrongUsageIsToldFromOtherFailures) {
  EXPECT_EQ(esectl({}).code, Exit::usage);
  EXPECT_EQ(esectl({"melt"}).code, Exit::usage);
  EXPECT_EQ(esectl({"header"}).code, Exit::usage);
  EXPECT_EQ(esectl({"header", folder_ + "/absent.edb"}).code, Exit::not_found);
  EXPECT_EQ(esectl({"schema", path_, "no such table"}).code, Exit::not_found);
}

TEST_F(Esectl, HeaderShowsWhatTheFileSays) {
  const auto header = esectl({"header", "--json", path_}).json();
  EXPECT_EQ(header["state"], "CleanShutdown");
  EXPECT_EQ(header["pages"], 32);
  EXPECT_EQ(header["header_copies"], "equal");
  EXPECT_NE(esectl({"header", path_}).out.find("state: CleanShutdown\n"), std::string::npos);
}

TEST_F(Esectl, VerifyEndsWithItsVerdict) {
  const Answer good = esectl({"verify", "--json", path_});
  EXPECT_EQ(good.code, Exit::ok);
  EXPECT_EQ(good.json()["verdict"], "good");
  PageEditor(sample_.pages.page(sample_.kByName)).erase(2);
  sample_.pages.seal(sample_.kByName);
  write();
  EXPECT_EQ(esectl({"verify", "--json", path_}).json()["verdict"], "damaged");
  EXPECT_EQ(esectl({"verify", path_}).code, Exit::damaged);
  set_state(sample_.header, DbState::dirty_shutdown, Generation{1}, Generation{1});
  write();
  EXPECT_EQ(esectl({"verify", "--json", path_}).json()["verdict"], "needs_recovery");
  EXPECT_EQ(esectl({"verify", path_}).code, Exit::wrong_state);
}

TEST_F(Esectl, TablesCountsRowsAndHidesTheEnginesOwn) {
  const auto tables = esectl({"tables", "--json", path_}).json()["tables"];
  ASSERT_EQ(tables.size(), 1u);
  EXPECT_EQ(tables[0]["name"], "rows");
  EXPECT_EQ(tables[0]["rows"], 40);
  EXPECT_EQ(esectl({"tables", "--json", "--system", path_}).json()["tables"].size(), 3u);
}

TEST_F(Esectl, ExportWritesCsvAndJsonLines) {
  const std::string csv = esectl({"export", path_, "--table", "rows"}).out;
  EXPECT_EQ(csv.substr(0, csv.find('\n', csv.find('\n') + 1)),
            "id,number,name,note,blob\n0,,name100,n,");
  const std::string lines = esectl({"export", "--json", path_, "--table", "rows"}).out;
  EXPECT_EQ(lines.substr(0, lines.find('\n')), R"({"id":0,"name":"name100","note":"n"})");
  EXPECT_EQ(esectl({"export", path_, "--output", folder_ + "/out"}).code, Exit::ok);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/out/rows.csv"));
  // Nothing that is there is overwritten.
  EXPECT_NE(esectl({"export", path_, "--output", folder_ + "/out"}).code, Exit::ok);
}

TEST_F(Esectl, DumpShowsPagesTreesAndSpace) {
  const auto page = esectl({"dump", "--json", path_, "page", "26"}).json();
  EXPECT_EQ(page["checksum_is"], "good");
  EXPECT_EQ(page["nodes"].size(), 40u);
  EXPECT_EQ(page["nodes"][3]["key"], "7f80000003");
  EXPECT_EQ(esectl({"dump", "--json", path_, "page", "15"}).json()["checksum_is"], "zero");
  const std::string tree = esectl({"dump", path_, "tree", "rows/by_name"}).out;
  EXPECT_EQ(std::count(tree.begin(), tree.end(), '\n'), 40);
  EXPECT_EQ(esectl({"dump", "--json", path_, "space", "1"}).json()["owned"][0], "1-32");
  EXPECT_EQ(esectl({"dump", path_, "page", "99"}).code, Exit::damaged);
  EXPECT_EQ(esectl({"dump", path_, "tree", "nobody"}).code, Exit::not_found);
}

TEST_F(Esectl, CompareEndsWithWhetherTheTwoAreTheSame) {
  const std::string other = folder_ + "/other.edb";
  std::filesystem::copy_file(path_, other);
  EXPECT_EQ(esectl({"compare", path_, other}).code, Exit::ok);
  PageEditor(sample_.pages.page(sample_.kTable)).set_dbtime(Dbtime{101});
  sample_.pages.seal(sample_.kTable);
  write();
  const Answer pages = esectl({"compare", "--json", path_, other});
  EXPECT_EQ(pages.code, Exit::damaged);
  EXPECT_EQ(pages.json()["same"], false);
  EXPECT_EQ(pages.json()["different"], 1);
  EXPECT_EQ(pages.json()["differences"][0], "page 26: dbtime 101 and 100");
  const Answer rows = esectl({"compare", "--json", "--rows", path_, other});
  EXPECT_EQ(rows.code, Exit::ok);
  EXPECT_EQ(rows.json()["in_both"], 40);
  EXPECT_EQ(esectl({"compare", path_, folder_ + "/absent.edb"}).code, Exit::not_found);
}

TEST_F(Esectl, NoVerbChangesTheFile) {
  const auto read = [&] {
    std::ifstream file(path_, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string before = read();
  for (const char* verb : {"header", "verify", "tables", "schema"}) (void)esectl({verb, path_});
  EXPECT_EQ(read(), before);
}

TEST_F(Esectl, JsonIsAskedForBeforeTheVerbOrAfterIt) {
  const Answer after = esectl({"header", path_, "--json"});
  const Answer before = esectl({"--json", "header", path_});
  EXPECT_EQ(before.code, Exit::ok);
  EXPECT_EQ(before.json(), after.json());
}

TEST_F(Esectl, BenchMeasuresTheEngineAndLeavesNothing) {
  std::filesystem::remove(path_);
  const Answer answer = esectl({"bench", "--dir", folder_, "--rows", "1000", "--only", "load",
                                "--only", "recovery", "--json"});
  ASSERT_EQ(answer.code, Exit::ok) << answer.err;
  const auto figures = answer.json()["figures"];
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0]["measure"], "load");
  EXPECT_EQ(figures[1]["measure"], "recovery");
  for (const auto& figure : figures) EXPECT_GT(figure["per_second"].get<double>(), 0);
  EXPECT_FALSE(answer.json().contains("verification"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  EXPECT_EQ(esectl({"bench", "--dir", folder_ + "/absent"}).code, Exit::usage);
}

}  // namespace
}  // namespace stillframe::ese::tool
