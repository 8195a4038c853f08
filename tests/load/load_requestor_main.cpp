// load_requestor FIRST COUNT SOCKET_DIR: one backup of those writers after the other until its
// input ends, a line on standard output for each. The first that fails ends it.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include <stillframe/requestor.hpp>

namespace {

using namespace stillframe;

// A backup that keeps nothing but what the coordinator says of it.
Status back_up(Client& client, const std::vector<ComponentSelector>& wanted) {
  BackupOptions options;
  options.type = BackupType::copy;
  auto session = client.begin_backup(options);
  if (!session.ok()) return session.error();
  if (auto writers = session.value().gather(); !writers.ok()) return writers.error();
  if (Status s = session.value().select(wanted); !s.ok()) return s;
  if (auto prepared = session.value().prepare(); !prepared.ok()) return prepared.error();
  auto set = session.value().create_snapshots();
  if (!set.ok()) return set.error();
  for (const ComponentEvidence& component : set.value().evidence.components)
    if (component.label != Consistency::application_consistent)
      return Error(Errc::internal, "writer " + component.instance_name + " was not held");
  if (set.value().evidence.components.size() != wanted.size())
    return Error(Errc::internal, "the set lacks components");
  auto evidence = session.value().end();
  return evidence.ok() ? Status(Ok{}) : evidence.error();
}

bool input_ended() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 0) > 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::vector<ComponentSelector> wanted;
  for (int i = 0; i < std::atoi(argv[2]); ++i) {
    ComponentSelector one;
    one.writer = std::to_string(std::atoi(argv[1]) + i);
    one.component = "file";
    wanted.push_back(one);
  }
  auto channel =
      connect({std::string(argv[3]) + "/requestor.sock", std::chrono::seconds(60), "load"});
  if (!channel.ok()) {
    std::fprintf(stderr, "%s\n", channel.error().what().c_str());
    return 1;
  }
  Client client(std::move(channel).value());
  while (!input_ended()) {
    const Status backed_up = back_up(client, wanted);
    if (!backed_up.ok()) {
      std::fprintf(stderr, "%s\n", backed_up.error().what().c_str());
      return 1;
    }
    std::printf("done\n");
    std::fflush(stdout);
  }
  return 0;
}
