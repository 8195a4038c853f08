#include "framework/model/evidence_fields.hpp"
#include "framework/model/json_codec_instances.hpp"

namespace stillframe {

STILLFRAME_JSON_CODEC(HoldStatement)
STILLFRAME_JSON_CODEC(CutRecord)
STILLFRAME_JSON_CODEC(PhaseTime)
STILLFRAME_JSON_CODEC(ComponentEvidence)
STILLFRAME_JSON_CODEC(SnapshotEvidence)
STILLFRAME_JSON_CODEC(FailedWriter)
STILLFRAME_JSON_CODEC(Evidence)
STILLFRAME_JSON_CODEC(Receipt)
STILLFRAME_JSON_CODEC(RestoredComponent)
STILLFRAME_JSON_CODEC(RestoreReport)

}  // namespace stillframe
