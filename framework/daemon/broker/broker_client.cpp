#include "framework/daemon/broker/broker_client.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <nlohmann/json.hpp>

#include <stillframe/requestor.hpp>

#include "framework/daemon/broker/broker_request.hpp"
#include "framework/model/json_codec.hpp"
#include "framework/model/json_parse.hpp"

namespace stillframe::daemon {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds kKillTime{2'000};
constexpr std::size_t kStartDescriptors = 4;
// What fits one request of the broker, with room for what surrounds the paths.
constexpr std::size_t kOpenBytesMax = kBrokerRequestBytesMax / 2;

struct Answer {
  json result;
  std::vector<Descriptor> descriptors;
};

// Closes a channel when its call takes too long, which ends the call.
class CallLimit {
 public:
  CallLimit(RequestorChannel& channel, milliseconds limit)
      : thread_([this, &channel, limit] {
          std::unique_lock lock(mutex_);
          if (changed_.wait_for(lock, limit, [this] { return done_; })) return;
          passed_ = true;
          channel.close();
        }) {}
  CallLimit(const CallLimit&) = delete;
  CallLimit& operator=(const CallLimit&) = delete;
  ~CallLimit() { stop(); }

  // Whether it was too long.
  bool stop() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
    return passed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  bool passed_ = false;
  std::thread thread_;
};

// One connection, shared by the client and by the processes that were started through it.
class Link {
 public:
  Link(std::unique_ptr<RequestorChannel> channel, BytePath socket)
      : channel_(std::move(channel)), socket_(std::move(socket)) {}

  Result<Answer> call(const BrokerRequest& request, milliseconds limit) {
    const std::string method(method_of(request));
    CallLimit watch(*channel_, limit);
    auto reply = channel_->call(method, params_of(request));
    if (watch.stop()) {
      return Error(Errc::timed_out, name() + " did not answer " + method + " within " +
                                        std::to_string(limit.count()) +
                                        " ms; its connection was given up, and what it had "
                                        "started ends; look at its log, then restart it");
    }
    if (!reply.ok()) return explain(method, reply.error());
    auto result = parse_json_text(reply.value().json, kBrokerReplyBytesMax);
    if (!result.ok() || !result.value().is_object()) {
      return Error(Errc::corrupt, name() + " answered " + method + " with what is no object");
    }
    return Answer{std::move(result).value(), std::move(reply.value().descriptors)};
  }

  std::string name() const { return "the privileged broker behind '" + escape_path(socket_) + "'"; }

 private:
  // The broker itself never answers that it is gone, nor that a call was cancelled.
  Error explain(const std::string& method, const Error& error) const {
    if (error.code() != Errc::disconnected && error.code() != Errc::cancelled) {
      return error.while_doing(name());
    }
    return Error(Errc::disconnected,
                 name() + " ended while " + method +
                     " was under way, so nobody knows whether that was done; start it again "
                     "(systemctl start stillframe-broker) and repeat the call");
  }

  const std::unique_ptr<RequestorChannel> channel_;
  const BytePath socket_;
};

Result<ExitStatus> ask_for_end(Link& link, ProcessHandle handle) {
  auto answer = link.call(AskProcess{handle}, kKillTime);
  if (!answer.ok()) return answer.error();
  const json& result = answer.value().result;
  if (result.value("running", true)) {
    return Error(Errc::corrupt, link.name() + " says that a process runs which has ended");
  }
  return ExitStatus{result.value("code", 0), result.value("signal", 0)};
}

Result<std::unique_ptr<ChildProcess>> adopt(const std::shared_ptr<Link>& link, Answer answer) {
  const json& result = answer.result;
  const auto handle_at = result.find("handle");
  const auto pid_at = result.find("pid");
  if (handle_at == result.end() || !handle_at->is_number_unsigned() || pid_at == result.end() ||
      !pid_at->is_number_integer() || answer.descriptors.size() != kStartDescriptors) {
    return Error(Errc::corrupt, link->name() + " answered with no process that could be used");
  }
  const ProcessHandle handle{handle_at->get<std::uint64_t>()};
  AdoptedChild child;
  child.pid = pid_at->get<pid_t>();
  child.descriptors = {std::move(answer.descriptors[0]), std::move(answer.descriptors[1]),
                       std::move(answer.descriptors[2]), std::move(answer.descriptors[3])};
  // A kill that does not get through is not lost: what ends the connection ends the process.
  child.kill = [link, handle] { (void)link->call(KillProcess{handle}, kKillTime); };
  child.ended = [link, handle] { return ask_for_end(*link, handle); };
  return ChildProcess::adopt(std::move(child));
}

class SocketBrokerClient final : public BrokerClient {
 public:
  explicit SocketBrokerClient(BrokerClientOptions options) : options_(std::move(options)) {}

  Result<std::string> version() override {
    auto answer = call(AskVersion{}, options_.brief);
    if (!answer.ok()) return answer.error();
    return answer.value().result.value("version", std::string());
  }

  Result<std::unique_ptr<ChildProcess>> start_provider(const std::string& name) override {
    return start_process(StartProvider{name});
  }

  Result<std::unique_ptr<ChildProcess>> spawn(const std::string& name) override {
    return start_process(SpawnHost{name});
  }

  Result<std::vector<BrokerThaw>> thaw() override {
    auto answer = call(ThawRecorded{}, options_.thaw);
    if (!answer.ok()) return answer.error();
    std::vector<BrokerThaw> thaws;
    for (const json& one : answer.value().result.value("thaws", json::array())) {
      auto record = unescape_path(one.value("record", ""));
      auto mount_point = unescape_path(one.value("mount_point", ""));
      if (!record.ok()) return record.error();
      if (!mount_point.ok()) return mount_point.error();
      thaws.push_back({std::move(record).value(), std::move(mount_point).value(),
                       one.value("outcome", ""), one.value("message", "")});
    }
    return thaws;
  }

