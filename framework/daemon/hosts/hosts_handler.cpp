#include "framework/daemon/hosts/hosts_handler.hpp"

#include <nlohmann/json.hpp>

#include "framework/wire/requestor_codec.hpp"

namespace stillframe::daemon {

using nlohmann::json;

void HostsHandler::handle(ConnectionId connection, std::string method, std::string params_json,
                          ReplyHandler reply) {
  if (method == "plugins") return reply(list());
  if (method == "plugin.release") return release(params_json, reply);
  next_.handle(connection, std::move(method), std::move(params_json), std::move(reply));
}

Result<ChannelReply> HostsHandler::list() const {
  json result = json::object();
  result["plugins"] = encode_json(hosts_.status());
  return ChannelReply{dump_json(result), {}};
}

void HostsHandler::release(const std::string& params_json, const ReplyHandler& reply) {
  const json params = json::parse(params_json, nullptr, false);
  if (!params.is_object() || !params.contains("name") || !params["name"].is_string())
    return reply(
        Error(Errc::invalid_argument, "plugin.release: the parameter 'name' must be a text"));
  const auto answer = [reply](const Status& status) {
    if (!status.ok()) return reply(status.error());
    reply(ChannelReply{"{}", {}});
  };
  const auto name = params["name"].get<std::string>();
  const Status released = hosts_.release(name);
  if (!released.ok() || !released_) return answer(released);
  released_(name, [answer](const Status& back) {
    answer(back.ok() ? back : back.error().while_doing("it was released, but is not back"));
  });
}

}  // namespace stillframe::daemon
