// What a session knows of its writers: who they are, what they have, how they fare.
#include <nlohmann/json.hpp>

#include "framework/coordinator/session/session_driver.hpp"
#include "framework/model/validate.hpp"

namespace stillframe::coordinator {

void SessionDriver::gather_writers(std::vector<std::shared_ptr<WriterLink>> links, Done done) {
  if (state_.phase == machine::Phase::created || state_.phase == machine::Phase::restore_created) {
    writers_.clear();
    for (auto& link : links) writers_.emplace_back().link = std::move(link);
  }
  std::vector<machine::WriterSpec> specs;
  for (const auto& writer : writers_) {
    const WriterIdentity& identity = writer.link->identity();
    machine::WriterSpec& spec = specs.emplace_back();
    spec.level = identity.level;
    spec.capabilities = identity.capabilities;
    if (identity.hold_limit) spec.hold_limit = Duration(*identity.hold_limit);
  }
  machine::Event event;
  event.kind = machine::EventKind::gather;
  event.writers = specs;
  request(event, std::move(done));
  for (machine::WriterIndex i = 0; i < writers_.size(); ++i) watch_writer(i);
}

void SessionDriver::watch_writer(machine::WriterIndex index) {
  WriterListener listener;
  listener.gone = [weak = weak_from_this(), strand = strand_, index,
                   instance = writers_[index].link->instance()](const Error& why) {
    strand.post([weak, index, instance, why] {
      auto self = weak.lock();
      if (!self) return;
      SessionWriter& writer = self->writers_[index];
      if (writer.link->instance() != instance) return;  // its next start has taken its place
      if (!writer.error) writer.error = why;
      if (!self->ended_) self->tell_writer_failed(index, self->state_.writers[index].verb, why);
      machine::Event event;
      event.kind = machine::EventKind::writer_gone;
      event.writer = index;
      self->feed(event);
    });
  };
  listener.progress = [weak = weak_from_this(), push = owner_.push, session = id_.to_string(),
                       name = writer_name(index)](Verb verb, std::uint64_t done,
                                                  std::uint64_t total, const std::string& what) {
    if (weak.expired() || !push) return;
    push(nlohmann::json{{"event", "progress"},
                        {"session", session},
                        {"phase", to_string(verb)},
                        {"who", name},
                        {"done", done},
                        {"total", total},
                        {"what", what}}
             .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  };
  writers_[index].subscription =
      services_.writers->subscribe(writers_[index].link->instance(), std::move(listener));
}

std::string SessionDriver::writer_name(machine::WriterIndex writer) const {
  return writers_[writer].link->identity().name;
}

std::vector<WriterStatus> SessionDriver::writer_statuses() const {
  std::vector<WriterStatus> statuses;
  for (std::size_t i = 0; i < writers_.size(); ++i) {
    const SessionWriter& writer = writers_[i];
    WriterStatus& status = statuses.emplace_back();
    status.identity = writer.link->identity();
    status.instance = writer.link->instance();
    status.process = writer.link->process();
    status.metadata = writer.metadata;
    status.warnings = writer.warnings;
    if (i >= state_.writers.size()) continue;
    const machine::WriterSlot& slot = state_.writers[i];
    status.state = slot.state;
    if (!slot.failure) continue;
    ComponentFailure& failure = status.failure.emplace();
    failure.code = static_cast<int>(*slot.failure);
    failure.phase = to_string(slot.failed_at);
    failure.application_code = writer.error ? writer.error->application_code() : 0;
    failure.message = writer.error ? writer.error->what() : std::string(to_string(*slot.failure));
  }
  return statuses;
}

// A document that breaks a rule costs its writer its place in the session, and nobody else theirs:
// selection and planning rely on every rule.
Status SessionDriver::take_metadata(machine::WriterIndex index, WriterAnswer& answer) {
  auto* metadata = std::get_if<WriterMetadata>(&answer.payload);
  if (metadata == nullptr)
    return Error(Errc::corrupt, "identify was answered without a metadata document");
  SessionWriter& writer = writers_[index];
  const WriterIdentity& registered = writer.link->identity();
  if (metadata->identity.class_id != registered.class_id ||
      metadata->identity.instance_name != registered.instance_name)
    return Error(Errc::corrupt, "its metadata document is in the name of " +
                                    metadata->identity.name + " ('" +
                                    metadata->identity.instance_name + "'), which it is not");
  if (Status s = validate(*metadata); !s.ok())
    return s.error().while_doing("its metadata document is not valid");
  writer.metadata = std::move(*metadata);
  return Ok{};
}

}  // namespace stillframe::coordinator
