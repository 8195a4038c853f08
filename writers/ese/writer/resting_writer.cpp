#include "writers/ese/writer/resting_writer.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "framework/base/path.hpp"
#include "framework/model/json_parse.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/format/log_set.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kConfigTextBytesMax = std::size_t{1} << 20;
constexpr std::size_t kBaseLetters = 3;
constexpr const char* kUsualBase = "edb";

Error bad_config(const std::string& why) {
  return Error(Errc::invalid_argument, "the configuration of databases at rest: " + why);
}

// The text of a member, unescaped when it is a path.
Result<BytePath> path_of(const nlohmann::json& value, const std::string& member) {
  if (!value.is_string()) return bad_config("'" + member + "' is no text");
  const auto path = unescape_path(value.get<std::string>());
  if (!path.ok()) return bad_config("'" + member + "': " + path.error().what());
  if (path.value().empty() || path.value().front() != '/') {
    return bad_config("'" + member + "' is no path from /");
  }
  return tidy_path(path.value());
}

Status take_member(const std::string& member, const nlohmann::json& value, RestingDatabases& out) {
  if (member == "name" || member == "base") {
    if (!value.is_string() || value.get<std::string>().empty()) {
      return bad_config("'" + member + "' is no text");
    }
    (member == "name" ? out.name : out.base) = value.get<std::string>();
    return Ok{};
  }
  if (member == "logs" || member == "system") {
    auto path = path_of(value, member);
    if (!path.ok()) return path.error();
    (member == "logs" ? out.logs : out.system) = std::move(path).value();
    return Ok{};
  }
  if (member != "databases") return bad_config("there is no option '" + member + "'");
  if (!value.is_array()) return bad_config("'databases' is no list");
  for (const nlohmann::json& each : value) {
    auto path = path_of(each, member);
    if (!path.ok()) return path.error();
    out.databases.push_back(std::move(path).value());
  }
  return Ok{};
}

// Components are called after their files.
Status check_names(const std::vector<BytePath>& databases) {
  std::set<ComponentName> names{logs_component()};
  for (const BytePath& path : databases) {
    if (names.insert(component_of(path)).second) continue;
    return bad_config("two components would be called '" + escape_path(last_component(path)) +
                      "', for which 'databases' names a file");
  }
  return Ok{};
}

InstanceOptions options_of(const RestingDatabases& databases) {
  InstanceOptions options;
  options.logs = databases.logs;
  options.system = databases.system == databases.logs ? BytePath() : databases.system;
  options.base = databases.base.empty() ? kUsualBase : databases.base;
  options.reserves = 0;
  options.clock = log_time_now;
  options.random = random_number;
  return options;
}

}  // namespace

Result<RestingDatabases> parse_resting_databases(std::string_view config_json) {
  const auto json = parse_json_text(config_json, kConfigTextBytesMax);
  if (!json.ok()) return bad_config(json.error().what());
  if (!json.value().is_object()) return bad_config("it is no object");
  RestingDatabases databases;
  for (const auto& [member, value] : json.value().items()) {
    if (Status s = take_member(member, value, databases); !s.ok()) return s.error();
  }
  if (databases.name.empty()) return bad_config("'name' is missing");
  if (databases.logs.empty()) return bad_config("'logs', the folder of the logs, is missing");
  if (databases.databases.empty()) return bad_config("'databases' names no file");
  if (!databases.base.empty() && databases.base.size() != kBaseLetters) {
    return bad_config("'base' has to be three letters");
  }
  if (Status s = check_names(databases.databases); !s.ok()) return s.error();
  return databases;
}

RestingWriter::RestingWriter(std::unique_ptr<Files> files, RestingDatabases databases)
    : files_(std::move(files)),
      databases_(std::move(databases)),
      hosted_(*files_, options_of(databases_), databases_.databases),
      writer_(hosted_, databases_.name) {}

RestingWriter::~RestingWriter() {
  rest();
}

