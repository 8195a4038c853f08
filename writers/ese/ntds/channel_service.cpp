#include "writers/ese/ntds/channel_service.hpp"

#include <utility>

#include "writers/ese/ntds/channel_message.hpp"
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

class RestoreBehind final : public StagedRestore {
 public:
  explicit RestoreBehind(std::shared_ptr<ChannelConnection> connection)
      : connection_(std::move(connection)) {}
  ~RestoreBehind() override { (void)ask_over(*connection_, AskEnd{}); }
  RestoreBehind(const RestoreBehind&) = delete;
  RestoreBehind& operator=(const RestoreBehind&) = delete;

  Result<std::vector<ListedFile>> locations() override {
    auto answer = ask_over(*connection_, AskLocations{});
    if (!answer.ok()) return answer.error();
    return std::move(answer.value().files);
  }
  Status register_restore(const RestoreArguments& arguments) override {
    return done(ask_over(*connection_, AskRegister{arguments}));
  }
  Status complete(std::uint32_t result) override {
    return done(ask_over(*connection_, AskComplete{result}));
  }

 private:
  static Status done(const Result<ChannelAnswer>& answer) {
    return answer.ok() ? Status(Ok{}) : Status(answer.error());
  }

  const std::shared_ptr<ChannelConnection> connection_;
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
    return ds_error(hrNyi,
                    "a server in another process is restored through its channel, and backed "
                    "up by its own");
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
  ChannelAnswer& answer;

  Status operator()(const AskOnline&) const {
    const auto online = serve_instance(instance)->online();
    if (!online.ok()) return online.error();
    answer.online = online.value();
    return Ok{};
  }
  Status operator()(const AskPrepare& ask) const {
    if (restore != nullptr) return invalid_parameter("this connection has a restore already");
    auto prepared = restore_instance(instance, ask.token, user);
    if (!prepared.ok()) return prepared.error();
    restore = std::move(prepared).value();
    return Ok{};
  }
  Status operator()(const AskLocations&) const {
    if (restore == nullptr) return none();
    auto files = restore->locations();
    if (!files.ok()) return files.error();
    answer.files = std::move(files).value();
    return Ok{};
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
  static Error none() { return ds_error(hrInvalidHandle, "this connection has no restore"); }
};

}  // namespace

std::unique_ptr<DirectoryService> directory_behind(std::shared_ptr<ChannelConnection> connection) {
  return std::make_unique<DirectoryBehind>(std::move(connection));
}

std::vector<std::byte> ChannelSession::answer(Bytes bytes) {
  ChannelAnswer answer;
  const auto request = decode_request(bytes);
  const Status done = request.ok()
                          ? std::visit(Serve{instance_, user_, restore_, answer}, request.value())
                          : Status(invalid_parameter(request.error().what()));
  if (!done.ok()) answer = {hresult_of(done.error()), done.error().what(), false, {}};
  auto encoded = encode_answer(answer);
  if (encoded.ok()) return std::move(encoded).value();
  return encode_answer({hrError, "the answer is too long", false, {}}).value();
}

}  // namespace stillframe::ese::ntds
