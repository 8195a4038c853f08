// The structs of documents and messages as JSON values, for those who put them inside messages of
// their own. A document as text, with its envelope and version, is <stillframe/documents.hpp>.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <stillframe/provider.hpp>
#include <stillframe/requestor.hpp>
#include <stillframe/result.hpp>
#include <stillframe/writer.hpp>
#include <stillframe/writer_host.hpp>

#include "framework/model/json_parse.hpp"

namespace stillframe {

// Defined for every T named in a json_codec_*.cpp file, and for std::vector<T> of each.
// Absent fields mean their defaults; texts that are no UTF-8 are made so only by json::dump() with
// its `replace` handler (dump_json()), paths and opaque bytes are escaped.
template <class T>
nlohmann::json encode_json(const T& value);

// corrupt, naming the field, for a wrong type, a missing field, an unknown enumerator or a number
// out of range. `where` goes before the field's name: "params" gives "params.components[0].type".
template <class T>
Result<T> decode_json(const nlohmann::json& json, std::string_view where = {});

// One line of UTF-8, whatever bytes the strings hold; never throws.
std::string dump_json(const nlohmann::json& json);

}  // namespace stillframe
