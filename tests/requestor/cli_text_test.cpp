// What the command line shows: progress, timelines, completions and manual pages.
#include <algorithm>
#include <cstdio>
#include <set>

#include <gmock/gmock.h>

#include "requestor/cli/parse.hpp"
#include "requestor/cli/terminal.hpp"
#include "requestor/cli/timeline.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::cli {
namespace {

using stillframe::tests::run_program;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

struct ManualClock final : Clock {
  BootTime at{Duration(0)};
  BootTime now() const override { return at; }
  WallTime wall_now() const override { return {}; }
  void pass(Duration duration) { at = at + duration; }
};

// A terminal that is written into memory.
struct TerminalTest : ::testing::Test {
  ManualClock clock;
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* err = open_memstream(&text, &size);
  GlobalOptions options;

  ~TerminalTest() override {
    std::fclose(err);
    std::free(text);
  }
  std::string shown() {
    std::fflush(err);
    return {text, size};
  }
};

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

TEST_F(TerminalTest, ProgressHasABarAShareARateAndTheTimeThatIsLeft) {
  Terminal terminal(err, err, options, true, clock);
  terminal.progress("copy", "", 0, 100 * kMiB);
  clock.pass(std::chrono::seconds(10));
  terminal.progress("copy", "", 25 * kMiB, 100 * kMiB);
  EXPECT_THAT(shown(), HasSubstr("[#######.......................]  25% 25.0 MiB of 100.0 MiB"));
  EXPECT_THAT(shown(), HasSubstr("2.5 MiB/s, 0:30 left"));
}

TEST_F(TerminalTest, ProgressEstimatesNothingInItsFirstMoments) {
  Terminal terminal(err, err, options, true, clock);
  terminal.progress("copy", "", 0, 100);
  clock.pass(std::chrono::milliseconds(500));
  terminal.progress("copy", "", 50, 100);
  EXPECT_THAT(shown(), Not(HasSubstr("left")));
}

TEST_F(TerminalTest, ProgressIsNotDrawnMoreOftenThanAnybodyCanRead) {
  Terminal terminal(err, err, options, true, clock);
  for (std::uint64_t i = 0; i < 10'000; ++i) terminal.progress("copy", "", i, 10'000);
  const std::string text_shown = shown();
  EXPECT_LE(std::count(text_shown.begin(), text_shown.end(), '\r'), 3);
}

TEST_F(TerminalTest, PipeGetsNoProgressLine) {
  Terminal terminal(err, err, options, false, clock);
  terminal.progress("copy", "", 1, 2);
  EXPECT_EQ(shown(), "");
}

TEST(TimeLeft, IsReadByPeople) {
  EXPECT_EQ(left_text(std::chrono::milliseconds(500)), "0:01");
  EXPECT_EQ(left_text(std::chrono::seconds(187)), "3:07");
  EXPECT_EQ(left_text(std::chrono::seconds(3760)), "1:02:40");
}

TEST(Timeline, ShowsHoldsAndCuts) {
  Evidence evidence;
  evidence.timeline.push_back(
      {"freeze", "mail", BootTime(Duration(1'000'000)), BootTime(Duration(3'000'000)), "ok", ""});
  ComponentEvidence component;
  component.instance_name = "mail";
  component.name = {"", "db"};
  component.hold = HoldStatement{BootTime(Duration(2'000'000)),
                                 BootTime(Duration(9'000'000)),
                                 false,
                                 false,
                                 Duration(0),
                                 "timer"};
  evidence.components.push_back(component);
  const auto lines = timeline_lines(evidence);
  EXPECT_THAT(lines, Contains(HasSubstr("freeze mail")));
  EXPECT_THAT(lines, Contains(HasSubstr("BROKEN: timer")));
  EXPECT_EQ(hold_length(evidence), Duration(7'000'000));
}

// What bash would offer for a line whose last word is being typed.
std::string bash_offers(const std::string& line) {
  std::string output;
  const std::string script = completion_script("bash") + "\nCOMP_WORDS=(" + line + ")\n[[ '" +
                             line +
                             "' == *' ' ]] && COMP_WORDS+=('')\n"
                             "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_stillframe\n"
                             "printf '%s\\n' \"${COMPREPLY[@]}\"\n";
  EXPECT_EQ(run_program({"bash", "-c", script}, &output), 0) << output;
  return "\n" + output;
}

TEST(Completions, BashOffersVerbsSubVerbsAndOptions) {
  EXPECT_THAT(bash_offers("stillframe ba"), HasSubstr("\nbackup\n"));
  EXPECT_THAT(bash_offers("stillframe snapshot "), HasSubstr("\nrevert\n"));
  EXPECT_THAT(bash_offers("stillframe snapshot "), Not(HasSubstr("\nbackup\n")));
  EXPECT_THAT(bash_offers("stillframe restore fin"), HasSubstr("\nfinish-staged\n"));
  EXPECT_THAT(bash_offers("stillframe --json backup /b --ty"), HasSubstr("\n--type\n"));
  EXPECT_THAT(bash_offers("stillframe backup --js"), HasSubstr("\n--json\n"));
}

// Each shell's script names every verb and every long option.
TEST(Completions, EveryShellKnowsEverything) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(shell);
    for (const VerbHelp& help : describe_verbs()) {
      const std::string last = help.name.substr(help.name.rfind(' ') + 1);
      EXPECT_THAT(script, HasSubstr(last)) << shell;
      for (const OptionHelp& option : help.options) {
        const auto dashes = option.names.find("--");
        if (dashes == std::string::npos) continue;
        const std::string name = option.names.substr(dashes + 2);
        EXPECT_THAT(script, HasSubstr(name.substr(0, name.find(',')))) << shell << " " << help.name;
      }
    }
  }
  EXPECT_EQ(completion_script("tcsh"), "");
}

