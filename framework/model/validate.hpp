// The rules a document must keep beyond its form. Asked just before a document is handed over and
// again just after it arrived; each message names the field: "components[3].files[0].path: ...".
#pragma once

#include <stillframe/backup_document.hpp>

namespace stillframe {

inline constexpr std::size_t kIconBytesMax = std::size_t{1} << 20;

// invalid_argument, naming the first field that breaks a rule and the rule.
Status validate(const WriterMetadata& metadata);
Status validate(const BackupDocument& document);

}  // namespace stillframe
