// A daemon without privileges, as far as the broker and providers are concerned: becomes a user,
// then carries out one line of standard input after the other and answers each with one line.
//
//   unprivileged_daemon UID SOCKET
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <grp.h>
#include <unistd.h>

#include "framework/daemon/broker/broker_client.hpp"
#include "framework/io/volumes.hpp"
#include "framework/providers/host/hosted_provider.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::daemon;

using Words = std::vector<std::string>;

std::string failure(const Error& error) {
  return "error " + std::string(to_string(error.code())) + " " + escape_path(error.what());
}

std::string outcome(const Status& status) {
  return status.ok() ? "ok" : failure(status.error());
}

class Daemon {
 public:
  explicit Daemon(const BytePath& socket) {
    BrokerClientOptions options;
    options.socket = socket;
    client_ = BrokerClient::create(options);
  }

  std::string carry_out(const Words& words) {
    using Call = std::string (Daemon::*)(const Words&);
    static const std::map<std::string, Call> calls = {
        {"version", &Daemon::version},   {"provider", &Daemon::start_provider},
        {"prepare", &Daemon::prepare},   {"commit", &Daemon::commit},
        {"finish", &Daemon::finish},     {"expose", &Daemon::expose},
        {"open", &Daemon::open},         {"unexpose", &Daemon::unexpose},
        {"remove", &Daemon::remove},     {"query", &Daemon::query},
        {"pid", &Daemon::pid},           {"flush", &Daemon::flush},
        {"readable", &Daemon::readable},
    };
    const auto found = calls.find(words.at(0));
    if (found == calls.end()) return "error unknown command";
    return (this->*found->second)(words);
  }

 private:
  // readable UID ROOT DIRECTORY NAME...: everything below the directory whose name fits.
  std::string readable(const Words& words) {
    const std::int64_t uid = std::atoll(words.at(1).c_str());
    std::vector<FilePlace> places;
    for (std::size_t i = 3; i + 1 < words.size(); i += 2)
      places.push_back({words[i] == "." ? "" : words[i], words[i + 1], true});
    auto found = client_->find_unreadable({0, uid, uid, {}}, words.at(2), places);
    if (!found.ok()) return failure(found.error());
    if (!found.value()) return "ok";
    return "kept " + std::to_string(found.value()->place) + " " + escape_path(found.value()->path);
  }

  std::string version(const Words&) {
    auto version = client_->version();
    return version.ok() ? "ok " + version.value() : failure(version.error());
  }

  std::string start_provider(const Words& words) {
    HostedProviderOptions options;
    options.starter = [this, name = words.at(1)] { return client_->start_provider(name); };
    auto started = start_hosted_provider(words.at(1), {}, options);
    if (!started.ok()) return failure(started.error());
    provider_ = std::move(started).value();
    return "ok " + provider_->info().name;
  }

  std::string prepare(const Words& words) {
    CutRequest request;
    set_ = request.set = SetId::generate();
    snapshot_ = request.snapshot = SnapshotId::generate();
    auto directory = VolumeDirectory::read();
    if (!directory.ok()) return failure(directory.error());
    auto located = directory.value().locate(words.at(1));
    if (!located.ok()) return failure(located.error());
    request.volume = located.value().volume;
    if (Status s = provider_->begin_prepare(request); !s.ok()) return failure(s.error());
    auto estimate = provider_->end_prepare(set_);
    if (!estimate.ok()) return failure(estimate.error());
    return outcome(provider_->pre_commit(set_));
  }

  std::string commit(const Words&) {
    auto cuts = provider_->commit(set_);
    return cuts.ok() ? "ok" : failure(cuts.error());
  }

  std::string finish(const Words&) {
    if (Status s = provider_->post_commit(set_); !s.ok()) return failure(s.error());
    auto made = provider_->pre_final(set_);
    if (!made.ok()) return failure(made.error());
    return outcome(provider_->post_final(set_));
  }

  std::string expose(const Words& words) {
    return outcome(provider_->expose(snapshot_, words.at(1)));
  }
  std::string unexpose(const Words&) { return outcome(provider_->unexpose(snapshot_)); }
  std::string remove(const Words&) { return outcome(provider_->remove(snapshot_)); }
  std::string flush(const Words& words) { return outcome(client_->flush(words.at(1))); }
  std::string pid(const Words&) { return "ok " + std::to_string(provider_->pid()); }

  std::string open(const Words& words) {
    auto files = client_->open_files(words.at(1), {words.begin() + 2, words.end()});
    if (!files.ok()) return failure(files.error());
    std::string all = "ok";
    for (const Descriptor& file : files.value()) {
      char buffer[256];
      const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
      all += " " + (n < 0 ? "?" : std::string(buffer, static_cast<std::size_t>(n)));
    }
    return all;
  }

  // How many there are of one volume; a provider knows those of the whole machine.
  std::string query(const Words& words) {
    auto all = provider_->query();
    if (!all.ok()) return failure(all.error());
    const auto count = std::count_if(
        all.value().begin(), all.value().end(),
        [&](const SnapshotInfo& one) { return one.volume.mount_point == words.at(1); });
    return "ok " + std::to_string(count);
  }

  std::unique_ptr<BrokerClient> client_;
  std::unique_ptr<ProgramProvider> provider_;
  SetId set_;
  SnapshotId snapshot_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto uid = static_cast<uid_t>(std::strtoul(argv[1], nullptr, 10));
  if (uid != ::geteuid() && (::setgroups(0, nullptr) != 0 || ::setresgid(uid, uid, uid) != 0 ||
                             ::setresuid(uid, uid, uid) != 0)) {
    std::perror("become the daemon's user");
    return 2;
  }
  Daemon daemon(argv[2]);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    Words words;
    for (std::string word; in >> word;) words.push_back(word);
    if (!words.empty()) std::cout << daemon.carry_out(words) << std::endl;
  }
  return 0;
}
