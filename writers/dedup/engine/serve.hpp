// The life of a mounted volume: store, table, view and control socket in one process.
#pragma once

#include <functional>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/base/event_sink.hpp"

namespace stillframe::dedup {

struct ServeOptions {
  BytePath device, place;
  BytePath socket_folder;
  std::function<void(const Error&)> report;  // what users get as a number only
  std::function<void()> ready;               // once the volume is there
  EventSink* events = nullptr;               // outlives the volume's process
  BytePath key_file;                         // in place of the one that the settings name
};

// Until it is unmounted, or the process gets SIGTERM or SIGINT, which the caller has blocked before
// it had a second thread. What jobs were doing they end first.
Status serve_volume(const ServeOptions& options);
// The same of a snapshot of one, whose tree is at `device`: only to read, and with nobody to ask.
Status serve_snapshot(const ServeOptions& options);

}  // namespace stillframe::dedup
