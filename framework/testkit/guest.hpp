// A requestor of somebody else's: its thread, its connections, and the coordinator's methods as
// docs/protocol.md lists them, carried out by the simulated world.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <stillframe/testkit/simulation.hpp>

#include "framework/testkit/baton.hpp"
#include "framework/testkit/session_document.hpp"
#include "framework/testkit/world.hpp"

namespace stillframe::coordinator {
class Params;
}

namespace stillframe::testkit {

inline constexpr std::uint16_t kSessionsPerGuest = 4;

// What all guests of a run share. `plan` is the world's own: what a guest asks for is written into
// it as it becomes known.
struct Stage {
  const Cast& cast;
  Plan& plan;
  World& world;
  std::vector<std::unique_ptr<SessionDocument>>& documents;  // by session
};

class Guest final : public SimulatedCoordinator, public GuestRequestor {
 public:
  // `first_session` and the next ones are its to begin.
  Guest(OwnRequestor requestor, std::uint16_t number, std::uint16_t first_session, Stage stage);
  ~Guest() override;

  // ---- its own side
  Result<std::unique_ptr<RequestorChannel>> connect() override;
  void let_time_pass(Duration time) override;
  BootTime now() const override;

  // ---- the world's side
  void go_on() override { baton_.go(); }
  void answered(std::uint16_t session, machine::RequestId request,
                std::optional<Errc> failure) override;
  void lose_connection() override;
  // The run is over: answers everything at once until the requestor has returned.
  void dismiss();
  // What it threw; empty when it did not.
  const std::string& thrown() const { return thrown_; }

 private:
  // A connection, as its channel and its sessions know it.
  struct Link {
    Guest* guest = nullptr;  // null once it is closed or lost
    std::vector<std::uint16_t> sessions;
  };
  class Channel;
  struct Call;
  using Method = Result<ChannelReply> (Guest::*)(Call&);
  static const std::map<std::string, Method, std::less<>>& methods();

  Result<ChannelReply> call(const std::shared_ptr<Link>& link, std::string_view method,
                            std::string_view params_json);
  void close(const std::shared_ptr<Link>& link);
  // Asks, and waits for the answer; the failure is the call's.
  Status ask(Call& call, const machine::Event& event);
  Status ask(Call& call, machine::EventKind kind, std::uint32_t writer = machine::kNone,
             std::uint32_t component = machine::kNone);
  void wait();
  void pass(Nanos time);
  Result<std::uint16_t> begin_session(const std::shared_ptr<Link>& link, SessionKind kind,
                                      BackupType type);
  Result<std::uint32_t> writer_named(Call& call) const;
  Result<std::uint32_t> component_named(Call& call, std::uint32_t writer) const;

  // guest.cpp
  Result<ChannelReply> hello(Call& call);
  Result<ChannelReply> writers(Call& call);
  Result<ChannelReply> providers(Call& call);
  Result<ChannelReply> volumes(Call& call);
  Result<ChannelReply> status(Call& call);
  Result<ChannelReply> document(Call& call);
  Result<ChannelReply> evidence(Call& call);
  Result<ChannelReply> abort(Call& call);
  Result<ChannelReply> gather(Call& call);
  // guest_backup.cpp
  Result<ChannelReply> begin_backup(Call& call);
  Result<ChannelReply> select_backup(Call& call);
  Result<ChannelReply> prepare_backup(Call& call);
  Result<ChannelReply> snapshot(Call& call);
  Result<ChannelReply> hold_begin(Call& call);
  Result<ChannelReply> hold_end(Call& call);
  Result<ChannelReply> open_stream(Call& call);
  Result<ChannelReply> close_stream(Call& call);
  Result<ChannelReply> list_logs(Call& call);
  Result<ChannelReply> complete(Call& call);
  Result<ChannelReply> end_backup(Call& call);
  Status try_selection(Call& call, const std::vector<ComponentSelector>& selectors);
  Status ask_for_set(Call& call, machine::EventKind kind);
  // guest_restore.cpp
  Result<ChannelReply> begin_restore(Call& call);
  Result<ChannelReply> select_restore(Call& call);
  Result<ChannelReply> pre_restore(Call& call);
  Result<ChannelReply> prepare_restore(Call& call);
  Result<ChannelReply> locations(Call& call);
  Result<ChannelReply> register_restore(Call& call);
  Result<ChannelReply> file_status(Call& call);
  Result<ChannelReply> complete_restore(Call& call);
  Result<ChannelReply> post_restore(Call& call);
  Result<ChannelReply> end_restore(Call& call);
  Result<std::uint32_t> writer_for(const BackupComponent& component) const;

  const std::uint16_t number_;
  const std::uint16_t first_session_;
  std::uint16_t begun_ = 0;
  Stage stage_;
  std::vector<std::shared_ptr<Link>> links_;
  // The one request under way.
  std::uint16_t awaited_session_ = kNoSession;
  machine::RequestId awaited_ = 0;
  std::optional<std::optional<Errc>> answer_;
  bool waiting_ = false, lost_ = false, dismissed_ = false;
  std::string thrown_;
  // By session.
  std::map<std::uint16_t, std::vector<ComponentSelector>> selectors_;
  std::map<std::uint16_t, std::vector<std::string>> excluded_;
  // A component's own policy beats the set's, the set's beats the backup's.
  std::map<std::uint16_t, ConsistencyPolicy> backup_policy_;
  std::map<std::uint16_t, std::vector<std::optional<ConsistencyPolicy>>> own_policies_;
  std::map<std::uint16_t, std::vector<BackupComponent>> stored_;
  std::set<std::uint16_t> restored_;
  std::uint64_t company_streams_ = 0;
  Baton baton_;  // last: its thread uses the rest
};

}  // namespace stillframe::testkit
