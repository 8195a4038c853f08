// A provider's calls as JSON values, for providers that live in another process. A request is
// {"method": M, "params": {...}}, a reply {"result": ...} or {"error": {"code", "name",
// "message"}}, each on one line. docs/command_provider.md is the description for people.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <stillframe/provider.hpp>

namespace stillframe {

class HoldBeat;

inline constexpr std::size_t kProviderMessageBytesMax = std::size_t{64} << 20;

// One line without its newline.
std::string encode_provider_request(std::string_view method, const nlohmann::json& params);
std::string encode_provider_error(const Error& error);

// What a reply says: its result, or its error, which keeps its code. Bytes that are no reply are
// provider_failed and set `is_reply` to false: whoever sent them is not to be asked again.
Result<nlohmann::json> parse_provider_reply(std::string_view line, bool& is_reply);

// Results as values; provider_failed names the field that is wrong.
Result<std::vector<SnapshotInfo>> read_snapshots(const nlohmann::json& result);
Result<CutEstimate> read_estimate(const nlohmann::json& result);
// An absent "cuts" is an empty list: the caller then knows the time of the call only.
Result<std::vector<CutRecord>> read_cuts(const nlohmann::json& result);

// Makes the call that `request` asks for and answers with the reply's line. Never throws, whatever
// the bytes are. `beat` is told of the calls inside the hold.
std::string serve_provider_call(Provider& provider, std::string_view request,
                                HoldBeat* beat = nullptr);

}  // namespace stillframe
