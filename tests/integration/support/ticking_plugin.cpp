// The ticking application inside a plug-in host. Configuration: {"name", "folder", "truth"}.
#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include <stillframe/plugin.h>

#include "tests/integration/support/ticking_app.hpp"

namespace {

using namespace stillframe;
using nlohmann::json;

constexpr const char* kClass = "7a0d3c0e-6a3f-4a4e-9a38-0c6c53f0b6d2";

struct Plugged {
  explicit Plugged(const json& config)
      : name(config.at("name").get<std::string>()),
        folder(config.at("folder").get<std::string>()),
        app({name, folder, config.at("truth").get<std::string>(), [](const std::string&) {}}) {}
  const std::string name, folder;
  tests::TickingApp app;
};

Plugged& plugged(void* self) {
  return *static_cast<Plugged*>(self);
}

// The application looks at nothing of its calls.
const CallContext& any_call() {
  static const CallContext call;
  return call;
}

std::int32_t said(const Error& error, stillframe_error* out) {
  out->code = STILLFRAME_WRITER_RETRYABLE;
  std::snprintf(out->message, sizeof out->message, "%s", error.what().c_str());
  return out->code;
}

std::int32_t put(stillframe_sink sink, const json& value) {
  const std::string text = value.dump();
  sink.put(sink.to, text.data(), text.size());
  return STILLFRAME_OK;
}

json identity(const std::string& name) {
  return {{"class_id", kClass},    {"name", "Plugged"},
          {"instance_name", name}, {"version", {{"major", 1}, {"minor", 0}}},
          {"usage", "user_data"},  {"source", "other"},
          {"level", "front_end"},  {"capabilities", STILLFRAME_CAPABILITY_SNAPSHOT}};
}

json metadata(const Plugged& writer) {
  const json files = {
      {"path", writer.folder}, {"pattern", writer.name + ".ticks"}, {"recursive", false}};
  const json component = {
      {"type", "file_group"}, {"name", writer.name}, {"files", json::array({files})}};
  return {{"identity", identity(writer.name)},
          {"instance", "00000000-0000-0000-0000-000000000000"},
          {"process", {{"pid", 0}, {"uid", 0}}},
          {"restore", {{"method", "restore_if_can_replace"}, {"events", "never"}}},
          {"schema", 16},
          {"components", json::array({component})}};
}

void fill(stillframe_writer* table) {
  table->size = sizeof *table;
  table->destroy = [](void* self) { delete static_cast<Plugged*>(self); };
  table->identity = [](void* self, stillframe_sink out, stillframe_error*) {
    return put(out, identity(plugged(self).name));
  };
  table->identify = [](void* self, const stillframe_call*, stillframe_sink out, stillframe_error*) {
    return put(out, metadata(plugged(self)));
  };
  table->freeze = [](void* self, const stillframe_call*, stillframe_error* error) {
    const Status held = plugged(self).app.freeze(any_call());
    return held.ok() ? std::int32_t{STILLFRAME_OK} : said(held.error(), error);
  };
  table->thaw = [](void* self, const stillframe_call*, stillframe_hold* hold, stillframe_error*) {
    hold->unbroken = plugged(self).app.thaw(any_call()).value().unbroken ? 1 : 0;
    return std::int32_t{STILLFRAME_OK};
  };
  table->abort = [](void* self, const stillframe_call*) { plugged(self).app.abort(any_call()); };
}

std::int32_t make_writer(const char* config_json, stillframe_writer* table,
                         stillframe_error* error) {
  try {
    table->self = std::make_unique<Plugged>(json::parse(config_json)).release();
    fill(table);
    return STILLFRAME_OK;
  } catch (const std::exception& mistake) {
    return said(Error(Errc::invalid_argument, mistake.what()), error);
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const stillframe_plugin* stillframe_plugin_entry(
    uint32_t host_abi_major, uint32_t) {
  static const stillframe_plugin plugin = {sizeof plugin,
                                           STILLFRAME_PLUGIN_ABI_MAJOR,
                                           STILLFRAME_PLUGIN_ABI_MINOR,
                                           "ticking",
                                           make_writer,
                                           nullptr};
  return host_abi_major == STILLFRAME_PLUGIN_ABI_MAJOR ? &plugin : nullptr;
}
