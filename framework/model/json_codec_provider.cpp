#include "framework/model/json_codec_instances.hpp"
#include "framework/model/view_fields.hpp"

namespace stillframe {

STILLFRAME_JSON_CODEC(Volume)
STILLFRAME_JSON_CODEC(ProviderInfo)
STILLFRAME_JSON_CODEC(SnapshotAttributes)
STILLFRAME_JSON_CODEC(CutRequest)
STILLFRAME_JSON_CODEC(CutEstimate)
STILLFRAME_JSON_CODEC(SnapshotInfo)

}  // namespace stillframe
