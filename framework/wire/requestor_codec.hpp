// The structs of the requestor's methods as JSON, beside those of framework/model/json_codec.hpp:
// docs/protocol.md lists the methods. This library defines encode_json<T>(), decode_json<T>() and
// those of std::vector<T> for
//
//   WriterStatus, SessionInfo, ComponentSelector, BackupOptions, SnapshotOptions,
//   SnapshotSetResult, ComponentResult, RestoreOptions, HoldResult,
//   PluginInfo
//
// and the model for the rest (WriterMetadata, BackupDocument, BackupComponent, Evidence, Receipt,
// RestoreReport, ProviderInfo, Volume, SnapshotInfo, StreamRequest, StreamInfo, LogList,
// RestoreAuthority, RestoreLocation, RestoreRegistration, ...), so
//
//   nlohmann::json params;
//   params["options"] = encode_json(options);                            // BackupOptions
//   auto writers = decode_json<std::vector<WriterStatus>>(result["writers"], "writers");
//
// works for all of them with this one include.
#pragma once

#include "framework/model/json_codec.hpp"
