#include "framework/providers/host/provider_calls.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include <nlohmann/json.hpp>

#include "framework/model/json_codec.hpp"
#include "framework/providers/host/hold_beat.hpp"

namespace stillframe {

namespace {

using nlohmann::json;

constexpr std::size_t kSnapshotsMax = 100'000;
constexpr std::uint64_t kLeaseMsMax = 3'600'000;

Error malformed(const std::string& why) {
  return {Errc::provider_failed, "its reply cannot be used: " + why};
}

// ---- serving

Result<json> answer(const Status& status) {
  if (!status.ok()) return status.error();
  return json::object();
}

template <class T>
Result<json> answer(const Result<std::vector<T>>& values, const char* name) {
  if (!values.ok()) return values.error();
  json result = json::object();
  result[name] = encode_json(values.value());
  return result;
}

template <class IdType>
Result<IdType> id_of(const json& params, const char* name) {
  const auto it = params.find(name);
  if (it == params.end() || !it->is_string()) {
    return Error(Errc::invalid_argument, "the parameter '" + std::string(name) + "' is missing");
  }
  return IdType::parse(it->template get<std::string>());
}

bool flag_of(const json& params, const char* name) {
  const auto it = params.find(name);
  return it != params.end() && it->is_boolean() && it->template get<bool>();
}

using Served = std::function<Result<json>(Provider&, const json&)>;

template <class Call>
Served with_set(Call call) {
  return [call](Provider& provider, const json& params) -> Result<json> {
    auto set = id_of<SetId>(params, "set");
    if (!set.ok()) return set.error();
    return call(provider, set.value());
  };
}

template <class Call>
Served with_snapshot(Call call) {
  return [call](Provider& provider, const json& params) -> Result<json> {
    auto snapshot = id_of<SnapshotId>(params, "snapshot");
    if (!snapshot.ok()) return snapshot.error();
    return call(provider, snapshot.value(), params);
  };
}

Result<json> serve_supports(Provider& provider, const json& params) {
  auto volume = decode_json<Volume>(params.value("volume", json::object()), "volume");
  if (!volume.ok()) return volume.error();
  auto attributes =
      decode_json<SnapshotAttributes>(params.value("attributes", json::object()), "attributes");
  if (!attributes.ok()) return attributes.error();
  return answer(provider.supports(volume.value(), attributes.value()));
}

Result<json> serve_begin_prepare(Provider& provider, const json& params) {
  auto request = decode_json<CutRequest>(params.value("request", json::object()), "request");
  if (!request.ok()) return request.error();
  return answer(provider.begin_prepare(request.value()));
}

Result<json> serve_end_prepare(Provider& provider, const SetId& set) {
  auto estimate = provider.end_prepare(set);
  if (!estimate.ok()) return estimate.error();
  json result = json::object();
  result["estimate"] = encode_json(estimate.value());
  return result;
}

Result<json> serve_expose(Provider& provider, const SnapshotId& snapshot, const json& params) {
  const auto it = params.find("place");
  if (it == params.end() || !it->is_string()) {
    return Error(Errc::invalid_argument, "the parameter 'place' is missing");
  }
  auto place = unescape_path(it->get<std::string>());
  if (!place.ok()) return place.error();
  return answer(provider.expose(snapshot, place.value()));
}

const std::map<std::string, Served, std::less<>>& served_calls() {
  static const std::map<std::string, Served, std::less<>> calls = {
      {"info",
       [](Provider& p, const json&) -> Result<json> {
         json result = json::object();
         result["info"] = encode_json(p.info());
         return result;
       }},
      {"supports", serve_supports},
      {"begin_prepare", serve_begin_prepare},
      {"end_prepare", with_set(serve_end_prepare)},
      {"pre_commit",
       with_set([](Provider& p, const SetId& set) { return answer(p.pre_commit(set)); })},
      {"commit",
       with_set([](Provider& p, const SetId& set) { return answer(p.commit(set), "cuts"); })},
      {"post_commit",
       with_set([](Provider& p, const SetId& set) { return answer(p.post_commit(set)); })},
      {"pre_final", with_set([](Provider& p, const SetId& set) {
         return answer(p.pre_final(set), "snapshots");
       })},
      {"post_final",
       with_set([](Provider& p, const SetId& set) { return answer(p.post_final(set)); })},
      {"abort", with_set([](Provider& p, const SetId& set) -> Result<json> {
         p.abort(set);
         return json::object();
       })},
      {"query", [](Provider& p, const json&) { return answer(p.query(), "snapshots"); }},
      {"remove", with_snapshot([](Provider& p, const SnapshotId& s, const json&) {
         return answer(p.remove(s));
       })},
      {"expose", with_snapshot(serve_expose)},
      {"unexpose", with_snapshot([](Provider& p, const SnapshotId& s, const json&) {
         return answer(p.unexpose(s));
       })},
      {"make_writable", with_snapshot([](Provider& p, const SnapshotId& s, const json&) {
         return answer(p.make_writable(s));
       })},
      {"revert", with_snapshot([](Provider& p, const SnapshotId& s, const json& params) {
         RevertOptions options;
         options.force = flag_of(params, "force");
         return answer(p.revert(s, options));
       })},
  };
  return calls;
}

// Whoever wants signs of life says how long it bears silence.
json serve_hello(const json& params, HoldBeat* beat) {
  json result = json::object();
  const auto lease = params.find("lease_ms");
  if (beat == nullptr || lease == params.end() || !lease->is_number_unsigned()) return result;
  const auto ms = std::min(lease->get<std::uint64_t>(), kLeaseMsMax);
  if (ms > 0 && beat->agree(std::chrono::milliseconds(ms))) result["beats"] = true;
  return result;
}

bool inside_hold(std::string_view method) {
  return method == "pre_commit" || method == "commit" || method == "post_commit";
}

class Beating {
 public:
  explicit Beating(HoldBeat* beat) : beat_(beat) {
    if (beat_ != nullptr) beat_->begin();
  }
  ~Beating() {
    if (beat_ != nullptr) beat_->end();
  }
  Beating(const Beating&) = delete;
  Beating& operator=(const Beating&) = delete;

