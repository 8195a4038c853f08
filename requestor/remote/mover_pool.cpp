#include "requestor/remote/mover_pool.hpp"

#include <nlohmann/json.hpp>

#include "framework/remote/mover_control.hpp"
#include "requestor/store/manifest_fields.hpp"

namespace stillframe::requestor {
namespace {

using nlohmann::json;

struct Admission {
  MoverName mover{};
  MoverTicket ticket{};
  Sha256Digest certificate{};
};

Result<Admission> read_admission(const std::string& result_json) {
  const json object = json::parse(result_json, nullptr, false);
  std::optional<Error> error;
  FieldReader reader(object, "backup.mover", error);
  auto mover = parse_mover_name(reader.text("mover"));
  auto ticket = parse_mover_ticket(reader.text("ticket"));
  auto certificate = parse_sha256(reader.text("certificate_sha256"));
  if (error) return *error;
  if (!mover.ok()) return mover.error();
  if (!ticket.ok()) return ticket.error();
  if (!certificate.ok()) return certificate.error();
  return Admission{mover.value(), ticket.value(), certificate.value()};
}

}  // namespace

Result<std::shared_ptr<MoverLink>> MoverPool::acquire() {
  {
    const std::lock_guard lock(mutex_);
    if (aborted_) return Error(Errc::cancelled, "the session is over");
    if (!idle_.empty()) {
      auto link = std::move(idle_.back());
      idle_.pop_back();
      return link;
    }
  }
  auto link = connect();
  if (!link.ok()) return link.error().while_doing("connecting to the session's mover");
  const std::lock_guard lock(mutex_);
  if (aborted_) return Error(Errc::cancelled, "the session is over");
  std::erase_if(all_, [](const auto& old) { return old.expired(); });
  all_.push_back(link.value());
  return link;
}

Result<std::shared_ptr<MoverLink>> MoverPool::connect() {
  const json params = {{"session", session_.to_string()}};
  auto reply = calls_.call("backup.mover", params.dump());
  if (!reply.ok()) return reply.error();
  auto admission = read_admission(reply.value().json);
  if (!admission.ok()) return admission.error();
  auto session = connect_mover(options_, admission.value().mover, admission.value().certificate);
  if (!session.ok()) return session.error();
  auto link = std::make_shared<MoverLink>(std::move(session).value());
  const MoverTicket& ticket = admission.value().ticket;
  const std::string_view shown(reinterpret_cast<const char*>(ticket.data()), ticket.size());
  if (Status s = link->send(MoverFrame::ticket, shown, options_.timeout); !s.ok()) return s.error();
  auto answer = link->receive(options_.timeout);
  if (!answer.ok()) return answer.error();
  if (answer.value().kind == MoverFrame::error) return decode_mover_error(answer.value().payload);
  if (answer.value().kind != MoverFrame::answer)
    return Error(Errc::corrupt, "the mover does not say whether it takes the ticket");
  return link;
}

void MoverPool::release(std::shared_ptr<MoverLink> link) {
  const std::lock_guard lock(mutex_);
  if (!aborted_) idle_.push_back(std::move(link));
}

void MoverPool::abort() {
  const std::lock_guard lock(mutex_);
  aborted_ = true;
  for (const auto& one : all_)
    if (const auto link = one.lock()) link->abort();
}

Result<MoverLink::Received> ask(LentLink& link, const MoverRequest& request, bool& still_good) {
  still_good = false;
  if (Status s = link->send(MoverFrame::request, encode(request)); !s.ok()) return s.error();
  auto answer = link->receive();
  if (!answer.ok()) return answer.error();
  if (answer.value().kind == MoverFrame::error) {
    still_good = true;
    return decode_mover_error(answer.value().payload);
  }
  return answer;
}

}  // namespace stillframe::requestor
