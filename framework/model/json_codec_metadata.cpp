#include "framework/model/json_codec_instances.hpp"
#include "framework/model/metadata_fields.hpp"

namespace stillframe {

STILLFRAME_JSON_CODEC(Version)
STILLFRAME_JSON_CODEC(ComponentName)
STILLFRAME_JSON_CODEC(FileSet)
STILLFRAME_JSON_CODEC(Dependency)
STILLFRAME_JSON_CODEC(Component)
STILLFRAME_JSON_CODEC(RestorePolicy)
STILLFRAME_JSON_CODEC(ExcludedFiles)
STILLFRAME_JSON_CODEC(AlternateMapping)
STILLFRAME_JSON_CODEC(WriterIdentity)
STILLFRAME_JSON_CODEC(WriterProcess)
STILLFRAME_JSON_CODEC(WriterMetadata)

}  // namespace stillframe
