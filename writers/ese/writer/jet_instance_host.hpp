// The writer's host over calls of jet.h, so that a program and its writer share the one engine that
// libstillframe-ese has.
#pragma once

#include <memory>
#include <utility>

#include <stillframe/ese/writer.hpp>

#include "writers/ese/writer/instance_host.hpp"
#include "writers/ese/writer/relocated_restore.hpp"

namespace stillframe::ese {

InstancePlaces places_of_files(stillframe::jet::InstanceFiles files);

class JetInstanceHost final : public InstanceHost {
 public:
  // `owner` outlives it.
  JetInstanceHost(stillframe::jet::InstanceOwner& owner, stillframe::jet::InstanceFiles files)
      : owner_(owner), places_(places_of_files(std::move(files))) {}

  const InstancePlaces& places() const override { return places_; }
  Files& files() override { return *files_; }

  Status running() const override {
    const auto instance = owner_.running();
    return instance.ok() ? Status(Ok{}) : Status(instance.error());
  }
  Status open() override {
    const Status finished = finish_restored(*files_, places_);
    return finished.ok() ? owner_.go_online() : finished;
  }
  Status close() override { return owner_.go_offline(); }

  // JET has no such call: the engine writes in the background, and recovery does the rest.
  Status flush() override { return Ok{}; }
  // In an instance of their own, which the process has to have room for.
  Status recover_copy(const InstancePlaces& there) override;
  Result<std::shared_ptr<HostSnapshot>> begin_snapshot(SnapshotKind kind) override;
  Result<std::unique_ptr<HostStream>> begin_stream(StreamKind kind) override;

 private:
  stillframe::jet::InstanceOwner& owner_;
  const std::unique_ptr<Files> files_ = posix_files();
  const InstancePlaces places_;
};

}  // namespace stillframe::ese
