// Declarative writers in a program that embeds a coordinator: one of one's own, and the command
// line.
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/declarative_writer.hpp>

#include "tests/coordinator/support/fixture.hpp"

namespace stillframe {
namespace {

using namespace tests;
using ::testing::HasSubstr;

class DeclarativeWritersTest : public CoordinatorFixture {
 protected:
  void TearDown() override { stop(); }  // before the writers

  // What holds one lock file while its application is held.
  std::string configure() {
    const std::string home = make_volume("one");
    const std::string program = directory_.path() + "/session";
    std::ofstream(program) << "#!/bin/bash\nwhile read -r order rest; do case $order in\n"
                           << "FREEZE) echo held > " << home << "/word; echo OK;;\n"
                           << "THAW) echo running > " << home << "/word; echo HELD;;\n"
                           << "END) exit 0;;\n*) echo OK;;\nesac; done\n";
    ::chmod(program.c_str(), 0755);
    const std::string file = directory_.path() + "/orders.toml";
    std::ofstream(file) << "format = 1\n[writer]\n"
                        << "class_id = '5d1f7f0e-6f5c-4c0f-9d1b-1f4f0c7d9a31'\n"
                        << "name = 'Orders'\n[run]\nsession = ['" << program << "']\n"
                        << "[[component]]\nname = 'db'\n[[component.files]]\npath = '" << home
                        << "'\n";
    ::chmod(file.c_str(), 0644);
    return file;
  }

  DeclarativeWriterOptions mine() const {
    DeclarativeWriterOptions options;
    options.trusted_owner = ::geteuid();
    return options;
  }
};

TEST_F(DeclarativeWritersTest, AnEmbeddingProgramLoadsOneAndItTakesPartAsAnyOther) {
  auto writer = load_declarative_writer(configure(), mine());
  ASSERT_TRUE(writer.ok()) << error_of(writer);
  add_provider();
  start();
  ASSERT_TRUE(coordinator_->add_writer(*writer.value()).ok());
  {
    Client requestor = client();
    auto session = prepared(requestor);
    ASSERT_TRUE(session.ok()) << error_of(session);
    auto set = session.value().create_snapshots();
    ASSERT_TRUE(set.ok()) << error_of(set);
    EXPECT_EQ(set.value().evidence.label, Consistency::application_consistent)
        << set.value().evidence.reason;
    EXPECT_TRUE(session.value().end().ok());
  }
  std::string word;
  std::ifstream(directory_.path() + "/one/word") >> word;
  EXPECT_EQ(word, "running");
  stop();  // before its writer
}

TEST_F(DeclarativeWritersTest, TheCommandLineRunsThoseItsConfigurationNames) {
  const std::string file = directory_.path() + "/stillframe.toml";
  std::ofstream(file) << "embedded = true\nstate_dir = '" << directory_.path() << "/state'\n"
                      << "runtime_dir = '" << directory_.path() << "/run'\n"
                      << "writer_configs = ['" << configure() << "']\n";
  std::string output;
  const int code = run_program({COMMAND, "--config", file, "--json", "writers"}, &output);
  EXPECT_EQ(code, 0) << output;
  EXPECT_THAT(output, HasSubstr("5d1f7f0e-6f5c-4c0f-9d1b-1f4f0c7d9a31"));
  EXPECT_THAT(output, HasSubstr("Orders"));
}

TEST_F(DeclarativeWritersTest, TheCommandLineNamesTheFileThatIsWrong) {
  const std::string wrong = configure();
  ::chmod(wrong.c_str(), 0666);
  const std::string file = directory_.path() + "/stillframe.toml";
  std::ofstream(file) << "embedded = true\nstate_dir = '" << directory_.path() << "/state'\n"
                      << "runtime_dir = '" << directory_.path() << "/run'\n"
                      << "writer_configs = ['" << wrong << "']\n";
  std::string output;
  EXPECT_NE(run_program({COMMAND, "--config", file, "writers"}, &output), 0);
  EXPECT_THAT(output, HasSubstr("orders.toml"));
}

}  // namespace
}  // namespace stillframe