TEST(Completions, ShellsThatAreInstalledAcceptTheirScript) {
  int tried = 0;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    if (run_program({"sh", "-c", std::string("command -v ") + shell + " >/dev/null"}) != 0)
      continue;
    std::string said;
    EXPECT_EQ(run_program({shell, "-n", "-c", completion_script(shell)}, &said), 0) << said;
    ++tried;
  }
  EXPECT_GE(tried, 1);
}

TEST(ManualPages, NameEveryOptionAndEveryExitCode) {
  for (const VerbHelp& help : describe_verbs()) {
    const std::string page = manual_page(help.name);
    EXPECT_THAT(page, HasSubstr(".SH EXIT STATUS"));
    for (const char* code :
         {"0", "2", "3", "4", "5", "10", "11", "12", "13", "14", "15", "16", "20"})
      EXPECT_THAT(page, HasSubstr(std::string(".B ") + code + "\n"));
    EXPECT_THAT(page, Not(HasSubstr("docs/"))) << "a page is read where no docs are";
  }
  EXPECT_THAT(manual_page("restore"), HasSubstr(".BR stillframe\\-restore\\-finish\\-staged (1)"));
  EXPECT_EQ(manual_page("no such verb"), "");
}

TEST(ManualPages, AreWhatManExpects) {
  if (run_program({"sh", "-c", "command -v groff >/dev/null"}) != 0) GTEST_SKIP() << "no groff";
  for (const VerbHelp& help : describe_verbs()) {
    std::string said;
    const std::string script = "printf '%s' \"$1\" | groff -man -Tutf8 -ww -z 2>&1";
    EXPECT_EQ(run_program({"bash", "-c", script, "bash", manual_page(help.name)}, &said), 0);
    EXPECT_EQ(said, "") << help.name;
  }
}

// Script writers branch on them: no two classes share a code, none is a shell's own.
TEST(ExitCodes, AreDistinctAndExplained) {
  std::set<int> seen;
  for (const ExitHelp& exit : exit_helps()) {
    EXPECT_TRUE(seen.insert(to_int(exit.code)).second);
    EXPECT_LT(to_int(exit.code), 126);
    EXPECT_FALSE(exit.meaning.empty());
  }
  for (int number = 1; number <= 61; ++number) {
    EXPECT_TRUE(seen.contains(to_int(exit_for(errc_from_number(number))))) << number;
    EXPECT_NE(exit_for(errc_from_number(number)), Exit::ok) << number;
  }
}

TEST(Help, OfEveryVerbHasItsUsageAndAnExample) {
  for (const VerbHelp& verb : describe_verbs()) {
    std::vector<std::string> words;
    for (std::string rest = verb.name; !rest.empty();) {
      const auto space = rest.find(' ');
      words.push_back(rest.substr(0, space));
      rest = space == std::string::npos ? "" : rest.substr(space + 1);
    }
    words.push_back("--help");
    const auto parsed = parse_command_line(words);
    ASSERT_TRUE(std::holds_alternative<Answer>(parsed)) << verb.name;
    const Answer& answer = std::get<Answer>(parsed);
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_FALSE(answer.to_stderr);
    EXPECT_THAT(answer.text, HasSubstr("Usage")) << verb.name;
    if (verb.examples.empty()) continue;
    EXPECT_THAT(answer.text, HasSubstr(verb.examples.front())) << verb.name;
  }
}

// What the help shows as an example is a command that is understood.
TEST(Help, ExamplesAreUnderstood) {
  for (const VerbHelp& verb : describe_verbs()) {
    for (const std::string& example : verb.examples) {
      std::string output;
      const std::string line = example.substr(0, example.find(" > "));
      ASSERT_EQ(run_program({"bash", "-c", "printf '%s\\n' " + line}, &output), 0);
      std::vector<std::string> words;
      for (std::size_t at = 0; at < output.size();) {
        const auto end = output.find('\n', at);
        words.push_back(output.substr(at, end - at));
        at = end + 1;
      }
      ASSERT_FALSE(words.empty());
      EXPECT_EQ(words.front(), "stillframe");
      words.erase(words.begin());
      const auto parsed = parse_command_line(words);
      const auto* answer = std::get_if<Answer>(&parsed);
      EXPECT_TRUE(answer == nullptr || answer->exit_code == 0) << example << ": " << answer->text;
    }
  }
}

}  // namespace
}  // namespace stillframe::cli
