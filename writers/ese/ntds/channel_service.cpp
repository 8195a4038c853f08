#include "writers/ese/ntds/channel_service.hpp"

#include <algorithm>
#include <utility>

#include "writers/ese/jet/process.hpp"
#include "writers/ese/ntds/channel_message.hpp"
#include "writers/ese/ntds/host_rules.hpp"
#include "writers/ese/ntds/ntds_error.hpp"

namespace stillframe::ese::ntds {

namespace {

Result<ChannelAnswer> ask_over(ChannelConnection& connection, const ChannelRequest& request) {
  const auto bytes = encode_request(request);
  if (!bytes.ok()) return bytes.error();
  const auto came = connection.exchange(bytes.value());
  if (!came.ok()) return came.error();
  auto answer = decode_answer(came.value());
  if (!answer.ok()) return ds_error(hrCommunicationError, answer.error().what());
  if (answer.value().code != hrNone) return ds_error(answer.value().code, answer.value().why);
  return answer;
}

Result<std::vector<ListedFile>> files_over(ChannelConnection& connection,
                                           const ChannelRequest& request) {
  auto answer = ask_over(connection, request);
  if (!answer.ok()) return answer.error();
  return std::move(answer.value().files);
}

Status done_over(ChannelConnection& connection, const ChannelRequest& request) {
  const auto answer = ask_over(connection, request);
  return answer.ok() ? Status(Ok{}) : Status(answer.error());
}

class RestoreBehind final : public StagedRestore {
 public:
  explicit RestoreBehind(std::shared_ptr<ChannelConnection> connection)
      : connection_(std::move(connection)) {}
  ~RestoreBehind() override { (void)ask_over(*connection_, AskEnd{}); }
  RestoreBehind(const RestoreBehind&) = delete;
  RestoreBehind& operator=(const RestoreBehind&) = delete;

  Result<std::vector<ListedFile>> locations() override {
    return files_over(*connection_, AskLocations{});
  }
  Status register_restore(const RestoreArguments& arguments) override {
    return done_over(*connection_, AskRegister{arguments});
  }
  Status complete(std::uint32_t result) override {
    return done_over(*connection_, AskComplete{result});
  }

 private:
  const std::shared_ptr<ChannelConnection> connection_;
};

// Without an end it is given up by the server, when the connection goes.
class BackupBehind final : public StagedBackup {
 public:
  BackupBehind(std::shared_ptr<ChannelConnection> connection, std::vector<std::byte> token)
      : connection_(std::move(connection)), token_(std::move(token)) {}

  std::vector<std::byte> token() const override { return token_; }
  Result<std::vector<ListedFile>> databases() override {
    return files_over(*connection_, AskDatabases{});
  }
  Result<std::vector<ListedFile>> logs() override { return files_over(*connection_, AskLogs{}); }
  Result<std::vector<ListedFile>> locations() override {
    return files_over(*connection_, AskLocations{});
  }
  Result<std::uint64_t> open(const BytePath& path) override {
    const auto answer = ask_over(*connection_, AskOpen{path});
    if (!answer.ok()) return answer.error();
    return answer.value().bytes;
  }
  Result<std::size_t> read(MutableBytes into) override {
    const auto most = std::min<std::size_t>(into.size(), kChannelReadBytesMax);
    const auto answer = ask_over(*connection_, AskRead{static_cast<std::uint32_t>(most)});
    if (!answer.ok()) return answer.error();
    const std::vector<std::byte>& block = answer.value().block;
    if (block.size() > most) {
      return ds_error(hrCommunicationError, "the server gave more than it was asked for");
    }
    std::copy(block.begin(), block.end(), into.begin());
    return block.size();
  }
  Status close() override { return done_over(*connection_, AskClose{}); }
  Status truncate() override { return done_over(*connection_, AskTruncate{}); }
  Status end() override { return done_over(*connection_, AskBackupEnd{}); }

 private:
  const std::shared_ptr<ChannelConnection> connection_;
  const std::vector<std::byte> token_;
};

class DirectoryBehind final : public DirectoryService {
 public:
  explicit DirectoryBehind(std::shared_ptr<ChannelConnection> connection)
      : connection_(std::move(connection)) {}

  Result<bool> online() override {
    const auto answer = ask_over(*connection_, AskOnline{});
    if (!answer.ok()) return answer.error();
    return answer.value().online;
  }
  Result<std::unique_ptr<StagedBackup>> prepare_backup() override {
    auto answer = ask_over(*connection_, AskBackup{});
    if (!answer.ok()) return answer.error();
    return std::unique_ptr<StagedBackup>(
        std::make_unique<BackupBehind>(connection_, std::move(answer.value().block)));
  }
  Result<std::unique_ptr<StagedRestore>> prepare_restore(Bytes token) override {
    const auto answer = ask_over(*connection_, AskPrepare{{token.begin(), token.end()}});
    if (!answer.ok()) return answer.error();
    return std::unique_ptr<StagedRestore>(std::make_unique<RestoreBehind>(connection_));
  }

