// A backup of a JET instance whose bytes the caller copies: JetBeginExternalBackupInstance to
// JetEndExternalBackupInstance2.
#pragma once

#include <memory>

#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>

#include "writers/ese/writer/host_stream.hpp"

namespace stillframe::ese {

Result<std::unique_ptr<HostStream>> begin_jet_stream(JET_INSTANCE instance, StreamKind kind);

}  // namespace stillframe::ese
