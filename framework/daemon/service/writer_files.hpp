// Which files a writer may declare: those that the user who runs it can read, unless an [[allow]]
// table says any_files.
#pragma once

#include "framework/coordinator/session/declared_files.hpp"
#include "framework/daemon/access/access_handler.hpp"
#include "framework/daemon/broker/broker_client.hpp"

namespace stillframe::daemon {

// `broker` may be null: then the daemon looks itself, which takes root. Every refusal is an event
// of the audit trail. All three outlive the rules.
coordinator::FileRules writer_file_rules(const SharedPolicy& policy, BrokerClient* broker,
                                         EventSink& audit);

}  // namespace stillframe::daemon
