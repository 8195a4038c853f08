#include "requestor/remote/remote_host.hpp"

#include <cerrno>
#include <map>
#include <thread>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "requestor/remote/remote_source.hpp"
#include "requestor/remote/stream_pump.hpp"

namespace stillframe::requestor {
namespace {

using nlohmann::json;

// The channel, and with it what a session has on the way.
class RemoteChannel final : public RequestorChannel {
 public:
  RemoteChannel(RemoteCoordinator coordinator, RemoteOptions options)
      : options_(std::move(options)), coordinator_(std::move(coordinator)) {}

  ~RemoteChannel() override {
    close();
    const std::lock_guard lock(mutex_);
    pumps_.clear();  // joins
  }

  Result<ChannelReply> call(std::string_view method, std::string_view params_json) override {
    auto reply = coordinator_.channel->call(method, params_json);
    if (!reply.ok()) return reply;
    if (method == "backup.open_stream") return with_pipe(std::move(reply).value(), params_json);
    if (method == "backup.hold_begin") return with_own_deadline(std::move(reply).value());
    if (method == "sessions" || method == "status") return with_own_times(std::move(reply).value());
    return reply;
  }

  void on_event(EventHandler handler) override {
    coordinator_.channel->on_event(std::move(handler));
  }

  void close() override {
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [session, pool] : pools_) pool->abort();
    }
    coordinator_.channel->close();
  }

  std::shared_ptr<MoverPool> pool_of(const SessionId& session) {
    const std::lock_guard lock(mutex_);
    auto& pool = pools_[session];
    if (!pool) pool = std::make_shared<MoverPool>(*coordinator_.channel, options_, session);
    return pool;
  }

 private:
  // A pipe in place of the one that stayed on the other machine.
  Result<ChannelReply> with_pipe(ChannelReply reply, std::string_view params_json) {
    const json params = json::parse(params_json, nullptr, false);
    const json result = json::parse(reply.json, nullptr, false);
    auto session = SessionId::parse(params.is_object() ? params.value("session", "") : "");
    const auto key = result.is_object() ? result.find("mover_stream") : result.end();
    if (!session.ok() || key == result.end() || !key->is_number_unsigned())
      return Error(Errc::corrupt,
                   "backup.open_stream: the coordinator names no stream of a mover; "
                   "is it of another version?");
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return posix_error(errno, "create", "pipe");
    Descriptor from(ends[0]), into(ends[1]);
    auto pool = pool_of(session.value());
    const std::lock_guard lock(mutex_);
    pumps_.emplace_back(
        [pool, stream = key->get<std::uint64_t>(), pipe = std::move(into)]() mutable {
          pump_stream(pool, stream, std::move(pipe));
        });
    reply.descriptors.push_back(std::move(from));
    return reply;
  }

  Result<ChannelReply> with_own_deadline(ChannelReply reply) const {
    json result = json::parse(reply.json, nullptr, false);
    if (!result.is_object()) return reply;
    const auto deadline = result.find("deadline");
    if (deadline == result.end() || !deadline->is_number_integer()) return reply;
    *deadline = deadline->get<std::int64_t>() - coordinator_.clock_ahead.count();
    reply.json = result.dump();
    return reply;
  }

  Result<ChannelReply> with_own_times(ChannelReply reply) const {
    json result = json::parse(reply.json, nullptr, false);
    if (!result.is_object()) return reply;
    const auto sessions = result.find("sessions");
    if (sessions == result.end() || !sessions->is_array()) return reply;
    for (json& session : *sessions) {
      const auto since = session.is_object() ? session.find("since") : session.end();
      if (since != session.end() && since->is_number_integer())
        *since = since->get<std::int64_t>() - coordinator_.clock_ahead.count();
    }
    reply.json = result.dump();
    return reply;
  }

  const RemoteOptions options_;
  RemoteCoordinator coordinator_;
  std::mutex mutex_;
  std::map<SessionId, std::shared_ptr<MoverPool>> pools_;  // shared with pumps under way
  std::vector<std::jthread> pumps_;
};

class ConnectedHost final : public RemoteHost {
 public:
  explicit ConnectedHost(std::shared_ptr<RemoteChannel> channel) : channel_(std::move(channel)) {}

  std::shared_ptr<RequestorChannel> channel() override { return channel_; }

  Result<SourceMap> open(const SessionId& session,
                         const std::vector<SnapshotInfo>& snapshots) override {
    // Kept by the channel, which this keeps.
    const auto pool = channel_->pool_of(session);
    std::vector<SourceMap::Root> roots;
    for (const SnapshotInfo& snapshot : snapshots) {
      if (snapshot.root.empty())
        return Error(Errc::provider_failed, "the snapshot of '" +
                                                escape_path(snapshot.volume.mount_point) +
                                                "' cannot be read: " + snapshot.reason_unusable);
      roots.push_back(
          {snapshot.volume.mount_point, remote_tree(*pool, snapshot.volume.mount_point)});
    }
    return SourceMap(std::move(roots), unreachable_tree());
  }

 private:
  const std::shared_ptr<RemoteChannel> channel_;
};

}  // namespace

Result<std::shared_ptr<RemoteHost>> RemoteHost::connect(const RemoteOptions& options) {
  auto coordinator = connect_coordinator(options);
  if (!coordinator.ok()) return coordinator.error();
  auto channel = std::make_shared<RemoteChannel>(std::move(coordinator).value(), options);
  return std::shared_ptr<RemoteHost>(std::make_shared<ConnectedHost>(std::move(channel)));
}

}  // namespace stillframe::requestor
