#include "tests/integration/support/stage.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stillframe/evidence.hpp>

#include "tests/integration/support/stage_line.hpp"

namespace stillframe::tests {
namespace {

using namespace std::chrono_literals;

// Holds nothing, because nothing writes to what it answers for.
constexpr const char* kStillSession =
    "#!/bin/sh\nwhile read -r order rest; do\n  case $order in\n    THAW) echo HELD ;;\n"
    "    END) exit 0 ;;\n    *) echo OK ;;\n  esac\ndone\n";

std::string slurp(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();  // ends where reading fails: a process may end while its file is read
  return text.str();
}

}  // namespace

// ---- processes

void TestProcess::start(const std::vector<std::string>& words, const std::string& stage_socket) {
  kill();
  std::vector<std::string> arguments = words;
  std::vector<char*> argv;
  for (auto& word : arguments) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::setenv(kStageVariable, stage_socket.c_str(), 1);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

bool TestProcess::running() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

void TestProcess::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool TestProcess::wait(std::chrono::milliseconds for_at_most) {
  const auto until = std::chrono::steady_clock::now() + for_at_most;
  while (running()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

void TestProcess::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

// ---- the stage

std::unique_ptr<Stage> Stage::make(const StageOptions& options, std::string& reason) {
  std::unique_ptr<Stage> stage(new Stage(options));
  LoopFsOptions inside;
  inside.image_bytes = std::uint64_t{512} << 20;
  if (options.ground == Ground::image) {
    LoopFsOptions large;
    large.image_bytes = std::uint64_t{3} << 30;
    stage->host_ = LoopFs::make(FsKind::btrfs, reason, large);
    if (!stage->host_) return nullptr;
    inside.image_directory = stage->host_->mount_point();
  }
  const FsKind kind = options.ground == Ground::image   ? FsKind::ext4
                      : options.ground == Ground::btrfs ? FsKind::btrfs
                                                        : FsKind::xfs;
  stage->fs_ = LoopFs::make(kind, reason, inside);
  if (!stage->fs_) return nullptr;
  stage->set_up_files();
  stage->configure();
  stage->line_ = std::make_unique<NotifySocket>(stage->daemon_folder_ + "/stage");
  return stage;
}

// A writer of each kind: alpha and beta are processes, gamma is a plug-in, delta a declaration.
void Stage::set_up_files() const {
  std::filesystem::copy_file(program("ticking_plugin.so"), files_.path() + "/ticking.so");
  std::ofstream(files_.path() + "/session") << kStillSession;
  ::chmod((files_.path() + "/session").c_str(), 0755);
  std::ofstream(files_.path() + "/still.toml")
      << "format = 1\n[writer]\nclass_id = \"5f0a3e5e-6a0c-4d35-8c39-0f7f6a1f2b11\"\n"
         "name = \"Still\"\n[run]\nsession = [\""
      << files_.path() << "/session\"]\n[[component]]\nname = \"still\"\n[[component.files]]\n"
      << "path = \"" << volume() << "/still\"\n";
  std::filesystem::create_directory(volume() + "/still");
  std::ofstream(volume() + "/still/file") << "always the same\n";
}

std::string Stage::hosts_config() const {
  const std::string& app = plugged_app();
  return "[[plugin]]\nname = \"" + app + "\"\nmakes = \"writer\"\nuser = \"root\"\nfile = \"" +
         files_.path() + "/ticking.so\"\nconfig = { name = \"" + app + "\", folder = \"" +
         volume() + "\", truth = \"" + truth(app) +
         "\" }\n[[writer]]\nname = \"still\"\nuser = \"root\"\nfile = \"" + files_.path() +
         "/still.toml\"\n";
}

void Stage::configure() {
  std::string toml =
      "[limits]\nhold_ms = 10000\ncommit_ms = " + std::to_string(options_.commit.count()) +
      "\nlease_ms = " + std::to_string(options_.lease.count()) + "\n";
  if (options_.privileges == Privileges::of_broker) {
    broker_ = std::make_unique<BrokerUnderTest>();
    broker_->configure("writer_sockets = \"" + daemon_.socket_dir() +
                       "\"\ncommit_max_ms = " + std::to_string(options_.commit.count()) +
                       "\nlease_ms = " + std::to_string(options_.lease.count()) + "\n" +
                       hosts_config());
    toml += "[daemon]\nbroker = \"" + broker_->socket() + "\"\n";
    daemon_.run_as(broker_->daemon_uid(), broker_->daemon_gid());
  }
  daemon_.configure(toml + hosts_config());
}

Stage::~Stage() {
  apps_.clear();
  (void)daemon_.stop();
}

const std::vector<std::string>& Stage::apps() {
  static const std::vector<std::string> names{"alpha", "beta", "gamma"};
  return names;
}

const std::string& Stage::plugged_app() {
  return apps().back();
}

void Stage::start_app(const std::string& name) {
  apps_[name].start({program("ticking_app"), name, volume(), truth(name), daemon_.socket_dir()},
                    line_->path());
}

Status Stage::tend() {
  if (broker_ && !broker_->running() && !broker_->start())
    return Error(Errc::timed_out, "the broker does not start");
  if (daemon_.running()) return Ok{};
  return daemon_.start();
}

Status Stage::raise() {
  if (Status s = tend(); !s.ok()) return s;
  for (const std::string& name : apps())
    if (name != plugged_app() && !apps_[name].running()) start_app(name);
  // By what the daemon sees: an application may have registered long ago.
  for (int round = 0; round < 2000; ++round) {
    auto channel = daemon_.connect();
    if (channel.ok()) {
      auto writers = Client(std::move(channel).value()).writers();
      if (writers.ok() && writers.value().size() == apps().size() + 1) return Ok{};
    }
    std::this_thread::sleep_for(10ms);
  }
  return Error(Errc::timed_out,
               "the applications do not register; the daemon said: " + daemon_.log());
}

void Stage::start_requestor(TestProcess& process) {
  std::filesystem::remove_all(out());
  std::filesystem::create_directories(out());
  process.start({program("stage_requestor"), daemon_.socket_dir(), out()}, line_->path());
}

SessionResult Stage::result() const {
  SessionResult result{{"ok", "0"}};
  std::istringstream lines(slurp(out() + "/result"));
  for (std::string line; std::getline(lines, line);) {
    const auto blank = line.find(' ');
    if (blank != std::string::npos) result[line.substr(0, blank)] = line.substr(blank + 1);
  }
  if (result.size() == 1) result["error"] = "(it wrote nothing down)";
  return result;
}

SessionResult Stage::quiet_session() {
  TestProcess requestor;
  start_requestor(requestor);
  if (!requestor.wait(60s)) return {{"ok", "0"}, {"error", "the session does not end"}};
  return result();
}

std::vector<Tick> Stage::ticks(const std::string& app) const {
  return read_ticks(volume() + "/" + app + ".ticks");
}

std::string Stage::falsehood(const SessionResult& result) const {
  for (const std::string& app : apps()) {
    const auto label = result.find("label." + app);
    if (label == result.end() ||
        label->second != std::to_string(static_cast<int>(Consistency::application_consistent)))
      continue;
    const auto cut = result.find("cut." + app);
    if (cut == result.end()) return app + " is called consistent and has no cut";
    std::uint64_t begun = 0, ended = 0;
    std::istringstream(cut->second) >> begun >> ended;
    const auto copied = read_ticks(out() + "/" + app + ".ticks");
    const std::uint64_t last = copied.empty() ? 0 : copied.back().number;
    const auto holds = read_truth(truth(app));
    const bool true_word = std::any_of(holds.begin(), holds.end(), [&](const HoldTruth& hold) {
      return hold.from <= begun && ended <= hold.until && hold.last_number == last;
    });
    if (!true_word)
      return app + " is called consistent, but no hold of it covers the cut from " + cut->second +
             " with record " + std::to_string(last) + " as the last";
  }
  return {};
}

bool Stage::is_ours(const std::string& path) const {
  return path.starts_with(daemon_folder_) || (broker_ && path.starts_with(broker_->folder()));
}

std::vector<pid_t> Stage::processes(const std::string& name, const std::string& word) const {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (slurp("/proc/" + pid + "/comm") != name + "\n") continue;
    std::string command = slurp("/proc/" + pid + "/cmdline");
    std::replace(command.begin(), command.end(), '\0', ' ');
    if (command.find(daemon_folder_) == std::string::npos &&
        (!broker_ || command.find(broker_->folder()) == std::string::npos))
      continue;
    if (!word.empty() && command.find(" " + word + " ") == std::string::npos) continue;
    found.push_back(static_cast<pid_t>(std::stol(pid)));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace stillframe::tests