 private:
  const std::shared_ptr<ChannelConnection> connection_;
};

// One request of a session, by its kind.
struct Serve {
  const std::shared_ptr<jet::JetInstance>& instance;
  uid_t user;
  std::unique_ptr<StagedRestore>& restore;
  std::unique_ptr<StagedBackup>& backup;
  ChannelAnswer& answer;

  Status operator()(const AskOnline&) const {
    const auto online = serve_instance(instance)->online();
    if (!online.ok()) return online.error();
    answer.online = online.value();
    return Ok{};
  }
  Status operator()(const AskPrepare& ask) const {
    if (Status s = check_unused(); !s.ok()) return s;
    auto prepared = restore_instance(instance, ask.token, user);
    if (!prepared.ok()) return prepared.error();
    restore = std::move(prepared).value();
    return Ok{};
  }
  Status operator()(const AskLocations&) const {
    if (backup != nullptr) return give(backup->locations());
    return restore != nullptr ? give(restore->locations()) : Status(none());
  }
  Status operator()(const AskRegister& ask) const {
    return restore != nullptr ? restore->register_restore(ask.arguments) : Status(none());
  }
  Status operator()(const AskComplete& ask) const {
    return restore != nullptr ? restore->complete(ask.result) : Status(none());
  }
  Status operator()(const AskEnd&) const {
    restore.reset();
    return Ok{};
  }

  Status operator()(const AskBackup&) const {
    if (Status s = check_unused(); !s.ok()) return s;
    const BytePath logs = jet::absolute_path(instance->parameters().text(JET_paramLogFilePath));
    if (Status s = check_backup_authority(user, logs); !s.ok()) return s;
    auto prepared = back_up_instance(instance);
    if (!prepared.ok()) return prepared.error();
    backup = std::move(prepared).value();
    answer.block = backup->token();
    return Ok{};
  }
  Status operator()(const AskDatabases&) const {
    return backup != nullptr ? give(backup->databases()) : Status(no_backup());
  }
  Status operator()(const AskLogs&) const {
    return backup != nullptr ? give(backup->logs()) : Status(no_backup());
  }
  Status operator()(const AskOpen& ask) const {
    if (backup == nullptr) return no_backup();
    const auto bytes = backup->open(ask.path);
    if (!bytes.ok()) return bytes.error();
    answer.bytes = bytes.value();
    return Ok{};
  }
  Status operator()(const AskRead& ask) const {
    if (backup == nullptr) return no_backup();
    answer.block.resize(ask.bytes);
    const auto read = backup->read(answer.block);
    answer.block.resize(read.ok() ? read.value() : 0);
    return read.ok() ? Status(Ok{}) : Status(read.error());
  }
  Status operator()(const AskClose&) const {
    return backup != nullptr ? backup->close() : Status(no_backup());
  }
  Status operator()(const AskTruncate&) const {
    return backup != nullptr ? backup->truncate() : Status(no_backup());
  }
  Status operator()(const AskBackupEnd&) const {
    if (backup == nullptr) return no_backup();
    return std::exchange(backup, nullptr)->end();
  }

  Status check_unused() const {
    if (restore == nullptr && backup == nullptr) return Ok{};
    return invalid_parameter("this connection has a restore or a backup already");
  }
  Status give(Result<std::vector<ListedFile>> files) const {
    if (!files.ok()) return files.error();
    answer.files = std::move(files).value();
    return Ok{};
  }
  static Error none() { return ds_error(hrInvalidHandle, "this connection has no restore"); }
  static Error no_backup() { return ds_error(hrInvalidHandle, "this connection has no backup"); }
};

ChannelAnswer refusal(HRESULT code, std::string why) {
  ChannelAnswer answer;
  answer.code = code;
  answer.why = std::move(why);
  return answer;
}

}  // namespace

std::unique_ptr<DirectoryService> directory_behind(std::shared_ptr<ChannelConnection> connection) {
  return std::make_unique<DirectoryBehind>(std::move(connection));
}

std::vector<std::byte> ChannelSession::answer(Bytes bytes) {
  ChannelAnswer answer;
  const auto request = decode_request(bytes);
  const Status done =
      request.ok() ? std::visit(Serve{instance_, user_, restore_, backup_, answer}, request.value())
                   : Status(invalid_parameter(request.error().what()));
  if (!done.ok()) answer = refusal(hresult_of(done.error()), done.error().what());
  auto encoded = encode_answer(answer);
  if (encoded.ok()) return std::move(encoded).value();
  return encode_answer(refusal(hrError, "the answer is too long")).value();
}

}  // namespace stillframe::ese::ntds
