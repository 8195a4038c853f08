// What the opaque handles of <stillframe/requestor.h> are.
#pragma once

#include <memory>

#include <stillframe/requestor.h>
#include <stillframe/requestor.hpp>

struct stillframe_client {
  explicit stillframe_client(std::shared_ptr<stillframe::RequestorChannel> to)
      : channel(std::move(to)), client(channel) {}
  std::shared_ptr<stillframe::RequestorChannel> channel;
  stillframe::Client client;
};

struct stillframe_backup {
  stillframe::BackupSession session;
};

struct stillframe_restore {
  stillframe::RestoreSession session;
};
