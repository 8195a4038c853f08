#include "framework/model/json_codec_instances.hpp"
#include "framework/model/view_fields.hpp"

namespace stillframe {

STILLFRAME_JSON_CODEC(BackupView)
STILLFRAME_JSON_CODEC(VolumeInSet)
STILLFRAME_JSON_CODEC(SnapshotSetView)
STILLFRAME_JSON_CODEC(StreamRequest)
STILLFRAME_JSON_CODEC(StreamInfo)
STILLFRAME_JSON_CODEC(LogFile)
STILLFRAME_JSON_CODEC(LogList)
STILLFRAME_JSON_CODEC(VerifyRequest)
STILLFRAME_JSON_CODEC(VerifyReport)
STILLFRAME_JSON_CODEC(RestoreAuthority)
STILLFRAME_JSON_CODEC(RestoreView)
STILLFRAME_JSON_CODEC(RestoreLocation)
STILLFRAME_JSON_CODEC(RestoreRegistration)
STILLFRAME_JSON_CODEC(InterlockRecord)

}  // namespace stillframe
