// ntdshost.h.
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include <stillframe/ntds/ntdshost.h>

#include "writers/ese/jet/text.hpp"
#include "writers/ese/ntds/call_lists.hpp"
#include "writers/ese/ntds/channel_service.hpp"
#include "writers/ese/ntds/contexts.hpp"
#include "writers/ese/ntds/host_rules.hpp"

namespace stillframe::ese::ntds {

namespace {

HostRules rules_of(const DS_HOST_RULES& given) {
  HostRules rules;
  if (given.dwTokenDays != 0) rules.token_days = given.dwTokenDays;
  if (given.pfnMayRestore != nullptr) {
    rules.may_restore = [given](uid_t user, const BytePath& logs) {
      return given.pfnMayRestore(given.pvContext, user, logs.c_str()) != 0;
    };
  }
  if (given.pfnAuthenticate != nullptr) {
    rules.authenticate = [given](const AuthIdentity& who) -> std::optional<uid_t> {
      std::uint32_t user = 0;
      const std::int32_t good = given.pfnAuthenticate(
          given.pvContext, who.user.c_str(), who.domain.c_str(), who.password.c_str(), &user);
      return good != 0 ? std::optional<uid_t>(user) : std::nullopt;
    };
  }
  return rules;
}

class ForeignConnection final : public ChannelConnection {
 public:
  ForeignConnection(const DS_CHANNEL& channel, void* connection)
      : channel_(channel), connection_(connection) {}
  ~ForeignConnection() override { channel_.pfnDisconnect(channel_.pvContext, connection_); }
  ForeignConnection(const ForeignConnection&) = delete;
  ForeignConnection& operator=(const ForeignConnection&) = delete;

  Result<std::vector<std::byte>> exchange(Bytes request) override {
    void* answer = nullptr;
    std::uint32_t bytes = 0;
    const HRESULT hr =
        channel_.pfnExchange(channel_.pvContext, connection_, request.data(),
                             static_cast<std::uint32_t>(request.size()), &answer, &bytes);
    if (hr != hrNone) return ds_error(hr, "the channel to the server is broken");
    const auto* begin = static_cast<const std::byte*>(answer);
    std::vector<std::byte> came(begin, begin + bytes);
    DsBackupFree(answer);
    return came;
  }

 private:
  const DS_CHANNEL channel_;
  void* const connection_;
};

Channel channel_of(const DS_CHANNEL& given) {
  return [given](const BytePath& socket) -> Result<std::unique_ptr<DirectoryService>> {
    void* connection = nullptr;
    const HRESULT hr = given.pfnConnect(given.pvContext, socket.c_str(), &connection);
    if (hr != hrNone) {
      return ds_error(hr, "nobody serves a directory at '" + escape_path(socket) + "'");
    }
    return directory_behind(std::make_shared<ForeignConnection>(given, connection));
  };
}

Result<std::shared_ptr<DsContext>> session_of(HBC handle) {
  auto context = find_context(handle);
  if (context != nullptr && context->session != nullptr) return context;
  return ds_error(hrInvalidHandle, "the handle is of no session");
}

}  // namespace

}  // namespace stillframe::ese::ntds

using namespace stillframe::ese::ntds;
using stillframe::Ok;
using stillframe::Status;

extern "C" {

HRESULT NTDSBCLI_API DsSetHostRules(const DS_HOST_RULES* pRules) {
  return answer_hresult([&]() -> Status {
    if (pRules != nullptr && pRules->cbSize != sizeof *pRules) {
      return invalid_parameter("the rules have another size");
    }
    set_host_rules(pRules != nullptr ? rules_of(*pRules) : HostRules{});
    return Ok{};
  });
}

HRESULT NTDSBCLI_API DsSetChannel(const DS_CHANNEL* pChannel) {
  return answer_hresult([&]() -> Status {
    if (pChannel == nullptr) {
      set_channel({});
      return Ok{};
    }
    const bool whole = pChannel->cbSize == sizeof *pChannel && pChannel->pfnConnect != nullptr &&
                       pChannel->pfnExchange != nullptr && pChannel->pfnDisconnect != nullptr;
    if (!whole) return invalid_parameter("the channel has another size, or lacks a function");
    set_channel(channel_of(*pChannel));
    return Ok{};
  });
}

HRESULT NTDSBCLI_API DsSessionOpen(const char* szServerName, uint32_t dwUser, HBC* phSession) {
  return answer_hresult([&]() -> Status {
    if (phSession == nullptr) return invalid_parameter("there is no place for the session");
    auto instance = find_instance(stillframe::ese::jet::utf8(szServerName));
    if (!instance.ok()) return instance.error();
    *phSession = add_context(std::make_unique<ChannelSession>(std::move(instance).value(), dwUser));
    return Ok{};
  });
}

HRESULT NTDSBCLI_API DsSessionExchange(HBC hSession, const void* pvRequest, uint32_t cbRequest,
                                       void** ppvAnswer, uint32_t* pcbAnswer,
                                       int32_t* pfRestoring) {
  return answer_hresult([&]() -> Status {
    const bool places = pvRequest != nullptr && ppvAnswer != nullptr && pcbAnswer != nullptr;
    if (!places) return invalid_parameter("an exchange has a request, and a place for its answer");
    const auto context = session_of(hSession);
    if (!context.ok()) return context.error();
    const std::lock_guard lock(context.value()->mutex);
    ChannelSession& session = *context.value()->session;
    const auto answer = session.answer({static_cast<const std::byte*>(pvRequest), cbRequest});
    *ppvAnswer = new_block(answer.data(), answer.size());
    *pcbAnswer = static_cast<std::uint32_t>(answer.size());
    if (pfRestoring != nullptr) *pfRestoring = session.prepared() ? 1 : 0;
    return Ok{};
  });
}

HRESULT NTDSBCLI_API DsSessionClose(HBC hSession) {
  return answer_hresult([&]() -> Status {
    const auto context = session_of(hSession);
    if (!context.ok()) return context.error();
    take_context(hSession);
    return Ok{};
  });
}

}  // extern "C"