 private:
  HoldBeat* const beat_;
};

Result<json> serve(Provider& provider, std::string_view line, HoldBeat* beat) {
  auto request = parse_json_text(line, kProviderMessageBytesMax);
  if (!request.ok()) return request.error();
  if (!request.value().is_object()) return Error(Errc::corrupt, "a request must be an object");
  const auto method = request.value().find("method");
  if (method == request.value().end() || !method->is_string()) {
    return Error(Errc::corrupt, "a request names its method");
  }
  const std::string name = method->get<std::string>();
  const auto call = served_calls().find(name);
  if (call == served_calls().end() && name != "hello") {
    return Error(Errc::not_supported,
                 "there is no method '" + escape_path(name.substr(0, 40)) + "'");
  }
  const auto params = request.value().find("params");
  if (params != request.value().end() && !params->is_object()) {
    return Error(Errc::corrupt, "a request's params must be an object");
  }
  const json given = params == request.value().end() ? json::object() : *params;
  if (name == "hello") return serve_hello(given, beat);
  const Beating beating(inside_hold(name) ? beat : nullptr);
  return call->second(provider, given);
}

}  // namespace

std::string encode_provider_request(std::string_view method, const json& params) {
  json request = json::object();
  request["method"] = std::string(method);
  request["params"] = params;
  return dump_json(request);
}

std::string encode_provider_error(const Error& error) {
  json body = json::object();
  body["code"] = static_cast<int>(error.code());
  body["name"] = std::string(to_string(error.code()));
  body["message"] = error.what();
  json reply = json::object();
  reply["error"] = std::move(body);
  return dump_json(reply);
}

std::string serve_provider_call(Provider& provider, std::string_view request, HoldBeat* beat) {
  try {
    auto result = serve(provider, request, beat);
    if (!result.ok()) return encode_provider_error(result.error());
    json reply = json::object();
    reply["result"] = std::move(result).value();
    return dump_json(reply);
  } catch (const std::exception& failure) {
    return encode_provider_error(
        Error(Errc::provider_failed, std::string("the provider threw: ") + failure.what()));
  }
}

Result<json> parse_provider_reply(std::string_view line, bool& is_reply) {
  is_reply = false;
  auto reply = parse_json_text(line, kProviderMessageBytesMax);
  if (!reply.ok()) return malformed(reply.error().what());
  if (!reply.value().is_object()) return malformed("it is no object");
  const auto error = reply.value().find("error");
  if (error == reply.value().end()) {
    const auto result = reply.value().find("result");
    if (result == reply.value().end() || !result->is_object()) {
      return malformed("it has neither an object 'result' nor an 'error'");
    }
    is_reply = true;
    return json(std::move(*result));
  }
  if (!error->is_object()) return malformed("its 'error' is no object");
  const auto code = error->find("code");
  const auto message = error->find("message");
  if (code == error->end() || !code->is_number_integer() || message == error->end() ||
      !message->is_string()) {
    return malformed("an 'error' needs a number 'code' and a text 'message'");
  }
  is_reply = true;
  const auto number = code->get<std::int64_t>();
  const Errc known = errc_from_number(number > 0 && number < 1000 ? static_cast<int>(number) : 0);
  // A code that is none of ours is the provider's mistake, not a broken invariant of this program.
  const bool ours = static_cast<std::int64_t>(known) == number && known != Errc::internal;
  return Error(ours ? known : Errc::provider_failed,
               escape_path(message->get<std::string>().substr(0, 4096)));
}

Result<std::vector<SnapshotInfo>> read_snapshots(const json& result) {
  const auto list = result.find("snapshots");
  if (list == result.end()) return malformed("'snapshots' is missing");
  if (list->is_array() && list->size() > kSnapshotsMax) return malformed("too many snapshots");
  auto snapshots = decode_json<std::vector<SnapshotInfo>>(*list, "snapshots");
  if (!snapshots.ok()) return malformed(snapshots.error().what());
  return snapshots;
}

Result<CutEstimate> read_estimate(const json& result) {
  const auto it = result.find("estimate");
  if (it == result.end()) return malformed("'estimate' is missing");
  auto estimate = decode_json<CutEstimate>(*it, "estimate");
  if (!estimate.ok()) return malformed(estimate.error().what());
  return estimate;
}

Result<std::vector<CutRecord>> read_cuts(const json& result) {
  const auto it = result.find("cuts");
  if (it == result.end()) return std::vector<CutRecord>();
  if (it->is_array() && it->size() > kSnapshotsMax) return malformed("too many cuts");
  auto cuts = decode_json<std::vector<CutRecord>>(*it, "cuts");
  if (!cuts.ok()) return malformed(cuts.error().what());
  return cuts;
}

}  // namespace stillframe
