// A writer as a plug-in in C++: a ledger, one file that an application appends to.
//
// The application takes a lock (fcntl, F_OFD_SETLKW) on DIRECTORY/ledger.lock around each entry.
// Holding it still is therefore that lock, taken in freeze and given back in thaw.
//
// Configuration: {"directory": "/srv/ledger"}
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <stillframe/plugin.h>

namespace {

using nlohmann::json;

// What a verb throws; the interface is C, so no exception may leave it.
struct Refusal : std::runtime_error {
  Refusal(std::int32_t error_code, const std::string& what)
      : std::runtime_error(what), code(error_code) {}
  std::int32_t code;
};

template <class Verb>
std::int32_t guarded(stillframe_error* error, Verb verb) noexcept {
  try {
    verb();
    return STILLFRAME_OK;
  } catch (const Refusal& refusal) {
    error->code = refusal.code;
    std::snprintf(error->message, sizeof error->message, "%s", refusal.what());
  } catch (const std::exception& mistake) {
    error->code = STILLFRAME_WRITER_FATAL;
    std::snprintf(error->message, sizeof error->message, "%s", mistake.what());
  }
  return error->code;
}

void put(stillframe_sink sink, const json& value) {
  const std::string text = value.dump();
  sink.put(sink.to, text.data(), text.size());
}

std::int64_t boot_now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

class Ledger {
 public:
  explicit Ledger(const json& config) {
    if (!config.is_object() || !config.contains("directory") || !config["directory"].is_string()) {
      throw Refusal(STILLFRAME_INVALID_ARGUMENT, "the configuration names no directory");
    }
    directory_ = config["directory"].get<std::string>();
    if (directory_.empty() || directory_[0] != '/') {
      throw Refusal(STILLFRAME_INVALID_ARGUMENT, "'" + directory_ + "' is no path from /");
    }
  }
  ~Ledger() { let_go(); }
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  static json identity() {
    return {{"class_id", "2c7a6c1e-94d5-4b66-8f0b-6f1d0a3e5c72"},
            {"name", "Ledger"},
            {"instance_name", ""},
            {"version", {{"major", 1}, {"minor", 0}}},
            {"usage", "user_data"},
            {"source", "other"},
            {"level", "front_end"},
            {"capabilities", STILLFRAME_CAPABILITY_SNAPSHOT}};
  }

  // The host fills in identity, instance and process.
  json metadata() const {
    const json files = {{"path", directory_}, {"pattern", "ledger*"}, {"recursive", false}};
    const json component = {{"type", "file_group"},
                            {"name", "ledger"},
                            {"caption", "The ledger"},
                            {"files", json::array({files})}};
    return {{"identity", identity()},
            {"instance", "00000000-0000-0000-0000-000000000000"},
            {"process", {{"pid", 0}, {"uid", 0}}},
            {"restore", {{"method", "restore_if_can_replace"}, {"events", "never"}}},
            {"schema", 16},
            {"components", json::array({component})}};
  }

  void prepare(const stillframe_id& session) {
    session_ = session;
    if (lock_ >= 0) return;
    const std::string path = directory_ + "/ledger.lock";
    lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock_ < 0) {
      throw Refusal(STILLFRAME_WRITER_RETRYABLE,
                    "cannot open '" + path + "': " + std::strerror(errno));
    }
  }

  // Waits for the entry under way, but not longer than the answer is wanted.
  void hold(const stillframe_call& call) {
    if (lock_ < 0) throw Refusal(STILLFRAME_WRONG_STATE, "the ledger was not prepared");
    while (!try_lock()) {
      if (call.cancelled(call.host) != 0 || boot_now_ns() >= call.deadline_ns) {
        throw Refusal(STILLFRAME_TIMED_OUT, "an entry did not end in time in '" + directory_ + "'");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  // Another session may have prepared by now: its lock is not this one's to give back.
  void abort(const stillframe_id& session) noexcept {
    if (std::memcmp(&session, &session_, sizeof session) == 0) let_go();
  }

  // Whether it was held until now. May come twice, and without a hold.
  bool let_go() noexcept {
    if (lock_ < 0) return false;
    ::close(lock_);  // gives the lock back, too
    lock_ = -1;
    return true;
  }

 private:
  bool try_lock() const {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(lock_, F_OFD_SETLK, &whole) == 0) return true;
    if (errno == EAGAIN || errno == EACCES || errno == EINTR) return false;
    throw Refusal(STILLFRAME_WRITER_RETRYABLE,
                  "cannot lock '" + directory_ + "': " + std::strerror(errno));
  }

  std::string directory_;
  stillframe_id session_{};
  int lock_ = -1;
};

Ledger& ledger(void* self) {
  return *static_cast<Ledger*>(self);
}

void fill(stillframe_writer* table) {
  table->size = sizeof *table;
  table->destroy = [](void* self) { delete static_cast<Ledger*>(self); };
  table->identity = [](void*, stillframe_sink out, stillframe_error* error) {
    return guarded(error, [&] { put(out, Ledger::identity()); });
  };
  table->identify = [](void* self, const stillframe_call*, stillframe_sink out,
                       stillframe_error* error) {
    return guarded(error, [&] { put(out, ledger(self).metadata()); });
  };
  table->prepare_snapshot = [](void* self, const stillframe_call* call, const char*,
                               stillframe_error* error) {
    return guarded(error, [&] { ledger(self).prepare(call->session); });
  };
  table->freeze = [](void* self, const stillframe_call* call, stillframe_error* error) {
    return guarded(error, [&] { ledger(self).hold(*call); });
  };
  table->thaw = [](void* self, const stillframe_call*, stillframe_hold* hold, stillframe_error*) {
    hold->unbroken = ledger(self).let_go() ? 1 : 0;
    return std::int32_t{STILLFRAME_OK};
  };
  table->abort = [](void* self, const stillframe_call* call) { ledger(self).abort(call->session); };
}

std::int32_t make_writer(const char* config_json, stillframe_writer* table,
                         stillframe_error* error) {
  return guarded(error, [&] {
    table->self = std::make_unique<Ledger>(json::parse(config_json)).release();
    fill(table);
  });
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const stillframe_plugin* stillframe_plugin_entry(
    uint32_t host_abi_major, uint32_t) {
  static const stillframe_plugin plugin = {sizeof plugin,
                                           STILLFRAME_PLUGIN_ABI_MAJOR,
                                           STILLFRAME_PLUGIN_ABI_MINOR,
                                           "ledger",
                                           make_writer,
                                           nullptr};
  return host_abi_major == STILLFRAME_PLUGIN_ABI_MAJOR ? &plugin : nullptr;
}
