// The socket by which other processes ask the one that has a volume open: a question is one line of
// JSON, and so is its answer, behind lines about how far it is. For root, and whoever runs it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>

#include <sys/types.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

#include "writers/dedup/engine/volume_session.hpp"

namespace stillframe::dedup {

inline constexpr std::size_t kControlLineBytesMax = std::size_t{4} << 20;
inline constexpr std::size_t kControlClientsMax = 16;  // more are told that it is busy

// "FOLDER/MAJOR-MINOR", of the block device.
Result<BytePath> control_socket_path(const BytePath& folder, const BytePath& device);

class ControlServer {
 public:
  // The caller has the volume's lock, so a socket that is there was left by one that was killed.
  // `session` outlives it.
  static Result<std::unique_ptr<ControlServer>> start(const BytePath& path, VolumeSession& session);
  // Takes the socket away, tells jobs that are waited for to end, and waits.
  ~ControlServer();

 private:
  struct Client {
    Descriptor socket;
    std::thread thread;
    std::atomic<bool> done{false};
  };

  ControlServer(BytePath path, VolumeSession& session)
      : path_(std::move(path)), session_(session) {}
  void accept_clients();
  void serve(Client& client);
  void forget_those_that_are_done();

  const BytePath path_;
  VolumeSession& session_;
  Descriptor listening_, stop_;
  std::atomic<bool> stopping_{false};
  std::list<std::unique_ptr<Client>> clients_;  // of the thread that accepts
  std::thread thread_;
};

class ControlClient {
 public:
  // disconnected when nobody listens there.
  static Result<ControlClient> connect(const BytePath& path);

  // The answer, or the error that it is. `told` is called for each line about how far it is.
  Result<Json> ask(const Json& question, const std::function<void(const Json&)>& told);
  // Of what comes from now on: io when nothing came for so long.
  void wait_at_most(std::chrono::milliseconds timeout);
  pid_t peer() const;  // the process that answers
  void hang_up();      // any thread: ask() ends, and a job that it waits for

 private:
  explicit ControlClient(Descriptor socket) : socket_(std::move(socket)) {}
  Descriptor socket_;
};

// What one side makes of a line of the other: an answer or an error, or nothing for one that tells
// how far it is, which goes to `told`. corrupt for any other bytes.
Result<std::optional<Json>> parse_control_line(std::string_view line,
                                               const std::function<void(const Json&)>& told);

}  // namespace stillframe::dedup
