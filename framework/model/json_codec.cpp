#include "framework/model/json_codec.hpp"

#include <nlohmann/json.hpp>

namespace stillframe {

std::string dump_json(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace stillframe
