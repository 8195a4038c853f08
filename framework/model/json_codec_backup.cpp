#include "framework/model/backup_fields.hpp"
#include "framework/model/json_codec_instances.hpp"

namespace stillframe {

STILLFRAME_JSON_CODEC(ByteRange)
STILLFRAME_JSON_CODEC(PartialFile)
STILLFRAME_JSON_CODEC(DifferencedFiles)
STILLFRAME_JSON_CODEC(DirectedTarget)
STILLFRAME_JSON_CODEC(NewTarget)
STILLFRAME_JSON_CODEC(ComponentFailure)
STILLFRAME_JSON_CODEC(ChainBase)
STILLFRAME_JSON_CODEC(ComponentRestore)
STILLFRAME_JSON_CODEC(BackupComponent)
STILLFRAME_JSON_CODEC(BackupDocument)

}  // namespace stillframe