  Status flush(const BytePath& path) override {
    auto answer = call(FlushFileSystem{path}, options_.flush);
    if (!answer.ok()) return answer.error();
    return Ok{};
  }

  Result<std::vector<Descriptor>> open_files(const BytePath& root,
                                             const std::vector<BytePath>& paths) override {
    std::vector<Descriptor> files;
    for (std::size_t next = 0; next < paths.size();) {
      OpenFiles some{root, {}};
      std::size_t bytes = 0;
      while (next < paths.size() && some.paths.size() < kOpenPathsMax) {
        bytes += escape_path(paths[next]).size();
        if (bytes > kOpenBytesMax && !some.paths.empty()) break;
        some.paths.push_back(paths[next++]);
      }
      const std::size_t asked = some.paths.size();
      auto answer = call(std::move(some), options_.brief);
      if (!answer.ok()) return answer.error();
      if (answer.value().descriptors.size() != asked) {
        return Error(Errc::corrupt, "the privileged broker opened " +
                                        std::to_string(answer.value().descriptors.size()) +
                                        " files instead of " + std::to_string(asked));
      }
      std::move(answer.value().descriptors.begin(), answer.value().descriptors.end(),
                std::back_inserter(files));
    }
    return files;
  }

  Result<coordinator::Located> locate(const BytePath& path) override {
    auto answer = call(LocatePath{path}, options_.brief);
    if (!answer.ok()) return answer.error();
    const json& result = answer.value().result;
    auto volume = decode_json<Volume>(result.value("volume", json()), "volume");
    if (!volume.ok()) return volume.error().while_doing("what the broker answered");
    auto there = unescape_path(result.value("path", ""));
    if (!there.ok()) return there.error();
    return coordinator::Located{std::move(volume).value(), std::move(there).value()};
  }

  Result<std::vector<Volume>> volumes() override {
    auto answer = call(ListVolumes{}, options_.brief);
    if (!answer.ok()) return answer.error();
    auto volumes =
        decode_json<std::vector<Volume>>(answer.value().result.value("volumes", json()), "volumes");
    if (!volumes.ok()) return volumes.error().while_doing("what the broker answered");
    return volumes;
  }

  Status check_apart(const BytePath& one, const BytePath& other) override {
    auto answer = call(CheckApart{one, other}, options_.brief);
    if (!answer.ok()) return answer.error();
    return Ok{};
  }

  Result<std::optional<Unreadable>> find_unreadable(const PeerCredentials& user,
                                                    const BytePath& root,
                                                    const std::vector<FilePlace>& places) override {
    for (std::size_t next = 0; next < places.size();) {
      AskReadable ask{user, root, {}};
      const std::size_t first = next;
      std::size_t bytes = 0;
      while (next < places.size() && ask.places.size() < kOpenPathsMax) {
        bytes += escape_path(places[next].directory).size() + escape_path(places[next].name).size();
        if (bytes > kOpenBytesMax && !ask.places.empty()) break;
        ask.places.push_back(places[next++]);
      }
      auto answer = call(std::move(ask), options_.brief);
      if (!answer.ok()) return answer.error();
      const json& result = answer.value().result;
      if (!result.contains("place")) continue;
      auto path = unescape_path(result.value("path", ""));
      if (!path.ok()) return path.error();
      Unreadable found;
      found.place = first + result.value("place", std::size_t{0});
      found.path = std::move(path).value();
      found.why = result.value("why", "");
      return std::optional<Unreadable>(std::move(found));
    }
    return std::optional<Unreadable>();
  }

 private:
  Result<std::unique_ptr<ChildProcess>> start_process(const BrokerRequest& request) {
    auto link = living_link();
    if (!link.ok()) return link.error();
    auto answer = link.value()->call(request, options_.brief);
    if (!answer.ok()) return answer.error();
    return adopt(link.value(), std::move(answer).value());
  }

  Result<Answer> call(const BrokerRequest& request, milliseconds limit) {
    auto link = living_link();
    if (!link.ok()) return link.error();
    return link.value()->call(request, limit);
  }

  // A broker that was restarted since the last call is found out by a question, because of a
  // request that failed nobody could say whether it was carried out.
  Result<std::shared_ptr<Link>> living_link() {
    const std::lock_guard lock(mutex_);
    if (link_) {
      auto alive = link_->call(AskVersion{}, options_.brief);
      if (alive.ok()) return link_;
      link_.reset();
      if (alive.error().code() == Errc::timed_out) return alive.error();
    }
    ConnectOptions options;
    options.socket = options_.socket;
    options.timeout = options_.brief;
    options.requestor_name = "stillframed";
    auto channel = connect(options);
    if (!channel.ok()) return unreachable(channel.error());
    link_ = std::make_shared<Link>(std::move(channel).value(), options_.socket);
    return link_;
  }

  Error unreachable(const Error& error) const {
    const bool nobody = error.code() == Errc::disconnected;
    return {error.code(),
            "the privileged broker behind '" + escape_path(options_.socket) +
                "' cannot be reached: " + (nobody ? "nobody listens there" : error.what()) +
                "; start it with systemctl start stillframe-broker, or by hand"};
  }

  const BrokerClientOptions options_;
  std::mutex mutex_;
  std::shared_ptr<Link> link_;
};

}  // namespace

std::unique_ptr<BrokerClient> BrokerClient::create(BrokerClientOptions options) {
  return std::make_unique<SocketBrokerClient>(std::move(options));
}

}  // namespace stillframe::daemon
