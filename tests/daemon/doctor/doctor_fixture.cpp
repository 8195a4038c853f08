#include "tests/daemon/doctor/doctor_fixture.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "requestor/doctor/diagnosis.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;
constexpr int kRounds = 400;

}  // namespace

DoctorTest::DoctorTest() {
  configure("");
}

std::string DoctorTest::config(const std::string& more) const {
  const bool providers = more.find("[providers]") != std::string::npos;
  return (providers ? "" : "[providers]\nbuiltin = false\n") + more;
}

void DoctorTest::configure(const std::string& more) {
  daemon_.drop_in("00-folders.toml", "[daemon]\nstate_dir = \"" + folder() +
                                         "/state\"\nruntime_dir = \"" + folder() + "/run\"\n");
  daemon_.configure(config(more));
}

void DoctorTest::start() {
  Status s = daemon_.start();
  ASSERT_TRUE(s.ok()) << s.error().what();
}

Findings DoctorTest::look() const {
  ConnectOptions options;
  options.socket = daemon_.socket_dir() + "/requestor.sock";
  options.timeout = patience_;
  requestor::WhereToLook where;
  where.socket = options.socket;
  where.daemon_config = daemon_.config_path();
  auto connected = connect(options);
  if (!connected.ok()) return requestor::diagnose(connected.error(), where);
  return requestor::diagnose(std::shared_ptr<RequestorChannel>(std::move(connected).value()),
                             where);
}

std::optional<Finding> DoctorTest::find(const Findings& findings, const std::string& check,
                                        const std::string& object) {
  for (const Finding& finding : findings)
    if (finding.check == check && finding.object.find(object) != std::string::npos) return finding;
  return std::nullopt;
}

bool DoctorTest::gone(const std::string& check, const std::string& object) const {
  for (int round = 0; round < kRounds; ++round) {
    if (!find(check, object)) return true;
    std::this_thread::sleep_for(20ms);
  }
  return false;
}

bool DoctorTest::comes(const std::string& check, const std::string& object) const {
  for (int round = 0; round < kRounds; ++round) {
    if (find(check, object)) return true;
    std::this_thread::sleep_for(20ms);
  }
  return false;
}

Finding DoctorTest::complete(const std::optional<Finding>& finding, Severity severity) {
  if (!finding) {
    ADD_FAILURE() << "nothing was found";
    return {};
  }
  EXPECT_EQ(to_string(finding->severity), to_string(severity)) << finding->what;
  EXPECT_FALSE(finding->object.empty());
  EXPECT_FALSE(finding->what.empty());
  EXPECT_FALSE(finding->remedy.empty()) << finding->what;
  return *finding;
}

void DoctorTest::stop_process(pid_t pid) {
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks))
    for (std::string line; line.find(") T") == std::string::npos;) {
      std::ifstream in(task.path() / "stat");
      ASSERT_TRUE(std::getline(in, line));
    }
}

void DoctorTest::carry_out(const std::string& remedy) {
  std::string said;
  EXPECT_EQ(run_program({"sh", "-c", remedy}, &said), 0) << remedy << ": " << said;
}

}  // namespace stillframe::tests
