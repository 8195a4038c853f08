#include "framework/model/json_parse.hpp"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace stillframe {
namespace {

using nlohmann::json;

bool stream_nothing(std::string_view) {
  return false;
}

// Builds a tree from the library's events, because its own builder has no bound on depth, lets the
// last of two equal names win, and keeps everything until the end.
class BoundedBuilder : public nlohmann::json_sax<json> {
 public:
  BoundedBuilder(std::size_t text_bytes, bool (*streams)(std::string_view),
                 const JsonElementHandler* handler)
      : text_bytes_(text_bytes), streams_(streams), handler_(handler) {
    open_.reserve(kJsonDepthMax);
  }

  bool null() override { return scalar(json(nullptr)); }
  bool boolean(bool value) override { return scalar(json(value)); }
  bool number_integer(number_integer_t value) override { return scalar(json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(json(value)); }
  bool number_float(number_float_t value, const string_t&) override { return scalar(json(value)); }
  bool string(string_t& value) override { return scalar(json(std::move(value))); }
  bool binary(binary_t&) override { return refuse("a binary value"); }

  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& last_token,
                   const json::exception&) override {
    // The parser counts the byte it wanted to read: past the end means that nothing lied, the text
    // stopped.
    if (position > text_bytes_) {
      error_ =
          Error(Errc::truncated, "JSON ends too early, after byte " + std::to_string(text_bytes_));
      return false;
    }
    constexpr std::size_t kShownBytesMax = 40;
    error_ = Error(Errc::corrupt, "no JSON at byte " + std::to_string(position) + ", near '" +
                                      printable(last_token.substr(0, kShownBytesMax)) + "'");
    return false;
  }

  Result<json> take(bool parsed) {
    if (error_) return *error_;
    if (!parsed) return Error(Errc::corrupt, "no JSON");
    return std::move(root_);
  }

 private:
  struct Open {
    json value;
    std::string key;            // its name in the object around it
    bool streaming = false;     // its elements go to the handler
    std::size_t delivered = 0;  // how many did
  };

  static std::string printable(const std::string& token) {
    return json(token).dump(-1, ' ', true, json::error_handler_t::replace);
  }

  bool refuse(std::string why) {
    error_ = Error(Errc::corrupt, "JSON holds " + std::move(why));
    return false;
  }

  bool open(json empty) {
    if (open_.size() >= static_cast<std::size_t>(kJsonDepthMax)) {
      return refuse("more than " + std::to_string(kJsonDepthMax) + " levels of nesting");
    }
    const bool streaming =
        open_.size() == 1 && open_.front().value.is_object() && empty.is_array() && streams_(key_);
    open_.push_back({std::move(empty), std::exchange(key_, {}), streaming, 0});
    return true;
  }

  bool close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    return attach(std::move(done.value), std::move(done.key));
  }

  bool scalar(json value) { return attach(std::move(value), std::move(key_)); }

  // Puts a complete value where it belongs.
  bool attach(json&& value, std::string&& name) {
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Open& parent = open_.back();
    if (parent.streaming) {
      (*handler_)(parent.key, parent.delivered++, value);
      return true;
    }
    if (parent.value.is_array()) {
      parent.value.get_ref<json::array_t&>().push_back(std::move(value));
      return true;
    }
    auto [at, inserted] =
        parent.value.get_ref<json::object_t&>().emplace(std::move(name), std::move(value));
    return inserted || refuse("the name " + printable(at->first) + " twice in one object");
  }

  const std::size_t text_bytes_;
  bool (*const streams_)(std::string_view);
  const JsonElementHandler* const handler_;
  std::vector<Open> open_;
  std::string key_;
  json root_;
  std::optional<Error> error_;
};

Result<json> parse(std::string_view text, std::size_t bytes_max, bool (*streams)(std::string_view),
                   const JsonElementHandler* handler) {
  if (text.size() > bytes_max) {
    return Error(Errc::limit_reached, "JSON of " + std::to_string(text.size()) +
                                          " bytes is longer than the limit of " +
                                          std::to_string(bytes_max));
  }
  BoundedBuilder builder(text.size(), streams, handler);
  const bool parsed = json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take(parsed);
}

}  // namespace

Result<json> parse_json_text(std::string_view text, std::size_t bytes_max) {
  return parse(text, bytes_max, stream_nothing, nullptr);
}

Result<json> parse_json_streaming(std::string_view text, std::size_t bytes_max,
                                  bool (*streams)(std::string_view array),
                                  const JsonElementHandler& handler) {
  return parse(text, bytes_max, streams, &handler);
}

}  // namespace stillframe