Result<InstanceOptions> RestingWriter::found() const {
  InstanceOptions options = options_of(databases_);
  if (databases_.base.empty()) {
    const auto bases = log_bases(databases_.logs);
    if (!bases.ok()) return bases.error();
    if (bases.value().size() > 1) {
      return Error(Errc::invalid_argument, "'" + escape_path(databases_.logs) +
                                               "' has logs of several sequences; choose one with "
                                               "'base' in the configuration");
    }
    if (!bases.value().empty()) options.base = bases.value().front();
  }
  const auto set = list_log_set(databases_.logs, options.base);
  if (!set.ok()) return set.error();
  const std::vector<ChainLog>& logs = set.value().chain.logs;
  if (logs.empty()) {
    return Error(Errc::not_found, "'" + escape_path(databases_.logs) +
                                      "' has no log that can be read, so '" + databases_.name +
                                      "' can only be restored");
  }
  options.extensions = logs.back().name.extensions;
  options.eight_digits = logs.front().name.digits == 8;
  options.page_bytes = logs.back().header.fields.page_size();
  return options;
}

Status RestingWriter::look_again() {
  if (hosted_.get() != nullptr) return Ok{};
  auto options = found();
  if (!options.ok()) return options.error();
  hosted_.set_options(std::move(options).value());
  return Ok{};
}

Result<WriterMetadata> RestingWriter::identify(const CallContext& call) {
  // Where there are no logs, the databases are there to be restored.
  if (Status s = look_again(); !s.ok() && s.error().code() != Errc::not_found) return s.error();
  return writer_.identify(call);
}

// ---- Backup

Status RestingWriter::prepare_backup(const CallContext& call, BackupView& backup) {
  if (restore_ || writer_.awaits_more()) {
    return Error(Errc::writer_retryable, "'" + databases_.name + "' is being restored");
  }
  if (Status s = look_again(); !s.ok()) return s;
  if (Status s = hosted_.open(); !s.ok()) return s;
  backups_.insert(call.session);
  return writer_.prepare_backup(call, backup);
}

void RestingWriter::abort(const CallContext& call) {
  writer_.abort(call);
  leave(call.session);
}

void RestingWriter::shutdown(const CallContext& call, const SetId& set) {
  writer_.shutdown(call, set);
  leave(call.session);
}

void RestingWriter::leave(const SessionId& session) {
  if (backups_.erase(session) > 0 && backups_.empty()) rest();
}

void RestingWriter::rest() {
  (void)hosted_.close();
  hosted_.let_go();
}

// ---- Restore

Status RestingWriter::pre_restore(const CallContext& call, RestoreView& restore) {
  if (restore_ && restore_ != call.session) {
    return Error(Errc::in_progress,
                 "'" + databases_.name + "' is being restored by session " + restore_->to_string());
  }
  restore_ = call.session;
  if (Status s = writer_.pre_restore(call, restore); !s.ok()) return s;
  if (writer_.leaves_instance(call.session)) return Ok{};  // whoever uses the databases goes on
  if (Status s = make_folders(); !s.ok()) return s;
  if (Status s = hosted_.lock_folders(); !s.ok()) return s;
  backups_.clear();  // they ended with the databases they were of
  return Ok{};
}

// They may be lost with everything in them.
Status RestingWriter::make_folders() {
  for (const BytePath& folder : std::set<BytePath>{databases_.logs, hosted_.system()}) {
    if (files_->exists(folder)) continue;
    if (Status s = files_->make_directory(folder); !s.ok()) return s;
  }
  return Ok{};
}

Status RestingWriter::post_restore(const CallContext& call, const RestoreView& restore) {
  if (!writer_.leaves_instance(call.session)) {
    if (Status s = look_again(); !s.ok()) return s;
  }
  return writer_.post_restore(call, restore);
}

void RestingWriter::restore_end(const CallContext& call) {
  if (restore_ != call.session) return;
  restore_.reset();
  writer_.forget_restore(call.session);
  if (backups_.empty()) rest();  // else it was refused, and touched nothing
}

}  // namespace stillframe::ese
