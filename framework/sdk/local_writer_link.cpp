#include "framework/sdk/local_writer_link.hpp"

#include "framework/sdk/writers_loop.hpp"
#include "framework/transport/peer.hpp"

namespace stillframe {
namespace {

class LocalWriterLink : public WriterLink {
 public:
  explicit LocalWriterLink(std::unique_ptr<WriterRunner> runner)
      : process_(describe_process(credentials_)), runner_(std::move(runner)) {}

  const WriterIdentity& identity() const override { return runner_->identity(); }
  WriterInstanceId instance() const override { return runner_->instance(); }
  const WriterProcess& process() const override { return process_; }
  const PeerCredentials& credentials() const override { return credentials_; }
  void call(WriterCall call, AnswerHandler done) override {
    runner_->call(std::move(call), std::move(done));
  }
  void cancel(const SessionId& session) override { runner_->cancel(session); }
  void heartbeat(const SessionId& session) override { runner_->heartbeat(session); }
  // A writer in this process goes only with the process, or with the link itself.
  void on_gone(std::function<void(Error)>) override {}
  void on_progress(ProgressHandler handler) override { runner_->on_progress(std::move(handler)); }

 private:
  const PeerCredentials credentials_ = own_credentials();
  const WriterProcess process_;
  const std::unique_ptr<WriterRunner> runner_;
};

}  // namespace

Result<std::shared_ptr<WriterLink>> link_locally(Writer& writer, WriterRunnerOptions options) {
  auto loop = writers_loop();
  if (!loop.ok()) return loop.error();
  options.loop = std::move(loop).value();
  auto runner = WriterRunner::start(writer, std::move(options));
  if (!runner.ok()) return runner.error();
  return std::shared_ptr<WriterLink>(std::make_shared<LocalWriterLink>(std::move(runner).value()));
}

}  // namespace stillframe
