#include "writers/dedup/engine/serve.hpp"

#include <cerrno>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "writers/dedup/engine/control_socket.hpp"
#include "writers/dedup/engine/view_files.hpp"
#include "writers/dedup/engine/volume_in_snapshot.hpp"

namespace stillframe::dedup {

namespace {

// Stops a view when the process is told to end.
class SignalWatch {
 public:
  explicit SignalWatch(View& view) : view_(view) {}
  Status start() {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    signals_ = Descriptor(::signalfd(-1, &wanted, SFD_CLOEXEC));
    over_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
    if (!signals_.valid() || !over_.valid()) return posix_error(errno, "watch", "signals");
    thread_ = std::thread([this] {
      pollfd either[2] = {{signals_.get(), POLLIN, 0}, {over_.get(), POLLIN, 0}};
      while (::poll(either, 2, -1) < 0 && errno == EINTR) {
      }
      view_.stop();
    });
    return Ok{};
  }
  ~SignalWatch() {
    if (!thread_.joinable()) return;
    (void)::eventfd_write(over_.get(), 1);
    thread_.join();
  }

 private:
  View& view_;
  Descriptor signals_, over_;
  std::thread thread_;
};

}  // namespace

Status serve_volume(const ServeOptions& options) {
  const auto socket = control_socket_path(options.socket_folder, options.device);
  if (!socket.ok()) return socket.error();
  const auto volume = VolumeOnDevice::open(options.device, options.key_file);
  if (!volume.ok()) return volume.error();
  Descriptor root(::fcntl(volume.value()->root(), F_DUPFD_CLOEXEC, 0));
  const auto view = View::mount(std::move(root), options.place, volume.value()->parts(),
                                options.report, options.device);
  if (!view.ok()) return view.error();
  SignalWatch signals(*view.value());
  if (Status s = signals.start(); !s.ok()) return s;
  ViewFiles files(*view.value());
  VolumeSession session(*volume.value(), files, options.place, options.events);
  const auto control = ControlServer::start(socket.value(), session);
  if (!control.ok()) return control.error();
  if (options.ready) options.ready();
  return view.value()->run();
}

Status serve_snapshot(const ServeOptions& options) {
  const auto volume = VolumeInSnapshot::open(options.device, options.key_file);
  if (!volume.ok()) return volume.error();
  const auto view = volume.value()->show(options.place, options.report);
  if (!view.ok()) return view.error();
  SignalWatch signals(*view.value());
  if (Status s = signals.start(); !s.ok()) return s;
  if (options.ready) options.ready();
  return view.value()->run();
}

}  // namespace stillframe::dedup
