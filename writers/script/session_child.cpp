#include "writers/script/session_child.hpp"

namespace stillframe::script {

namespace {

using Kind = SessionAnswer::Kind;

// For the exit status of a child that has just closed its output.
constexpr std::chrono::milliseconds kExitWait{200};

Deadline after(std::chrono::milliseconds wait) {
  return Deadline(system_clock().now() + wait);
}

}  // namespace

Error SessionChild::explain(const std::string& request, const Error& error) {
  std::string what = "session command '" + escape_path(program_) + "', " + request;
  if (error.code() == Errc::disconnected) {
    if (auto ended = child_->wait(after(kExitWait)); ended.ok()) {
      what += ", ended with " + to_string(ended.value());
      Status meaning = status_of_exit(ended.value().code, ended.value().signal, program_, {});
      const std::string said = child_->complaints();
      return Error(meaning.ok() ? Errc::writer_fatal : meaning.error().code(),
                   what + " before it answered" + (said.empty() ? "" : ": " + said));
    }
  }
  const std::string said = child_->complaints();
  return Error(error.code(), what + ": " + error.what() + (said.empty() ? "" : ": " + said));
}

Result<SessionAnswer> SessionChild::exchange(const std::string& request, Deadline deadline,
                                             const CancelToken* cancel) {
  if (Status s = child_->write(request + "\n", deadline, cancel); !s.ok()) {
    return explain(request, s.error());
  }
  auto line = child_->read_line(kSessionLineBytesMax, deadline, cancel);
  if (!line.ok()) return explain(request, line.error());
  auto answer = parse_session_answer(line.value());
  if (!answer.ok()) return explain(request, answer.error());
  return answer;
}

Result<std::unique_ptr<SessionChild>> SessionChild::start(const CommandRunner& runner,
                                                          const Command& command,
                                                          const Variables& variables,
                                                          Deadline deadline,
                                                          const CancelToken* cancel) {
  auto child = runner.start_session(command, variables);
  if (!child.ok()) return child.error();
  std::unique_ptr<SessionChild> session(new SessionChild(std::move(child).value(), command[0]));
  if (Status s = session->ask("HELLO 1", deadline, cancel); !s.ok()) return s.error();
  return session;
}

Status SessionChild::ask(const std::string& request, Deadline deadline, const CancelToken* cancel) {
  auto answer = exchange(request, deadline, cancel);
  if (answer.ok() && answer.value().kind == Kind::ok) return Ok{};
  child_->kill_group();
  if (!answer.ok()) return answer.error();
  if (answer.value().kind == Kind::refused) {
    return Error(answer.value().code, "session command '" + escape_path(program_) + "', " +
                                          request + ": " + answer.value().reason);
  }
  return Error(Errc::corrupt, "session command '" + escape_path(program_) + "' answered " +
                                  request + " with an answer to something else");
}

Result<SessionAnswer> SessionChild::thaw(Deadline deadline) {
  auto answer = exchange("THAW", deadline, nullptr);
  const bool let_go =
      answer.ok() && (answer.value().kind == Kind::held || answer.value().kind == Kind::broken);
  if (let_go) return answer;
  // Its locks end with it.
  child_->kill_group();
  (void)child_->wait(after(kExitWait));
  if (!answer.ok()) return answer.error();
  return Error(Errc::corrupt, "session command '" + escape_path(program_) +
                                  "' answered THAW with neither HELD nor BROKEN");
}

void SessionChild::finish(bool aborted, std::chrono::milliseconds grace) {
  if (aborted && child_->running()) (void)exchange("ABORT", after(grace), nullptr);
  if (child_->running() && child_->write("END\n", after(grace)).ok()) {
    child_->close_input();
    (void)child_->wait(after(grace));
  }
  child_->kill_group();
}

}  // namespace stillframe::script
