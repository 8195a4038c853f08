#include "framework/daemon/hosts/hosts_handler.hpp"

#include <nlohmann/json.hpp>

#include "framework/wire/requestor_codec.hpp"

namespace stillframe::daemon {

using nlohmann::json;

void HostsHandler::handle(ConnectionId connection, std::string method, std::string params_json,
                          ReplyHandler reply) {
  if (method == "plugins") return reply(list());
  if (method == "plugin.release") return reply(release(params_json));
  next_.handle(connection, std::move(method), std::move(params_json), std::move(reply));
}

Result<ChannelReply> HostsHandler::list() const {
  json result = json::object();
  result["plugins"] = encode_json(hosts_.status());
  return ChannelReply{dump_json(result), {}};
}

Result<ChannelReply> HostsHandler::release(const std::string& params_json) {
  const json params = json::parse(params_json, nullptr, false);
  if (!params.is_object() || !params.contains("name") || !params["name"].is_string()) {
    return Error(Errc::invalid_argument, "plugin.release: the parameter 'name' must be a text");
  }
  const Status released = hosts_.release(params["name"].get<std::string>());
  if (!released.ok()) return released.error();
  return ChannelReply{"{}", {}};
}

}  // namespace stillframe::daemon
